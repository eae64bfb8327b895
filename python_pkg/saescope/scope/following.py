"""A scope that follows the growth of its index: in a thread, until the build is over.

The build may run in this process or in any other; what is followed is the folder.
"""

import contextlib
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from saescope import live
from saescope.errors import CancelledError, ComputeError, SaescopeError
from saescope.index import Index
from saescope.indexing.heartbeat import read_beat
from saescope.indexing.workspace import is_being_built

if TYPE_CHECKING:
    from saescope.scope.state import State

PERIOD_S = 1.0
GO_ON = "Build again with the same `out` to go on."


def follow(scope: "State", path: Path) -> None:
    """Follow an unfinished index that a scope has open, for as long as both live."""
    _start(scope, path, threading.Event(), attaches=True)


@contextlib.contextmanager
def following(scope: "State", path: Path, *, attach: bool) -> Iterator[None]:
    """Follow an index while it is built in this block.

    Parameters
    ----------
    scope
        Whose panels are told.
    path
        Folder of the index.
    attach
        Open the index for the scope as soon as there is something to see, if it has none.
    """
    done = threading.Event()
    scope.building, scope.failure = path, None
    thread = _start(scope, path, done, attaches=attach)
    try:
        yield
    except BaseException as err:
        scope.failure = failure_of(err)
        raise
    finally:
        done.set()
        thread.join()
        scope.building = None
        live.changed()


def failure_of(err: BaseException) -> SaescopeError:
    """Why a build ended, as panels tell it."""
    if isinstance(err, SaescopeError):
        return err
    if isinstance(err, KeyboardInterrupt):
        return CancelledError("the build was interrupted.", hint=GO_ON)
    return ComputeError(f"the build failed: {type(err).__name__}: {err}", hint=GO_ON)


def _start(scope: "State", path: Path, done: threading.Event, *, attaches: bool) -> threading.Thread:
    thread = threading.Thread(
        target=_run, args=(weakref.ref(scope), path, done, attaches), name="saescope-following", daemon=True
    )
    thread.start()
    return thread


def _run(scope_ref: "weakref.ref[State]", path: Path, done: threading.Event, attaches: bool) -> None:
    told: object = None
    while not done.wait(PERIOD_S):
        scope = scope_ref()
        if scope is None:
            return
        with contextlib.suppress(SaescopeError):
            if _look(scope, path, attaches=attaches) and scope.building is None:
                return
        state = read_beat(path), scope.building is not None or is_being_built(path)
        if state != told:
            live.changed()
        told = state
        del scope


def _look(scope: "State", path: Path, *, attaches: bool) -> bool:
    """Take in what is new; returns whether the index is complete."""
    index = scope.index
    if index is None:
        if attaches:
            found = Index(path)
            if found.n_rows:
                scope.attach(found)
        return False
    if index.path != path:
        return False
    if index.refresh():
        scope.renewed()
    return index.is_complete
