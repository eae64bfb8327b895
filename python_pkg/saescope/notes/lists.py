"""Changes of lists, as those of notes: each in a transaction of the caller's, each with its event.

An event tells the fields of a list that changed, and which members went (old) and came (new),
with their places; a list that is deleted keeps its members, for an undo.
"""

import hashlib
import itertools
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from saescope.errors import InputError, UnknownNameError
from saescope.notes.changes import Stamp, add_event, next_step

COLUMNS = "id, name, is_deleted, version, author, saved_us"


@dataclass(frozen=True)
class Listed:
    """A list, without its members."""

    id: int
    name: str
    is_deleted: bool
    version: int
    author: str = ""
    saved_us: int = 0


def read_lists(db: sqlite3.Connection) -> list[tuple[Listed, int]]:
    """All lists with their sizes, the one changed last first."""
    rows = db.execute(
        f"SELECT {COLUMNS}, (SELECT count(*) FROM members WHERE list = id) FROM lists "  # noqa: S608
        "WHERE NOT is_deleted ORDER BY saved_us DESC, name"
    )
    return [(_listed(row[:6]), row[6]) for row in rows]


def find_list(db: sqlite3.Connection, name: str, *, deleted_too: bool = False) -> Listed:
    """The list of this name; with ``deleted_too`` also the last one that had it.

    Raises
    ------
    UnknownNameError
        There is none.
    """
    row = db.execute(
        f"SELECT {COLUMNS} FROM lists WHERE name = ? AND is_deleted <= ? ORDER BY is_deleted, saved_us DESC, id DESC",  # noqa: S608
        (name, deleted_too),
    ).fetchone()
    if row is None:
        names = [listed.name for listed, _ in read_lists(db)]
        raise UnknownNameError(
            f"there is no list {name!r}.", hint=f"Lists: {', '.join(names[:20]) or 'none yet'}.", names=names[:200]
        )
    return _listed(row)


def _listed(row: tuple[Any, ...]) -> Listed:
    return Listed(row[0], row[1], bool(row[2]), *row[3:])


def read_members(db: sqlite3.Connection, listed: Listed) -> list[int]:
    """The features of a list, in its order."""
    rows = db.execute("SELECT feature FROM members WHERE list = ? ORDER BY place, feature", (listed.id,))
    return [feature for (feature,) in rows]


def lists_with(db: sqlite3.Connection, feature: int) -> list[str]:
    """Names of the lists that hold a feature, in alphabetical order."""
    rows = db.execute(
        "SELECT name FROM members JOIN lists ON id = list WHERE feature = ? AND NOT is_deleted ORDER BY name",
        (feature,),
    )
    return [name for (name,) in rows]


def change_list(
    db: sqlite3.Connection, name: str, stamp: Stamp, *, add: Sequence[int] = (), remove: Sequence[int] = ()
) -> None:
    """Take features out of a list, and append others; a list that is not there is made, if something is added."""
    try:
        listed = find_list(db, name)
    except UnknownNameError:
        if remove and not add:
            raise
        listed = _make(db, name, stamp)
    places = dict(db.execute("SELECT feature, place FROM members WHERE list = ?", (listed.id,)))
    gone = [[f, places.pop(f)] for f in dict.fromkeys(remove) if f in places]
    first = max([*places.values(), *(place for _, place in gone), 0]) + 1
    came = [[f, first + i] for i, f in enumerate(f for f in dict.fromkeys(add) if f not in places)]
    old: dict[str, Any] = {"members": gone}
    new: dict[str, Any] = {"members": came}
    if listed.is_deleted:
        old["is_deleted"], new["is_deleted"] = True, False
    if gone or came or listed.is_deleted:
        _write(db, listed, old, new, "set", stamp)


def _make(db: sqlite3.Connection, name: str, stamp: Stamp) -> Listed:
    """A new list; its number comes from its name, so that two writers of logs make the same one."""
    numbers = (_number(name, nth) for nth in itertools.count())
    number = next(n for n in numbers if not db.execute("SELECT 1 FROM lists WHERE id = ?", (n,)).fetchone())
    row = (number, name, 1, stamp.author, stamp.saved_us, 0)
    db.execute("INSERT INTO lists (id, name, is_deleted, author, saved_us, version) VALUES (?, ?, ?, ?, ?, ?)", row)
    return Listed(number, name, is_deleted=True, version=0)


def _number(name: str, nth: int) -> int:
    return int.from_bytes(hashlib.blake2b(f"{nth} {name}".encode(), digest_size=6).digest(), "big")


def put_list(
    db: sqlite3.Connection, name: str, features: Sequence[int] | None, stamp: Stamp, action: str = "set"
) -> None:
    """Make a list hold just these features in this order, made if it is not there; ``None`` takes it away."""
    try:
        listed = find_list(db, name)
    except UnknownNameError:
        if features is None:
            return
        listed = _make(db, name, stamp)
    if features is None:
        _write(db, listed, {"is_deleted": False}, {"is_deleted": True}, action, stamp)
        return
    rows = db.execute("SELECT feature, place FROM members WHERE list = ?", (listed.id,))
    old: dict[str, Any] = {"members": [list(row) for row in rows]}
    new: dict[str, Any] = {"members": [[f, i + 1] for i, f in enumerate(features)]}
    if listed.is_deleted:
        old["is_deleted"], new["is_deleted"] = True, False
    if listed.is_deleted or sorted(new["members"]) != sorted(old["members"]):
        _write(db, listed, old, new, action, stamp)


def order_list(db: sqlite3.Connection, name: str, features: Sequence[int], stamp: Stamp) -> None:
    """Put a list's features in another order.

    Raises
    ------
    InputError
        They are not the same features.
    """
    listed = find_list(db, name)
    old = [list(row) for row in db.execute("SELECT feature, place FROM members WHERE list = ?", (listed.id,))]
    if sorted(features) != sorted(f for f, _ in old):
        raise InputError(
            f"the list {name!r} holds {len(old):,} features, and the order given has others.",
            hint="Give each of them once.",
        )
    new = [[f, i + 1] for i, f in enumerate(features)]
    if sorted(new) != sorted(old):
        _write(db, listed, {"members": old}, {"members": new}, "set", stamp)


def rename_list(db: sqlite3.Connection, name: str, new_name: str, stamp: Stamp) -> None:
    """Give a list another name.

    Raises
    ------
    InputError
        A list has it already.
    """
    if name != new_name:
        _write(db, find_list(db, name), {"name": name}, {"name": new_name}, "set", stamp)


def delete_list(db: sqlite3.Connection, name: str, stamp: Stamp) -> None:
    """Take a list away; undo brings it back."""
    _write(db, find_list(db, name), {"is_deleted": False}, {"is_deleted": True}, "set", stamp)


def step_list(db: sqlite3.Connection, name: str, action: str, stamp: Stamp) -> None:
    """Undo the last change of a list, or redo the one taken back last.

    Raises
    ------
    UnknownNameError, InputError
        There is no such list, or nothing to take back.
    """
    listed = find_list(db, name, deleted_too=True)
    old, new = next_step(db, "list", listed.id, action, f"the list {name!r}")
    _write(db, listed, old, new, action, stamp)


def _write(
    db: sqlite3.Connection, listed: Listed, old: dict[str, Any], new: dict[str, Any], action: str, stamp: Stamp
) -> None:
    name, is_deleted = new.get("name", listed.name), new.get("is_deleted", listed.is_deleted)
    taken = db.execute("SELECT 1 FROM lists WHERE name = ? AND NOT is_deleted AND id <> ?", (name, listed.id))
    if not is_deleted and taken.fetchone():
        raise InputError(f"there is a list {name!r} already.", hint="Choose another name, or rename that one.")
    gone = [(listed.id, feature) for feature, _ in old.get("members", ())]
    came = [(listed.id, feature, place) for feature, place in new.get("members", ())]
    db.executemany("DELETE FROM members WHERE list = ? AND feature = ?", gone)
    db.executemany("INSERT INTO members (list, feature, place) VALUES (?, ?, ?)", came)
    db.execute(
        "UPDATE lists SET name = ?, is_deleted = ?, author = ?, saved_us = ?, version = ? WHERE id = ?",
        (name, is_deleted, stamp.author, stamp.saved_us, listed.version + 1, listed.id),
    )
    add_event(db, "list", listed.id, action, old, new, listed.version + 1, stamp)
