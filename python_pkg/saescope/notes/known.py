"""What is kept in memory of a file of notes, and what its events say of news."""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from saescope.notes.layers import Layer, read_layers
from saescope.notes.note import Change

MAX_TOLD = 1_000
"""Features and lists that news name one by one."""


class Known:
    """Labels, statuses, tags and layers, as they were when they were last looked for.

    What it gives is never changed afterwards: new mappings take the place of old ones.
    """

    def __init__(self) -> None:
        self.labels: Mapping[int, str] = MappingProxyType({})
        self.statuses: Mapping[int, str] = MappingProxyType({})
        self.tags: Mapping[int, tuple[str, ...]] = MappingProxyType({})
        self.layers: tuple[Layer, ...] = ()
        self.seen = 0
        self.is_filled = False

    def take_in(self, db: sqlite3.Connection) -> None:
        """Look for what has changed."""
        last = last_event(db)
        is_first = not self.is_filled or last < self.seen
        if last == self.seen and not is_first:
            return
        since = 0 if is_first else self.seen
        where = "" if is_first else "WHERE feature IN (SELECT target FROM events WHERE kind = 'note' AND id > ?)"
        rows = db.execute(
            f"SELECT feature, label, status, tags FROM notes {where}",  # noqa: S608
            () if is_first else (since,),
        ).fetchall()
        before = Known() if is_first else self
        self.labels = _taken(before.labels, ((f, label) for f, label, _, _ in rows))
        self.statuses = _taken(before.statuses, ((f, status) for f, _, status, _ in rows))
        self.tags = _taken(before.tags, ((f, () if t == "[]" else tuple(json.loads(t))) for f, _, _, t in rows))
        if is_first or db.execute("SELECT 1 FROM events WHERE kind = 'layer' AND id > ? LIMIT 1", (since,)).fetchone():
            self.layers = read_layers(db)
        self.seen, self.is_filled = last, True


def _taken(known: Mapping[int, Any], found: Iterable[tuple[int, Any]]) -> Mapping[int, Any]:
    """What is known with what was found: a copy, since the known one may be in somebody's hands."""
    changed = {f: value for f, value in found if (known.get(f) or None) != (value or None)}
    if not changed:
        return known
    made = {**known, **changed}
    for f, value in changed.items():
        if not value:
            del made[f]
    return MappingProxyType(made)


def last_event(db: sqlite3.Connection) -> int:
    """The number of the last event."""
    return db.execute("SELECT max(id) FROM events").fetchone()[0] or 0


def changes_since(db: sqlite3.Connection, since: int) -> Change:
    """What the events after one of them are about."""
    rows = db.execute("SELECT DISTINCT kind, target FROM events WHERE id > ? LIMIT ?", (since, MAX_TOLD + 1)).fetchall()
    if len(rows) > MAX_TOLD or any(kind == "layer" for kind, _ in rows):
        return Change(is_all=True)
    numbers = [target for kind, target in rows if kind == "list"]
    marks = ",".join("?" * len(numbers))
    names = [n for (n,) in db.execute(f"SELECT name FROM lists WHERE id IN ({marks})", numbers)]  # noqa: S608
    features = tuple(target for kind, target in rows if kind == "note")
    return Change(features, tuple(names), has_kept=any(kind == "kept" for kind, _ in rows))
