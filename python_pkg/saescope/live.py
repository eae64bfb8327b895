"""The scopes that live in this process, for panels to find, and news of them."""

import sys
import threading
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from saescope.errors import UnknownNameError

if TYPE_CHECKING:
    from saescope.scope import Scope

Listener = Callable[[str, dict[str, Any], object], None]

_scopes: "weakref.WeakValueDictionary[str, Scope]" = weakref.WeakValueDictionary()
_listeners: "weakref.WeakSet[Listener]" = weakref.WeakSet()
_bare_states: dict[str, dict[str, Any]] = {}
_lock = threading.RLock()  # a scope may be collected, and tell so, while it is held


def add(scope: "Scope") -> None:
    """Make a scope known, and tell the listeners now and when it is gone."""
    with _lock:
        _scopes[scope.id] = scope
    weakref.finalize(scope, changed).atexit = False
    changed()


def scopes() -> "list[Scope]":
    """The scopes there are, the newest first."""
    with _lock:
        return sorted(_scopes.values(), key=lambda s: s.number, reverse=True)


def get(scope_id: str) -> "Scope":
    """The scope of this id.

    Raises
    ------
    UnknownNameError
        There is none, or no longer.
    """
    with _lock:
        scope = _scopes.get(scope_id)
    if scope is None:
        raise UnknownNameError("this scope is gone from the kernel.", hint="Run its cell again.", scope=scope_id)
    return scope


def variable(scope: "Scope") -> str:
    """The name that a notebook gives a scope: ``scope`` where that is one, else the first; ``""`` without any."""
    named = list(vars(sys.modules["__main__"]).items())
    found = [name for name, value in named if value is scope and not name.startswith("_")]
    return "scope" if "scope" in found else next(iter(found), "")


def panel_states(scope_id: str) -> dict[str, dict[str, Any]]:
    """What panels of a scope remember, by their ids; those of panels without one, whose scope is ``""``."""
    return get(scope_id).panel_states if scope_id else _bare_states


def listen(listener: Listener) -> None:
    """Call back with topic, data and origin of all news; the listener is held weakly."""
    with _lock:
        _listeners.add(listener)


def is_heard() -> bool:
    """Whether anybody listens."""
    with _lock:
        return len(_listeners) > 0


def tell(topic: str, data: dict[str, Any] | None = None, origin: object = None) -> None:
    """Tell the listeners some news, and who they come from."""
    with _lock:
        listeners = list(_listeners)
    for listener in listeners:
        listener(topic, data or {}, origin)


def changed() -> None:
    """Tell the listeners that scopes came, went, or changed."""
    tell("scopes")
