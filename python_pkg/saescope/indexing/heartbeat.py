"""How a build goes, told to whoever looks: other processes, panels, the caller's bar.

Once a second a small file in the index's folder says what is done and what is left;
another, made by anyone, stops the build.
"""

import contextlib
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from saescope.errors import CancelledError
from saescope.types import Progress

HEARTBEAT = "progress.json"
STOP = "stop"
PERIOD_S = 1.0
WARM_UP_S = 2.0


@dataclass(frozen=True)
class Beat:
    """How far a stage of a build is; ``unit`` is a plural.

    ``total`` is 0 and ``seconds_left`` ``None`` when nobody knows.
    """

    stage: str
    unit: str
    done: int
    total: int
    rate: float = 0.0
    seconds_left: float | None = None


def read_beat(path: Path) -> Beat | None:
    """What the build in this folder said last."""
    try:
        return Beat(**json.loads((path / HEARTBEAT).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def ask_to_stop(path: Path) -> None:
    """Ask the build in this folder, whichever process it is, to stop."""
    (path / STOP).touch()


class Heartbeat:
    """Progress that is passed on, written down once a second, and stopped on request.

    Parameters
    ----------
    progress
        Who else is told.
    path
        The index's folder.
    """

    def __init__(self, progress: Progress, path: Path) -> None:
        self._progress = progress
        self._path = path
        self._stage, self._unit, self._done, self._total, self._before = "", "", 0, 0, 0
        self._began = self._told = 0.0

    def say(self, text: str) -> None:
        """Passed on."""
        self._progress.say(text)

    def start(self, what: str, total: int, unit: str, done: int = 0) -> None:
        """A stage of ``total`` units begins, ``done`` of which were done before.

        Raises
        ------
        CancelledError
            Someone asked for a stop.
        """
        self._stage, self._unit, self._done, self._total = what, unit, done, total
        self._began, self._before = time.monotonic(), done
        self._progress.start(what, total, unit, done)
        self._tell()
        self._check()

    def advance(self, n: int) -> None:
        """``n`` more units are done.

        Raises
        ------
        CancelledError
            Someone asked for a stop.
        """
        self._done += n
        self._progress.advance(n)
        if time.monotonic() - self._told >= PERIOD_S:
            self._tell()
            self._check()

    def finish(self) -> None:
        """The stage is over."""
        self._progress.finish()

    def _check(self) -> None:
        if (self._path / STOP).exists():
            raise CancelledError("the build was stopped.", hint="Build again with the same `out` to go on.")

    def _tell(self) -> None:
        self._told = time.monotonic()
        elapsed = self._told - self._began
        rate = (self._done - self._before) / elapsed if elapsed > 0 else 0.0
        is_known = self._total > 0 and rate > 0 and elapsed >= WARM_UP_S
        left = (self._total - self._done) / rate if is_known else None
        beat = Beat(self._stage, f"{self._unit}s", self._done, self._total, rate, left)
        temporary = self._path / f"{HEARTBEAT}.tmp"
        with contextlib.suppress(OSError):
            temporary.write_text(json.dumps(asdict(beat)), encoding="utf-8")
            temporary.replace(self._path / HEARTBEAT)
