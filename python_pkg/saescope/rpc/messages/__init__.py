"""The messages between kernel and page: the one definition both sides are made from.

Each module holds the messages about one thing, and in ``METHODS`` each method's
parameters, answer, and partial answer. ``tools/protocol.py`` writes
``js/src/protocol/generated.ts`` from them, and a test fails when the two differ.
A module is imported when a method of it is first asked for (see `saescope.rpc.methods`):
to make all these classes takes longer than to show a panel.
"""

import dataclasses
import inspect
from importlib import import_module

NOUNS = {
    "scopes": ("scope", "panel", "bundle", "build"),
    "table": ("features",),
    "page": ("feature", "examples", "lens", "document", "tokens"),
    "neighbors": ("neighbors",),
    "compare": ("compare", "contrast"),
    "tried": ("text",),
    "map": ("map",),
    "health": ("health",),
    "pairing": ("pairing",),
    "notes": ("note", "marks", "mark", "tags", "lists", "list"),
    "kept": ("kept",),
    "effects": ("effects",),
    "prompt": ("prompt",),
    "steer": ("steer",),
    "circuit": ("circuit",),
    "sharing": ("share",),
    "importing": ("import", "layers"),
    "labeling": ("labels",),
    "registry": ("registry",),
    "plugins": ("plugin",),
}
"""Each module, and the nouns of its methods, which are named ``noun.verb``."""

Row = tuple[type, type, type | None]


def every_method() -> dict[str, Row]:
    """Every method's parameters, answer, and partial answer; imports all modules."""
    modules = (import_module(f"{__name__}.{name}") for name in NOUNS)
    return {name: row for module in modules for name, row in module.METHODS.items()}


def classes() -> list[type]:
    """Every message, in the order of the modules."""
    modules = (import_module(f"{__name__}.{name}") for name in ("frames", *NOUNS))
    return [
        c
        for module in modules
        for c in vars(module).values()
        if inspect.isclass(c) and dataclasses.is_dataclass(c) and c.__module__ == module.__name__
    ]
