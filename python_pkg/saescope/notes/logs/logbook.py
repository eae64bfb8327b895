"""A book of notes that is a folder of logs, with a cache of them in SQLite on this machine.

1. A write takes the turn of all writers, brings the cache up to date, makes the change in it, adds
   the events to this machine's log, waits until they are on disk, and commits.
2. A read looks for what was added to logs, at most four times a second, and asks the cache.
3. The cache can be thrown away: it is made again from the logs.

A writer is a cache: the processes of a person on a machine share one, and its log. Killed between
log and commit, a process leaves a change that was never acknowledged, and that the next one reads.
"""

import contextlib
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from saescope.errors import NotesError
from saescope.notes.book import Book
from saescope.notes.database import check_identity, notes_errors, transaction, write_identity
from saescope.notes.disks import host_name
from saescope.notes.kept_rows import content_of
from saescope.notes.known import last_event
from saescope.notes.logs import folding
from saescope.notes.logs.adopting import adopt
from saescope.notes.logs.folder import Folder
from saescope.notes.logs.lines import KINDS, Event, dump
from saescope.notes.logs.turn import Turn

T = TypeVar("T")
Db = sqlite3.Connection

SYNC_EVERY_S = 0.25
MAX_TRIES = 3


class LogBook(Book):
    """A folder of logs; made by `saescope.notes.open_book` where SQLite's locks cannot be trusted.

    Parameters
    ----------
    path
        The folder; it is made by the first write.
    identity
        Facts of the SAE that the notes are about.
    cache
        The cache's file.
    older
        A file of notes that was used here before: its notes become the first of the logs.
    """

    def __init__(self, path: Path, identity: Mapping[str, str], cache: Path, older: Path | None = None) -> None:
        self._folder = Folder(path, dict(identity))
        self._older = older
        super().__init__(path, identity)
        self.file = cache

    def _begin(self) -> None:
        super()._begin()
        self._writing = threading.RLock()
        self._offsets: dict[str, int] = {}
        self._synced_s = float("-inf")
        self._writer_name = ""
        self._prepared: Db | None = None

    def read(self, work: Callable[[Db], T], empty: T) -> T:
        """Ask something of the cache, once it has what others wrote; ``empty`` when nothing was ever written."""
        self._sync()
        return super().read(work, empty)

    def _write(self, work: Callable[[Db], T]) -> T:
        with notes_errors(self.path), self._writing:
            for _ in range(MAX_TRIES):
                writer = self._cache()
                self.path.mkdir(parents=True, exist_ok=True)
                with contextlib.suppress(_LostTurnError), Turn(self.path) as turn:
                    return self._make(writer, work, turn)
        raise NotesError(f"the note was not saved: writers in {self.path} are in each other's way.", hint="Try again.")

    def _make(self, writer: Db, work: Callable[[Db], T], turn: Turn) -> T:
        with transaction(writer):  # of its own: what others wrote stays when the work is refused
            check_identity(writer, self.path, self.identity)
            write_identity(writer, self.identity)
            self._name(writer)
            self._take_in_logs(writer, turn)
        with transaction(writer):
            last = last_event(writer)
            found = work(writer)
            self._append(writer, last, turn)
            return found

    def _append(self, db: Db, last: int, turn: Turn) -> None:
        rows = db.execute(
            "SELECT id, kind, target, action, old, new, author, saved_us FROM events WHERE id > ? ORDER BY id", (last,)
        ).fetchall()
        if not rows:
            return
        first = folding.last_counter(db) + 1
        events = [Event(first + i, *row[1:], extra=_extra(db, *row[:3])) for i, row in enumerate(rows)]
        name = self._name(db)
        row = db.execute("SELECT offset FROM logs WHERE name = ?", (name,)).fetchone()
        if not turn.is_held:
            raise _LostTurnError
        end = self._folder.append(name, row[0] if row else 0, dump(events))
        told = (
            (row[0], e.counter, name, e.extra if e.kind == "list" else None)
            for row, e in zip(rows, events, strict=True)
        )
        folding.add_origins(db, told)
        db.execute("INSERT OR REPLACE INTO logs VALUES (?, ?)", (name, end))
        self._offsets[name] = end

    def _name(self, db: Db) -> str:
        """This cache's name as a writer: kept in it, and never another machine's."""
        if not self._writer_name:
            row = db.execute("SELECT value FROM meta WHERE name = 'writer'").fetchone()
            found = row[0] if row else ""
            if not found.startswith(f"{host_name()}-"):
                found = f"{host_name()}-{secrets.token_hex(4)}"
                db.execute("INSERT OR REPLACE INTO meta VALUES ('writer', ?)", (found,))
            self._writer_name = found
        return self._writer_name

    def _cache(self) -> Db:
        """The cache, to be written to; made anew where it is damaged."""
        is_open = self._connections.writer is not None
        try:
            made = self._writer()
        except NotesError as err:
            if not isinstance(err.__cause__, sqlite3.DatabaseError) or isinstance(
                err.__cause__, sqlite3.OperationalError
            ):
                raise
            for suffix in ("", "-wal", "-shm"):
                self.file.with_name(self.file.name + suffix).unlink(missing_ok=True)
            is_open, made = False, self._writer()
        if not is_open or made is not self._prepared:
            with transaction(made):
                folding.prepare(made, KINDS)
            self._prepared, self._offsets, self._writer_name = made, {}, ""
        return made

    def _sync(self) -> None:
        """Take in what was added to logs, if it is time to look, and nobody is at it."""
        now = time.monotonic()
        if now - self._synced_s < SYNC_EVERY_S or not self._writing.acquire(blocking=False):
            return
        try:
            with notes_errors(self.path):
                sizes = self._folder.sizes()
                if not self.file.exists():
                    self._offsets = {}
                if not sizes and self._older is not None:
                    self._write(lambda _: None)
                elif sizes != self._offsets:
                    writer = self._cache()
                    with transaction(writer):
                        check_identity(writer, self.path, self.identity)
                        write_identity(writer, self.identity)
                        self._take_in_logs(writer)
            self._synced_s = time.monotonic()
        finally:
            self._writing.release()

    def _take_in_logs(self, db: Db, turn: Turn | None = None) -> None:
        """Bring the cache up to what the logs hold; whose turn it is begins them with the notes of before."""
        sizes = self._folder.sizes()
        known = dict(db.execute("SELECT name, offset FROM logs"))
        if any(sizes.get(name, 0) < offset for name, offset in known.items()):  # a log was taken away, or put back
            folding.empty(db)
            known = {}
        found: list[tuple[str, Event]] = []
        for name, size in sorted(sizes.items()):
            offset = known.get(name, 0)
            if size > offset:
                events, end = self._folder.read(name, offset)
                found += [(name, event) for event in events]
                db.execute("INSERT OR REPLACE INTO logs VALUES (?, ?)", (name, end))
        if found:
            folding.take_in(db, found)
        self._offsets = sizes
        if turn is not None and not sizes and self._older is not None:
            if adopt(db, self._older, self.identity):
                self._append(db, 0, turn)
            else:
                self._older = None


class _LostTurnError(Exception):
    """Another writer took the turn away: this one was taken for gone."""


def _extra(db: Db, event: int, kind: str, target: int) -> str | None:
    """What an event does not tell: a list's name, a layer's labels, and with its first event what was kept."""
    if kind == "list":
        row = db.execute("SELECT name FROM lists WHERE id = ?", (target,)).fetchone()
        return folding.to_json(row[0]) if row else None
    if kind == "layer":
        rows = db.execute("SELECT feature, label FROM layer_labels WHERE layer = ? ORDER BY feature", (target,))
        return folding.to_json(rows.fetchall())
    earlier = "SELECT 1 FROM events WHERE kind = 'kept' AND target = ? AND id < ? LIMIT 1"
    if kind == "kept" and db.execute(earlier, (target, event)).fetchone() is None:
        return folding.to_json(content_of(db, target))
    return None
