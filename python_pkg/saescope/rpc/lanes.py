"""Threads in which calls take turns; who waits is told how many are before it."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from saescope.rpc.calls import Call
from saescope.rpc.methods import Lane

log = logging.getLogger("saescope.rpc")

TOLD_AFTER_S = 0.4
"""How long a call waits before it is told its place; most turns are shorter."""

Run = Callable[[Call, Any], None]


class Turns:
    """One lane.

    Parameters
    ----------
    name
        For the threads.
    n_threads
        Calls that run at the same time.
    """

    def __init__(self, name: str, n_threads: int) -> None:
        self._pool = ThreadPoolExecutor(max_workers=n_threads, thread_name_prefix=f"saescope-{name}")
        self._lock = threading.Lock()
        self._waiting: list[Call] = []
        self._running: list[Call] = []
        self._told: set[Call] = set()
        self._timer: threading.Timer | None = None

    def submit(self, run: Run, call: Call, params: Any) -> None:
        """Run a call when it is its turn."""
        with self._lock:
            self._waiting.append(call)
            self._tell_later()
        self._pool.submit(self._take, run, call, params)

    def submit_task(self, task: Callable[..., None], *given: Any) -> None:
        """Run something that tells its callers itself."""
        self._pool.submit(task, *given)

    def _take(self, run: Run, call: Call, params: Any) -> None:
        with self._lock:
            self._waiting.remove(call)
            self._running.append(call)
        self._tell()
        try:
            run(call, params)
        finally:
            with self._lock:
                self._running.remove(call)
                self._told.discard(call)

    def _tell_later(self) -> None:
        if self._timer is None:
            self._timer = threading.Timer(TOLD_AFTER_S, self._tell_all)
            self._timer.daemon = True
            self._timer.start()

    def _tell_all(self) -> None:
        with self._lock:
            self._timer = None
            self._told.update(call for call in self._waiting if not call.is_settled)
        self._tell()

    def _tell(self) -> None:
        with self._lock:
            running = [call for call in self._running if not call.is_settled]
            line = [call for call in self._waiting if not call.is_settled]
            told = [(call, 0) for call in running if call in self._told]
            told += [(call, len(running) + place) for place, call in enumerate(line) if call in self._told]
        for call, n_before in told:
            try:
                call.tell_place(n_before)
            except Exception:
                log.exception("a page could not be told that %s waits", call.request.method)


def make_lanes() -> dict[Lane, Turns]:
    """Every lane of a process."""
    n_threads: dict[Lane, int] = {"store": 2, "aside": 2, "compute": 1, "long": 1}
    return {lane: Turns(lane, n) for lane, n in n_threads.items()}
