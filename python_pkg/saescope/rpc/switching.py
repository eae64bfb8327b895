"""How soon Python lets a panel's threads have their turn beside a running cell.

A request passes some ten threads of the kernel (channel, subshell, lane, output), and each waits for the
interpreter until a computing cell has had it for `sys.getswitchinterval()`, 5 ms. While pages ask, that time
is `INTERVAL_S`; `REST_S` after the last frame it is again what it was. A cell that computes alone is
as fast as before: the time only counts when another thread waits.
"""

import sys
import threading
import time

INTERVAL_S = 0.001
REST_S = 10.0


class Switching:
    """Lowers the interpreter's switch interval for as long as it is told of frames.

    Parameters
    ----------
    rest_s
        Seconds after the last frame until the interval is put back.
    """

    def __init__(self, rest_s: float = REST_S) -> None:
        self._rest_s = rest_s
        self._lock = threading.Lock()
        self._before: float | None = None
        self._heard = 0.0

    def hear(self) -> None:
        """Take note of a frame; lowers the interval unless it is as low already."""
        self._heard = time.monotonic()
        if self._before is not None:
            return
        with self._lock:
            found = sys.getswitchinterval()
            if self._before is None and found > INTERVAL_S:
                self._before = found
                sys.setswitchinterval(INTERVAL_S)
                self._look_in(self._rest_s)

    def _look_in(self, wait_s: float) -> None:
        timer = threading.Timer(wait_s, self._rest)
        timer.daemon = True
        timer.start()

    def _rest(self) -> None:
        with self._lock:
            left_s = self._heard + self._rest_s - time.monotonic()
            if left_s > 0:
                self._look_in(left_s)
                return
            if self._before is not None and abs(sys.getswitchinterval() - INTERVAL_S) < INTERVAL_S / 100:
                sys.setswitchinterval(self._before)
            self._before = None
