"""The name that a notebook gives a scope, which calls on the page are written with."""

import sys
import types
from typing import TYPE_CHECKING

from saescope import live
from saescope.rpc.handlers.subjects import scope_info
from saescope.rpc.transports import comm

if TYPE_CHECKING:
    import pytest

    from saescope import Scope


def test_a_scope_is_told_by_its_variable(opened: "Scope", monkeypatch: "pytest.MonkeyPatch") -> None:
    main = types.ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", main)
    assert scope_info(opened).variable == ""
    vars(main).update(_=opened, _12=opened, copy="x")
    assert live.variable(opened) == ""
    vars(main).update(mine=opened, again=opened)
    assert scope_info(opened).variable == "mine"
    vars(main)["scope"] = opened
    assert live.variable(opened) == "scope"


def test_pages_are_told_when_a_cell_names_a_scope_anew_and_only_then(
    opened: "Scope", monkeypatch: "pytest.MonkeyPatch"
) -> None:
    main = types.ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", main)
    heard: list[str] = []
    monkeypatch.setattr(live, "changed", lambda: heard.append(live.variable(opened)))
    comm._tell_variables()
    heard.clear()
    comm._tell_variables()
    assert heard == []
    vars(main)["mine"] = opened
    comm._tell_variables()
    comm._tell_variables()
    assert heard == ["mine"]
