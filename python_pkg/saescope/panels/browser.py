"""The browser: table, page and all other panels in one layout."""

from typing import ClassVar

import polars as pl

from saescope.panels.core import Panel
from saescope.panels.snapshot import CONTEXT, N_EXAMPLES, Requests, feature_html, feature_text, marks_asked

N_ROWS = 20
TABLE = {"sort": "max", "descending": True}


class Browser(Panel):
    """The panel that `Scope.browse` returns."""

    view: ClassVar[str] = "browser"

    def frame(self) -> pl.DataFrame:
        """The feature table."""
        return self.scope.features

    def recorded(self) -> Requests:
        """The table's first rows, the open feature, and its first examples."""
        feature = {"feature": self.feature}
        return [
            ("features.window", {"offset": 0, "count": N_ROWS, **TABLE}),
            ("feature.get", feature),
            ("note.get", feature),
            ("examples.list", feature | {"group": "top", "k": N_EXAMPLES, "context": CONTEXT}),
            *marks_asked(self.scope, self.feature),
        ]

    def html(self) -> str:
        """The open feature's figures and shaded examples."""
        return feature_html(self.scope, self.feature)

    def text(self) -> str:
        """The open feature's figures and examples."""
        return feature_text(self.scope, self.feature)
