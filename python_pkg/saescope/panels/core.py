"""The one widget that carries the JavaScript, and the panels that ask it for a view.

The bundle travels to the page once a kernel; a panel is a stub of some hundred bytes.
"""

import html
import threading
import uuid
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import anywidget
import polars as pl
import traitlets

from saescope import live
from saescope.errors import BundleMissingError
from saescope.index.store import check_feature
from saescope.panels.snapshot import MIME, Requests, first_feature, html_table, snapshot
from saescope.rpc.connection import Connection
from saescope.rpc.transports.comm import in_jupyter
from saescope.rpc.transports.harden import harden
from saescope.scope import Scope

STATIC = Path(__file__).parent.parent / "static"
BUNDLE = STATIC / "core.js"

STUB = """
export default {
  async render({ model, el, host, signal }) {
    const core = await host.getWidget(model.get("core"));
    return core.exports.mount(model.get("panel"), model, el, signal);
  }
}
"""


class Core(anywidget.AnyWidget):
    """Holds a bundle; has no view of its own."""

    _esm = ""


_lock = threading.Lock()
_made: dict[Path, Core] = {}


def core(bundle: Path) -> Core:
    """The one widget of this kernel that carries a bundle, made on first use.

    Outside Jupyter each panel gets one of its own: marimo closes the widgets of a cell that runs again, and others
    serve several pages from one process, of which each knows only its own widgets.
    """
    if not bundle.exists():
        raise BundleMissingError(
            f"the panel cannot be shown: {bundle.name} was not built.",
            hint="Install saescope from a wheel, or run `npm ci && npm run build` in its repository.",
        )
    with _lock:
        if bundle not in _made or _made[bundle].comm is None or not in_jupyter():
            _made[bundle] = type("Core", (Core,), {"_esm": bundle})()
        return _made[bundle]


class Panel(anywidget.AnyWidget):
    """A view in a cell, with its own line to the kernel.

    A class of ours names its ``view`` in ``js/src/panels`` and the ``bundle`` that holds it, what a saved notebook
    keeps of it (``recorded``), and the table that holds the same data (``frame``). A class of another package is
    registered under the entry-point group ``saescope.panels`` by the name of its ``view``, and brings that as an ES
    module in ``esm``: a file, or the text itself. What its view asks Python is in ``answers``: functions of a scope and
    the question's parameters that return a dictionary of plain values.

    Parameters
    ----------
    scope
        What to show; kept alive as long as the panel is.
    feature
        Feature to open; by default the one that is selected.
    state
        What a person did in a panel of this kind, as another one's ``state`` tells it.
    **options
        More of the panel's spec, as JSON.

    Raises
    ------
    UnknownFeatureError
        There is no such feature.
    """

    view: ClassVar[str]
    bundle: ClassVar[str] = "core"
    esm: ClassVar[Path | str | None] = None
    title: ClassVar[str] = ""
    about: ClassVar[str] = ""
    key: ClassVar[str] = ""
    height_px: ClassVar[int] = 480
    has_feature: ClassVar[bool] = True
    works_without_index: ClassVar[bool] = False
    answers: ClassVar[Mapping[str, Callable[..., Mapping[str, Any]]]] = {}

    _connection: Connection | None = None
    _esm = STUB
    panel = traitlets.Unicode().tag(sync=True)
    core: ClassVar[Any] = anywidget.WidgetTrait().tag(sync=True)
    spec = traitlets.Dict().tag(sync=True)

    def __init__(
        self, scope: Scope, feature: int | None = None, *, state: dict[str, Any] | None = None, **options: Any
    ) -> None:
        self.scope = scope
        spec = {"scope": scope.id, "key": scope.key, **options}
        spec |= {} if feature is None else {"feature": check_feature(feature, scope.n_features)}
        self._open(spec, state)

    def _open(self, spec: dict[str, Any], state: dict[str, Any] | None) -> None:
        """Become a widget with a line of its own."""
        self.id = uuid.uuid4().hex[:12]
        spec |= {"panel": self.id} | ({"state": dict(state)} if state else {})
        spec |= {} if self.esm is None else {"plugin": self.told()}
        anywidget.AnyWidget.__init__(self, panel=self.view, core=core(STATIC / f"{self.bundle}.js"), spec=spec)
        held = weakref.ref(self)

        def send(frame: dict[str, Any], buffers: Any) -> None:
            alive = held()
            if alive is not None and alive.comm is not None:
                alive.send(frame, buffers=list(buffers))

        connection = self._connection = Connection(send)
        self.on_msg(lambda _widget, frame, buffers: connection.receive(frame, buffers))
        harden(self.comm)

    @classmethod
    def told(cls) -> dict[str, Any]:
        """What is told of a panel of another package before its view is there."""
        names = ("about", "key", "height_px", "has_feature", "works_without_index")
        return {"title": cls.title or cls.view} | {name: getattr(cls, name) for name in names}

    @classmethod
    def problem(cls, name: str) -> str:
        """Why a class of another package cannot be shown under a name; empty if it can."""
        if cls.esm is None:
            return f"{cls.__name__}.esm holds no view"
        if getattr(cls, "view", None) != name:
            return f"its entry point is {name!r}, and {cls.__name__}.view is {getattr(cls, 'view', None)!r}"
        return ""

    @property
    def state(self) -> dict[str, Any]:
        """What a person did in the panel, as JSON; give it to another panel to go on there."""
        begun: dict[str, Any] = (self.spec or {}).get("state", {})
        return live.panel_states(self.spec["scope"]).get(self.id, begun)

    @property
    def feature(self) -> int:
        """The feature that it shows: the locked one, or the one shown last, or its own, or the selected one."""
        known = (self.state.get("locked"), self.state.get("feature"), self.spec.get("feature"), self.scope.selected)
        shown = next((f for f in known if f is not None), None)
        return first_feature(self.scope) if shown is None else int(shown)

    def frame(self) -> pl.DataFrame:
        """What the panel shows, as a table."""
        raise NotImplementedError

    def recorded(self) -> Requests:
        """The requests whose answers a saved notebook keeps."""
        return [("scope.info", {})]

    def html(self) -> str:
        """What a page without scripts shows."""
        return html_table(self.scope, self.frame())

    def text(self) -> str:
        """What a terminal shows."""
        return f"{self.scope!r}\n{self.frame()}"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        found = super()._repr_mimebundle_(**kwargs)
        data, metadata = found if isinstance(found, tuple) else (found or {}, {})
        saved = snapshot(self.scope, self.view, dict(self.spec) | {"state": self.state}, self.recorded())
        data = dict(data) | {MIME: saved}
        if self.scope.index is None:
            line = f"<p>{html.escape(repr(self.scope))}</p>"
            return data | {"text/html": line, "text/plain": repr(self.scope)}, metadata
        return data | {"text/html": self.html(), "text/plain": self.text()}, metadata

    def close(self) -> None:
        """Close the panel; what it still asks for is stopped."""
        if self._connection is not None:
            self._connection.close()
        super().close()
