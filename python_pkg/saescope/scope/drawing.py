"""Maps that are drawn in a thread of their own, with progress and a stop; one a scope at a time."""

import logging
import threading
import time
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from saescope import live
from saescope.errors import CancelledError, SaescopeError

if TYPE_CHECKING:
    from saescope.scope import Scope

log = logging.getLogger("saescope.maps")

TELL_EVERY_S = 0.2


@dataclass
class Drawing:
    """A map being drawn, and how far it is; ``error`` and ``hint`` when that failed."""

    scope: "Scope"
    method: str
    stage: str = "Starting"
    unit: str = ""
    done: int = 0
    total: int = 0
    is_over: bool = False
    error: str = ""
    hint: str = ""

    def __post_init__(self) -> None:
        self._stopped = threading.Event()
        self._told_at = 0.0
        self._thread = threading.Thread(target=self._run, name="saescope-map", daemon=True)

    def begin(self) -> None:
        """Draw from here on."""
        self._thread.start()

    def stop(self) -> None:
        """Give it up at the next step."""
        self._stopped.set()

    def join(self, timeout_s: float) -> None:
        """Wait for its end."""
        self._thread.join(timeout_s)

    def say(self, text: str) -> None:
        """Ignored."""

    def start(self, what: str, total: int, unit: str, done: int = 0) -> None:
        """A stage begins."""
        self.stage, self.total, self.unit, self.done = what, total, unit, done
        self.advance(0)

    def advance(self, n: int) -> None:
        """``n`` more units are done.

        Raises
        ------
        CancelledError
            It is to stop.
        """
        if self._stopped.is_set():
            raise CancelledError("stopped.")
        self.done += n
        if time.monotonic() - self._told_at > TELL_EVERY_S:
            self._tell()

    def finish(self) -> None:
        """The stage is over."""

    def _run(self) -> None:
        try:
            self.scope.draw_map(self.method, self)
        except CancelledError:
            pass
        except SaescopeError as err:
            self.error, self.hint = err.message, err.hint
        except (ValueError, TypeError, MemoryError, OSError, RuntimeError, LookupError, AttributeError) as err:
            log.exception("the map %s could not be drawn", self.method)
            self.error, self.hint = f"the map could not be drawn: {err!r}.", "The kernel's log has the details."
        finally:
            self.is_over = True
            self._tell()

    def _tell(self) -> None:
        self._told_at = time.monotonic()
        live.tell("maps", news(self))


_lock = threading.Lock()
_drawings: "weakref.WeakKeyDictionary[Scope, Drawing]" = weakref.WeakKeyDictionary()


def draw(scope: "Scope", method: str) -> Drawing:
    """Draw a map of a scope, unless it is being drawn; another one that was is given up."""
    with _lock:
        running = _drawings.get(scope)
        if running is not None and not running.is_over:
            if running.method == method:
                return running
            running.stop()
        made = _drawings[scope] = Drawing(scope, method)
    made.begin()
    return made


def drawing_of(scope: "Scope") -> Drawing | None:
    """The map that is being drawn, if any."""
    with _lock:
        found = _drawings.get(scope)
    return None if found is None or found.is_over else found


def news(drawing: Drawing) -> dict[str, Any]:
    """What is told of a drawing: the fields of ``rpc.messages.map.MapNews``."""
    names = ("method", "stage", "unit", "done", "total", "is_over", "error", "hint")
    return {"scope": drawing.scope.id} | {name: getattr(drawing, name) for name in names}
