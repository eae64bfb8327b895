"""What each method does. A handler reads a scope and returns a message; it knows no transport.

Each module answers the methods of the module of messages with its name.
"""

from collections.abc import Callable
from typing import Any

from saescope.rpc.calls import Call
from saescope.rpc.handlers import (
    circuit,
    compare,
    effects,
    health,
    map,  # noqa: A004
    neighbors,
    notes,
    page,
    prompt,
    scopes,
    steer,
    table,
    tried,
)

MODULES = (scopes, table, page, neighbors, compare, tried, map, health, notes, effects, prompt, steer, circuit)

HANDLERS: dict[str, Callable[[Call, Any], Any]] = {
    name: handler for module in MODULES for name, handler in module.HANDLERS.items()
}
"""Every handler, by its method."""

COMPUTED: frozenset[str] = frozenset().union(*(getattr(module, "COMPUTED", ()) for module in MODULES))
"""Methods that run the model, or as long: they take turns."""

LONG: frozenset[str] = frozenset().union(*(getattr(module, "LONG", ()) for module in MODULES))
"""Methods that run the model for long, and let others have it between: they take turns among themselves."""

QUICK: frozenset[str] = frozenset().union(*(getattr(module, "QUICK", ()) for module in MODULES))
"""Methods that look up a few rows: asked together they run one after the other, and are answered together."""

ASIDE: frozenset[str] = frozenset().union(*(getattr(module, "ASIDE", ()) for module in MODULES))
"""Methods that read whole columns and take their time: rows and pages do not wait for them."""
