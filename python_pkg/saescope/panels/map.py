"""The map: all features in two dimensions."""

from typing import ClassVar

import polars as pl

from saescope.panels.core import Panel
from saescope.panels.snapshot import Requests


class Map(Panel):
    """All features in the plane, to look over, point at and pick from."""

    view: ClassVar[str] = "map"

    @property
    def method(self) -> str:
        """How the map is drawn: a name in ``saescope.query.maps.REGISTRY``."""
        return str(self.state.get("method", "pca"))

    def frame(self) -> pl.DataFrame:
        """Places and clusters of all features."""
        return self.scope.map(self.method)

    def recorded(self) -> Requests:
        """The map, where it is small enough."""
        return [("map.get", {"method": self.method, "color": str(self.state.get("color", "density"))})]
