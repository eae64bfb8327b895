"""Steer: what the model writes with features changed, beside what it writes without."""

from typing import Any, ClassVar

import polars as pl

from saescope.panels.core import Panel
from saescope.panels.snapshot import html_table


class Steer(Panel):
    """Texts that the model writes side by side, unsteered and steered, from the same seed.

    Parameters
    ----------
    scope
        What writes.
    feature
        Feature to steer; by default the one that is selected.
    state
        What a person did in another such panel: its ``state``.
    """

    view: ClassVar[str] = "steer"

    @property
    def runs(self) -> list[dict[str, Any]]:
        """The last runs, the newest first: each has a ``plan`` and ``texts``."""
        return list(self.state.get("runs", []))

    def frame(self) -> pl.DataFrame:
        """The texts of the run that is shown, as they were written: `Scope.steer` writes them anew."""
        runs = self.runs
        shown = min(int(self.state.get("shown", 0)), len(runs) - 1)
        texts = runs[shown]["texts"] if runs else []
        columns = ["name", "strength", "text", "n_tokens", "ended", "logprob", "kl"]
        kinds = [pl.String, pl.Float64, pl.String, pl.UInt32, pl.String, pl.Float64, pl.Float64]
        rows = [[text.get(name) for name in columns] for text in texts]
        made = pl.DataFrame(rows, schema=dict(zip(columns, kinds, strict=True)), orient="row", strict=False)
        return made.rename({"name": "condition"})

    def html(self) -> str:
        """The texts of the last run."""
        return html_table(self.scope, self.frame())
