"""Notes that were kept in one file before become the first of the logs."""

import sqlite3
import tempfile
from collections.abc import Mapping
from pathlib import Path

from saescope.notes.database import check_identity, connect

COPIED = ("notes", "lists", "members", "marks", "kept", "layers", "layer_labels", "events")


def adopt(db: sqlite3.Connection, older: Path, identity: Mapping[str, str]) -> bool:
    """Copy all tables of a file of notes into an empty cache; returns whether it held something.

    Raises
    ------
    MismatchError
        It is about another SAE.
    """
    with tempfile.TemporaryDirectory(prefix="saescope-") as folder:
        own = Path(folder) / "notes.sqlite"
        from saescope.notes.copying import copy  # which reads logs

        if not copy(older, own):
            return False
        source = connect(own, for_writing=True)  # takes an older version along
        try:
            check_identity(source, older, identity)
            for table in COPIED:
                rows = source.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608
                marks = ", ".join("?" * len(rows[0])) if rows else ""
                db.executemany(f"INSERT INTO {table} VALUES ({marks})", rows) if rows else None  # noqa: S608
        finally:
            source.close()
    return True
