"""Opens a book of notes: a file of SQLite, or logs where its locks cannot be trusted."""

from collections.abc import Mapping
from pathlib import Path

from saescope.notes.book import Book, register
from saescope.notes.disks import cache_file, logs_beside, uses_logs
from saescope.notes.logs import LogBook


def open_book(path: Path, identity: Mapping[str, str], older: Path | None = None) -> Book:
    """This process's book of a file; the same for the same file and SAE.

    Parameters
    ----------
    path
        The file; on a network file system, where SQLite's locks cannot be trusted, a folder of logs beside it
        takes its place (`saescope.notes.disks.uses_logs`).
    identity
        Facts of the SAE that the notes are about.
    older
        A file whose notes begin the logs, if there is none at ``path``.
    """
    path = path.expanduser().absolute()
    if not uses_logs(path):
        return register(path, identity, lambda: Book(path, identity))
    folder = logs_beside(path)
    before = path if path.exists() else older
    return register(folder, identity, lambda: LogBook(folder, identity, cache_file(folder), before))
