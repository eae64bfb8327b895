"""Postings on disk: every nonzero activation, by feature and by row, in shards of rows.

A shard is one safetensors file:

========================  =================  ==========================================
``feature_offsets``       u32 [d_sae + 1]    where each feature's nonzeros begin
``feature_rows``          u16 [n]            row within the shard, rising in each feature
``feature_values``        f32 [n]            activation
``row_offsets``           u32 [n_rows + 1]   where each row's nonzeros begin
``row_features``          u16 or u32 [n]     feature, rising in each row
``row_values``            f16 [n]            activation divided by ``row_scale``
``row_scale``             f32 [1]            a power of two
========================  =================  ==========================================
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from saescope.index.arrays import map_arrays
from saescope.index.summary import Postings

SHARD_ROWS = 1 << 16


def shard_name(number: int) -> str:
    """File name of a shard."""
    return f"shard-{number:05d}.safetensors"


def rows_a_shard(context_size: int) -> int:
    """Rows of a shard: whole contexts, at most 65,536."""
    return max(SHARD_ROWS // context_size, 1) * context_size


class Shards:
    """All shards of an index, mapped into memory.

    Parameters
    ----------
    path
        The index's folder.
    n_shards, shard_rows
        From the manifest.
    place
        Where to find a shard by its name, if not in ``path``.
    """

    def __init__(
        self, path: Path, n_shards: int, shard_rows: int, place: "Callable[[str], Path] | None" = None
    ) -> None:
        where = place or path.joinpath
        self._shards = [map_arrays(where(shard_name(n))) for n in range(n_shards)]
        self._shard_rows = shard_rows

    def __bool__(self) -> bool:
        return bool(self._shards)

    def postings(self, first: int, end: int) -> Postings:
        """Nonzeros of the features ``first`` to ``end - 1`` in all shards, sorted by feature, then by row."""
        counts, rows, values = [], [], []
        for number, shard in enumerate(self._shards):
            offsets = shard["feature_offsets"][first : end + 1].astype(np.int64)
            counts.append(np.diff(offsets))
            rows.append(shard["feature_rows"][offsets[0] : offsets[-1]].astype(np.int64) + number * self._shard_rows)
            values.append(shard["feature_values"][offsets[0] : offsets[-1]])
        if not counts:
            none = np.zeros(0, dtype=np.int64)
            return Postings(first, end - first, none, none, none.astype(np.float32))
        features = np.concatenate([np.repeat(np.arange(end - first), c) for c in counts])
        order = np.argsort(features, kind="stable")
        return Postings(first, end - first, features[order], np.concatenate(rows)[order], np.concatenate(values)[order])

    def row(self, row: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Features that fire on one row, and their activations (rounded to half precision)."""
        shard = self._shards[row // self._shard_rows]
        start, end = shard["row_offsets"][row % self._shard_rows :][:2]
        scale = shard["row_scale"][0]
        return (
            shard["row_features"][start:end].astype(np.int64),
            shard["row_values"][start:end].astype(np.float32) * scale,
        )

    def blocks(self, d_sae: int, block: int) -> Iterator[Postings]:
        """All postings, ``block`` features at a time."""
        for first in range(0, d_sae, block):
            yield self.postings(first, min(first + block, d_sae))
