"""Where a feature's figures and examples come from: tables on disk, or postings read now.

A finished index has tables. While it is built there are only the shards that are done:
sums over them are kept, and whatever is looked at is computed by the same code that
makes the tables.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import polars as pl
import pyarrow as pa

from saescope.index.choice import Wanted, choose
from saescope.index.examples import BLOCK, ExampleFile, Window, cut_windows, windows_of
from saescope.index.features import LENS, SCHEMA, FeatureFile, feature_rows, row_of
from saescope.index.layout import Layout
from saescope.index.postings import PostingsReader, ShardedPostings
from saescope.index.summary import counted, statistics

FEATURES, EXAMPLES = "features.arrow", "examples.arrow"
LISTS = [f.name for f in SCHEMA if pa.types.is_list(f.type) and not f.name.startswith("fine")]


class Figures(Protocol):
    """Tables of an index, finished or not."""

    def frame(self) -> pl.DataFrame:
        """One row a feature, sorted by feature."""
        ...

    def column(self, name: str) -> pl.Series:
        """One column of `frame`."""
        ...

    def rows(self, features: Sequence[int], names: Sequence[str] | None = None) -> pl.DataFrame:
        """Some rows, in the order asked for, with their lists; or some columns of them."""
        ...

    def row(self, feature: int, names: Sequence[str] | None = None) -> dict[str, Any]:
        """One feature's row, lists as arrays, with its fine histogram; or some columns of it."""
        ...

    def windows(self, feature: int, group: int) -> list[Window]:
        """The stored examples of one feature and group."""
        ...


class Tables:
    """The tables of a finished index."""

    def __init__(self, folder: Path) -> None:
        self._features = FeatureFile(folder / FEATURES)
        self._examples = ExampleFile(folder / EXAMPLES)
        self._frame: pl.DataFrame | None = None

    def frame(self) -> pl.DataFrame:
        """One row a feature, sorted by feature."""
        if self._frame is None:
            self._frame = self._features.frame()
        return self._frame

    def column(self, name: str) -> pl.Series:
        """One column of `frame`, which need not be read for it."""
        return self._features.column(name) if self._frame is None else self._frame[name]

    def rows(self, features: Sequence[int], names: Sequence[str] | None = None) -> pl.DataFrame:
        """Some rows, in the order asked for, or some columns of them."""
        if names is not None:
            return self._features.rows(features, names)
        return self.frame()[list(features)]

    def row(self, feature: int, names: Sequence[str] | None = None) -> dict[str, Any]:
        """One feature's row, or some columns of it."""
        return self._features.row(feature, names)

    def windows(self, feature: int, group: int) -> list[Window]:
        """The stored examples of one feature and group."""
        return self._examples.windows(feature, group)

    def all_windows(self, first: int, end: int) -> Iterator[list[Window]]:
        """All stored examples of each feature from ``first`` to ``end - 1``; each batch is read once."""
        number, batch = -1, None
        for feature in range(first, end):
            if feature // BLOCK != number or batch is None:
                number = feature // BLOCK
                batch = self._examples.batch(number)
            yield windows_of(batch, feature)


class Growing:
    """What is known of an index while it is built.

    Parameters
    ----------
    layout
        The whole token stream.
    d_sae
        Number of features.
    """

    def __init__(self, layout: Layout, d_sae: int) -> None:
        self.layout = layout
        self.n_counted = 0
        self.n_rows = 0
        self.postings = ShardedPostings([], [])
        self._d_sae = d_sae
        self._n_fires = np.zeros(d_sae, dtype=np.int64)
        self._sums = np.zeros(d_sae)
        self._squares = np.zeros(d_sae)
        self._maxima = np.zeros(d_sae, dtype=np.float32)
        self._frame: pl.DataFrame | None = None

    @property
    def n_fires(self) -> "np.ndarray[Any, np.dtype[np.int64]]":
        """Counted firings of each feature so far."""
        return self._n_fires

    def add(self, path: Path, start: int, n_rows: int) -> None:
        """Take a finished shard in."""
        lone = ShardedPostings([path], [start])
        found = counted(lone.postings(0, self._d_sae), self.layout)
        values, n = found.values.astype(np.float64), self._d_sae
        self._n_fires += np.bincount(found.features, minlength=n)
        self._sums += np.bincount(found.features, weights=values, minlength=n)
        self._squares += np.bincount(found.features, weights=values * values, minlength=n)
        np.maximum.at(self._maxima, found.features, np.abs(found.values))
        self.n_counted += int(self.layout.is_counted(np.arange(start, start + n_rows)).sum())
        self.n_rows += n_rows
        self.postings = self.postings.with_shard(path, start)
        self._frame = None

    def frame(self) -> pl.DataFrame:
        """One row a feature; lists are empty, see `rows`."""
        if self._frame is None:
            n = np.maximum(self._n_fires, 1)
            mean = self._sums / n
            known: dict[str, Any] = {
                "feature": np.arange(self._d_sae, dtype=np.uint32),
                "n_fires": self._n_fires.astype(np.uint64),
                "density": self._n_fires / max(self.n_counted, 1),
                "max": self._maxima.copy(),
                "mean": mean.astype(np.float32),
                "std": np.sqrt(np.maximum(self._squares / n - mean**2, 0)).astype(np.float32),
                "sum": self._sums.copy(),
                "sum_of_squares": self._squares.copy(),
            }
            empty = {f.name: f.type for f in SCHEMA if f.name not in known and not f.name.startswith("fine")}
            table = pa.table(known).cast(pa.schema([SCHEMA.field(name) for name in known]))
            for name, kind in empty.items():
                blank = _empty_lists(self._d_sae, kind) if name in LISTS else pa.nulls(self._d_sae, kind).fill_null(0)
                table = table.append_column(name, blank)
            order = [f.name for f in SCHEMA if not f.name.startswith("fine")]
            self._frame = pl.DataFrame(pl.from_arrow(table.select(order)))
        return self._frame

    def column(self, name: str) -> pl.Series:
        """One column of `frame`."""
        return self.frame()[name]

    def rows(self, features: Sequence[int], names: Sequence[str] | None = None) -> pl.DataFrame:
        """Some rows, in the order asked for, with what is known of their lists; or some columns of them."""
        batches = [self._measure(f) for f in features]
        if not batches:
            return self.frame().clear().select(names or pl.all())
        table = pa.Table.from_batches(batches).drop_columns(["fine_bins", "fine_counts"])
        return pl.DataFrame(pl.from_arrow(table)).select(names or pl.all())

    def row(self, feature: int, names: Sequence[str] | None = None) -> dict[str, Any]:
        """One feature's row, or some columns of it."""
        return row_of(self._measure(feature), 0, names)

    def windows(self, feature: int, group: int) -> list[Window]:
        """Examples of one feature and group, chosen now."""
        return choose_windows(self.postings, self.layout, feature, Wanted(), group=group)

    def _measure(self, feature: int) -> pa.RecordBatch:
        postings = self.postings.postings(feature, feature + 1)
        measured = statistics(counted(postings, self.layout), self.layout)
        return feature_rows(measured, feature, self.n_counted, dict.fromkeys(LENS, np.zeros((1, 0))))


def _empty_lists(n: int, kind: pa.ListType) -> pa.ListArray:
    return pa.ListArray.from_arrays(pa.array(np.zeros(n + 1, dtype=np.int32)), pa.array([], kind.value_type))


def choose_windows(
    reader: PostingsReader, layout: Layout, feature: int, wanted: Wanted, *, group: int, side: int = 64
) -> list[Window]:
    """Examples of one feature and group, chosen now from its postings.

    Parameters
    ----------
    layout
        Its rule says what counts.
    wanted
        How many of each group, and whether alike ones are folded.
    group
        Place of the group in ``wanted.groups``.
    side
        Most tokens on each side of a peak.
    """
    postings = reader.postings(feature, feature + 1)
    that_count = counted(postings, layout)
    maxima = np.array([np.abs(that_count.values).max(initial=0.0)], dtype=np.float32)
    found = choose(that_count, maxima, layout, wanted.only(group))
    found = found.take(found.groups == group)
    return windows_of(cut_windows(found, postings, layout, side), feature)
