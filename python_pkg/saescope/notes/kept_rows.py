"""The table of kept results, and their changes, each with its event: kept, titled, taken away.

What was kept lies in the table, packed, and stays there when it is taken away, for an undo; events tell the
title and whether it is taken away.
"""

import logging
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from saescope.errors import InputError, UnknownNameError
from saescope.notes.changes import Stamp, add_event, next_step
from saescope.notes.database import has_kept
from saescope.notes.kept import Kept, packed, unpacked

log = logging.getLogger("saescope.notes")
INSERT = "INSERT OR IGNORE INTO kept VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, 0)"
LINE = "id, feature, title, method, headline, author, time_us"


@dataclass(frozen=True)
class KeptLine:
    """A kept result without its table; fields as of `Kept`."""

    id: str
    feature: int | None
    title: str
    method: str
    headline: str
    author: str
    time_us: int


def insert_row(db: sqlite3.Connection, kept: Kept) -> None:
    """Put a result into the table, taken away until an event says that it is kept."""
    facts = (kept.number, kept.feature, kept.title, kept.method, kept.headline, kept.author, kept.time_us, packed(kept))
    db.execute(INSERT, facts)


def put_kept(db: sqlite3.Connection, kept: Kept, stamp: Stamp, action: str = "set") -> bool:
    """Keep a result; returns whether it was not there as it is."""
    row = _row(db, kept.number)
    if row is None:
        insert_row(db, kept)
        row = (kept.title, 1, 0)
        changes: dict[str, Any] = {"is_removed": False, "title": kept.title}
    else:
        changes = {"is_removed": False, "title": kept.title}
        changes = {n: v for n, v in changes.items() if v != {"title": row[0], "is_removed": bool(row[1])}[n]}
    if changes:
        _write(db, kept.number, row, changes, action, stamp)
    return bool(changes)


def change_kept(db: sqlite3.Connection, number: int, changes: dict[str, Any], stamp: Stamp, action: str) -> None:
    """Give a result another title, or take it away.

    Raises
    ------
    UnknownNameError
        There is none of this number, or it was taken away.
    """
    row = _row(db, number)
    if row is None or row[1]:
        raise nothing_kept(number)
    present = {"title": row[0], "is_removed": bool(row[1])}
    new = {name: value for name, value in changes.items() if present[name] != value}
    if new:
        _write(db, number, row, new, action, stamp)


def step_kept(db: sqlite3.Connection, number: int, action: str, stamp: Stamp) -> None:
    """Undo the last change of a result (that it was kept, too), or redo the one taken back last.

    Raises
    ------
    UnknownNameError, InputError
        There is none of this number, or nothing to take back.
    """
    row = _row(db, number)
    if row is None:
        raise nothing_kept(number)
    _, new = next_step(db, "kept", number, action, f"the kept result {number:012x}")
    _write(db, number, row, new, action, stamp)


def nothing_kept(number: int) -> UnknownNameError:
    """The error that there is no such result."""
    return UnknownNameError(f"there is no kept result {number:012x}.", hint="scope.kept_table() lists them.")


def _row(db: sqlite3.Connection, number: int) -> tuple[Any, ...] | None:
    if not has_kept(db):
        return None
    return db.execute("SELECT title, is_removed, version FROM kept WHERE id = ?", (number,)).fetchone()


def _write(
    db: sqlite3.Connection, number: int, row: tuple[Any, ...], new: dict[str, Any], action: str, stamp: Stamp
) -> None:
    title, is_removed, version = row
    old = {"title": title, "is_removed": bool(is_removed)}
    after = old | new
    if version == 0:
        old = {"is_removed": True}
    db.execute(
        "UPDATE kept SET title = ?, is_removed = ?, version = ? WHERE id = ?",
        (after["title"], after["is_removed"], version + 1, number),
    )
    told = {name: old[name] for name in new if name in old}
    add_event(db, "kept", number, action, told, new, version + 1, stamp)


def read_kept(db: sqlite3.Connection, feature: int | None = None, number: int | None = None) -> list[Kept]:
    """Results that are kept, the newest last: of a feature, of one number, or all."""
    if not has_kept(db):
        return []
    where, given = _which(feature, number)
    rows = db.execute(f"SELECT id, title, content FROM kept WHERE NOT is_removed{where} ORDER BY time_us, id", given)  # noqa: S608
    return list(_unpacked(rows))


def _unpacked(rows: Iterable[tuple[int, str, bytes]]) -> Iterable[Kept]:
    for number, title, content in rows:
        try:
            yield unpacked(number, title, content)
        except InputError:
            log.warning("the kept result %012x cannot be read and is left out", number, exc_info=True)


def read_lines(db: sqlite3.Connection, feature: int | None = None) -> list[KeptLine]:
    """Results that are kept, without their tables, the newest last."""
    if not has_kept(db):
        return []
    where, given = _which(feature, None)
    rows = db.execute(f"SELECT {LINE} FROM kept WHERE NOT is_removed{where} ORDER BY time_us, id", given)  # noqa: S608
    return [KeptLine(f"{number:012x}", *rest) for number, *rest in rows]


def _which(feature: int | None, number: int | None) -> tuple[str, tuple[int, ...]]:
    if number is not None:
        return " AND id = ?", (number,)
    return ("", ()) if feature is None else (" AND feature = ?", (feature,))


def content_of(db: sqlite3.Connection, number: int) -> dict[str, Any] | None:
    """The facts and first title of a result, as a log tells them with its first event."""
    row = db.execute("SELECT title, content FROM kept WHERE id = ?", (number,)).fetchone()
    return None if row is None else unpacked(number, *row).facts()
