"""The feature table: sorted, searched, and cut into windows."""

from functools import cached_property, lru_cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from saescope.errors import UnknownNameError
from saescope.index.store import Index
from saescope.query.tokens import with_texts

TOKEN_COLUMNS = ["top_tokens", "promoted", "suppressed"]
SORTABLE = ("feature", "n_fires", "density", "max", "mean", "std", "q50")
SEARCHED = ("top_tokens", "promoted")
MAX_WINDOW = 300
ROW_BINS = 16
ROW_TOKENS = 5

Rows = NDArray[np.uint32]


class FeatureTable:
    """The features of an index, as a table to look at.

    A sort is a permutation of feature numbers, kept; rows are only taken for a window.

    Parameters
    ----------
    index
        Where the features are.
    """

    def __init__(self, index: Index) -> None:
        self._index = index
        self._ordered = lru_cache(maxsize=16)(self._order)
        self._matching = lru_cache(maxsize=64)(self._match)
        self._shown = lru_cache(maxsize=16)(self._show)

    @cached_property
    def frame(self) -> pl.DataFrame:
        """The whole table with tokens as texts: what `Scope.features` returns."""
        return with_texts(self._index.table, TOKEN_COLUMNS, self._index.vocabulary)

    def rows(
        self, sort: str = "density", *, descending: bool = True, search: str = "", has_fired: bool = False
    ) -> Rows:
        """Numbers of the features that match, in order; equal ones by number.

        Parameters
        ----------
        sort
            One of ``SORTABLE``.
        search
            Text that a feature's top or promoted tokens contain, whatever the case; a
            number also finds the features whose number begins with it.
        has_fired
            Leave out features that never fire.

        Raises
        ------
        UnknownNameError
            ``sort`` names no such column.
        """
        if sort not in SORTABLE:
            raise UnknownNameError(f"the table cannot be sorted by {sort!r}.", hint=f"Columns: {', '.join(SORTABLE)}.")
        return self._shown(sort, descending, search.strip().casefold(), has_fired)

    def window(self, rows: Rows, offset: int, count: int) -> pl.DataFrame:
        """Some rows for the page: the columns of `rpc.messages.FeatureWindow`."""
        picked = rows[max(offset, 0) : max(offset, 0) + min(max(count, 0), MAX_WINDOW)]
        columns = ["feature", "n_fires", "density", "max", "mean", "histogram", "top_tokens", "promoted"]
        part = self._index.figures.rows(picked.astype(np.int64).tolist()).select(columns)
        part = part.with_columns(pl.col("top_tokens", "promoted").list.head(ROW_TOKENS))
        bins = part["histogram"].list.to_array(2 * ROW_BINS).to_numpy().reshape(-1, ROW_BINS, 2).sum(axis=2)
        part = part.with_columns(pl.Series("histogram", bins.astype(np.uint32)).arr.to_list())
        return with_texts(part, ["top_tokens", "promoted"], self._index.vocabulary)

    def _order(self, sort: str, descending: bool) -> Rows:
        return self._index.table[sort].arg_sort(descending=descending, nulls_last=True).to_numpy().astype(np.uint32)

    def _show(self, sort: str, descending: bool, search: str, has_fired: bool) -> Rows:
        order = self._ordered(sort, descending)
        mask = self._matching(search) if search else np.ones(len(order), dtype=bool)
        if has_fired:
            mask = mask & (self._index.table["n_fires"].to_numpy() > 0)
        return order[mask[order]]

    def _match(self, search: str) -> NDArray[np.bool_]:
        texts = self._index.vocabulary.texts
        wanted = np.array([search in t.casefold() for t in texts], dtype=bool)
        mask = np.zeros(self._index.manifest.d_sae, dtype=bool)
        for column in SEARCHED:
            lists = self._index.table[column]
            features = np.repeat(np.arange(len(lists)), lists.list.len().to_numpy())
            ids = lists.explode(empty_as_null=False).to_numpy() if len(features) else np.zeros(0, dtype=np.int64)
            mask[features[wanted[ids]]] = True
        if search.isdecimal():
            numbers = self._index.table["feature"].cast(pl.String)
            mask |= numbers.str.starts_with(search.lstrip("0") or "0").to_numpy()
        return mask
