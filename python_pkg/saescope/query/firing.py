"""What fires on some rows, of an index that is finished or still grows."""

import numpy as np
from numpy.typing import NDArray

from saescope.index.choice import position_hash
from saescope.index.rows import RowShards, rows_name
from saescope.index.store import Index

Ints = NDArray[np.int64]


def spans(begins: Ints, lengths: Ints) -> Ints:
    """``begin, begin + 1, …`` for each begin, so many as its length says; one after the other."""
    before = np.cumsum(lengths) - lengths
    return np.repeat(begins - before, lengths) + np.arange(int(lengths.sum()))


def evenly(rows: Ints, most: int, feature: int = 0) -> Ints:
    """Places in ``rows`` of an even draw of at most so many: those with the smallest hash, rising."""
    if len(rows) <= most:
        return np.arange(len(rows))
    noise = position_hash(np.full(len(rows), feature, dtype=np.int64), rows)
    return np.sort(np.argpartition(noise, most)[:most])


def has_been_read(index: Index, rows: Ints) -> NDArray[np.bool_]:
    """Whether it is known what fires on each row: always, but in an index that grows."""
    if index.is_complete:
        return np.ones(len(rows), dtype=bool)
    manifest, numbers = index.manifest, _shards_of(index, rows)
    is_there = np.zeros(manifest.n_shards, dtype=bool)
    for number in np.unique(numbers).tolist():
        is_there[number] = (index.folder / rows_name(number)).exists()
    return is_there[numbers]


def firing_on(index: Index, rows: Ints) -> tuple[Ints, NDArray[np.float32], Ints]:
    """What fires on some rows.

    Parameters
    ----------
    rows
        Rising numbers of rows that have been read.

    Returns
    -------
    tuple
        ``features`` [n] int64, ``values`` [n] float32 (rounded to half precision), and how
        many of them belong to each row, ``[len(rows)]`` int64.

    Raises
    ------
    NeedsPostingsError
        The index was made without postings.

    Notes
    -----
    While an index grows its files are opened anew: the open ones may lag behind the
    shards that `Index.postings` has taken in meanwhile.
    """
    _ = index.postings
    if index.is_complete:
        return index.row_shards.gather(rows)
    numbers = np.unique(_shards_of(index, rows)).tolist()
    starts = [index.manifest.shard_starts[n] for n in numbers]
    return RowShards([index.folder / rows_name(n) for n in numbers], starts).gather(rows)


def _shards_of(index: Index, rows: Ints) -> Ints:
    return np.searchsorted(np.asarray(index.manifest.shard_starts, dtype=np.int64), rows, side="right") - 1
