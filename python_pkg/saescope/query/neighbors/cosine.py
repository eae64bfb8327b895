"""Cosine between the decoder rows, or the encoder columns, of features.

numpy has no product of half-precision arrays, and converting all rows is most of the
time. Torch has one; where something else has imported it, it is used, and the best
scores are computed once more in single precision.
"""

import sys
import warnings
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saescope.errors import ComputeError
from saescope.query.neighbors.metric import About, Scores, Space, told

Floats = NDArray[np.float32]

BLOCK_NUMBERS = 1 << 18
N_REFINED = 1024


@told(
    About(
        "decoder cosine",
        "Cosine of the angle between the decoder rows: 1 for features that write alike, 0 for unrelated ones.",
        -1,
        1,
        ("decoder",),
    )
)
def decoder(space: Space, feature: int) -> Scores:
    """Cosine to every feature's decoder row."""
    return Scores(_cosines(space, "decoder", feature))


@told(
    About(
        "encoder cosine",
        "Cosine of the angle between the encoder columns: 1 for features that read alike, 0 for unrelated ones.",
        -1,
        1,
        ("encoder",),
    )
)
def encoder(space: Space, feature: int) -> Scores:
    """Cosine to every feature's encoder column."""
    return Scores(_cosines(space, "encoder", feature))


def _cosines(space: Space, name: str, feature: int) -> Floats:
    rows = space.directions.get(name)
    if rows is None:
        raise ComputeError(
            f"neighbors by {name} need the {name}'s directions, and this index holds none.",
            hint="Load the SAE beside it: saescope.load(model, sae=…, index=…).",
        )
    torch = sys.modules.get("torch")
    if torch is None or rows.dtype != np.float16:
        return _products(rows, rows[feature])
    scores = _half_products(torch, rows, rows[feature])
    best = np.argpartition(-scores, N_REFINED)[:N_REFINED] if len(scores) > N_REFINED else np.arange(len(scores))
    scores[best] = _products(rows[best], rows[feature])
    return scores


def _products(rows: NDArray[Any], query: NDArray[Any]) -> Floats:
    """``rows @ query`` in single precision, a block at a time that stays in the cache."""
    step = max(1, BLOCK_NUMBERS // rows.shape[1])
    wide = query.astype(np.float32)
    return np.concatenate([_single(rows[s : s + step]) @ wide for s in range(0, len(rows), step)])


def _single(rows: NDArray[Any]) -> Floats:
    """Numbers in single precision; a table lookup is twice as fast as numpy's conversion of halves."""
    if rows.dtype != np.float16:
        return rows.astype(np.float32)
    return np.take(_halves(), np.ascontiguousarray(rows).view(np.uint16))


@cache
def _halves() -> Floats:
    return np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float32)


def _half_products(torch: Any, rows: NDArray[np.float16], query: NDArray[np.float16]) -> Floats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # mapped rows cannot be written, and are only read
        held = torch.from_numpy(rows)
    return (held @ torch.from_numpy(query.copy())).float().numpy()
