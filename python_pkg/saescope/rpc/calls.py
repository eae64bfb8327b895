"""One request on its way: it settles once, and can be stopped."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from saescope.errors import CancelledError
from saescope.rpc import codec
from saescope.rpc.messages.frames import ErrorFrame, ErrorInfo, EventFrame, QueuedFrame, RequestFrame, ResultFrame

Send = Callable[[dict[str, Any], Sequence[bytes]], None]
Settled = Callable[[dict[str, Any], Sequence[bytes], Sequence[dict[str, Any]]], None]
MAX_EVENTS = 64
"""Partial answers of a call that are kept for a page whose line broke: the last ones."""


@dataclass(frozen=True)
class Answer:
    """What a handler returns when it has binary buffers to send along."""

    message: Any
    buffers: list[bytes] = field(default_factory=list)


class Call:
    """A request that is being worked on.

    Parameters
    ----------
    request
        What was asked.
    send
        Where frames go.
    origin
        The line it came by.
    on_settled
        Told the last frame with its buffers, before they are sent, and the partial answers before it.
    """

    def __init__(
        self, request: RequestFrame, send: Send, origin: object = None, on_settled: Settled | None = None
    ) -> None:
        self.request = request
        self.origin = origin
        self._send = send
        self._on_settled = on_settled
        self._n_before: int | None = None
        self._events: deque[dict[str, Any]] = deque(maxlen=MAX_EVENTS)
        self._n_events = 0
        self._lock = threading.Lock()
        self._is_settled = False
        self._stopped = threading.Event()

    @property
    def is_settled(self) -> bool:
        """Whether the answer, or a failure, has been sent."""
        return self._is_settled

    def check(self) -> None:
        """Raise `CancelledError` when the request is no longer wanted."""
        if self._stopped.is_set():
            raise CancelledError("stopped.")

    def emit(self, event: Any) -> None:
        """Send a partial answer, unless the request has settled."""
        self.check()
        with self._lock:
            if not self._is_settled:
                frame = EventFrame(rid=self.request.rid, data=codec.encode(event), n=self._n_events)
                encoded = codec.encode(frame)
                self._n_events += 1
                self._events.append(encoded)
                self._send(encoded, [])

    def tell_place(self, n_before: int) -> None:
        """Say how many calls run or wait before this one, if that has changed; 0 when it runs."""
        with self._lock:
            if self._is_settled or n_before == self._n_before:
                return
            self._n_before = n_before
            self._send(codec.encode(QueuedFrame(rid=self.request.rid, n_before=n_before)), [])

    def succeed(self, answer: Any) -> None:
        """Settle with an answer."""
        found = answer if isinstance(answer, Answer) else Answer(answer)
        self._settle(ResultFrame(rid=self.request.rid, data=codec.encode(found.message)), found.buffers)

    def fail(self, error: ErrorInfo) -> None:
        """Settle with a failure."""
        self._settle(ErrorFrame(rid=self.request.rid, error=error), [])

    def stop(self, error: ErrorInfo) -> None:
        """Settle with ``error`` now, and let the handler find out at its next check."""
        self._stopped.set()
        self.fail(error)

    def _settle(self, frame: ResultFrame | ErrorFrame, buffers: list[bytes]) -> None:
        with self._lock:
            if self._is_settled:
                return
            self._is_settled = True
            encoded = codec.encode(frame)
            if self._on_settled is not None:
                self._on_settled(encoded, buffers, list(self._events))
            self._events.clear()
            self._send(encoded, buffers)
