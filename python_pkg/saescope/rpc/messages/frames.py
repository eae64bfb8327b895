"""Frames: what travels between kernel and page. ``docs/protocol.md`` tells the rules."""

from dataclasses import dataclass, field
from typing import Any, Literal

from saescope.rpc.messages.scopes import ScopeInfo

PROTOCOL = 4

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class HelloFrame:
    """First frame of each side. The kernel answers with its version and scopes."""

    t: Literal["hello"] = "hello"
    protocol: int = PROTOCOL
    version: str = ""
    scopes: list[ScopeInfo] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class RequestFrame:
    """Ask for something. A newer request in the same ``slot`` cancels the older."""

    rid: str
    method: str
    params: Json = field(default_factory=dict)
    slot: str | None = None
    t: Literal["request"] = "request"


@dataclass(frozen=True, kw_only=True)
class EventFrame:
    """A partial answer to request ``rid``, its ``n``-th from 0; any number of them before it settles."""

    rid: str
    data: Json
    n: int = 0
    t: Literal["event"] = "event"


@dataclass(frozen=True, kw_only=True)
class ResultFrame:
    """The end of request ``rid``, with its answer."""

    rid: str
    data: Json
    t: Literal["result"] = "result"


@dataclass(frozen=True, kw_only=True)
class ErrorInfo:
    """What went wrong: ``message`` starts with what could not be done, ``hint`` says what to do."""

    code: str
    message: str
    hint: str = ""
    data: Json = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ErrorFrame:
    """The end of request ``rid``, with a failure."""

    rid: str
    error: ErrorInfo
    t: Literal["error"] = "error"


@dataclass(frozen=True, kw_only=True)
class CancelFrame:
    """Stop request ``rid``; it settles with an error of code ``cancelled``."""

    rid: str
    t: Literal["cancel"] = "cancel"


@dataclass(frozen=True, kw_only=True)
class QueuedFrame:
    """Request ``rid`` waits for its turn: ``n_before`` others run or wait before it; 0 when its turn has come."""

    rid: str
    n_before: int
    t: Literal["queued"] = "queued"


@dataclass(frozen=True, kw_only=True)
class RollFrame:
    """The page tells for which requests ``rids`` it waits.

    The kernel sends anew what it has answered. It answers with those that are ``unknown`` to it, for the page to send
    anew, and those whose answers are ``lost``; all others are being worked on.
    """

    rids: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    t: Literal["roll"] = "roll"


@dataclass(frozen=True, kw_only=True)
class BatchFrame:
    """Frames that travel together, in order; ``n_buffers`` tells how many of the buffers beside it are each one's."""

    frames: list[Json]
    n_buffers: list[int] = field(default_factory=list)
    t: Literal["batch"] = "batch"


@dataclass(frozen=True, kw_only=True)
class NotifyFrame:
    """News that nobody asked for: data is a `ScopeList`, a `Selection`, a `Noted`, or a `MapNews`."""

    topic: Literal["scopes", "selection", "notes", "maps"]
    data: Json
    t: Literal["notify"] = "notify"
