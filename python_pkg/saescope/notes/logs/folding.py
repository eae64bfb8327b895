"""The cache of logs: every event of every writer, and the state that they make.

1. Events come in as they are read, which is not the order they count in: that is by counter, then
   by writer. A counter is larger than all those its writer had read, so what was made knowing of
   another change comes after it.
2. Of each note and list that got events, the state is made anew from all of its events in that
   order: the later value of a field stands. Every cache of the same logs comes to the same state.
3. A note's version is how many of its events this cache has: it says what a reader can have seen.
"""

import json
import logging
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from saescope.errors import InputError
from saescope.notes.changes import EVENT, to_json
from saescope.notes.kept import kept_of
from saescope.notes.kept_rows import insert_row
from saescope.notes.known import last_event
from saescope.notes.logs.lines import Event
from saescope.notes.marks import write_marks
from saescope.notes.note import FIELDS, MARK

log = logging.getLogger("saescope.notes")
TABLES = (
    "CREATE TABLE IF NOT EXISTS logs (name TEXT PRIMARY KEY, offset INTEGER NOT NULL)",
    """CREATE TABLE IF NOT EXISTS origins (
        event INTEGER PRIMARY KEY, counter INTEGER NOT NULL, writer TEXT NOT NULL, extra TEXT
    )""",
    "CREATE INDEX IF NOT EXISTS origins_by_counter ON origins (counter)",
    "CREATE TEMP TABLE IF NOT EXISTS touched (kind TEXT, target INTEGER, PRIMARY KEY (kind, target))",
)
NOTHING: dict[str, Any] = {"label": "", "remark": "", "tags": [], "status": "", "confidence": None}
EMPTIED = ("notes", "marks", "kept", "lists", "members", "layers", "layer_labels", "events", "origins", "logs")


def prepare(db: sqlite3.Connection, kinds: Sequence[str]) -> None:
    """Make the tables that only a cache has; one of an older saescope left out kinds of events it did not know."""
    for statement in TABLES:
        db.execute(statement)
    known = db.execute("SELECT value FROM meta WHERE name = 'kinds'").fetchone()
    if known != (" ".join(kinds),):
        empty(db)
        db.execute("INSERT OR REPLACE INTO meta VALUES ('kinds', ?)", (" ".join(kinds),))


def empty(db: sqlite3.Connection) -> None:
    """Forget all, to read the logs from the start."""
    for table in EMPTIED:
        db.execute(f"DELETE FROM {table}")  # noqa: S608


def last_counter(db: sqlite3.Connection) -> int:
    """The largest counter there is."""
    return db.execute("SELECT max(counter) FROM origins").fetchone()[0] or 0


def take_in(db: sqlite3.Connection, found: Sequence[tuple[str, Event]]) -> None:
    """Add events, each with its writer, and make the states they lead to."""
    touched = {(e.kind, e.target) for _, e in found}
    versions: dict[tuple[str, int], int] = {}
    count = "SELECT count(*) FROM events WHERE kind = ? AND target = ?"
    first, rows, origins = _next_event(db), [], []
    for i, (writer, e) in enumerate(found):
        key = (e.kind, e.target)
        versions[key] = 1 + (versions[key] if key in versions else db.execute(count, key).fetchone()[0])
        rows.append((e.kind, e.target, e.action, e.old, e.new, versions[key], e.author, e.saved_us))
        extra = e.extra if e.kind == "list" else None
        origins.append((first + i, e.counter, writer, extra))
    _put_layers(db, found)
    _put_kept(db, found)
    db.executemany(EVENT, rows)
    db.executemany("INSERT INTO origins VALUES (?, ?, ?, ?)", origins)
    _fold(db, touched)


def _next_event(db: sqlite3.Connection) -> int:
    """The number that the next event gets: they go on from the largest there ever was."""
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'events'").fetchone()
    return max(row[0] if row else 0, last_event(db)) + 1


def add_origins(db: sqlite3.Connection, rows: Iterable[tuple[int, int, str, str | None]]) -> None:
    """Say of events that were made here which counter and writer they have."""
    db.executemany("INSERT INTO origins VALUES (?, ?, ?, ?)", rows)


def _fold(db: sqlite3.Connection, touched: Iterable[tuple[str, int]]) -> None:
    db.execute("DELETE FROM temp.touched")
    db.executemany("INSERT INTO temp.touched VALUES (?, ?)", touched)
    for _, events in _in_order(db, "note"):
        _fold_note(db, events)
    for target, events in _in_order(db, "list"):
        _fold_list(db, target, events)
    for target, events in _in_order(db, "kept"):
        said = {"title": "", "is_removed": True}
        for event in events:
            said |= json.loads(event[1])
        db.execute(
            "UPDATE kept SET title = ?, is_removed = ?, version = ? WHERE id = ?",
            (str(said["title"]), bool(said["is_removed"]), len(events), target),
        )


def _in_order(db: sqlite3.Connection, kind: str) -> Iterator[tuple[int, list[tuple[Any, ...]]]]:
    rows = db.execute(
        "SELECT e.target, e.new, e.author, e.saved_us, o.extra, e.old FROM temp.touched t "
        "JOIN events e ON e.kind = t.kind AND e.target = t.target JOIN origins o ON o.event = e.id "
        "WHERE t.kind = ? ORDER BY e.target, o.counter, o.writer, e.id",
        (kind,),
    ).fetchall()
    for target, group in groupby(rows, itemgetter(0)):
        yield target, list(group)


def _fold_note(db: sqlite3.Connection, events: list[tuple[Any, ...]]) -> None:
    feature, _, author, saved_us, *_ = events[-1]
    said, marks, who = dict(NOTHING), dict[tuple[int, str], Any](), {}
    for _, new, by, at, *_ in events:
        for name, value in json.loads(new).items():
            if name.startswith(MARK):
                marks[feature, name.removeprefix(MARK)] = value
                who[name.removeprefix(MARK)] = (by, at)
            elif name in FIELDS:
                said[name] = value
    fields = (said["label"], said["remark"], to_json(said["tags"]), said["status"], said["confidence"])
    db.execute(
        "INSERT OR REPLACE INTO notes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (feature, *fields, author, saved_us, len(events)),
    )
    db.execute("DELETE FROM marks WHERE feature = ?", (feature,))
    for (f, key), value in marks.items():
        if value:
            write_marks(db, {(f, key): value}, *who[key])


def _fold_list(db: sqlite3.Connection, target: int, events: list[tuple[Any, ...]]) -> None:
    _, _, author, saved_us, *_ = events[-1]
    name, is_deleted, members = json.loads(events[0][4] or '""'), True, dict[int, int]()
    for _, new, _, _, _, old in events:
        before, after = json.loads(old), json.loads(new)
        for feature, _ in before.get("members", ()):
            members.pop(feature, None)
        members |= dict(after.get("members", ()))
        name, is_deleted = after.get("name", name), after.get("is_deleted", is_deleted)
    if not is_deleted:
        name = _free_name(db, target, name)
    db.execute(
        "INSERT OR REPLACE INTO lists (id, name, is_deleted, author, saved_us, version) VALUES (?, ?, ?, ?, ?, ?)",
        (target, name, is_deleted, author, saved_us, len(events)),
    )
    db.execute("DELETE FROM members WHERE list = ?", (target,))
    db.executemany("INSERT INTO members VALUES (?, ?, ?)", ((target, f, p) for f, p in members.items()))


def _free_name(db: sqlite3.Connection, target: int, name: str) -> str:
    """A list's name, when two writers gave it to two lists: the one of the larger number gets another."""
    taken = db.execute("SELECT id FROM lists WHERE name = ? AND NOT is_deleted AND id <> ?", (name, target)).fetchone()
    if taken is None:
        return name
    if target > taken[0]:
        return f"{name} ({target % 1000})"
    db.execute("UPDATE lists SET name = ? WHERE id = ?", (f"{name} ({taken[0] % 1000})", taken[0]))
    return name


def _put_kept(db: sqlite3.Connection, found: Sequence[tuple[str, Event]]) -> None:
    for _, e in found:
        if e.kind == "kept" and e.extra is not None:
            try:
                insert_row(db, kept_of(json.loads(e.extra), json.loads(e.new).get("title", ""), f"{e.target:012x}"))
            except InputError:
                log.warning("the kept result %012x cannot be read and is left out", e.target, exc_info=True)


def _put_layers(db: sqlite3.Connection, found: Sequence[tuple[str, Event]]) -> None:
    """Of each layer the labels of its last event, if no later one is known."""
    last: dict[int, tuple[int, str, Event]] = {}
    for writer, e in found:
        if e.kind == "layer" and ((now := last.get(e.target)) is None or (now[0], now[1]) < (e.counter, writer)):
            last[e.target] = (e.counter, writer, e)
    for target, (counter, writer, e) in last.items():
        is_late = db.execute(
            "SELECT 1 FROM events e JOIN origins o ON o.event = e.id "
            "WHERE e.kind = 'layer' AND e.target = ? AND (o.counter, o.writer) > (?, ?)",
            (target, counter, writer),
        ).fetchone()
        if is_late:
            continue
        db.execute("DELETE FROM layer_labels WHERE layer = ?", (target,))
        db.execute("DELETE FROM layers WHERE id = ?", (target,))
        new = json.loads(e.new)
        if new.get("name") and e.extra is not None:
            db.execute(
                "INSERT INTO layers VALUES (?, ?, ?, ?, ?)",
                (target, new["name"], new.get("source", ""), e.author, e.saved_us),
            )
            labels = ((target, f, text) for f, text in json.loads(e.extra))
            db.executemany("INSERT OR REPLACE INTO layer_labels VALUES (?, ?, ?)", labels)
