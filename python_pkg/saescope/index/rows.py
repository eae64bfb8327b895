"""Postings by row: what fires on each token, with the length of its activation.

A shard of rows is one file, ``rows-NNNNN.safetensors``:

=============  ===================  ================================================
``offsets``    u32 [n_rows + 1]     where each row's nonzeros begin
``features``   u16 or u32 [n]       feature, rising in each row
``values``     f16 [n]              activation divided by ``scale``
``scale``      f32 [1]              a power of two
``norms``      f32 [n_rows]         Euclidean length of the activation at the site
``quality``    f64 [3 + d_in]       sums over a sample, see `quality_of`
=============  ===================  ================================================
"""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from saescope.index.arrays import map_arrays

Ints = NDArray[np.int64]


def rows_name(number: int) -> str:
    """File name of a shard's postings by row."""
    return f"rows-{number:05d}.safetensors"


class RowShards:
    """The postings by row of some shards, mapped.

    Parameters
    ----------
    paths
        The shards' files.
    starts
        The first row of each, rising.
    """

    def __init__(self, paths: Sequence[Path], starts: Sequence[int]) -> None:
        self._paths = list(paths)
        self._shards = [map_arrays(path, at_random=True) for path in paths]
        self._starts = np.asarray(starts, dtype=np.int64)

    def __len__(self) -> int:
        return len(self._shards)

    @cached_property
    def norms(self) -> NDArray[np.float32]:
        """Length of the activation at each row of these shards, one shard after the other."""
        if not self._paths:
            return np.zeros(0, dtype=np.float32)
        return np.concatenate([np.array(map_arrays(path)["norms"]) for path in self._paths])

    def row(self, row: int) -> tuple[Ints, NDArray[np.float32]]:
        """Features that fire on one row, and their activations (rounded to half precision)."""
        features, values, _ = self.gather(np.array([row]))
        return features, values

    def gather(self, rows: Ints) -> tuple[Ints, NDArray[np.float32], Ints]:
        """What fires on some rows.

        Parameters
        ----------
        rows
            Rising row numbers; nothing is known of rows between the shards that are there.

        Returns
        -------
        tuple
            ``features`` [n] int64, ``values`` [n] float32, and how many of them belong to
            each row, ``[len(rows)]``.
        """
        if not self._shards:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32), np.zeros(len(rows), dtype=np.int64)
        numbers = np.maximum(np.searchsorted(self._starts, rows, side="right") - 1, 0)
        features, values, counts = [], [], []
        for number in np.unique(numbers).tolist():
            shard, local = self._shards[number], rows[numbers == number] - self._starts[number]
            is_there = (local >= 0) & (local < len(shard["offsets"]) - 1)
            local = np.where(is_there, local, 0)
            begins = shard["offsets"][local].astype(np.int64)
            lengths = np.where(is_there, shard["offsets"][local + 1].astype(np.int64) - begins, 0)
            total = int(lengths.sum())
            at = np.repeat(begins - np.r_[0, np.cumsum(lengths)[:-1]], lengths) + np.arange(total)
            features.append(shard["features"][at].astype(np.int64))
            values.append(shard["values"][at].astype(np.float32) * shard["scale"][0])
            counts.append(lengths)
        if not counts:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32), np.zeros(0, dtype=np.int64)
        return np.concatenate(features), np.concatenate(values), np.concatenate(counts)

    def n_firing(self, rows: Ints) -> Ints:
        """How many features fire on some rising rows, ``[len(rows)]``; -1 where nothing is known of a row."""
        found = np.full(len(rows), -1, dtype=np.int64)
        for start, shard in zip(self._starts.tolist(), self._shards, strict=True):
            offsets = shard["offsets"]
            low, high = np.searchsorted(rows, [start, start + len(offsets) - 1])
            local = rows[low:high] - start
            found[low:high] = offsets[local + 1].astype(np.int64) - offsets[local].astype(np.int64)
        return found

    def quality(self) -> NDArray[np.float64]:
        """The sums of `quality_of` over all shards."""
        return np.sum([s["quality"] for s in self._shards], axis=0)


def quality_of(n: int, squared_error: float, squares: float, sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums from which explained variance comes, laid out as they are stored.

    Parameters
    ----------
    n
        Rows in the sample.
    squared_error
        Sum of ``|x - x_hat|^2`` over them.
    squares
        Sum of ``|x|^2``.
    sums
        Sum of ``x``, ``[d_in]``.
    """
    return np.concatenate([[n, squared_error, squares], sums])


def explained_variance(quality: NDArray[np.float64]) -> float | None:
    """One minus the share of the variance that the reconstruction leaves, or ``None`` without a sample."""
    n, squared_error, squares = quality[:3]
    if n < 2:
        return None
    variance = squares - float((quality[3:] ** 2).sum()) / n
    return float(1 - squared_error / variance) if variance > 0 else None
