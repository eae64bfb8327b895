"""Postings by feature: every nonzero activation, and where it lies.

A finished index has one file, ``postings.safetensors``:

===========  ==================  ====================================================
``offsets``  u64 [d_sae + 1]     where each feature's nonzeros begin
``rows``     u32 [n]             row, rising in each feature
``values``   f32 [n]             activation
===========  ==================  ====================================================

While it is built, each shard of rows has a file of its own, ``shard-NNNNN.safetensors``:
``offsets`` u32, ``rows`` u16 (within the shard), ``values`` f32, in the same order.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from saescope.index.arrays import map_arrays

Ints = NDArray[np.int64]

SHARD_ROWS = 1 << 16
MAX_BLOCK = 1 << 12
MOST_NONZEROS = 4_000_000
POSTINGS = "postings.safetensors"


@dataclass(frozen=True)
class Postings:
    """Nonzeros of ``n_features`` features from number ``first`` on, sorted by feature, then by row.

    ``features`` [n] int64 count from ``first``; ``rows`` [n] int64; ``values`` [n] float32.
    """

    first: int
    n_features: int
    features: Ints
    rows: Ints
    values: NDArray[np.float32]

    def take(self, mask: "NDArray[np.bool_] | Ints") -> "Postings":
        """Some of the nonzeros."""
        return Postings(self.first, self.n_features, self.features[mask], self.rows[mask], self.values[mask])

    @cached_property
    def keys(self) -> NDArray[np.uint64]:
        """Feature and row in one number, rising."""
        return packed(self.features, self.rows)

    def values_at(self, features: Ints, rows: Ints) -> NDArray[np.float32]:
        """The activations of some features on rows where they fire."""
        return self.values[np.searchsorted(self.keys, packed(features, rows))]


def packed(features: Ints, rows: Ints) -> NDArray[np.uint64]:
    """Feature and row in one number that sorts as they do."""
    return (features.astype(np.uint64) << np.uint64(32)) | rows.astype(np.uint64)


class PostingsReader(Protocol):
    """Anything that gives the postings of a range of features."""

    def postings(self, first: int, end: int) -> Postings:
        """Nonzeros of the features ``first`` to ``end - 1``."""
        ...

    def counts(self) -> Ints:
        """Nonzeros of each feature, ``[d_sae]``."""
        ...


def shard_name(number: int) -> str:
    """File name of a shard's postings by feature."""
    return f"shard-{number:05d}.safetensors"


class PostingsFile:
    """The postings of a finished index, mapped."""

    def __init__(self, path: Path) -> None:
        arrays = map_arrays(path)
        self._offsets, self._rows, self._values = arrays["offsets"], arrays["rows"], arrays["values"]

    def counts(self) -> Ints:
        """Nonzeros of each feature, ``[d_sae]``."""
        return np.diff(self._offsets.astype(np.int64))

    def postings(self, first: int, end: int) -> Postings:
        """Nonzeros of the features ``first`` to ``end - 1``, sorted by feature, then by row."""
        offsets = self._offsets[first : end + 1].astype(np.int64)
        low, high = int(offsets[0]), int(offsets[-1])
        features = np.repeat(np.arange(end - first), np.diff(offsets))
        return Postings(
            first, end - first, features, self._rows[low:high].astype(np.int64), np.array(self._values[low:high])
        )


class ShardedPostings:
    """The postings of shards, as they are while an index is built.

    Parameters
    ----------
    paths
        The shards' files.
    starts
        The first row of each.
    """

    def __init__(self, paths: Sequence[Path], starts: Sequence[int]) -> None:
        self._shards: list[tuple[int, dict[str, NDArray[Any]]]] = [
            (start, map_arrays(path)) for path, start in zip(paths, starts, strict=True)
        ]

    def __len__(self) -> int:
        return len(self._shards)

    def with_shard(self, path: Path, start: int) -> "ShardedPostings":
        """These and one shard more, in the order of their rows."""
        made = ShardedPostings([path], [start])
        made._shards = sorted([*self._shards, *made._shards], key=lambda s: s[0])
        return made

    def counts(self) -> Ints:
        """Nonzeros of each feature, ``[d_sae]``."""
        total = np.zeros(0, dtype=np.int64)
        for _, shard in self._shards:
            counts = np.diff(shard["offsets"].astype(np.int64))
            total = total + counts if len(total) else counts
        return total

    def postings(self, first: int, end: int) -> Postings:
        """Nonzeros of the features ``first`` to ``end - 1``, sorted by feature, then by row."""
        n = end - first
        if not self._shards:
            none = np.zeros(0, dtype=np.int64)
            return Postings(first, n, none, none, none.astype(np.float32))
        offsets = np.stack([s["offsets"][first : end + 1].astype(np.int64) for _, s in self._shards])
        counts = np.diff(offsets, axis=1)
        totals = counts.sum(axis=0)
        begins = np.r_[0, np.cumsum(totals)]
        rows, values = np.empty(begins[-1], dtype=np.int64), np.empty(begins[-1], dtype=np.float32)
        next_free = begins[:-1].copy()
        for number, (start, shard) in enumerate(self._shards):
            low, high = offsets[number, 0], offsets[number, -1]
            if low == high:
                continue
            where = np.repeat(next_free - (offsets[number, :-1] - low), counts[number]) + np.arange(high - low)
            rows[where] = shard["rows"][low:high].astype(np.int64) + start
            values[where] = shard["values"][low:high]
            next_free += counts[number]
        return Postings(first, n, np.repeat(np.arange(n), totals), rows, values)


def partition(counts: Ints, most: int = MOST_NONZEROS, limit: int = MAX_BLOCK) -> Iterator[tuple[int, int]]:
    """Ranges of features to take at a time.

    Parameters
    ----------
    counts
        Nonzeros of each feature.
    most
        Nonzeros in a range, unless one feature alone has more.
    limit
        Features in a range.
    """
    ends, first = np.cumsum(counts), 0
    while first < len(counts):
        before = int(ends[first - 1]) if first else 0
        fitting = int(np.searchsorted(ends, before + most, side="right"))
        end = min(max(fitting, first + 1), first + limit, len(counts))
        yield first, end
        first = end
