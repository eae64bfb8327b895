"""Notes with all their history, copied to where there are none; from a file, or from logs in its place."""

import contextlib
import os
import shutil
import sqlite3
from pathlib import Path

from saescope.notes.database import connect, transaction, write_identity
from saescope.notes.disks import logs_beside
from saescope.notes.logs import folding
from saescope.notes.logs.folder import Folder
from saescope.notes.logs.lines import KINDS


def has_notes(path: Path) -> bool:
    """Whether there is a file of notes, or logs in its place."""
    return path.exists() or bool(Folder(logs_beside(path), {}).sizes())


def copy(source: Path, target: Path) -> bool:
    """Copy notes with all their history to where there are none; returns whether there was something to copy.

    Parameters
    ----------
    source
        A file of notes; where it is not there, logs in its place are read.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f"{target.name}.{os.getpid()}.tmp")
    try:
        if not source.exists():
            if _copied_logs(logs_beside(source), temporary) and not target.exists():
                os.link(temporary, target)
                return True
            return False
        for options in ("mode=ro", "mode=ro&immutable=1"):  # the second where no lock can be made
            with contextlib.suppress(sqlite3.Error):
                if _copied(source, temporary, options) and not target.exists():
                    os.link(temporary, target)
                    return True
                break
    except FileExistsError:
        return False
    except OSError:
        if not target.exists():
            shutil.move(temporary, target)
            return True
    finally:
        temporary.unlink(missing_ok=True)
    return False


def _copied(source: Path, target: Path, options: str) -> bool:
    target.unlink(missing_ok=True)
    given = sqlite3.connect(f"{source.resolve().as_uri()}?{options}", uri=True, timeout=5)
    made = sqlite3.connect(target)
    try:
        if not given.execute("SELECT count(*) FROM (SELECT 1 FROM events LIMIT 1)").fetchone()[0]:
            return False
        given.backup(made)
        made.execute("PRAGMA journal_mode = DELETE")
        return True
    finally:
        given.close()
        made.close()


def _copied_logs(source: Path, target: Path) -> bool:
    target.unlink(missing_ok=True)
    folder = Folder(source, {})
    found = [(writer, event) for writer in folder.sizes() for event in folder.read(writer, 0)[0]]
    if not found:
        return False
    made = connect(target, for_writing=True)
    try:
        with transaction(made):
            folding.prepare(made, KINDS)
            folding.take_in(made, found)
            write_identity(made, folder.identity())
        for table in ("logs", "origins", "temp.touched"):
            made.execute(f"DROP TABLE {table}")
        made.execute("PRAGMA journal_mode = DELETE")
        return True
    finally:
        made.close()
