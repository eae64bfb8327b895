"""Stored examples: an Arrow IPC file, one LZ4 batch for 64 features.

Columns: ``feature`` u32, ``group`` u8 (a number in the manifest's ``groups``), ``rank`` u16,
``row`` u32 (of the peak), ``activation`` f32, ``n_same`` u32 (further contexts with the same
last tokens), ``start`` u32 (row of the window's first token), ``length`` u16, ``offsets`` list
of u8 and ``values`` list of f32 (the nonzeros).
"""

import mmap
import struct
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from saescope.errors import DamagedIndexError
from saescope.index.arrays import numbers_of
from saescope.index.choice import Chosen
from saescope.index.layout import WINDOW_SIDE, Layout
from saescope.index.postings import Postings, packed

BLOCK = 64
BLOCKS = np.dtype([("offset", "<i8"), ("metadata", "<i4"), ("padding", "<i4"), ("body", "<i8")])

SCHEMA = pa.schema(
    [
        ("feature", pa.uint32()),
        ("group", pa.uint8()),
        ("rank", pa.uint16()),
        ("row", pa.uint32()),
        ("activation", pa.float32()),
        ("n_same", pa.uint32()),
        ("start", pa.uint32()),
        ("length", pa.uint16()),
        ("offsets", pa.list_(pa.uint16())),
        ("values", pa.list_(pa.float32())),
    ]
)


class Window(NamedTuple):
    """One example: a stretch of rows and the feature's activation on each of its tokens.

    ``row`` is the peak's row, ``start`` the first; ``activations`` [length] float32;
    ``n_same`` further contexts end in the same tokens.
    """

    feature: int
    group: int
    rank: int
    row: int
    activation: float
    n_same: int
    start: int
    activations: NDArray[np.float32]


def cut_windows(chosen: Chosen, postings: Postings, layout: Layout, side: int = WINDOW_SIDE) -> pa.RecordBatch:
    """Give chosen examples their windows; ``postings`` are all nonzeros of their features."""
    starts, ends = layout.windows(chosen.rows, side)
    low = np.searchsorted(postings.keys, packed(chosen.features, starts))
    lengths = np.searchsorted(postings.keys, packed(chosen.features, ends)) - low
    borders = np.r_[0, np.cumsum(lengths)]
    at = np.repeat(low - borders[:-1], lengths) + np.arange(borders[-1])
    offsets = postings.rows[at] - np.repeat(starts, lengths)
    borders = pa.array(borders, pa.int32())
    return pa.record_batch(
        [
            pa.array(chosen.features + postings.first, pa.uint32()),
            pa.array(chosen.groups, pa.uint8()),
            pa.array(chosen.ranks, pa.uint16()),
            pa.array(chosen.rows, pa.uint32()),
            pa.array(chosen.values, pa.float32()),
            pa.array(chosen.n_same, pa.uint32()),
            pa.array(starts, pa.uint32()),
            pa.array(ends - starts, pa.uint16()),
            pa.ListArray.from_arrays(borders, pa.array(offsets.astype(np.uint16))),
            pa.ListArray.from_arrays(borders, pa.array(postings.values[at])),
        ],
        schema=SCHEMA,
    )


def windows_of(batch: pa.RecordBatch, feature: int, group: int | None = None) -> list[Window]:
    """The windows of one feature (and group) in a batch that is sorted by feature, in stored order."""
    low, high = _span(numbers_of(batch.column("feature")), feature)
    if group is not None:
        groups = numbers_of(batch.column("group"))[low:high]
        first, end = _span(groups, group)
        low, high = low + first, low + end
    code, rank, row, activation, n_same, start, length = (numbers_of(c)[low:high] for c in batch.columns[1:8])
    lists = batch.column("offsets")
    borders = numbers_of(lists.offsets)[low : high + 1]
    inside = slice(borders[0], borders[-1])
    ends = np.cumsum(length, dtype=np.int64)
    whole = np.zeros(ends[-1] if len(ends) else 0, dtype=np.float32)
    at = np.repeat(ends - length, borders[1:] - borders[:-1]) + numbers_of(lists.values)[inside]
    whole[at] = numbers_of(batch.column("values").values)[inside]
    columns = (c.tolist() for c in (code, rank, row, activation, n_same, start, ends, length))
    return [
        Window(feature, code, rank, row, activation, n_same, start, whole[end - n : end])
        for code, rank, row, activation, n_same, start, end, n in zip(*columns, strict=True)
    ]


def expect(array: NDArray[Any], starts: Iterable[int], ends: Iterable[int]) -> None:
    """Have stretches of an array read all at once, if it is a mapped file and the system can."""
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    whole = base.obj if isinstance(base, memoryview) else base
    if not isinstance(whole, mmap.mmap) or not hasattr(mmap, "MADV_WILLNEED"):
        return
    first, size = array.ctypes.data - np.frombuffer(whole, np.uint8).ctypes.data, array.itemsize
    advise, page = whole.madvise, mmap.PAGESIZE
    for start, end in zip(starts, ends, strict=True):
        low = (first + start * size) // page * page
        advise(mmap.MADV_WILLNEED, low, first + end * size - low)


def _span(column: NDArray[Any], value: int) -> tuple[int, int]:
    """Where a sorted column holds a value."""
    kind = column.dtype.type
    return int(column.searchsorted(kind(value))), int(column.searchsorted(kind(value), side="right"))


class BatchFile:
    """An Arrow file, mapped, whose batches are read one at a time, wherever they lie.

    Of each batch exactly its bytes are asked for: systems that read on from each place that is
    touched, some of them megabytes, would take many times as long.

    Raises
    ------
    DamagedIndexError
        The file is no whole Arrow file.
    """

    def __init__(self, path: Path) -> None:
        try:
            with path.open("rb") as stream:
                self._whole = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
            options = pa.ipc.IpcReadOptions(use_threads=False)
            self._file = pa.ipc.open_file(pa.py_buffer(self._whole), options=options)
            self._starts, self._heads, self._sizes = _blocks(self._whole)
        except (ValueError, LookupError, struct.error, OSError) as err:
            raise DamagedIndexError(f"{path} is no whole Arrow file: {err}.", hint="Build the index again.") from err
        if hasattr(mmap, "MADV_RANDOM"):
            self._whole.madvise(mmap.MADV_RANDOM)

    def batch(self, number: int) -> pa.RecordBatch:
        """One batch."""
        self._expect(self._starts[number : number + 1], self._sizes[number : number + 1])
        return self._file.get_batch(number)

    def _expect(self, starts: NDArray[np.int64], sizes: NDArray[np.int64]) -> None:
        """Have stretches of the file read, all at once, if the system can."""
        if not hasattr(mmap, "MADV_WILLNEED"):
            return
        for low, end in _stretches(starts, starts + sizes, mmap.PAGESIZE):
            self._whole.madvise(mmap.MADV_WILLNEED, low, end - low)


def _stretches(starts: NDArray[np.int64], ends: NDArray[np.int64], page: int) -> list[tuple[int, int]]:
    """The same stretches from the beginnings of pages on, with those that meet within a page put together."""
    order = np.argsort(starts, kind="stable")
    lows, ends = starts[order] // page * page, np.maximum.accumulate(ends[order])
    if not len(lows):
        return []
    firsts = np.flatnonzero(np.r_[True, lows[1:] > (ends[:-1] - 1) // page * page])
    return list(zip(lows[firsts].tolist(), ends[np.r_[firsts[1:] - 1, len(ends) - 1]].tolist(), strict=True))


def _blocks(whole: mmap.mmap) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Where each batch of an Arrow file begins, and the sizes of its head and of all of it in bytes, from the footer.

    Notes
    -----
    Source: Arrow's ``File.fbs``: ``recordBatches`` is the fourth field of the table ``Footer``.
    """
    (size,) = struct.unpack_from("<i", whole, len(whole) - 10)
    footer = whole[len(whole) - 10 - size : len(whole) - 10]
    (table,) = struct.unpack_from("<I", footer)
    fields = table - struct.unpack_from("<i", footer, table)[0]
    at = table + struct.unpack_from("<H", footer, fields + 4 + 2 * 3)[0]
    at += struct.unpack_from("<I", footer, at)[0]
    (n,) = struct.unpack_from("<I", footer, at)
    blocks = np.frombuffer(footer, BLOCKS, n, at + 4)
    heads = blocks["metadata"].astype(np.int64)
    return blocks["offset"].copy(), heads, heads + blocks["body"]


class ExampleFile(BatchFile):
    """The stored examples of an index."""

    def windows(self, feature: int, group: int | None = None) -> list[Window]:
        """The stored windows of one feature."""
        return windows_of(self.batch(feature // BLOCK), feature, group)


class BlockWriter:
    """Writes rows that come in feature order as batches of so many features each.

    Parameters
    ----------
    path
        The Arrow file to write.
    schema
        Its first column is ``feature``.
    block
        Features in a batch.
    n_features
        Features in all.
    compression
        Of the buffers, or ``None``.
    """

    def __init__(self, path: Path, schema: pa.Schema, block: int, n_features: int, compression: str | None) -> None:
        self._writer = pa.ipc.new_file(path, schema, options=pa.ipc.IpcWriteOptions(compression=compression))
        self._schema = schema
        self._block = block
        self._n_features = n_features
        self._waiting: list[pa.RecordBatch] = []
        self._first = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, _err: BaseException | None, _tb: TracebackType | None) -> None:
        self._writer.close()

    def write(self, batch: pa.RecordBatch, end: int) -> None:
        """Take the rows of all features up to ``end``, without what came before."""
        self._waiting.append(batch)
        whole = -(-end // self._block) if end == self._n_features else end // self._block
        if whole * self._block > self._first:
            self._write(whole * self._block)

    def end(self, n_features: int) -> None:
        """Write what is left, where how many features there are was not known at first (``sys.maxsize``)."""
        self._n_features = n_features
        self.write(pa.RecordBatch.from_pylist([], self._schema), n_features)

    def _write(self, end: int) -> None:
        batch = pa.Table.from_batches(self._waiting, self._schema).combine_chunks()
        features = numbers_of(batch.column("feature").combine_chunks())
        borders = np.arange(self._first, end + 1, self._block)
        places = np.searchsorted(features, borders.astype(features.dtype)).tolist()
        for low, high in pairwise(places):
            found = batch.slice(low, high - low).to_batches()
            self._writer.write_batch(found[0] if found else pa.RecordBatch.from_pylist([], self._schema))
        self._waiting = batch.slice(places[-1]).to_batches()
        self._first = end


def example_writer(path: Path, n_features: int) -> BlockWriter:
    """A writer of examples: batches of 64 features; LZ4, which is read five times as fast as zstd."""
    return BlockWriter(path, SCHEMA, BLOCK, n_features, "lz4")
