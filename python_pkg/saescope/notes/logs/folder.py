"""The folder of logs: one file for each writer, only ever written at its end."""

import contextlib
import errno
import json
import logging
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from saescope.errors import DiskFullError, NotesError
from saescope.notes.logs.lines import NOT_IDENTITY, Event, check_head, head, parse

log = logging.getLogger("saescope.notes")
FULL = (errno.ENOSPC, errno.EDQUOT) if hasattr(errno, "EDQUOT") else (errno.ENOSPC,)


class Folder:
    """Reads what has been added to logs, and adds to one's own.

    Parameters
    ----------
    path
        The folder; it is made by the first write.
    identity
        Facts of the SAE that the notes are about: in the head of each log.
    """

    def __init__(self, path: Path, identity: Mapping[str, str]) -> None:
        self.path = path
        self._identity = identity

    def sizes(self) -> dict[str, int]:
        """The size of each log by its writer; opened, since a network file system then asks anew."""
        found = {}
        with contextlib.suppress(FileNotFoundError), os.scandir(self.path) as entries:
            for entry in entries:
                if entry.name.endswith(".jsonl") and not entry.name.startswith("."):
                    with contextlib.suppress(FileNotFoundError), Path(entry.path).open("rb") as stream:
                        found[entry.name.removesuffix(".jsonl")] = os.fstat(stream.fileno()).st_size
        return found

    def file(self, writer: str) -> Path:
        """A writer's log."""
        return self.path / f"{writer}.jsonl"

    def read(self, writer: str, offset: int) -> tuple[list[Event], int]:
        """The events of a log's whole lines from an offset on, and where these end.

        Raises
        ------
        NotesError, MismatchError
            It is no log of these notes.
        """
        with self.file(writer).open("rb") as stream:
            stream.seek(offset)
            content = stream.read()
        end = content.rfind(b"\n") + 1
        lines = content[:end].split(b"\n")[:-1]
        if offset == 0 and lines:
            check_head(lines.pop(0), self._identity, self.file(writer))
        return [event for line in lines for event in self._events(line, writer)], offset + end

    def _events(self, line: bytes, writer: str) -> Iterator[Event]:
        try:
            yield from parse(line)
        except (ValueError, RecursionError):
            log.warning("a line of the log %s cannot be read and is left out: %.80r", self.file(writer), line)

    def identity(self) -> dict[str, str]:
        """Whose notes these are, as the first of the logs says."""
        for writer in sorted(self.sizes()):
            with self.file(writer).open("rb") as stream, contextlib.suppress(ValueError, AttributeError):
                found = json.loads(stream.readline())
                return {name: v for name, v in found.items() if name not in NOT_IDENTITY and isinstance(v, str)}
        return {}

    def append(self, writer: str, offset: int, line: bytes) -> int:
        """Add a line to one's own log, after its last whole one, and wait until it is on disk.

        Returns
        -------
        int
            Where the log ends now.

        Raises
        ------
        NotesError, DiskFullError
            It was not written.
        """
        path = self.file(writer)
        content = line if offset else head(self._identity, writer) + line
        try:
            is_new = not path.exists()
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                _write(descriptor, offset, content)
            finally:
                os.close(descriptor)
            if is_new:
                _sync_folder(self.path)
        except OSError as err:
            if err.errno in FULL:
                raise DiskFullError(f"the note was not saved: the disk of {path} is full.", hint="Make room.") from err
            raise NotesError(f"the note was not saved: {path} cannot be written: {err.strerror or err}.") from err
        return offset + len(content)


def _write(descriptor: int, offset: int, content: bytes) -> None:
    """Write at an offset; what a writer that was killed left there after its last whole line goes."""
    if os.fstat(descriptor).st_size > offset:
        os.ftruncate(descriptor, offset)
    try:
        os.lseek(descriptor, offset, os.SEEK_SET)
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
    except OSError:
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, offset)
        raise


def _sync_folder(path: Path) -> None:
    """Wait until a new file's name is on disk, where folders can be synced."""
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
