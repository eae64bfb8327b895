"""Results that are kept with the notes. A call runs as from Python, and can be stopped."""

import time
from collections.abc import Callable
from typing import Any, Literal

from saescope import live
from saescope.notes import Kept
from saescope.notes.kept_rows import KeptLine as Line
from saescope.rpc.calls import Call
from saescope.rpc.messages.kept import (
    KeepParams,
    KeepStage,
    KeptAgain,
    KeptDone,
    KeptLine,
    KeptLines,
    KeptLinesParams,
    KeptParams,
    KeptResult,
    KeptTitle,
)
from saescope.scope.trying import OnStage

MOST_LINES = 500
TELL_S = 0.1


def _told(call: Call) -> OnStage:
    """Tells the page how far a call is, at most ten times a second."""
    seen = {"n": 0, "at": 0.0}

    def tell(stage: Literal["waiting", "reading"], _: int) -> None:
        seen["n"] += stage == "reading"
        if stage == "waiting" or time.monotonic() - seen["at"] > TELL_S:
            seen["at"] = time.monotonic()
            call.emit(KeepStage(stage="waiting" if stage == "waiting" else "running", n_texts=int(seen["n"])))

    return tell


def _keep(call: Call, params: KeepParams) -> KeptResult:
    scope = live.get(params.scope)
    made = scope.keep_call(
        params.feature,
        params.method,
        params.args,
        params.title,
        panel=params.panel,
        check=call.check,
        on_stage=_told(call),
    )
    return _result(made)


def _line(kept: "Kept | Line") -> KeptLine:
    return KeptLine(
        id=kept.id,
        feature=kept.feature,
        title=kept.title,
        method=kept.method,
        headline=kept.headline,
        author=kept.author,
        time_ms=kept.time_us // 1000,
    )


def _result(kept: Kept) -> KeptResult:
    return KeptResult(line=_line(kept), code=kept.code, panel=dict(kept.panel), cut=kept.cut)


def _list(_call: Call, params: KeptLinesParams) -> KeptLines:
    found = live.get(params.scope).notes.kept_lines(params.feature)
    if params.feature is None and not params.is_all:
        found = [line for line in found if line.feature is None]
    return KeptLines(lines=[_line(line) for line in found[-MOST_LINES:]], n=len(found))


def _get(_call: Call, params: KeptParams) -> KeptResult:
    return _result(live.get(params.scope).notes.kept_result(params.id))


def _title(_call: Call, params: KeptTitle) -> KeptResult:
    return _result(live.get(params.scope).notes.retitle(params.id, params.title))


def _remove(_call: Call, params: KeptParams) -> KeptDone:
    live.get(params.scope).unkeep(params.id)
    return KeptDone(id=params.id)


def _step(action: Literal["undo", "redo"]) -> Callable[[Call, KeptParams], KeptDone]:
    def step(_call: Call, params: KeptParams) -> KeptDone:
        live.get(params.scope).notes.step_kept(params.id, action)
        return KeptDone(id=params.id)

    return step


def _rerun(call: Call, params: KeptParams) -> KeptAgain:
    found = live.get(params.scope).rerun(params.id, check=call.check, on_stage=_told(call))
    return KeptAgain(
        is_same=found.is_same,
        differences=list(found.differences),
        changed=list(found.changed),
        failure=found.failure,
    )


HANDLERS: dict[str, Callable[[Call, Any], Any]] = {
    "kept.keep": _keep,
    "kept.list": _list,
    "kept.get": _get,
    "kept.title": _title,
    "kept.remove": _remove,
    "kept.undo": _step("undo"),
    "kept.redo": _step("redo"),
    "kept.rerun": _rerun,
}
LONG = {"kept.keep", "kept.rerun"}
