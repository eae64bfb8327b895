"""Scopes: what there is, what is selected, how builds go, and what panels remember."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from saescope import live
from saescope.errors import BundleMissingError, InputError
from saescope.indexing.heartbeat import ask_to_stop
from saescope.indexing.workspace import is_being_built
from saescope.rpc.calls import Answer, Call
from saescope.rpc.handlers.subjects import list_scopes, scope_info
from saescope.rpc.messages.scopes import (
    Bundle,
    BundleParams,
    Nothing,
    PanelParams,
    PanelState,
    SaveParams,
    ScopeInfo,
    ScopeList,
    ScopeParams,
    Selection,
    SelectParams,
)

BUNDLES = Path(__file__).parents[2] / "static"
MAX_STATE_BYTES = 1 << 20


def _scope_list(_call: Call, _params: Nothing) -> ScopeList:
    return ScopeList(scopes=list_scopes())


def _scope_info(_call: Call, params: ScopeParams) -> ScopeInfo:
    return scope_info(live.get(params.scope))


def _scope_select(call: Call, params: SelectParams) -> Nothing:
    live.get(params.scope).take_selection(params.feature, params.picked, params.text, call.origin)
    return Nothing()


def _scope_selection(_call: Call, params: ScopeParams) -> Selection:
    scope = live.get(params.scope)
    return Selection(scope=scope.id, feature=scope.selected, picked=scope.picked, text=scope.text)


def _panel_save(_call: Call, params: SaveParams) -> Nothing:
    size = len(json.dumps(params.state))
    if size > MAX_STATE_BYTES:
        raise InputError(f"a panel's state has at most {MAX_STATE_BYTES:,} bytes, and {size:,} came.")
    states = live.panel_states(params.scope)
    states.pop(params.panel, None)  # the one used last is the last
    states[params.panel] = params.state
    return Nothing()


def _panel_load(_call: Call, params: PanelParams) -> PanelState:
    return PanelState(state=live.panel_states(params.scope).get(params.panel, {}))


def _bundle_get(_call: Call, params: BundleParams) -> Answer:
    content = _javascript(params.name)
    return Answer(Bundle(name=params.name, n_bytes=len(content)), [content])


def _javascript(name: str) -> bytes:
    from saescope.rpc.handlers.plugins import javascript_of, packages

    if name in packages():
        return javascript_of(name)
    file = BUNDLES / f"{name}.js"
    if not name.isidentifier() or not file.exists():
        raise BundleMissingError(
            f"there is no JavaScript for a panel {name!r}, or it was not built.",
            hint="Install saescope from a wheel, or run `npm ci && npm run build` in its repository.",
        )
    return file.read_bytes()


def _build_stop(_call: Call, params: ScopeParams) -> Nothing:
    scope = live.get(params.scope)
    path = scope.building or (scope.index.path if scope.index is not None else None)
    if path is not None and (scope.building or is_being_built(path)):
        ask_to_stop(path)
    return Nothing()


HANDLERS: dict[str, Callable[[Call, Any], Any]] = {
    "scope.list": _scope_list,
    "scope.info": _scope_info,
    "scope.select": _scope_select,
    "scope.selection": _scope_selection,
    "panel.save": _panel_save,
    "panel.load": _panel_load,
    "bundle.get": _bundle_get,
    "build.stop": _build_stop,
}
QUICK = {"scope.select", "scope.selection", "panel.save", "panel.load"}
