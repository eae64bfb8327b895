"""Where the stored examples lie in the corpus, in the corpus's order: which of them contain a place.

The file ``example-spans.safetensors`` holds three arrays of one length, sorted by ``start``, then by
``feature``: ``start`` u32 (row of the window's first token), ``length`` u16, ``feature`` u32. An example that
stands in several groups is there once. An index that lacks the file has them in its examples.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from saescope.errors import DamagedIndexError
from saescope.index.arrays import numbers_of
from saescope.index.examples import SCHEMA
from saescope.index.summary import LOW

SPANS = "example-spans.safetensors"
COLUMNS = ("feature", "row", "start", "length")
KINDS = {"start": ("U32", "<u4"), "length": ("U16", "<u2"), "feature": ("U32", "<u4")}
PIECE = 1 << 22


class Spans(NamedTuple):
    """Windows of examples, by ``start``: ``start`` u32, ``length`` u16, ``feature`` u32, all ``[n]``."""

    start: NDArray[Any]
    length: NDArray[Any]
    feature: NDArray[Any]


class SpanCollector:
    """Gathers the windows of examples that come in feature order, 10 bytes each."""

    def __init__(self) -> None:
        self._parts: list[Spans] = []

    def add(self, batch: pa.RecordBatch) -> None:
        """Take examples, all those of each feature at once."""
        feature, row, start, length = (numbers_of(batch.column(name)) for name in COLUMNS)
        keys = (feature.astype(np.uint64) << np.uint64(32)) | row.astype(np.uint64)
        _, first = np.unique(keys, return_index=True)
        self._parts.append(Spans(start[first], length[first], feature[first]))

    def spans(self) -> Spans:
        """All of them, sorted."""
        found = self._joined()
        order = _order(found.start, np.arange(len(found.start), dtype=np.uint64))
        return Spans(found.start[order], found.length[order], found.feature[order])

    def write(self, path: Path, n_rows: int) -> None:
        """Write them sorted, some rows of the corpus at a time; ``n_rows`` is how many it has."""
        found = self._joined()
        target = _blank(path, len(found.start))
        borders = np.linspace(0, n_rows, max(1, -(-len(found.start) // PIECE)) + 1).astype(np.int64)
        at = 0
        for low, high in zip(borders[:-1].tolist(), borders[1:].tolist(), strict=True):
            which = np.flatnonzero((found.start >= low) & (found.start < high))
            which = which[_order(found.start[which], np.arange(len(which), dtype=np.uint64))]
            for source, sink in zip(found, target, strict=True):
                sink[at : at + len(which)] = source[which]
            at += len(which)

    def _joined(self) -> Spans:
        if not self._parts:
            return Spans(*(np.zeros(0, dtype=kind) for _, kind in KINDS.values()))
        joined = Spans(*(np.concatenate(column) for column in zip(*self._parts, strict=True)))
        self._parts = [joined]
        return joined


def _order(start: NDArray[Any], places: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Where the smallest start is, the next, and so on; equal ones as they came."""
    keys = (start.astype(np.uint64) << np.uint64(32)) | places
    keys.sort()
    return (keys & LOW).astype(np.int64)


def _blank(path: Path, n: int) -> Spans:
    """A safetensors file with room for so many spans, mapped to be written to."""
    header, at = {}, 0
    for name, (kind, dtype) in KINDS.items():
        n_bytes = n * np.dtype(dtype).itemsize
        header[name] = {"dtype": kind, "shape": [n], "data_offsets": [at, at + n_bytes]}
        at += n_bytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as stream:
        stream.write(len(text).to_bytes(8, "little") + text)
        stream.truncate(8 + len(text) + at)
    arrays = []
    for name, (_, dtype) in KINDS.items():
        offset = 8 + len(text) + header[name]["data_offsets"][0]
        arrays.append(np.memmap(path, dtype, "r+", offset, (n,)) if n else np.zeros(0, dtype))
    return Spans(*arrays)


def read_spans(path: Path) -> Spans:
    """The windows of all stored examples, read from the examples themselves.

    Raises
    ------
    DamagedIndexError
        The file is no whole Arrow file.
    """
    found = SpanCollector()
    for batch in _columns(path):
        found.add(batch)
    return found.spans()


def _columns(path: Path) -> Iterable[pa.RecordBatch]:
    names = [SCHEMA.get_field_index(name) for name in COLUMNS]
    try:
        with pa.memory_map(str(path)) as source:
            file = pa.ipc.open_file(source, options=pa.ipc.IpcReadOptions(included_fields=names, use_threads=False))
            for number in range(file.num_record_batches):
                yield file.get_batch(number)
    except (ValueError, OSError) as err:
        raise DamagedIndexError(f"{path} is no whole Arrow file: {err}.", hint="Build the index again.") from err
