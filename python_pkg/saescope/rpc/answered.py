"""What was answered lately, for a page whose line broke on the way."""

import json
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

MAX_ANSWERS = 64
MAX_BYTES = 4_000_000
MAX_KNOWN = 20_000


class Roll(NamedTuple):
    """Of some requests: the answers to send anew, parts before ends, those never heard of, and those that are gone."""

    again: list[tuple[dict[str, Any], Sequence[bytes]]]
    unknown: list[str]
    lost: list[str]


class Kept(NamedTuple):
    """An answer: its last frame with buffers, the partial ones before it, and the bytes of buffers and parts."""

    frame: dict[str, Any]
    buffers: Sequence[bytes]
    events: Sequence[dict[str, Any]]
    n_bytes: int


class Answered:
    """The last answers of one line, at most ``MAX_ANSWERS`` and ``MAX_BYTES`` of buffers and parts; the ids of more."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._known: OrderedDict[str, None] = OrderedDict()
        self._n_bytes = 0

    def keep(self, frame: dict[str, Any], buffers: Sequence[bytes], events: Sequence[dict[str, Any]] = ()) -> None:
        """Remember an answer."""
        rid, size = frame["rid"], sum(map(len, buffers)) + sum(len(json.dumps(e)) for e in events)
        with self._lock:
            self._known[rid] = None
            if len(self._known) > MAX_KNOWN:
                self._known.popitem(last=False)
            if size > MAX_BYTES:
                return
            self._kept[rid] = Kept(frame, buffers, events, size)
            self._n_bytes += size
            while len(self._kept) > MAX_ANSWERS or self._n_bytes > MAX_BYTES:
                _, dropped = self._kept.popitem(last=False)
                self._n_bytes -= dropped.n_bytes

    def call_roll(self, rids: Iterable[str], is_open: Iterable[str]) -> Roll:
        """What to tell a page that waits for requests; ``is_open`` are those still being worked on."""
        working = set(is_open)
        with self._lock:
            settled = [rid for rid in rids if rid not in working]
            kept = [self._kept[rid] for rid in settled if rid in self._kept]
            unknown = [rid for rid in settled if rid not in self._known]
            lost = [rid for rid in settled if rid in self._known and rid not in self._kept]
        again = [sent for k in kept for sent in [*((event, ()) for event in k.events), (k.frame, k.buffers)]]
        return Roll(again, unknown, lost)
