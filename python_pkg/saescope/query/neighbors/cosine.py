"""Cosine between the decoder rows, or the encoder columns, of features."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saescope.errors import ComputeError

BLOCK_BYTES = 256 << 20


def decoder(directions: Mapping[str, NDArray[Any]], feature: int) -> NDArray[np.float32]:
    """Cosine to every feature's decoder row."""
    return _cosines(directions, "decoder", feature)


def encoder(directions: Mapping[str, NDArray[Any]], feature: int) -> NDArray[np.float32]:
    """Cosine to every feature's encoder column."""
    return _cosines(directions, "encoder", feature)


def _cosines(directions: Mapping[str, NDArray[Any]], name: str, feature: int) -> NDArray[np.float32]:
    rows = directions.get(name)
    if rows is None:
        raise ComputeError(
            f"neighbors by {name} need the {name}'s directions, and this index holds none.",
            hint="Load the SAE beside it: saescope.load(model, sae=…, index=…).",
        )
    query = rows[feature].astype(np.float32)
    step = max(1, BLOCK_BYTES // (4 * rows.shape[1]))
    return np.concatenate([rows[s : s + step].astype(np.float32) @ query for s in range(0, len(rows), step)])
