"""The one widget that carries the JavaScript, and the panels that ask it for a view.

The bundle travels to the page once a kernel; a panel is a stub of some hundred bytes.
"""

import threading
import weakref
from pathlib import Path
from typing import Any, ClassVar

import anywidget
import traitlets

from saescope.errors import SaescopeError
from saescope.rpc.connection import Connection
from saescope.rpc.transports.harden import harden

BUNDLE = Path(__file__).parent.parent / "static" / "core.js"

STUB = """
export default {
  async render({ model, el, host, signal }) {
    const core = await host.getWidget(model.get("core"));
    return core.exports.mount(model.get("panel"), model, el, signal);
  }
}
"""


class BundleMissingError(SaescopeError, FileNotFoundError):
    """The JavaScript was not built."""

    code = "bundle_missing"

    def __str__(self) -> str:
        return SaescopeError.__str__(self)


class Core(anywidget.AnyWidget):
    """Holds the bundle; has no view of its own."""

    _esm = BUNDLE if BUNDLE.exists() else ""


_lock = threading.Lock()
_made: list[Core] = []


def core() -> Core:
    """This kernel's core, made on first use."""
    if not BUNDLE.exists():
        raise BundleMissingError(
            f"the panel cannot be shown: {BUNDLE.name} was not built.",
            hint="Install saescope from a wheel, or run `npm ci && npm run build` in its repository.",
        )
    with _lock:
        if not _made or _made[0].comm is None:
            _made[:] = [Core()]
        return _made[0]


class Panel(anywidget.AnyWidget):
    """A view in a cell, with its own line to the kernel.

    Parameters
    ----------
    spec
        What the panel shows, as JSON; see ``js/src/panels``.
    """

    _esm = STUB
    panel = traitlets.Unicode().tag(sync=True)
    core: ClassVar[Any] = anywidget.WidgetTrait().tag(sync=True)
    spec = traitlets.Dict().tag(sync=True)

    def __init__(self, panel: str, spec: dict[str, Any]) -> None:
        super().__init__(panel=panel, core=core(), spec=spec)
        held = weakref.ref(self)

        def send(frame: dict[str, Any], buffers: Any) -> None:
            alive = held()
            if alive is not None and alive.comm is not None:
                alive.send(frame, buffers=list(buffers))

        self._connection = Connection(send)
        self.on_msg(lambda _widget, frame, buffers: self._connection.receive(frame, buffers))
        harden(self.comm)

    def close(self) -> None:
        """Close the panel; what it still asks for is stopped."""
        self._connection.close()
        super().close()
