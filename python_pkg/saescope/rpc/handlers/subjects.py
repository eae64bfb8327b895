"""What a request is about, and what is said of a scope."""

from typing import Any, cast

from saescope import live
from saescope.index.store import Index
from saescope.index.verdict import headline, verdict
from saescope.indexing.heartbeat import read_beat
from saescope.indexing.workspace import is_being_built
from saescope.rpc.messages.scopes import BuildInfo, PairingInfo, ScopeInfo
from saescope.scope import Scope


def index_of(scope_id: str) -> Index:
    """The index of a scope, by the scope's id."""
    return live.get(scope_id).require_index()


def scope_info(scope: Scope) -> ScopeInfo:
    """What a panel's header says of a scope."""
    index = scope.index
    common: dict[str, Any] = {
        "id": scope.id,
        "name": scope.name,
        "model": scope.model_name,
        "sae": scope.sae_name,
        "site": scope.hook_name,
        "n_features": scope.n_features,
        "has_index": index is not None,
        "has_model": scope.model is not None,
        "building": build_info(scope),
        "key": scope.key,
        "variable": live.variable(scope),
        "places": scope.places,
        "units": scope.units_told(),
        "why_not_folded": scope.why_not_folded(),
        "remarks": scope.remarks,
        "pairing": pairing_info(scope),
    }
    if index is None:
        return ScopeInfo(**common)
    m = index.manifest
    return ScopeInfo(
        **common,
        index=index.path.name,
        n_tokens=index.n_rows,
        n_tokens_planned=m.n_rows,
        is_complete=index.is_complete,
        n_counted=index.n_counted,
        context_size=m.context_size,
        n_alive=index.n_alive,
        l0=index.l0,
        lens=cast("Any", m.lens),
        has_postings=m.has_postings or not m.is_complete,
        imported=" ".join(m.origin.told()) if m.origin else "",
    )


def pairing_info(scope: Scope) -> PairingInfo | None:
    """What the badge says of a scope."""
    running, check = scope.running_check, scope.pairing
    if running is not None:
        return PairingInfo(state="running", done=running.done, total=running.total, step=running.step)
    if check is not None:
        figure = "" if check.score is None else f"{check.score.explained_variance:.0%} explained"
        kept = check.losses.recovered() if check.losses is not None else None
        figure = f"{kept:.0%} of the loss kept" if kept is not None and kept > 0 else figure
        return PairingInfo(
            state="done",
            verdict=verdict(check),
            headline=headline(check),
            figure=figure,
            can_start=scope.model is not None,
        )
    if scope.model is None:
        return None
    return PairingInfo(state="stopped" if scope.is_check_stopped else "none", can_start=scope.is_check_cheap)


def build_info(scope: Scope) -> BuildInfo | None:
    """How the build goes that a scope waits for, in this process or another, or why it ended."""
    index = scope.index
    if scope.failure is not None and scope.building is None:
        message, hint = scope.failure.message, scope.failure.hint
        return BuildInfo(stage="", unit="", done=0, total=0, error=message[:1].upper() + message[1:], hint=hint)
    path = scope.building or (index.path if index is not None and not index.is_complete else None)
    if path is None or not (scope.building or is_being_built(path)):
        return None
    beat = read_beat(path)
    return BuildInfo(**vars(beat)) if beat is not None else BuildInfo(stage="Starting", unit="", done=0, total=0)


def list_scopes() -> list[ScopeInfo]:
    """All scopes of this process, the newest first."""
    return [scope_info(s) for s in live.scopes()]
