"""The SQLite file that holds notes: its tables, and how it is opened.

The present state lies in ``notes``, ``marks``, ``kept``, ``lists`` and ``members``; ``events`` has every change
that led to it, and is never changed. All is written in transactions that hold both. Labels from
elsewhere lie in ``layers`` and ``layer_labels``, and ``texts`` keeps what was exported last.

Version 2 added the tables of ``ADDED``, version 3 that of ``KEPT``; the first write takes an older file along.
"""

import contextlib
import sqlite3
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from saescope.errors import DiskFullError, MismatchError, NotesError

APPLICATION, VERSION = 0x53534E54, 3
WAIT_S = 10.0

TABLES = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS notes (
    feature INTEGER PRIMARY KEY, label TEXT NOT NULL, remark TEXT NOT NULL, tags TEXT NOT NULL, status TEXT NOT NULL,
    confidence REAL, author TEXT NOT NULL, saved_us INTEGER NOT NULL, version INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS lists (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, is_deleted INTEGER NOT NULL,
    author TEXT NOT NULL, saved_us INTEGER NOT NULL, version INTEGER NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS lists_by_name ON lists (name) WHERE NOT is_deleted;
CREATE TABLE IF NOT EXISTS members (
    list INTEGER NOT NULL, feature INTEGER NOT NULL, place INTEGER NOT NULL, PRIMARY KEY (list, feature)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS members_by_feature ON members (feature);
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, target INTEGER NOT NULL, action TEXT NOT NULL,
    old TEXT NOT NULL, new TEXT NOT NULL, version INTEGER NOT NULL, author TEXT NOT NULL, saved_us INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS events_by_target ON events (kind, target, id);
"""
ADDED = """
CREATE TABLE IF NOT EXISTS marks (
    feature INTEGER NOT NULL, passage TEXT NOT NULL, mark TEXT NOT NULL, before TEXT NOT NULL, token TEXT NOT NULL,
    after TEXT NOT NULL, doc INTEGER, source TEXT NOT NULL, place INTEGER, author TEXT NOT NULL,
    saved_us INTEGER NOT NULL, PRIMARY KEY (feature, passage)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS layers (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, source TEXT NOT NULL, author TEXT NOT NULL,
    saved_us INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS layer_labels (
    layer INTEGER NOT NULL, feature INTEGER NOT NULL, label TEXT NOT NULL, PRIMARY KEY (layer, feature)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS layer_labels_by_feature ON layer_labels (feature);
CREATE TABLE IF NOT EXISTS texts (path TEXT PRIMARY KEY, content BLOB NOT NULL, saved_us INTEGER NOT NULL);
"""
KEPT = """
CREATE TABLE IF NOT EXISTS kept (
    id INTEGER PRIMARY KEY, feature INTEGER, title TEXT NOT NULL, method TEXT NOT NULL, headline TEXT NOT NULL,
    author TEXT NOT NULL, time_us INTEGER NOT NULL, content BLOB NOT NULL, is_removed INTEGER NOT NULL,
    version INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS kept_by_feature ON kept (feature, time_us);
"""


def connect(path: Path, *, for_writing: bool) -> sqlite3.Connection:
    """Open a connection for any thread, one at a time.

    Raises
    ------
    NotesError
        The file cannot be opened, is no file of notes, or is of a newer saescope.
    """
    with notes_errors(path):
        made = sqlite3.connect(path, timeout=WAIT_S, isolation_level=None, check_same_thread=False)
        try:
            made.execute("PRAGMA synchronous = NORMAL")
            if for_writing:
                _prepare(made, path)
            else:
                made.execute("PRAGMA query_only = 1")
            _check(made, path)
        except BaseException:
            made.close()
            raise
    return made


def _prepare(made: sqlite3.Connection, path: Path) -> None:
    deadline = time.monotonic() + WAIT_S
    while True:
        try:
            mode = made.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            break
        except sqlite3.OperationalError:  # the change of mode does not wait for others
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
    if mode != "wal":
        raise NotesError(
            f"the notes at {path} cannot be shared safely: this disk has no write-ahead log.",
            hint="Keep them elsewhere: scope.open_notes(path).",
        )
    _check(made, path)
    if version_of(made) < VERSION:
        with transaction(made):
            if version_of(made) < VERSION:
                for statement in filter(str.strip, (TABLES + ADDED + KEPT).split(";")):
                    made.execute(statement)
                made.execute(f"PRAGMA application_id = {APPLICATION}")
                made.execute(f"PRAGMA user_version = {VERSION}")


def version_of(made: sqlite3.Connection) -> int:
    """The version of a file's tables; 0 when nothing was ever written."""
    return made.execute("PRAGMA user_version").fetchone()[0]


def has_marks(made: sqlite3.Connection) -> bool:
    """Whether the file has the tables of version 2: one that was never written since has not."""
    return version_of(made) >= 2


def has_kept(made: sqlite3.Connection) -> bool:
    """Whether the file has the table of version 3."""
    return version_of(made) >= 3


def _check(made: sqlite3.Connection, path: Path) -> None:
    found = version_of(made)
    application = made.execute("PRAGMA application_id").fetchone()[0]
    if found > VERSION:
        raise NotesError(
            f"the notes at {path} are of version {found}, and this saescope knows {VERSION}.", hint="Update saescope."
        )
    if found and application != APPLICATION:
        raise NotesError(f"{path} is a database of something else.", hint="Give another path.")


def has_tables(made: sqlite3.Connection) -> bool:
    """Whether something was ever written."""
    return version_of(made) > 0


@contextlib.contextmanager
def transaction(made: sqlite3.Connection) -> Iterator[None]:
    """All that is written in the block, or nothing."""
    made.execute("BEGIN IMMEDIATE")
    try:
        yield
        made.execute("COMMIT")
    except BaseException:
        if made.in_transaction:
            made.execute("ROLLBACK")
        raise


def check_identity(made: sqlite3.Connection, path: Path, identity: Mapping[str, str]) -> None:
    """See that the notes are about these features; those of a new file are, from now on.

    Raises
    ------
    MismatchError
        They are about another SAE's.
    """
    known = dict(made.execute("SELECT name, value FROM meta")) if has_tables(made) else {}
    other = [name for name, value in identity.items() if known.get(name, value) != value]
    if other:
        raise MismatchError(
            f"the notes at {path} are about another SAE: "
            + ", ".join(f"{name} {known[name]}, and {identity[name]} came" for name in other)
            + ".",
            hint="Give another path: scope.open_notes(path).",
        )


def write_identity(made: sqlite3.Connection, identity: Mapping[str, str]) -> None:
    """Say whose features the notes are about."""
    made.executemany("INSERT OR IGNORE INTO meta VALUES (?, ?)", identity.items())


@contextlib.contextmanager
def notes_errors(path: Path) -> Iterator[None]:
    """SQLite's errors as ours."""
    try:
        yield
    except sqlite3.Error as err:
        told = str(err)
        if "full" in told:
            raise DiskFullError(f"the note was not saved: the disk of {path} is full.", hint="Make room.") from err
        if "locked" in told or "busy" in told:
            hint = "Another process holds the file: wait, or end it."
        elif "readonly" in told or "unable to open" in told:
            hint = "Keep the notes where you can write: scope.open_notes(path)."
        else:
            hint = "Restore the file from a copy, or move it away; saescope then begins a new one."
        raise NotesError(f"the notes at {path} cannot be read or written: {told}.", hint=hint) from err
