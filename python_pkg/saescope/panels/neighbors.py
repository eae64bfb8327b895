"""Neighbors: the nearest features by a named metric."""

from typing import Any, ClassVar

import polars as pl

from saescope.panels.core import Panel
from saescope.panels.snapshot import Requests

N_NEIGHBORS = 20


class Neighbors(Panel):
    """The features near one, as a list and as a picture."""

    view: ClassVar[str] = "neighbors"

    @property
    def _wanted(self) -> dict[str, Any]:
        state = self.state
        return {"metric": state.get("metric", "decoder"), "k": state.get("k", N_NEIGHBORS)}

    def frame(self) -> pl.DataFrame:
        """The nearest features: `Scope.neighbors`."""
        return self.scope.neighbors(self.feature, **self._wanted)

    def recorded(self) -> Requests:
        """The neighbors it shows, and what metrics there are."""
        return [("neighbors.metrics", {}), ("neighbors.list", {"feature": self.feature, **self._wanted})]
