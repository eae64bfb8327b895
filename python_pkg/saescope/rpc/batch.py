"""Answers that leave in one frame: a message to a page costs more than what is in it."""

import threading
from collections.abc import Sequence
from typing import Any

from saescope.rpc import codec
from saescope.rpc.calls import Send
from saescope.rpc.messages.frames import BatchFrame


class Batch:
    """Holds the frames of requests that came together until the last of them is done.

    Parameters
    ----------
    send
        Where frames go.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._lock = threading.Lock()
        self._held: list[tuple[dict[str, Any], Sequence[bytes]]] | None = []

    def send(self, frame: dict[str, Any], buffers: Sequence[bytes]) -> None:
        """Hold a frame; after `close` it is passed on."""
        with self._lock:
            if self._held is not None:
                self._held.append((frame, buffers))
                return
        self._send(frame, buffers)

    def close(self) -> None:
        """Send what is held."""
        with self._lock:
            held, self._held = self._held or [], None
        if len(held) == 1:
            self._send(*held[0])
        elif held:
            frame = BatchFrame(frames=[f for f, _ in held], n_buffers=[len(b) for _, b in held])
            self._send(codec.encode(frame), [buffer for _, buffers in held for buffer in buffers])
