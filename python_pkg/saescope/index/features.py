"""The feature table on disk: an uncompressed Arrow IPC file, one batch for 1,024 features.

Uncompressed, so that one row is read in place, and a column without a copy.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from saescope.index.arrays import numbers_of, series_of
from saescope.index.examples import BatchFile, BlockWriter
from saescope.index.summary import QUANTILES, Statistics

BLOCK = 1024
QUANTILE_NAMES = [f"q{round(100 * q)}" for q in QUANTILES]

SCHEMA = pa.schema(
    [
        ("feature", pa.uint32()),
        ("n_fires", pa.uint64()),
        ("density", pa.float64()),
        ("max", pa.float32()),
        ("mean", pa.float32()),
        ("std", pa.float32()),
        ("sum", pa.float64()),
        ("sum_of_squares", pa.float64()),
        *((name, pa.float32()) for name in QUANTILE_NAMES),
        ("histogram", pa.list_(pa.uint32())),
        ("fine_bins", pa.list_(pa.uint16())),
        ("fine_counts", pa.list_(pa.uint32())),
        ("top_tokens", pa.list_(pa.int32())),
        ("top_shares", pa.list_(pa.float32())),
        ("promoted", pa.list_(pa.int32())),
        ("promoted_weights", pa.list_(pa.float32())),
        ("suppressed", pa.list_(pa.int32())),
        ("suppressed_weights", pa.list_(pa.float32())),
    ]
)

COLUMN = {name: place for place, name in enumerate(SCHEMA.names)}
LENS = ("promoted", "promoted_weights", "suppressed", "suppressed_weights")


def feature_rows(measured: Statistics, first: int, n_counted: int, lens: Mapping[str, NDArray[Any]]) -> pa.RecordBatch:
    """Rows of the feature table.

    Parameters
    ----------
    measured
        Statistics of some features, ``first`` the number of their first.
    n_counted
        Rows that count, for the density.
    lens
        ``[n, 10]`` by the names of ``LENS``; empty without a logit lens.
    """
    n = measured.n_fires
    tokens = measured.top_tokens
    fine = measured.fine_offsets
    columns: dict[str, Any] = {
        "feature": np.arange(first, first + len(n), dtype=np.uint32),
        "n_fires": n.astype(np.uint64),
        "density": n / max(n_counted, 1),
        "max": measured.maxima,
        "mean": measured.means.astype(np.float32),
        "std": measured.deviations.astype(np.float32),
        "sum": measured.sums,
        "sum_of_squares": measured.sums_of_squares,
        **{name: measured.quantiles[:, i] for i, name in enumerate(QUANTILE_NAMES)},
        "histogram": _lists(measured.histogram.astype(np.uint32)),
        "fine_bins": _runs(fine, measured.fine_bins),
        "fine_counts": _runs(fine, measured.fine_counts.astype(np.uint32)),
        "top_tokens": _lists(tokens.astype(np.int32), tokens >= 0),
        "top_shares": _lists(measured.top_token_shares, tokens >= 0),
    }
    for name in LENS:
        kind = np.float32 if name.endswith("weights") else np.int32
        columns[name] = _lists(np.asarray(lens.get(name, np.zeros((len(n), 0))), dtype=kind))
    return pa.record_batch([pa.array(columns[f.name], f.type) for f in SCHEMA], schema=SCHEMA)


def _runs(offsets: NDArray[np.int64], values: NDArray[Any]) -> pa.ListArray:
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(values))


def _lists(values: NDArray[Any], mask: "NDArray[np.bool_] | None" = None) -> pa.ListArray:
    """Rows of a matrix as lists, without what the mask leaves out."""
    mask = np.ones(values.shape, dtype=bool) if mask is None else mask
    return _runs(np.r_[0, np.cumsum(mask.sum(axis=1))], values[mask])


def feature_writer(path: Path, n_features: int) -> BlockWriter:
    """A writer of the feature table."""
    return BlockWriter(path, SCHEMA, BLOCK, n_features, None)


class FeatureFile(BatchFile):
    """The feature table of a finished index, mapped: once for single rows, once for whole columns."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._columns = pa.ipc.open_file(pa.memory_map(str(path)))

    @cached_property
    def _batches(self) -> list[pa.RecordBatch]:
        self._expect(self._starts, self._heads)
        return [self._file.get_batch(number) for number in range(len(self._starts))]

    def frame(self) -> pl.DataFrame:
        """The whole table, without the fine histograms."""
        return pl.DataFrame(pl.from_arrow(self._columns.read_all().drop_columns(["fine_bins", "fine_counts"])))

    def column(self, name: str) -> pl.Series:
        """One whole column; nothing else is read."""
        chunks = [batch.column(COLUMN[name]) for batch in self._batches]
        buffers = [b for chunk in chunks for b in chunk.buffers() if b is not None]
        self._expect_at([b.address for b in buffers], [b.size for b in buffers])
        return series_of(pa.chunked_array(chunks, SCHEMA.field(name).type))

    def rows(self, features: Sequence[int], names: Sequence[str]) -> pl.DataFrame:
        """Some columns of some rows, taken one by one: what a page shows, however many features there are."""
        if not features:
            return pl.DataFrame(pl.from_arrow(self._batches[0].slice(0, 0).select(list(names))))
        places = [(self._batches[f // BLOCK], f % BLOCK) for f in features]
        columns = [[batch.column(COLUMN[name]).slice(at, 1) for batch, at in places] for name in names]
        self._expect_cells([cell for cells in columns for cell in cells])
        taken = pa.RecordBatch.from_arrays([pa.concat_arrays(cells) for cells in columns], list(names))
        return pl.DataFrame(pl.from_arrow(taken))

    def _expect_cells(self, cells: list[pa.Array]) -> None:
        """Have single cells read all at once: first numbers and the ends of lists, then what is in these."""
        lists = [cell for cell in cells if isinstance(cell, pa.ListArray)]
        heads = [numbers_of(cell.offsets if isinstance(cell, pa.ListArray) else cell) for cell in cells]
        self._expect_at([h.ctypes.data for h in heads], [h.nbytes for h in heads])
        ends = [numbers_of(cell.offsets).tolist() for cell in lists]
        values = [numbers_of(cell.values)[low:high] for cell, (low, high) in zip(lists, ends, strict=True)]
        self._expect_at([v.ctypes.data for v in values], [v.nbytes for v in values])

    def _expect_at(self, addresses: Sequence[int], sizes: Sequence[int]) -> None:
        first = np.frombuffer(self._whole, np.uint8).ctypes.data
        inside = [(a - first, n) for a, n in zip(addresses, sizes, strict=True) if n]
        places = np.array(inside, np.int64).reshape(-1, 2)
        self._expect(places[:, 0], places[:, 1])

    def row(self, feature: int, names: Sequence[str] | None = None) -> dict[str, Any]:
        """One feature's row, or some columns of it."""
        return row_of(self.batch(feature // BLOCK), feature % BLOCK, names)


def row_of(batch: pa.RecordBatch, at: int, names: Sequence[str] | None = None) -> dict[str, Any]:
    """One row of a batch as a dictionary, lists as numpy arrays; of all columns or of some."""
    found: dict[str, Any] = {}
    for name in names or SCHEMA.names:
        value = batch.column(COLUMN[name])[at]
        found[name] = numbers_of(value.values) if isinstance(value, pa.ListScalar) else value.as_py()
    return found
