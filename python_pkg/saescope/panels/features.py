"""The feature table, alone in a cell."""

from typing import Any, ClassVar

import polars as pl

from saescope.panels.core import Panel
from saescope.panels.snapshot import Requests

N_ROWS = 30
FILTER = "filter"
OPTIONS = ("search", "looks_in", "is_regex", "fires_on", "ranges", "statuses", "only")
HIDES = ("hides_dead", "hides_dense", "hides_single_token")


class Features(Panel):
    """All features, to sort, filter and search."""

    view: ClassVar[str] = "features"

    def frame(self) -> pl.DataFrame:
        """The features that the panel shows, in its order."""
        query = self._query()
        return self.scope.find_features(**self._filter(), sort=query["sort"], descending=query["descending"])

    def recorded(self) -> Requests:
        """The first rows, as they are sorted and filtered."""
        columns = self.state.get("columns")
        params = {"offset": 0, "count": N_ROWS, **self._query(), FILTER: self._filter()}
        return [("features.window", params | ({"columns": columns} if columns else {}))]

    def _query(self) -> dict[str, Any]:
        query = self.state.get("query", {})
        return {"sort": query.get("sort", "max"), "descending": query.get("descending", True)}

    def _filter(self) -> dict[str, Any]:
        state = self.state
        given = state.get("query", {}).get(FILTER, {})
        found = {name: given[name] for name in (*OPTIONS, *HIDES) if given.get(name)}
        return found | ({"only": self.scope.picked} if state.get("isOnlyPicked") else {})
