"""The messages between kernel and page: the one definition both sides are made from.

Each module holds the messages about one thing, and in ``METHODS`` each method's
parameters, answer, and partial answer. ``tools/protocol.py`` writes
``js/src/protocol/generated.ts`` from them, and a test fails when the two differ.
"""

import dataclasses
import inspect

from saescope.rpc.messages import (
    circuit,
    compare,
    effects,
    frames,
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

MODULES = (frames, scopes, table, page, neighbors, compare, tried, map, health, notes, effects, prompt, steer, circuit)

METHODS: dict[str, tuple[type, type, type | None]] = {
    name: row for module in MODULES[1:] for name, row in module.METHODS.items()
}
"""Every method, by its name ``noun.verb``."""


def classes() -> list[type]:
    """Every message, in the order of the modules."""
    return [
        c
        for module in MODULES
        for c in vars(module).values()
        if inspect.isclass(c) and dataclasses.is_dataclass(c) and c.__module__ == module.__name__
    ]
