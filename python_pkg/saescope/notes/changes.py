"""Changes of notes, each in a transaction of the caller's, each with its event.

The marks of a feature's examples are part of its note: an event names them by ``MARK`` and the
passage's key, with the whole mark as it was and is; so they count in versions and conflicts too.

Undo and redo are changes too: the events of a target, read in order, say which steps are
done and which were taken back.
"""

import json
import sqlite3
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from saescope.errors import ConflictError, InputError
from saescope.notes.marks import read_mark, write_marks
from saescope.notes.note import FIELDS, MARK, Note

COLUMNS = "feature, label, remark, tags, status, confidence, author, saved_us, version"

EVENT = "INSERT INTO events (kind, target, action, old, new, version, author, saved_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"


@dataclass(frozen=True)
class Stamp:
    """Who makes a change, and when (microseconds since 1970 UTC)."""

    author: str
    saved_us: int = field(default_factory=lambda: time.time_ns() // 1000)


def note_of(row: tuple[Any, ...]) -> Note:
    """A note from its columns."""
    feature, label, remark, tags, *rest = row
    return Note(feature, label, remark, tuple(json.loads(tags)), *rest)


def read_note(db: sqlite3.Connection, feature: int) -> Note:
    """A feature's note; an empty one when there is none."""
    row = db.execute(f"SELECT {COLUMNS} FROM notes WHERE feature = ?", (feature,)).fetchone()  # noqa: S608
    return note_of(row) if row else Note(feature)


def read_columns(db: sqlite3.Connection) -> list[tuple[Any, ...]]:
    """The columns of all notes that say something, by feature; tags as JSON. Nothing when there are none."""
    says = "label <> '' OR remark <> '' OR tags <> '[]' OR status <> '' OR confidence IS NOT NULL"
    rows = db.execute(f"SELECT {COLUMNS} FROM notes WHERE {says} ORDER BY feature").fetchall()  # noqa: S608
    return list(zip(*rows, strict=True))


def set_note(
    db: sqlite3.Connection,
    feature: int,
    wanted: Mapping[str, Any],
    stamp: Stamp,
    *,
    base: int | None = None,
    is_forced: bool = False,
) -> Note:
    """Change some fields of a note.

    Parameters
    ----------
    wanted
        Fields fit to be stored, by name; a mark by ``MARK`` and its passage's key, ``None`` for none.
    base
        The version that the change was made on; ``None`` for whatever is there.
    is_forced
        Change them even where another writer came between.

    Raises
    ------
    ConflictError
        Since ``base``, another writer changed one of the same fields to something else.
    """
    present = read_note(db, feature)
    old = _values(db, present, wanted)
    new = {name: value for name, value in wanted.items() if not _is_same(old[name], value)}
    if not new:
        return present
    if base is not None and not is_forced and base != present.version:
        clash = _changed_since(db, present, base) & set(new)
        if clash:
            raise conflict(present, new, sorted(clash, key=lambda n: FIELDS.index(n) if n in FIELDS else len(FIELDS)))
    return _write(db, present, new, "set", stamp)


def _values(db: sqlite3.Connection, present: Note, names: Iterable[str]) -> dict[str, Any]:
    """What a note says now under some names."""
    return {n: _mark_value(db, present.feature, n) if n.startswith(MARK) else getattr(present, n) for n in names}


def _mark_value(db: sqlite3.Connection, feature: int, name: str) -> dict[str, Any] | None:
    found = read_mark(db, feature, name.removeprefix(MARK))
    return found and found.as_json()


def _is_same(old: Any, new: Any) -> bool:
    """A mark is the same if it says the same of the passage, wherever that was found."""
    return old["mark"] == new["mark"] if isinstance(old, dict) and isinstance(new, dict) else old == new


def set_notes(
    db: sqlite3.Connection, wanted: Mapping[int, Mapping[str, Any]], stamp: Stamp, action: str = "set"
) -> int:
    """Change many notes, on whatever is there; returns how many are other than before."""
    present = {row[0]: note_of(row) for row in db.execute(f"SELECT {COLUMNS} FROM notes")} if wanted else {}  # noqa: S608
    changes = []
    for feature, fields in wanted.items():
        note = present.get(feature) or Note(feature)
        old = _values(db, note, fields)
        new = {name: value for name, value in fields.items() if not _is_same(old[name], value)}
        if new:
            changes.append((note, new))
    _write_all(db, changes, action, stamp)
    return len(changes)


def conflict(present: Note, mine: Mapping[str, Any], fields: list[str]) -> ConflictError:
    """The error that tells both versions."""
    what = " and ".join(fields) or "note"
    return ConflictError(
        f"the {what} of feature {present.feature} was not saved: {present.author or 'someone'} changed it meanwhile.",
        hint="Look at both; to overwrite the other, save again with is_forced=True.",
        feature=present.feature,
        fields=fields,
        mine={name: list(v) if isinstance(v, tuple) else v for name, v in mine.items()},
        theirs=present.as_json(),
    )


def _changed_since(db: sqlite3.Connection, present: Note, base: int) -> set[str]:
    if base > present.version:
        return set(FIELDS)
    rows = db.execute(
        "SELECT new FROM events WHERE kind = 'note' AND target = ? AND version > ?", (present.feature, base)
    )
    return {name for (new,) in rows for name in json.loads(new)}


def _write(db: sqlite3.Connection, present: Note, new: Mapping[str, Any], action: str, stamp: Stamp) -> Note:
    return _write_all(db, [(present, new)], action, stamp)[0]


def _write_all(
    db: sqlite3.Connection, changes: Iterable[tuple[Note, Mapping[str, Any]]], action: str, stamp: Stamp
) -> list[Note]:
    notes, rows, events = [], [], []
    marks: dict[tuple[int, str], dict[str, Any] | None] = {}
    who = (stamp.author, stamp.saved_us)
    for present, new in changes:
        old = _values(db, present, new)
        told = {name: value for name, value in new.items() if not name.startswith(MARK)}
        marks |= {(present.feature, n.removeprefix(MARK)): v for n, v in new.items() if n not in told}
        note = replace(present, **told, author=stamp.author, saved_us=stamp.saved_us, version=present.version + 1)
        notes.append(note)
        fields = (note.label, note.remark, to_json(note.tags), note.status, note.confidence)
        rows.append((note.feature, *fields, *who, note.version))
        events.append(("note", note.feature, action, to_json(old), to_json(new), note.version, *who))
    db.executemany(f"INSERT OR REPLACE INTO notes ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)  # noqa: S608
    write_marks(db, marks, *who)
    db.executemany(EVENT, events)
    return notes


def add_event(
    db: sqlite3.Connection, kind: str, target: int, action: str, old: Any, new: Any, version: int, stamp: Stamp
) -> None:
    """Remember a change."""
    db.execute(EVENT, (kind, target, action, to_json(old), to_json(new), version, stamp.author, stamp.saved_us))


to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""A value as an event holds it."""


def steps(db: sqlite3.Connection, kind: str, target: int) -> tuple[list[int], list[int]]:
    """Numbers of the events that undo and redo would take, the next one last."""
    done: list[int] = []
    undone: list[int] = []
    rows = db.execute("SELECT id, action FROM events WHERE kind = ? AND target = ? ORDER BY id", (kind, target))
    for number, action in rows:
        if action == "undo" and done:
            undone.append(done.pop())
        elif action == "redo" and undone:
            done.append(undone.pop())
        elif action not in ("undo", "redo"):  # two writers of logs may have taken back the same change
            done.append(number)
            undone.clear()
    return done, undone


def next_step(db: sqlite3.Connection, kind: str, target: int, action: str, what: str) -> tuple[Any, Any]:
    """What the next undo or redo changes: from the first to the second.

    Raises
    ------
    InputError
        There is none.
    """
    done, undone = steps(db, kind, target)
    numbers = done if action == "undo" else undone
    if not numbers:
        raise InputError(f"there is nothing to {action} for {what}.")
    old, new = map(json.loads, db.execute("SELECT old, new FROM events WHERE id = ?", (numbers[-1],)).fetchone())
    return (new, old) if action == "undo" else (old, new)


def step_note(db: sqlite3.Connection, feature: int, action: str, stamp: Stamp, base: int | None) -> Note:
    """Undo the last change of a note, or redo the one taken back last.

    Raises
    ------
    ConflictError
        The note is not of version ``base`` any more.
    InputError
        There is nothing to take back.
    """
    present = read_note(db, feature)
    _, new = next_step(db, "note", feature, action, f"feature {feature}")
    if base is not None and base != present.version:
        raise conflict(present, new, [])
    wanted = {name: tuple(value) if name == "tags" else value for name, value in new.items()}
    return _write(db, present, wanted, action, stamp)
