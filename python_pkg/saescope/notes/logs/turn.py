"""Whose turn it is to write, between machines whose file locks cannot be trusted.

1. A file ``turn`` is made by linking a finished one to that name, which happens once or not at all on
   network file systems too (``O_EXCL`` where there are no links). It says who holds it.
2. Who finds it there waits. When its holder is a process of this machine that is gone, or it has
   not changed for ten seconds, it is moved away, by whoever is first.
3. A holder looks before it appends whether it still has the turn.

Should all of this fail on some file system, nothing that was acknowledged is lost: logs are never
written over. Only a conflict may then not be told, and the later change is shown.
"""

import contextlib
import os
import random
import secrets
import socket
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from saescope.errors import NotesError

WAIT_S, LEASE_S = 30.0, 10.0
SHORTEST_S, LONGEST_S = 0.001, 0.02


class Turn:
    """The right to append, for as long as a ``with`` block.

    Parameters
    ----------
    folder
        Where the logs are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / "turn"
        self._own = b""

    def __enter__(self) -> Self:
        """Wait for the turn.

        Raises
        ------
        NotesError
            Another writer did not end.
        """
        self._own = f"{socket.gethostname()} {os.getpid()} {secrets.token_hex(8)}".encode()
        began = time.monotonic()
        seen, since = b"", began
        while not self._claim():
            now, found = time.monotonic(), self._read()
            if found != seen:
                seen, since = found, now
            if now - since > LEASE_S or _is_gone(found):
                self._take_away(found)
                seen = b""
            elif now - began > WAIT_S:
                raise NotesError(
                    f"the note was not saved: {found.decode(errors='replace')!r} has been writing in {self._folder} "
                    f"for {WAIT_S:.0f} seconds.",
                    hint="Try again.",
                )
            else:
                time.sleep(random.uniform(SHORTEST_S, LONGEST_S))  # noqa: S311
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the turn back."""
        if self.is_held:
            with contextlib.suppress(OSError):
                self._path.unlink()

    @property
    def is_held(self) -> bool:
        """Whether nobody took it away."""
        return self._read() == self._own

    def _read(self) -> bytes:
        try:
            return self._path.read_bytes()
        except OSError:
            return b""

    def _claim(self) -> bool:
        own = self._folder / f".turn-{self._own.split()[-1].decode()}"
        try:
            own.write_bytes(self._own)
            try:
                os.link(own, self._path)
            finally:
                own.unlink()
        except FileExistsError:
            return False
        except OSError:  # no links here
            return self._claim_without_links()
        return True

    def _claim_without_links(self) -> bool:
        try:
            with self._path.open("xb") as stream:
                stream.write(self._own)
        except FileExistsError:
            return False
        except OSError as err:
            raise NotesError(f"the note was not saved: {self._folder} cannot be written: {err.strerror}.") from err
        return True

    def _take_away(self, found: bytes) -> None:
        """Move a turn away whose holder is gone; one that came in its place meanwhile is put back."""
        aside = self._folder / f".turn-{secrets.token_hex(8)}"
        with contextlib.suppress(OSError):
            self._path.rename(aside)
            if aside.read_bytes() != found:
                os.link(aside, self._path)
        with contextlib.suppress(OSError):
            aside.unlink()


def _is_gone(holder: bytes) -> bool:
    """Whether a holder is a process of this machine that has ended."""
    parts = holder.decode(errors="replace").split()
    if len(parts) != 3 or parts[0] != socket.gethostname() or not parts[1].isdecimal() or os.name == "nt":
        return False
    try:
        os.kill(int(parts[1]), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
