"""A page in the same process, for tests and for scripts."""

import queue
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from saescope.rpc.connection import Connection


@dataclass
class Reply:
    """How a request went: its events, then its last frame with its buffers."""

    events: list[dict[str, Any]] = field(default_factory=list)
    last: dict[str, Any] = field(default_factory=dict)
    buffers: list[bytes] = field(default_factory=list)


class MemoryPage:
    """Asks a `Connection` and waits for answers."""

    def __init__(self) -> None:
        self.frames: queue.Queue[tuple[dict[str, Any], Sequence[bytes]]] = queue.Queue()
        self.connection = Connection(lambda frame, buffers: self.frames.put((frame, buffers)))

    def send(self, frame: dict[str, Any]) -> None:
        """Send any frame."""
        self.connection.receive(frame)

    def ask(self, method: str, params: dict[str, Any], slot: str | None = None) -> str:
        """Send a request; returns its id."""
        rid = uuid.uuid4().hex
        self.send({"t": "request", "rid": rid, "method": method, "params": params, "slot": slot})
        return rid

    def call(self, method: str, params: dict[str, Any], timeout_s: float = 30.0) -> Reply:
        """Ask, and wait until the request settles; other frames, and its place in the line, are dropped."""
        rid, reply = self.ask(method, params), Reply()
        while True:
            frame, buffers = self.frames.get(timeout=timeout_s)
            if frame.get("rid") != rid or frame["t"] == "queued":
                continue
            if frame["t"] != "event":
                reply.last, reply.buffers = frame, list(buffers)
                return reply
            reply.events.append(frame["data"])
