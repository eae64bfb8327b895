"""Shards on disk: the nonzeros of some rows in both orders, by feature and by row. No torch here."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from saescope.index.postings import shard_name
from saescope.index.rows import rows_name
from saescope.indexing.disk import disk_errors

HALF_MAX = 65504.0

Arrays = dict[str, NDArray[Any]]


class Found(Protocol):
    """Nonzeros in the order of their rows, and of their features within each: three arrays of one length."""

    @property
    def rows(self) -> NDArray[Any]:
        """Rows within the shard."""
        ...

    @property
    def features(self) -> NDArray[Any]:
        """Features."""
        ...

    @property
    def values(self) -> NDArray[np.float32]:
        """Activations."""
        ...


@dataclass(frozen=True)
class Shard:
    """What a worker makes of a shard, ready to be saved."""

    by_feature: Arrays
    by_row: Arrays


def save_shard(folder: Path, number: int, shard: Shard) -> None:
    """Put a shard into the folder of an index: both files appear whole, and are on the disk then."""
    with disk_errors(f"shard {number}", folder.parent):
        for name, arrays in ((rows_name(number), shard.by_row), (shard_name(number), shard.by_feature)):
            temporary = folder / f"{name}.tmp-{os.getpid()}"
            try:
                temporary.touch()
                mode = temporary.stat().st_mode
                save_file(arrays, temporary)
                temporary.chmod(mode)
                with temporary.open("rb") as stream:
                    os.fsync(stream.fileno())
                temporary.replace(folder / name)
            finally:
                temporary.unlink(missing_ok=True)


def by_feature(found: Found, d_sae: int) -> Arrays:
    """Postings by feature: see `saescope.index.postings`."""
    keys = (found.features.astype(np.uint64) << np.uint64(32)) | np.arange(len(found.rows), dtype=np.uint64)
    keys.sort()
    order = (keys & np.uint64(0xFFFFFFFF)).astype(np.int64)
    return {
        "offsets": offsets(found.features, d_sae),
        "rows": found.rows.astype(np.uint16)[order],
        "values": found.values[order],
    }


def by_row(found: Found, n_rows: int, d_sae: int, norms: NDArray[np.float32], quality: NDArray[np.float64]) -> Arrays:
    """Postings by row: see `saescope.index.rows`."""
    scale = row_scale(found.values)
    values = found.values if scale == 1.0 else found.values / scale
    return {
        "offsets": offsets(found.rows, n_rows),
        "features": found.features.astype(np.uint16) if d_sae <= 1 << 16 else found.features,
        "values": values.astype(np.float16),
        "scale": np.array([scale], dtype=np.float32),
        "norms": norms,
        "quality": quality,
    }


def offsets(keys: NDArray[Any], n: int) -> NDArray[np.uint32]:
    """Where each key's run begins: u32 ``[n + 1]``."""
    return np.r_[0, np.cumsum(np.bincount(keys, minlength=n))].astype(np.uint32)


def row_scale(values: NDArray[np.float32]) -> float:
    """The smallest power of two, at least 1, by which the values fit half precision."""
    largest = float(np.abs(values).max(initial=0.0))
    return 1.0 if largest <= HALF_MAX else 2.0 ** int(np.ceil(np.log2(largest / HALF_MAX)))
