"""Every method by its name: what it takes, what answers it, and how it runs."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, Literal

from saescope.errors import UnknownNameError
from saescope.rpc.calls import Call
from saescope.rpc.messages import NOUNS, every_method

Lane = Literal["store", "compute", "long", "aside"]

LANES: tuple[tuple[str, Lane], ...] = (("COMPUTED", "compute"), ("LONG", "long"), ("ASIDE", "aside"))
"""The set in which a module of handlers names a method, and the lane it runs in.

``COMPUTED`` runs the model, or as long: these take turns. ``LONG`` runs it for many seconds and lets
others have it between: these take turns among themselves. ``ASIDE`` reads whole columns and takes
its time: rows and pages do not wait for it. All others read the store.
"""

MODULE_OF = {noun: module for module, nouns in NOUNS.items() for noun in nouns}


@dataclass(frozen=True)
class Method:
    """One method; a quick one looks up a few rows: asked together they are answered together."""

    params: type
    handler: Callable[[Call, Any], Any]
    lane: Lane
    is_quick: bool


@cache
def find_method(name: str) -> Method:
    """The method of a name; imports its messages and handlers when first asked.

    Raises
    ------
    UnknownNameError
        There is none.
    """
    module = MODULE_OF.get(name.partition(".")[0])
    rows = import_module(f"saescope.rpc.messages.{module}").METHODS if module else {}
    if name not in rows:
        raise UnknownNameError(f"there is no method {name!r}.", hint=f"Methods: {', '.join(every_method())}.")
    handlers = import_module(f"saescope.rpc.handlers.{module}")
    lanes: list[Lane] = [lane for names, lane in LANES if name in getattr(handlers, names, ())]
    return Method(
        rows[name][0], handlers.HANDLERS[name], lanes[0] if lanes else "store", name in getattr(handlers, "QUICK", ())
    )
