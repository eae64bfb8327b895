"""A file of notes in this process: one thread writes, and whoever listens hears of all changes.

1. A write is one transaction, made in the book's thread; the caller waits until it is committed.
2. Reads see what others have written: each looks for events it has not seen, and takes them
   into the labels and statuses kept in memory.
3. While a page is open somewhere, a thread looks twice a second for changes of other processes.

A child made by ``fork`` opens the file anew and leaves its parent's connections alone.
"""

import contextlib
import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from saescope import live
from saescope.errors import SaescopeError
from saescope.notes.database import check_identity, connect, has_tables, notes_errors, transaction, write_identity
from saescope.notes.known import Known, changes_since, last_event
from saescope.notes.layers import Layer
from saescope.notes.note import Change

T = TypeVar("T")
Db = sqlite3.Connection

LOOK_EVERY_S = 0.5
GENERATION = 40
"""The bit of a revision from which it counts the files that were replaced."""

_books: "weakref.WeakValueDictionary[Path, Book]" = weakref.WeakValueDictionary()
_every: "weakref.WeakSet[Book]" = weakref.WeakSet()
_lock = threading.Lock()
_abandoned: list[Any] = []


class _Connections:
    """What a process holds of a file; a file that is replaced by another is opened anew."""

    def __init__(self) -> None:
        self.reader: Db | None = None
        self.writer: Db | None = None
        self.inode = 0
        self.generation = 0

    def close(self) -> None:
        for made in (self.reader, self.writer):
            if made is not None:
                with contextlib.suppress(sqlite3.Error):
                    made.close()
        self.reader = self.writer = None


class Book:
    """A file of notes; made by `saescope.notes.open_book`.

    Parameters
    ----------
    path
        The file; it is made by the first write.
    identity
        Facts of the SAE that the notes are about, kept in the file.
    """

    def __init__(self, path: Path, identity: Mapping[str, str]) -> None:
        self.path = path
        self.file = path
        self.identity = dict(identity)
        self._listeners: weakref.WeakKeyDictionary[Any, Callable[[Any, Change], None]] = weakref.WeakKeyDictionary()
        self._begin()
        _every.add(self)

    def _begin(self) -> None:
        self._connections = _Connections()
        self._lock = threading.RLock()
        self._telling = threading.RLock()
        self._pen = ThreadPoolExecutor(max_workers=1, thread_name_prefix="saescope-notes")
        self._watch: threading.Thread | None = None
        self._known = Known()
        self._told, self._generation = 0, -1
        self._close = weakref.finalize(self, _end, self._connections, self._pen)

    def leave_to_parent(self) -> None:
        """In a child of a fork: the connections are the parent's."""
        self._close.detach()
        _abandoned.append((self._connections, self._pen))
        self._begin()

    def write(self, work: Callable[[Db], T]) -> T:
        """Change something; returns when it is committed.

        Parameters
        ----------
        work
            Makes the change in the transaction it is given; what it raises takes all of it back.

        Raises
        ------
        NotesError, DiskFullError, MismatchError
            The file cannot be written, or is about another SAE.
        """
        pen = self._pen  # held: it ends with the book
        found = pen.submit(self._write, work).result()
        pen.submit(self._announce)
        return found

    def _write(self, work: Callable[[Db], T]) -> T:
        with notes_errors(self.path):
            writer = self._writer()
            with transaction(writer):
                check_identity(writer, self.path, self.identity)
                write_identity(writer, self.identity)
                return work(writer)

    def _writer(self) -> Db:
        with self._lock:
            self._renew()
            if self._connections.writer is None:
                self.file.parent.mkdir(parents=True, exist_ok=True)
                self._connections.writer = connect(self.file, for_writing=True)
                self._renew()
            return self._connections.writer

    def _renew(self) -> None:
        """Forget the connections to a file that is no longer there."""
        with contextlib.suppress(OSError):
            inode = self.file.stat().st_ino
            if inode == self._connections.inode:
                return
            if self._connections.inode:
                self._connections.close()
                self._connections.generation += 1
            self._connections.inode = inode
            return
        if self._connections.inode:
            self._connections.close()
            self._connections.inode = 0
            self._connections.generation += 1

    def read(self, work: Callable[[Db], T], empty: T) -> T:
        """Ask something of the file; ``empty`` when there is none.

        Raises
        ------
        NotesError, MismatchError
            The file cannot be read, or is about another SAE.
        """
        with self._lock, notes_errors(self.path):
            self._renew()
            if not self._connections.inode:
                return empty
            if self._connections.reader is None:
                reader = connect(self.file, for_writing=False)
                if not has_tables(reader):
                    reader.close()
                    return empty
                check_identity(reader, self.path, self.identity)
                self._connections.reader = reader
            self._connections.reader.execute("BEGIN")
            try:
                return work(self._connections.reader)
            finally:
                self._connections.reader.execute("COMMIT")

    @property
    def revision(self) -> int:
        """A number that changes with every change of a note, a list or a layer."""
        return self._catch_up().seen + (self._generation << GENERATION)

    @property
    def labels(self) -> Mapping[int, str]:
        """The label of each feature that has one, as it is now."""
        return self._catch_up().labels

    @property
    def statuses(self) -> Mapping[int, str]:
        """The status of each feature that has one, as it is now."""
        return self._catch_up().statuses

    @property
    def tags(self) -> Mapping[int, tuple[str, ...]]:
        """The tags of each feature that has some, as it is now."""
        return self._catch_up().tags

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Labels from elsewhere, as they are now."""
        return self._catch_up().layers

    def _catch_up(self) -> Known:
        with self._lock:
            self.read(self._take_in, None)
            if self._generation != self._connections.generation:  # there is no file any more
                self._known, self._generation = Known(), self._connections.generation
            return self._known

    def _take_in(self, db: Db) -> None:
        if self._generation != self._connections.generation:
            self._known, self._generation = Known(), self._connections.generation
        self._known.take_in(db)

    def listen(self, owner: Any, tell: Callable[[Any, Change], None]) -> None:
        """Call ``tell(owner, change)`` after each change, as long as the owner lives; from any thread."""
        with self._telling:
            if not self._listeners:
                with contextlib.suppress(SaescopeError):
                    self._told = self.read(last_event, 0)
            self._listeners[owner] = tell
            if self._watch is None or not self._watch.is_alive():
                self._watch = threading.Thread(
                    target=_watch, args=(weakref.ref(self),), name="saescope-notes-watch", daemon=True
                )
                self._watch.start()

    def forget(self, owner: Any) -> None:
        """Tell an owner nothing more."""
        with self._telling:
            self._listeners.pop(owner, None)

    @property
    def has_listeners(self) -> bool:
        """Whether somebody wants to hear of changes."""
        return bool(self._listeners)

    def _announce(self) -> None:
        with self._telling:
            if not self._listeners:
                return
            with contextlib.suppress(SaescopeError):
                last = self.read(last_event, 0)
                if last == self._told:
                    return
                since = self._told if last > self._told else 0
                change = self.read(lambda db: changes_since(db, since), Change())
                self._told = last
                for owner, tell in list(self._listeners.items()):
                    tell(owner, change)


def _watch(book_ref: "weakref.ref[Book]") -> None:
    pause = threading.Event()
    while not pause.wait(LOOK_EVERY_S):
        book = book_ref()
        if book is None or not book.has_listeners:
            return
        if live.is_heard():
            book._announce()  # noqa: SLF001
        del book


def _end(connections: _Connections, pen: ThreadPoolExecutor) -> None:
    pen.shutdown(wait=False)
    connections.close()


def register(path: Path, identity: Mapping[str, str], make: Callable[[], Book]) -> Book:
    """This process's book of a path; made if there is none for it and this SAE."""
    with _lock:
        found = _books.get(path)
        if found is None or found.identity != dict(identity):
            found = _books[path] = make()
        return found


def _after_fork() -> None:
    global _lock  # noqa: PLW0603
    _lock = threading.Lock()
    for book in list(_every):
        book.leave_to_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
