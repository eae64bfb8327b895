"""Try it: what fires on a text that a person types."""

from typing import Any, ClassVar

import polars as pl

from saescope.panels.core import Panel
from saescope.panels.snapshot import Requests, html_table
from saescope.scope import Scope

QUICK = 2000


class TryIt(Panel):
    """A text, shaded by a feature as one types, and the features that fire on it most.

    Parameters
    ----------
    scope
        What reads the text.
    feature
        Feature to shade by; by default the one that is selected.
    text
        Text to begin with; by default the one tried last.
    state
        What a person did in another such panel: its ``state``.
    """

    view: ClassVar[str] = "try_it"

    def __init__(
        self,
        scope: Scope,
        feature: int | None = None,
        *,
        text: str | None = None,
        state: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        if text is not None:
            scope.select(text=text)
        shown = scope.text or (state or {}).get("text", "")
        super().__init__(scope, feature, state={**(state or {}), "text": shown}, **options)

    @property
    def tried(self) -> str:
        """The text that is tried: the one that all panels share, or the one it began with."""
        return self.scope.text or str(self.state.get("text", ""))

    def frame(self) -> pl.DataFrame:
        """The features that fire most on its text: `Scope.top_features`."""
        state = self.state
        limit = 0.1 if state.get("hidesDense", True) and self.scope.index is not None else None
        return self.scope.top_features(self.tried, state.get("by", "max"), max_density=limit)

    @property
    def _is_quick(self) -> bool:
        """Whether a reading now takes no time worth naming."""
        has_model = self.scope.model is not None and not self.scope.lock.locked()
        return has_model and 0 < len(self.tried) <= QUICK

    def recorded(self) -> Requests:
        """What fires on its text, where that is short and the model is free."""
        return [("text.read", {"text": self.tried})] if self._is_quick else []

    def html(self) -> str:
        """The features that fire most, where the text is short and the model is free."""
        return html_table(self.scope, self.frame() if self._is_quick else pl.DataFrame({"text": [self.tried]}))

    def text(self) -> str:
        """The text."""
        return f"{self.scope!r}\n{self.tried}"
