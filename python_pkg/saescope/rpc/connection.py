"""One page's side of the line: frames in, frames out, nothing blocks.

1. A frame is parsed where it arrives, which may be the thread of all comms, and queued.
2. Handlers run in a small pool, those that run the model in a lane of their own, one at a time,
   and those that take minutes in another; answers leave from there. Short requests that came
   together run one after the other and are answered together.
3. A newer request in the same slot, a cancel, or the closing of the line settles a request.
"""

import logging
import threading
from collections.abc import Sequence
from typing import Any

from saescope import live
from saescope._version import version
from saescope.errors import CancelledError, ProtocolError, SaescopeError
from saescope.rpc import codec
from saescope.rpc.answered import Answered
from saescope.rpc.batch import Batch
from saescope.rpc.calls import Call, Send
from saescope.rpc.handlers.subjects import list_scopes
from saescope.rpc.lanes import make_lanes
from saescope.rpc.messages.frames import (
    PROTOCOL,
    BatchFrame,
    CancelFrame,
    ErrorInfo,
    HelloFrame,
    Json,
    NotifyFrame,
    RequestFrame,
    RollFrame,
)
from saescope.rpc.messages.scopes import ScopeList
from saescope.rpc.methods import find_method
from saescope.rpc.switching import Switching

log = logging.getLogger("saescope.rpc")

_LANES = make_lanes()
_SWITCHING = Switching()

CANCELLED = ErrorInfo(code="cancelled", message="Stopped.")
SUPERSEDED = ErrorInfo(code="superseded", message="A newer request took its place.")
CLOSED = ErrorInfo(code="closed", message="The panel was closed.")


class Connection:
    """Serves one page.

    Parameters
    ----------
    send
        Takes a frame and its buffers; called from any thread.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._lock = threading.Lock()
        self._calls: dict[str, Call] = {}
        self._slots: dict[str, str] = {}
        self._answered = Answered()
        self._is_closed = False
        self._on_news = self._hear
        live.listen(self._on_news)

    def receive(self, frame: Any, _buffers: Sequence[Any] = ()) -> None:
        """Take one frame from the page; a closed line takes none."""
        if self._is_closed:
            return
        _SWITCHING.hear()
        kind = frame.get("t") if isinstance(frame, dict) else None
        try:
            if kind == "hello":
                self._greet(frame)
            elif kind == "batch":
                self._take_all(codec.decode(BatchFrame, frame).frames)
            elif kind == "request":
                call, params = self._opened(codec.decode(RequestFrame, frame), self._send)
                _LANES[find_method(call.request.method).lane].submit(self._run, call, params)
            elif kind == "roll":
                self._call_roll(codec.decode(RollFrame, frame).rids)
            elif kind == "cancel":
                self._stop(codec.decode(CancelFrame, frame).rid, CANCELLED)
            else:
                raise ProtocolError(f"there is no frame of kind {kind!r}.")
        except SaescopeError as err:
            self._refuse(frame, err)

    def close(self) -> None:
        """The page is gone: every open request settles, and nothing more is sent."""
        with self._lock:
            self._is_closed = True
            calls = list(self._calls.values())
            self._calls.clear()
            self._slots.clear()
        for call in calls:
            call.stop(CLOSED)

    def notify(self, topic: Any, data: dict[str, Any]) -> None:
        """Tell the page some news; a line that is cut hinders nobody else."""
        if self._is_closed:
            return
        try:
            self._send(codec.encode(NotifyFrame(topic=topic, data=data)), [])
        except Exception:
            log.exception("a page could not be told of the %s", topic)

    def _call_roll(self, rids: Sequence[str]) -> None:
        """Answer a page that waits: its line may have broken, and frames with it."""
        with self._lock:
            is_open = list(self._calls)
        roll = self._answered.call_roll(rids, is_open)
        for frame, buffers in roll.again:
            self._send(frame, buffers)
        self._send(codec.encode(RollFrame(unknown=roll.unknown, lost=roll.lost)), [])

    def _greet(self, frame: dict[str, Any]) -> None:
        theirs = frame.get("protocol")
        if theirs != PROTOCOL:
            log.warning("the page speaks protocol %s and the kernel %s", theirs, PROTOCOL)
        self._send(codec.encode(HelloFrame(version=version(), scopes=list_scopes())), [])

    def _hear(self, topic: str, data: dict[str, Any], origin: object) -> None:
        if origin is self:
            return
        self.notify(topic, codec.encode(ScopeList(scopes=list_scopes())) if topic == "scopes" else data)

    def _refuse(self, frame: Any, err: SaescopeError) -> None:
        log.warning("a frame was refused: %s", err)
        rid = frame.get("rid") if isinstance(frame, dict) else None
        if isinstance(rid, str):
            Call(RequestFrame(rid=rid, method=""), self._send).fail(error_info(err))

    def _take_all(self, frames: Sequence[Json]) -> None:
        batch = Batch(self._send)
        quick: list[tuple[Call, Any]] = []
        for frame in frames:
            try:
                if frame.get("t") != "request" or not find_method(str(frame.get("method"))).is_quick:
                    self.receive(frame)
                    continue
                quick.append(self._opened(codec.decode(RequestFrame, frame), batch.send))
            except SaescopeError as err:
                self._refuse(frame, err)
        if quick:
            _LANES["store"].submit_task(self._run_all, quick, batch)

    def _run_all(self, calls: Sequence[tuple[Call, Any]], batch: Batch) -> None:
        try:
            for call, params in calls:
                self._run(call, params)
        finally:
            batch.close()

    def _opened(self, request: RequestFrame, send: Send) -> tuple[Call, Any]:
        params = codec.decode(find_method(request.method).params, request.params)
        call = Call(request, send, self, self._answered.keep)
        with self._lock:
            if request.rid in self._calls:
                raise ProtocolError(f"request {request.rid!r} is open already.")
            older = self._slots.get(request.slot) if request.slot else None
            self._calls[request.rid] = call
            if request.slot:
                self._slots[request.slot] = request.rid
        if older is not None:
            self._stop(older, SUPERSEDED)
        return call, params

    def _stop(self, rid: str, why: ErrorInfo) -> None:
        with self._lock:
            call = self._calls.pop(rid, None)
        if call is not None:
            call.stop(why)

    def _run(self, call: Call, params: Any) -> None:
        try:
            call.check()
            answer = find_method(call.request.method).handler(call, params)
            call.succeed(answer)
        except CancelledError:
            call.fail(CANCELLED)
        except SaescopeError as err:
            call.fail(error_info(err))
        except Exception as err:
            log.exception("%s failed", call.request.method)
            call.fail(
                ErrorInfo(
                    code="internal",
                    message=f"{call.request.method} failed: {type(err).__name__}: {err}",
                    hint="This is a fault in saescope; the kernel's log has the details.",
                )
            )
        finally:
            with self._lock:
                self._calls.pop(call.request.rid, None)
                if call.request.slot and self._slots.get(call.request.slot) == call.request.rid:
                    del self._slots[call.request.slot]


def error_info(err: SaescopeError) -> ErrorInfo:
    """An error as it travels."""
    return ErrorInfo(code=err.code, message=err.message, hint=err.hint, data=err.data)
