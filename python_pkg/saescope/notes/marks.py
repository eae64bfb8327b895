"""The table of marks: which examples of a feature are typical of it, and which speak against it."""

import sqlite3
from collections.abc import Mapping
from typing import Any

from saescope.notes.database import has_marks
from saescope.notes.note import Mark, Passage

COLUMNS = "feature, passage, mark, before, token, after, doc, source, place, author, saved_us"


def mark_of(row: tuple[Any, ...]) -> Mark:
    """A mark from its columns."""
    feature, key, mark, before, token, after, doc, source, place, author, saved_us = row
    return Mark(feature, Passage(key, before, token, after, doc, source, place), mark, author, saved_us)


def read_mark(db: sqlite3.Connection, feature: int, key: str) -> Mark | None:
    """The mark of one passage, if it has one."""
    if not has_marks(db):
        return None
    row = db.execute(
        f"SELECT {COLUMNS} FROM marks WHERE feature = ? AND passage = ?",  # noqa: S608
        (feature, key),
    ).fetchone()
    return mark_of(row) if row else None


def read_marks(db: sqlite3.Connection, feature: int | None = None) -> list[Mark]:
    """The marks of a feature, or of all, by feature; the one made last first."""
    if not has_marks(db):
        return []
    where, given = ("", ()) if feature is None else ("WHERE feature = ?", (feature,))
    rows = db.execute(
        f"SELECT {COLUMNS} FROM marks {where} ORDER BY feature, saved_us DESC, passage",  # noqa: S608
        given,
    )
    return [mark_of(row) for row in rows]


def count_marks(db: sqlite3.Connection, feature: int) -> int:
    """How many of a feature's examples are marked."""
    if not has_marks(db):
        return 0
    return db.execute("SELECT count(*) FROM marks WHERE feature = ?", (feature,)).fetchone()[0]


def write_marks(
    db: sqlite3.Connection, wanted: Mapping[tuple[int, str], dict[str, Any] | None], author: str, saved_us: int
) -> None:
    """Put marks into the table, by feature and passage, or take them out; events are the caller's."""
    gone = [key for key, value in wanted.items() if value is None]
    rows = [(feature, key, *told(value), author, saved_us) for (feature, key), value in wanted.items() if value]
    if gone:
        db.executemany("DELETE FROM marks WHERE feature = ? AND passage = ?", gone)
    if rows:
        db.executemany(f"INSERT OR REPLACE INTO marks ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)  # noqa: S608


def told(value: dict[str, Any]) -> tuple[Any, ...]:
    """A mark's columns from what an event tells of it."""
    return tuple(value[name] for name in ("mark", "before", "token", "after", "doc", "source", "place"))
