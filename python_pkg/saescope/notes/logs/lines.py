"""The lines of a log: a head that says whose notes they are, then one line for each change.

A line holds a number and the events of one transaction, so that it is read as a whole or not at
all. What ends without a newline was not finished, and never acknowledged.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from saescope.errors import MismatchError, NotesError

FORMAT, VERSION = "saescope-notes-log", 1
NOT_IDENTITY = ("format", "version", "writer")
KINDS = ("note", "list", "layer", "kept")


@dataclass(frozen=True)
class Event:
    """A change as a log tells it.

    Parameters
    ----------
    counter
        Larger than those of all events its writer knew of.
    old, new
        As the store's events have them, JSON.
    extra
        A list's name, a layer's labels, or what was kept; JSON.
    """

    counter: int
    kind: str
    target: int
    action: str
    old: str
    new: str
    author: str
    saved_us: int
    extra: str | None = None


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def head(identity: Mapping[str, str], writer: str) -> bytes:
    """The first line of a writer's log."""
    return _encode({"format": FORMAT, "version": VERSION, "writer": writer, **identity}).encode() + b"\n"


def check_head(line: bytes, identity: Mapping[str, str], where: object) -> None:
    """See that a log is about these features.

    Raises
    ------
    NotesError, MismatchError
        It is no log, of a newer saescope, or about another SAE.
    """
    try:
        found = json.loads(line)
    except ValueError:
        found = None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise NotesError(f"{where} is no log of notes.", hint="Move it out of the folder.")
    if found.get("version") != VERSION:
        raise NotesError(
            f"the log {where} is of version {found.get('version')!r}, and this saescope knows {VERSION}.",
            hint="Update saescope.",
        )
    other = [name for name, value in identity.items() if found.get(name) != value]
    if other:
        told = ", ".join(f"{name} {found.get(name)}, and {identity[name]} came" for name in other)
        raise MismatchError(f"the log {where} is about another SAE: {told}.", hint="Give another path.")


def dump(events: Sequence[Event]) -> bytes:
    """The line of one transaction."""
    rows = [
        [e.kind, e.target, e.action, json.loads(e.old), json.loads(e.new), e.author, e.saved_us]
        + ([json.loads(e.extra)] if e.extra is not None else [])
        for e in events
    ]
    return _encode({"n": events[0].counter, "events": rows}).encode() + b"\n"


def parse(line: bytes) -> list[Event]:
    """The events of a line.

    Raises
    ------
    ValueError
        It is none.
    """
    found = json.loads(line)
    if not isinstance(found, dict) or not isinstance(found.get("n"), int) or not isinstance(found.get("events"), list):
        raise ValueError("a line has a number and events")  # noqa: TRY004 - for one except
    made = []
    for i, row in enumerate(found["events"]):
        if not isinstance(row, list) or len(row) not in (7, 8):
            raise ValueError("an event has seven parts or eight")
        kind, target, action, old, new, author, saved_us, *extra = row
        is_told = isinstance(old, dict) and isinstance(new, dict) and isinstance(author, str)
        if kind not in KINDS or not isinstance(target, int) or not isinstance(saved_us, int) or not is_told:
            raise ValueError("an event is of a note, a list, a layer or what was kept")
        rest = _encode(extra[0]) if extra else None
        made.append(
            Event(found["n"] + i, kind, target, str(action), _encode(old), _encode(new), author, saved_us, rest)
        )
    return made
