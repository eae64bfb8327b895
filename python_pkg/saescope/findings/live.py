"""Cells with live panels, and what each leaves in a notebook: as every panel does, without a live widget."""

from collections.abc import Mapping, Sequence
from typing import Any

from saescope.errors import SaescopeError
from saescope.findings.parts import Block, Cell, Line
from saescope.notes.kept_calls import literal
from saescope.scope import Scope

WIDGET = "application/vnd.jupyter.widget-view+json"
MOST_PANELS = 12
LONG = 300
MOST_STATE = 20_000
"""Characters of a browser's state, as Python; of one that is longer its tabs' own states are left out."""


def live_cells(scope: Scope, features: Sequence[int]) -> tuple[Block, ...]:
    """The browser on the first feature, and the panels from which results were kept, as they were then."""
    made: list[Block] = [
        Line("With a kernel these are live; without one they show what they showed."),
        _browser(scope, features[0]),
    ]
    kept = [k for f in features for k in scope.kept(f) if k.panel.get("name")]
    made += [
        _cell(scope, str(k.panel["name"]), k.feature, dict(k.panel.get("state") or {})) for k in kept[:MOST_PANELS]
    ]
    return tuple(made)


def _browser(scope: Scope, feature: int) -> Cell:
    """The browser as it was used last: on its feature, with its settings; on ``feature`` if none was used."""
    used = [state for state in scope.panel_states.values() if isinstance(state.get("panels"), dict)]
    if not used:
        return _cell(scope, "browser", feature, {})
    shown: dict[str, Any] = {name: own for name, own in used[-1]["panels"].items() if name != "share"}
    state: dict[str, Any] = used[-1] | {"panels": shown}
    if len(literal(state)) > MOST_STATE:
        state["panels"] = {name: own for name, own in shown.items() if name in ("features", "feature")}
    return _cell(scope, "browser", int(state.pop("feature", feature)), state)


def _cell(scope: Scope, panel: str, feature: int | None, state: Mapping[str, Any]) -> Cell:
    args = [*([] if feature is None else [str(feature)]), *([f"state={literal(dict(state))}"] if state else [])]
    name = "scope.browse" if panel == "browser" else "scope.show"
    given = args if panel == "browser" else [literal(panel), *args]
    code = f"{name}({', '.join(given)})"
    return Cell(code, bundle=_left(scope, panel, feature, state), is_folded=len(code) > LONG, is_run_only=True)


def _left(scope: Scope, panel: str, feature: int | None, state: Mapping[str, Any]) -> dict[str, Any]:
    """What a panel leaves; its name alone when it cannot be made here."""
    try:
        made = scope.show(panel, feature, **({"state": dict(state)} if state else {}))
    except SaescopeError:
        return {"text/plain": f"{panel}: run this cell to see it."}
    try:
        found, _ = made._repr_mimebundle_()
    finally:
        made.close()
    return {mime: data for mime, data in found.items() if mime != WIDGET}
