"""One feature's page, alone in a cell."""

from typing import Any, ClassVar

import polars as pl

from saescope.index.rule import Rule
from saescope.panels.core import Panel
from saescope.panels.snapshot import CONTEXT, N_EXAMPLES, Requests, feature_html, feature_text, marks_asked

ASKED = ("k", "group", "context", "folds", "n_intervals")


class Feature(Panel):
    """A feature's figures, and the text on which it fires."""

    view: ClassVar[str] = "feature"

    def frame(self) -> pl.DataFrame:
        """The examples that the page shows; `saescope.Scope.feature` gives its figures."""
        state = self.state
        asked: dict[str, Any] = {"context": 16} | {name: state[name] for name in ASKED if name in state}
        rule = Rule.of(state["rule"]) if state.get("rule") else None
        return self.scope.examples(self.feature, rule=rule, **asked)

    def recorded(self) -> Requests:
        """The feature's figures and its first examples."""
        feature = {"feature": self.feature}
        return [
            ("feature.get", feature),
            ("note.get", feature),
            ("examples.list", feature | {"group": "top", "k": N_EXAMPLES, "context": CONTEXT}),
            *marks_asked(self.scope, self.feature),
        ]

    def html(self) -> str:
        """The feature's figures and shaded examples."""
        return feature_html(self.scope, self.feature)

    def text(self) -> str:
        """The feature's figures and examples."""
        return feature_text(self.scope, self.feature)
