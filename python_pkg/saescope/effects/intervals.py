"""Means with their intervals.

Source: percentile bootstrap, Efron and Tibshirani (1993), "An Introduction to the Bootstrap", chapter 13.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95
N_RESAMPLES = 10_000
FEW = 10


@dataclass(frozen=True)
class Interval:
    """A mean of ``n`` numbers and its 95 % interval; the bounds are NaN with fewer than two numbers."""

    n: int
    mean: float
    low: float
    high: float


def bootstrap_means(values: NDArray[np.float64], *, n_resamples: int = N_RESAMPLES, seed: int = 0) -> list[Interval]:
    """The mean of each column of ``values`` [n, n_columns], with its interval.

    Rows are drawn whole, so that columns of the same examples stay together. Rows with a NaN
    are left out. With few rows the interval is wide, since a handful of texts says little of all; below about ten it
    is also somewhat too narrow, as the extremes that were not seen cannot be drawn.
    """
    kept = values[np.isfinite(values).all(axis=1)]
    n, n_columns = len(kept), values.shape[1]
    if not n:
        return [Interval(0, np.nan, np.nan, np.nan)] * n_columns
    means = kept.mean(axis=0)
    if n == 1:
        return [Interval(1, float(mean), np.nan, np.nan) for mean in means]
    drawn = np.random.default_rng(seed).integers(n, size=(n_resamples, n))
    resampled = kept[drawn].mean(axis=1)
    low, high = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return [Interval(n, *map(float, row)) for row in zip(means, low, high, strict=True)]
