"""Stored examples: an Arrow IPC file, one compressed batch for 64 features.

Columns: ``feature`` u32, ``group`` u8 (a number in the manifest's ``groups``), ``rank`` u16,
``row`` u64 (of the peak), ``activation`` f32, ``start`` u64 (row of the window's first
token), ``length`` u16, ``offsets`` list of u8 and ``values`` list of f32 (the nonzeros).
"""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from saescope.errors import DamagedIndexError
from saescope.index.layout import Layout
from saescope.index.summary import Chosen, Postings

BLOCK = 64

SCHEMA = pa.schema(
    [
        ("feature", pa.uint32()),
        ("group", pa.uint8()),
        ("rank", pa.uint16()),
        ("row", pa.uint64()),
        ("activation", pa.float32()),
        ("start", pa.uint64()),
        ("length", pa.uint16()),
        ("offsets", pa.list_(pa.uint8())),
        ("values", pa.list_(pa.float32())),
    ]
)


@dataclass(frozen=True)
class Window:
    """One example: a stretch of rows and the feature's activation on each of its tokens.

    ``row`` is the peak's row, ``start`` the first; ``activations`` [length] float32.
    """

    feature: int
    group: int
    rank: int
    row: int
    activation: float
    start: int
    activations: NDArray[np.float32]


def cut_windows(chosen: Chosen, postings: Postings, layout: Layout) -> pa.RecordBatch:
    """Give chosen examples their windows; ``postings`` are all nonzeros of their features."""
    starts, ends = layout.windows(chosen.rows)
    stride = np.int64(layout.n_rows + 1)
    key = postings.features * stride + postings.rows
    low = np.searchsorted(key, chosen.features * stride + starts)
    lengths = np.searchsorted(key, chosen.features * stride + ends) - low
    borders = np.r_[0, np.cumsum(lengths)]
    within = np.arange(borders[-1]) - np.repeat(borders[:-1], lengths)
    at = np.repeat(low, lengths) + within
    offsets = postings.rows[at] - np.repeat(starts, lengths)
    borders = pa.array(borders, pa.int32())
    return pa.record_batch(
        [
            pa.array(chosen.features + postings.first, pa.uint32()),
            pa.array(chosen.groups, pa.uint8()),
            pa.array(chosen.ranks, pa.uint16()),
            pa.array(chosen.rows, pa.uint64()),
            pa.array(chosen.values, pa.float32()),
            pa.array(starts, pa.uint64()),
            pa.array(ends - starts, pa.uint16()),
            pa.ListArray.from_arrays(borders, pa.array(offsets.astype(np.uint8))),
            pa.ListArray.from_arrays(borders, pa.array(postings.values[at])),
        ],
        schema=SCHEMA,
    )


def windows_of(batch: pa.RecordBatch, feature: int, group: int | None = None) -> list[Window]:
    """The windows of one feature (and group) in a batch, in stored order."""
    features = batch.column("feature").to_numpy()
    wanted = features == feature
    if group is not None:
        wanted &= batch.column("group").to_numpy() == group
    columns: dict[str, Any] = batch.take(pa.array(np.flatnonzero(wanted))).to_pydict()
    windows = []
    for n in range(len(columns["feature"])):
        activations = np.zeros(columns["length"][n], dtype=np.float32)
        activations[columns["offsets"][n]] = columns["values"][n]
        windows.append(
            Window(
                feature,
                columns["group"][n],
                columns["rank"][n],
                columns["row"][n],
                columns["activation"][n],
                columns["start"][n],
                activations,
            )
        )
    return windows


class ExampleFile:
    """The stored examples of an index, read one batch at a time."""

    def __init__(self, path: Path) -> None:
        try:
            self._source = pa.memory_map(str(path))
            self._file = pa.ipc.open_file(self._source)
        except (pa.ArrowInvalid, OSError) as err:
            raise DamagedIndexError(f"{path} is no whole Arrow file: {err}.", hint="Build the index again.") from err

    def windows(self, feature: int, group: int | None = None) -> list[Window]:
        """The stored windows of one feature."""
        return windows_of(self._file.get_batch(feature // BLOCK), feature, group)


class ExampleWriter:
    """Writes batches of 64 features, in feature order."""

    def __init__(self, path: Path) -> None:
        self._writer = pa.ipc.new_file(path, SCHEMA, options=pa.ipc.IpcWriteOptions(compression="zstd"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, _err: BaseException | None, _tb: TracebackType | None) -> None:
        self._writer.close()

    def write(self, batch: pa.RecordBatch, first: int, n_features: int) -> None:
        """Write the examples of ``n_features`` features from ``first``, a multiple of 64, on."""
        borders = np.searchsorted(
            batch.column("feature").to_numpy(), np.arange(first, first + n_features + BLOCK, BLOCK)
        )
        for low, high in pairwise(borders.tolist()):
            self._writer.write_batch(batch.slice(low, high - low))
