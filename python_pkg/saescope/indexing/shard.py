"""One shard of postings from the nonzeros of its rows."""

from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from saescope.engine.encoder import Nonzeros

HALF_MAX = 65504.0


def write_shard(path: Path, parts: list[Nonzeros], n_rows: int, d_sae: int) -> int:
    """Sort nonzeros by feature and write both orders.

    Parameters
    ----------
    path
        Where to write.
    parts
        Nonzeros in row order; rows count from the shard's first.
    n_rows, d_sae
        Rows of the shard, features of the dictionary.

    Returns
    -------
    int
        Nonzeros written.
    """
    rows = np.concatenate([p.rows for p in parts])
    features = np.concatenate([p.features for p in parts])
    values = np.concatenate([p.values for p in parts])
    narrow = features.astype(np.uint16) if d_sae <= 1 << 16 else features
    order = np.argsort(narrow, kind="stable")
    scale = row_scale(values)
    save_file(
        {
            "feature_offsets": offsets(features, d_sae),
            "feature_rows": rows.astype(np.uint16)[order],
            "feature_values": values[order],
            "row_offsets": offsets(rows, n_rows),
            "row_features": narrow,
            "row_values": (values / scale).astype(np.float16),
            "row_scale": np.array([scale], dtype=np.float32),
        },
        path,
    )
    return len(rows)


def offsets(keys: "np.ndarray", n: int) -> "np.ndarray":
    """Where each key's run begins: u32 ``[n + 1]``."""
    return np.r_[0, np.cumsum(np.bincount(keys, minlength=n))].astype(np.uint32)


def row_scale(values: "np.ndarray") -> float:
    """The smallest power of two, at least 1, by which the values fit half precision."""
    largest = float(np.abs(values).max(initial=0.0))
    return 1.0 if largest <= HALF_MAX else 2.0 ** int(np.ceil(np.log2(largest / HALF_MAX)))
