"""The feature table: sorted, filtered, and cut into windows."""

import json
from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from saescope.errors import UnknownNameError
from saescope.index.store import Index
from saescope.query.columns import TableColumns, Written, nothing_written
from saescope.query.example_text import TextHits
from saescope.query.filters import NUMBERS, WEIGHED, FeatureFilter
from saescope.query.masks import Masks
from saescope.query.orders import Keys, number_keys, order_by, status_keys, text_keys, token_keys
from saescope.query.spread import Spread, spread_of
from saescope.query.tokens import with_texts

TOKEN_COLUMNS = ["top_tokens", "promoted", "suppressed"]
NOTED = ["label", "status", "tags", "layer"]
WRITTEN = [*NOTED, "layer_name", "n_hits"]
"""Columns that are not in the index."""
SORTABLE = (*NUMBERS, *NOTED, *TOKEN_COLUMNS, "n_hits", "rank")
SHOWN = (*NUMBERS, *NOTED, "layer_name", "histogram", *TOKEN_COLUMNS, "n_hits")
COLUMNS = ("feature", "n_fires", "density", "max", "mean", "histogram", "top_tokens", "promoted")
MAX_WINDOW = 300
MAX_EXPORT = 200_000
ROW_BINS = 16
ROW_TOKENS = 5
EVERYTHING = FeatureFilter()

Rows = NDArray[np.uint32]


class FeatureTable:
    """The features of an index, as a table to look at.

    A sort is a permutation of feature numbers, a filter a mask; both are kept, and rows are only
    taken for a window.

    Parameters
    ----------
    index
        Where the features are.
    written
        Tells what people have written by now.
    """

    def __init__(self, index: Index, written: Callable[[], Written] = nothing_written) -> None:
        self._index = index
        self._columns = TableColumns(index, written)
        self._masks = Masks(self._columns)
        self._ordered = lru_cache(maxsize=16)(self._order)
        self._shown = lru_cache(maxsize=16)(self._show)

    @cached_property
    def frame(self) -> pl.DataFrame:
        """The whole table with tokens as texts: what `Scope.features` returns."""
        frame = with_texts(self._index.table, TOKEN_COLUMNS, self._index.vocabulary)
        return frame.with_columns(places_of(self._index)) if places_of(self._index) else frame

    def rows(self, sort: str = "max", *, descending: bool = True, where: FeatureFilter = EVERYTHING) -> Rows:
        """Numbers of the features that match, in order; equal ones by number.

        Parameters
        ----------
        sort
            One of ``SORTABLE``. Texts are in the order of the alphabet, lists of tokens and tags by
            their first; what has no value comes last either way.
        where
            What a feature has to meet.

        Raises
        ------
        UnknownNameError
            ``sort`` names no such column, or ``"n_hits"`` without a text to fire on, or ``"rank"`` without words.
        InputError
            The text to fire on is no text.
        """
        if sort not in SORTABLE:
            raise UnknownNameError(f"the table cannot be sorted by {sort!r}.", hint=f"Columns: {', '.join(SORTABLE)}.")
        if sort == "n_hits" and not where.fires_on:
            raise UnknownNameError("the table can be sorted by n_hits only while a text to fire on is given.")
        if sort == "rank" and not where.words:
            raise UnknownNameError("the table can be sorted by rank only while words are sought.")
        return self._shown(sort, descending, where, self._columns.news())

    def hits(self, text: str) -> TextHits | None:
        """How many examples of each feature hold a text; none without one."""
        return self._columns.hits(text)

    def window(
        self,
        rows: Rows,
        offset: int,
        count: int,
        columns: Sequence[str] = COLUMNS,
        where: FeatureFilter = EVERYTHING,
    ) -> pl.DataFrame:
        """Some rows for the page: ``feature``, and the columns asked for, of ``SHOWN``, tokens cut to five.

        Raises
        ------
        UnknownNameError
            There is no such column.
        """
        self._columns.warm()
        picked = rows[max(offset, 0) : max(offset, 0) + min(max(count, 0), MAX_WINDOW)]
        names = _known(columns)
        stored = [n for n in names if n not in (*WRITTEN, *WEIGHED)]
        part = self._with_weighed(self._index.figures.rows(picked.astype(np.int64).tolist(), stored), names)
        lists = [n for n in TOKEN_COLUMNS if n in names]
        part = with_texts(
            part.with_columns(pl.col(n).list.head(ROW_TOKENS) for n in lists), lists, self._index.vocabulary
        )
        if "histogram" in names:
            bins = part["histogram"].list.to_array(2 * ROW_BINS).to_numpy().reshape(-1, ROW_BINS, 2).sum(axis=2)
            part = part.with_columns(pl.Series("histogram", bins.astype(np.uint32)).arr.to_list())
        return self.with_notes(part, where, [n for n in names if n in WRITTEN]).select(names)

    def _with_weighed(self, part: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
        """Rows with columns from a crosscoder's weights, null where there are none."""
        picked = part["feature"].to_numpy()
        wanted = [pl.Series(n, self._columns.numbers(n)[picked]).fill_nan(None) for n in names if n in WEIGHED]
        return part.with_columns(wanted) if wanted else part

    def with_notes(self, part: pl.DataFrame, where: FeatureFilter, names: Sequence[str]) -> pl.DataFrame:
        """Some rows of features with columns that are not in the index: those of ``WRITTEN``."""
        self._columns.news()
        written, layer = self._columns.written, self._columns.layer
        labels, statuses, tags = written.labels, written.statuses, written.tags
        none = ("", "")
        features = part["feature"].to_list()
        hits = self.hits(where.fires_on)
        given = {
            "label": lambda: pl.Series([labels.get(f, "") for f in features], dtype=pl.String),
            "status": lambda: pl.Series([statuses.get(f, "") for f in features], dtype=pl.String),
            "tags": lambda: pl.Series([list(tags.get(f, ())) for f in features], dtype=pl.List(pl.String)),
            "layer": lambda: pl.Series([layer.get(f, none)[0] for f in features], dtype=pl.String),
            "layer_name": lambda: pl.Series([layer.get(f, none)[1] for f in features], dtype=pl.String),
            "n_hits": lambda: pl.Series(
                np.zeros(len(part), np.uint32) if hits is None else hits.n_hits[part["feature"].to_numpy()]
            ),
        }
        return part.with_columns(given[name]().alias(name) for name in names)

    def whole_rows(self, rows: Rows, where: FeatureFilter = EVERYTHING) -> pl.DataFrame:
        """Some rows with all columns of `frame`, and those of ``NOTED``; ``n_hits`` if a text to fire on is given."""
        part = self._index.table[rows.astype(np.int64)]
        part = with_texts(part, TOKEN_COLUMNS, self._index.vocabulary)
        return self.with_notes(part, where, [*NOTED, *(["n_hits"] if where.fires_on else [])])

    def as_csv(self, rows: Rows, columns: Sequence[str], where: FeatureFilter = EVERYTHING) -> bytes:
        """Some rows as a file, UTF-8, with a head; lists are written as JSON.

        Raises
        ------
        UnknownNameError
            There is no such column.
        """
        names = _known(columns)
        stored = [n for n in names if n not in (*WRITTEN, *WEIGHED)]
        part = self._with_weighed(self._index.table.select(stored)[rows.astype(np.int64)], names)
        part = with_texts(part, [n for n in TOKEN_COLUMNS if n in names], self._index.vocabulary)
        part = self.with_notes(part, where, [n for n in names if n in WRITTEN]).select(names)
        lists = [name for name, kind in part.schema.items() if isinstance(kind, pl.List)]
        written = [pl.Series(n, [json.dumps(v, ensure_ascii=False) for v in part[n].to_list()]) for n in lists]
        return part.with_columns(written).write_csv().encode()

    def spread(self, column: str, where: FeatureFilter = EVERYTHING) -> Spread:
        """How the features that fire, and those of them that match, spread over a column of numbers.

        Raises
        ------
        UnknownNameError
            It is no column of numbers.
        """
        if column not in NUMBERS:
            raise UnknownNameError(
                f"{column!r} is no column of numbers.", hint=f"Columns of numbers: {', '.join(NUMBERS)}."
            )
        numbers = self._columns.numbers
        return spread_of(column, numbers(column), numbers("n_fires") > 0, self._masks.mask(where))

    def _show(self, sort: str, descending: bool, where: FeatureFilter, n_written: int) -> Rows:
        noted = n_written if sort in (*NOTED, "rank") else 0
        text = {"n_hits": where.fires_on, "rank": where.words}.get(sort, "")
        order = self._ordered(sort, descending, text, noted)
        return order if where == EVERYTHING else order[self._masks.mask(where)[order]]

    def _order(self, sort: str, descending: bool, text: str, _n_written: int) -> Rows:
        return order_by(self._keys(sort, text), descending=descending)

    def _keys(self, sort: str, text: str) -> Keys:
        columns, n = self._columns, self._index.manifest.d_sae
        if sort == "n_hits":
            hits = columns.hits(text)
            return hits.n_hits if hits is not None else np.zeros(n, dtype=np.uint32)
        if sort == "label":
            return text_keys(columns.written.labels, n)
        if sort == "status":
            return status_keys(columns.written.statuses, n)
        if sort == "tags":
            return text_keys({f: tags[0] for f, tags in columns.written.tags.items()}, n)
        if sort == "layer":
            return text_keys({f: text for f, (text, _) in columns.layer.items()}, n)
        if sort == "rank":
            return number_keys(columns.ranks(text))
        if sort in TOKEN_COLUMNS:
            lists = columns.lists(sort)
            firsts = np.full(n, -1, dtype=np.int64)
            firsts[lists.owners] = lists.ids[lists.starts]
            return token_keys(firsts, self._index.vocabulary.texts)
        column = "n_fires" if sort == "density" else sort  # the same order, and without rounding
        return number_keys(columns.numbers(column))


def places_of(index: Index) -> list[pl.Series]:
    """Of a crosscoder's index, ``relative_norm, place_cosine, belongs``: how each feature is spread; else nothing."""
    place, names = index.weights.get("place"), index.manifest.sae.get("places") or []
    if place is None or not names:
        return []
    words = {-1: "shared", -2: "between"} | dict(enumerate(map(str, names)))
    belongs = pl.Series("belongs", [words.get(round(float(n)), "between") for n in place], dtype=pl.String)
    return [*(pl.Series(name, index.weights[name]) for name in WEIGHED if name in index.weights), belongs]


def _known(columns: Sequence[str]) -> list[str]:
    """Columns to show, the number first, each once."""
    unknown = [c for c in columns if c not in SHOWN]
    if unknown:
        raise UnknownNameError(f"the table has no column {unknown[0]!r}.", hint=f"Columns: {', '.join(SHOWN)}.")
    return list(dict.fromkeys(["feature", *columns]))
