"""Nearest features by a named metric.

A metric is a function ``(directions, feature) -> scores``: ``directions`` holds unit rows
``[d_sae, d_in]`` by name, ``scores`` is ``[d_sae]`` float32, larger is nearer.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from saescope.errors import InputError
from saescope.index.store import check_feature
from saescope.registry import Registry

REGISTRY = Registry(
    "neighbors",
    {
        "decoder": "saescope.query.neighbors.cosine:decoder",
        "encoder": "saescope.query.neighbors.cosine:encoder",
    },
)


def neighbors(directions: Mapping[str, NDArray[Any]], feature: int, d_sae: int, *, k: int, metric: str) -> pl.DataFrame:
    """The ``k`` nearest features, nearest first, without the feature itself.

    Returns
    -------
    polars.DataFrame
        ``feature`` u32, ``score`` f32.

    Raises
    ------
    UnknownFeatureError, UnknownNameError, InputError
        The number, the metric or ``k`` is none.
    """
    feature = check_feature(feature, d_sae)
    if k < 1:
        raise InputError(f"at least one neighbor must be asked for, and k is {k}.")
    scores = np.array(REGISTRY.get(metric)(directions, feature), dtype=np.float32)
    scores[feature] = -np.inf
    k = min(k, d_sae - 1)
    nearest = np.argpartition(-scores, k - 1)[:k] if k < d_sae - 1 else np.argsort(-scores)[:k]
    nearest = nearest[np.lexsort((nearest, -scores[nearest]))]
    return pl.DataFrame({"feature": nearest.astype(np.uint32), "score": scores[nearest]})
