"""Health: the SAE's and the index's own numbers."""

from typing import ClassVar

import polars as pl

from saescope.panels.core import Panel
from saescope.panels.snapshot import Requests


class HealthPanel(Panel):
    """How well the SAE does, from the index, and measured with the loaded model."""

    view: ClassVar[str] = "health"

    def frame(self) -> pl.DataFrame:
        """The figures: `Scope.health`."""
        return self.scope.health()

    def recorded(self) -> Requests:
        """The figures and their histograms."""
        return [("health.get", {})]
