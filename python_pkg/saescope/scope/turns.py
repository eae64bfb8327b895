"""The model for one task that takes long, piece by piece: others have it in between."""

import threading
import time
from collections.abc import Callable
from types import TracebackType

POLL_S = 0.05
YIELD_S = 0.0005

Check = Callable[[], None]


class Turns:
    """Holds a lock while it is entered, and lets others have it when told.

    Parameters
    ----------
    lock
        The model's.
    check
        Called while waiting and at each turn's end; what it raises ends the task.
    on_wait
        Told that the lock is held elsewhere when the task begins.
    """

    def __init__(self, lock: threading.Lock, check: Check, on_wait: Callable[[], None]) -> None:
        self._lock = lock
        self._check = check
        self._on_wait = on_wait
        self._is_held = False

    def __enter__(self) -> "Turns":  # noqa: PYI034
        self._is_held = self._lock.acquire(blocking=False)
        if not self._is_held:
            self._on_wait()
            self._take()
        return self

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None, at: TracebackType | None) -> None:
        if self._is_held:
            self._give()

    def let_others(self) -> None:
        """One piece is done: whoever waits may have the lock first."""
        self._give()
        time.sleep(YIELD_S)
        self._take()

    def _give(self) -> None:
        self._is_held = False
        self._lock.release()

    def _take(self) -> None:
        self._check()
        while not self._lock.acquire(timeout=POLL_S):
            self._check()
        self._is_held = True
