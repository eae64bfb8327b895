"""What writes to a feature, and what reads it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from saescope import live
from saescope.errors import CancelledError, InputError, SaescopeError
from saescope.index.store import check_feature
from saescope.rpc.calls import Call
from saescope.rpc.handlers.forming import short
from saescope.rpc.handlers.neighbors import names_of
from saescope.rpc.messages.circuit import (
    CircuitAnswer,
    CircuitEvent,
    CircuitParams,
    CircuitRow,
    CircuitSide,
    CircuitText,
    HeadAnswer,
    HeadParams,
    HeadSource,
)
from saescope.scope import Scope
from saescope.scope.circuits import SAME_SITE

if TYPE_CHECKING:
    from saescope.effects.circuit.rows import Row, Side
    from saescope.effects.prompt import Prompt

Name = Literal["upstream", "downstream"]
SIDES: tuple[Name, Name] = ("upstream", "downstream")
MOST = 200
ALWAYS = ("embedding", "direct", "bias", "error")


def _get(call: Call, params: CircuitParams) -> CircuitAnswer:
    scope = live.get(params.scope)
    feature = check_feature(params.feature, scope.n_features)
    if not 1 <= params.k <= MOST:
        raise InputError(f"between 1 and {MOST} rows can be shown, and {params.k} were asked for.")
    brief = names_of(scope, [feature])[0]
    if params.by == "weights":
        text, sides = None, _by_weights(call, scope, params)
    else:
        text, sides = _on_text(call, scope, params)
    return CircuitAnswer(feature=feature, brief=brief, text=text, sides=sides)


def _by_weights(call: Call, scope: Scope, params: CircuitParams) -> list[CircuitSide]:
    sides = []
    for name in SIDES:
        with scope.turn(call.check, lambda: call.emit(CircuitEvent(stage="waiting"))):
            side = _side(
                scope, name, params, lambda other, name=name: scope.circuit_by_weights(
                    params.feature, name, other, k=params.k, check=call.check
                ), None,
            )  # fmt: skip
        call.emit(CircuitEvent(stage=name, side=side))
        sides.append(side)
    return sides


def _on_text(call: Call, scope: Scope, params: CircuitParams) -> tuple[CircuitText, list[CircuitSide]]:
    given = params.tokens or params.text
    on_stage = lambda stage, _n: call.emit(CircuitEvent(stage=stage))  # noqa: E731
    with scope.prompted(given, check=call.check, on_stage=on_stage) as prompt:
        text = _text(scope, prompt, params)
        call.emit(CircuitEvent(stage="reading", text=text))
        sides: list[CircuitSide] = []
        for name in SIDES if text.pos is not None else ():
            pos = text.pos or 0
            side = _side(
                scope, name, params, lambda other, name=name, pos=pos: scope.circuit_on_text(
                    prompt, params.feature, pos, name, other, target=_target(params), k=params.k, check=call.check
                ), prompt,
            )  # fmt: skip
            call.emit(CircuitEvent(stage=name, side=side))
            sides.append(side)
    return text, sides


def _target(params: CircuitParams) -> Any:
    return (params.target, params.contrast) if params.contrast is not None else params.target


def _text(scope: Scope, prompt: "Prompt", params: CircuitParams) -> CircuitText:
    activations = prompt.activations(params.feature)
    fires = bool((activations * prompt.counted).any())
    has_place = params.pos is not None and params.pos < prompt.n_tokens
    pos = scope.circuit_pos(prompt, params.feature, params.pos if has_place else None) if has_place or fires else None
    aim = prompt.aim(_target(params))
    at = None if pos is None else prompt.n_tokens - 1 if aim.is_given else pos
    return CircuitText(
        texts=prompt.texts,
        activations=[short(v) for v in activations.tolist()],
        is_counted=prompt.counted.tolist(),
        pos=pos,
        preactivation=None if pos is None else short(scope.preactivation(prompt, params.feature, pos)),
        target="" if at is None else scope.token_text(int(aim.targets[at])),
        contrast=scope.token_text(aim.contrast),
        at=at,
    )


def _side(
    scope: Scope,
    name: Name,
    params: CircuitParams,
    found: "Callable[[Any], Any]",
    prompt: "Prompt | None",
) -> CircuitSide:
    """One side; why it cannot be had is told in its place, so that the other one is shown."""
    notes: list[str] = []
    unit = _unit(name, params)
    try:
        other, theirs = _other(scope, name, params, notes)
        parts: list[Side] = list(found(other))
    except CancelledError:
        raise
    except SaescopeError as err:
        problem, hint = err.message[:1].upper() + err.message[1:], err.hint
        return CircuitSide(
            side=name, rows=[], features=[], tokens=[], unit=unit, notes=notes, problem=problem, hint=hint
        )
    main = parts[0]
    rows = [row for part in parts for row in part.rows]
    features = [row for row in rows if row.kind == "feature"]
    shown, more = _cut([row for row in rows if row.kind not in ("feature", "token")], params.k)
    shading = None if main.shading is None else [short(v) for v in main.shading.tolist()]
    return CircuitSide(
        side=name,
        rows=[_row(scope, row, prompt) for row in shown],
        features=[_row(scope, row, prompt) for row in features],
        tokens=[_row(scope, row, prompt) for row in rows if row.kind == "token"],
        unit=unit,
        notes=notes + [note[:1].upper() + note[1:] for note in main.notes],
        total=None if main.total is None else short(main.total),
        whole=None if main.whole is None else short(main.whole),
        n_more=len(more),
        more=short(sum(row.score for row in more)),
        shading=shading,
        scope=theirs.id if theirs is not None else None,
        briefs=names_of(theirs, sorted({row.feature for row in features if row.feature is not None}))
        if theirs is not None
        else None,
    )


def _cut(rows: "list[Row]", k: int) -> "tuple[list[Row], list[Row]]":
    """The first ``k`` parts and what always is told; and those left out."""
    others = [row for row in rows if row.kind not in ALWAYS]
    kept = {id(row) for row in others[:k]}
    return [row for row in rows if row.kind in ALWAYS or id(row) in kept], others[k:]


def _unit(name: Name, params: CircuitParams) -> str:
    if params.by == "weights":
        return "times as strong as for other features"
    if name == "upstream":
        return "activation"
    return "nats" if params.contrast is None else "logits"


def _other(scope: Scope, name: Name, params: CircuitParams, notes: list[str]) -> tuple[Any, Scope | None]:
    wanted = params.upstream if name == "upstream" else params.downstream
    if wanted is None:
        notes.append(SAME_SITE)
        return None, None
    try:
        theirs = live.get(wanted)
    except SaescopeError:
        notes.append(f'The other scope is gone: give it again, scope.show("circuit", {name}=other_scope).')
        return None, None
    return scope.circuit_pair(theirs, name), theirs


def _row(scope: Scope, row: "Row", prompt: "Prompt | None") -> CircuitRow:
    text = scope.token_text(row.token) if row.token is not None else None
    if text is None and prompt is not None and row.pos is not None:
        text = prompt.texts[row.pos]
    return CircuitRow(
        kind=row.kind,
        score=_finite(row.score) or 0.0,
        method=row.method,
        is_exact=row.is_exact,
        layer=row.layer,
        head=row.head,
        feature=row.feature,
        pos=row.pos,
        text=text,
        share=_finite(row.share),
        baseline=_finite(row.baseline),
    )


def _finite(value: float | None) -> float | None:
    return short(value) if value is not None and np.isfinite(value) else None


def _head(call: Call, params: HeadParams) -> HeadAnswer:
    scope = live.get(params.scope)
    feature = check_feature(params.feature, scope.n_features)
    if not 1 <= params.k <= MOST:
        raise InputError(f"between 1 and {MOST} rows can be shown, and {params.k} were asked for.")
    tokens = scope.circuit_head(feature, params.layer, params.head, params.side, k=params.k)
    rows = [_row(scope, row, None) for _, row in tokens]
    given = params.tokens or params.text
    if params.side == "downstream" or not given:
        return HeadAnswer(sources=[], n_sources=0, rest=0.0, tokens=rows)
    with scope.prompted(given, check=call.check) as prompt:
        pos = scope.circuit_pos(prompt, feature, params.pos)
        parts = scope.circuit_sources(prompt, feature, pos, params.layer, params.head, check=call.check)
        return _sources(parts, prompt.texts, params.k, rows)


def _sources(parts: Any, texts: list[str], k: int, rows: list[CircuitRow]) -> HeadAnswer:
    if parts is None:
        return HeadAnswer(sources=[], n_sources=0, rest=0.0, tokens=rows)
    order = np.argsort(-np.abs(parts), kind="stable")[:k]
    shown = [HeadSource(pos=int(p), text=texts[p], score=short(float(parts[p]))) for p in order if parts[p]]
    n_sources = int(np.count_nonzero(parts))
    rest = float(parts.sum() - parts[order].sum())
    return HeadAnswer(sources=shown, n_sources=n_sources, rest=short(rest), tokens=rows)


HANDLERS: dict[str, Callable[[Call, Any], Any]] = {"circuit.get": _get, "circuit.head": _head}
COMPUTED = {"circuit.get", "circuit.head"}
