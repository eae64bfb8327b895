"""The browser: a feature list, and the open feature's page."""

from typing import Any

from saescope.panels.core import Panel
from saescope.panels.snapshot import MIME, snapshot, static_html, static_text
from saescope.scope import Scope


class Browser(Panel):
    """The panel that `Scope.browse` returns.

    Parameters
    ----------
    scope
        What to browse; kept alive as long as the panel is.
    feature
        Feature to open, or ``None`` for the first of the list.
    """

    def __init__(self, scope: Scope, feature: int | None = None) -> None:
        self.scope = scope
        if feature is not None:
            feature = scope.require_index().check_feature(feature)
        spec: dict[str, Any] = {"scope": scope.id}
        super().__init__("browser", spec if feature is None else spec | {"feature": feature})

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        found = super()._repr_mimebundle_(**kwargs)
        data, metadata = found if isinstance(found, tuple) else (found or {}, {})
        saved = snapshot(self.scope, "browser", self.spec)
        data = dict(data) | {MIME: saved, "text/html": static_html(saved), "text/plain": static_text(self.scope, saved)}
        return data, metadata
