"""Nearest features by a named metric.

A metric is a function ``(space, feature) -> Scores``: see `Space`, `Scores` and `About`.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from saescope.errors import InputError
from saescope.index.store import check_feature
from saescope.query.neighbors.metric import About, Metric, Scores, Space, about, told
from saescope.registries import Registry

__all__ = ["REGISTRY", "About", "Metric", "Scores", "Space", "about", "cosines", "neighbors", "told"]

REGISTRY = Registry(
    "neighbors",
    {
        "correlation": "saescope.query.neighbors.cofiring:correlation",
        "decoder": "saescope.query.neighbors.cosine:decoder",
        "encoder": "saescope.query.neighbors.cosine:encoder",
        "jaccard": "saescope.query.neighbors.cofiring:jaccard",
    },
)


def neighbors(space: Space, feature: int, d_sae: int, *, k: int, metric: str) -> pl.DataFrame:
    """The ``k`` nearest features, nearest first, without the feature itself; equal ones by number.

    Returns
    -------
    polars.DataFrame
        ``feature`` u32, ``score`` f32, ``error`` f32: the standard error of the score, 0 where it
        is exact, null where the metric knows none.

    Raises
    ------
    UnknownFeatureError, UnknownNameError, InputError
        The number, the metric or ``k`` is none.
    ComputeError, NoIndexError, NeedsPostingsError
        What the metric goes by is not there.
    """
    feature = check_feature(feature, d_sae)
    if k < 1:
        raise InputError(f"at least one neighbor must be asked for, and k is {k}.")
    made: Scores = REGISTRY.get(metric)(space, feature)
    scores = np.array(made.values, dtype=np.float32)
    scores[feature] = -np.inf
    k = min(k, d_sae - 1)
    nearest = np.argpartition(-scores, k - 1)[:k] if k < d_sae - 1 else np.argsort(-scores)[:k]
    nearest = nearest[np.lexsort((nearest, -scores[nearest]))]
    errors = pl.Series([None] * k, dtype=pl.Float32) if made.errors is None else made.errors[nearest]
    return pl.DataFrame({"feature": nearest.astype(np.uint32), "score": scores[nearest], "error": errors})


def cosines(space: Space, name: str, features: Sequence[int]) -> NDArray[np.float64] | None:
    """Cosine of each of some features to each, ``[n, n]``; ``None`` without directions of this name."""
    if name not in space.directions:
        return None
    rows = np.stack([space.directions[name][f] for f in features]).astype(np.float64)
    lengths = np.maximum(np.linalg.norm(rows, axis=1), 1e-12)
    return rows @ rows.T / np.outer(lengths, lengths)
