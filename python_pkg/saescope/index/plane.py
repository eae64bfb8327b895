"""Unit rows in two dimensions: the two directions in which they vary most.

1. The covariance ``[d_in, d_in]`` of the rows is summed up block by block, in double precision.
2. Its two leading eigenvectors are the axes; each points to where its largest loading is positive.
3. The rows, less their mean, are laid on them.

Notes
-----
Source: K. Pearson, Philosophical Magazine 2 (1901): principal components. A row of zeros, or
with a number that is not finite, has no direction: it takes no part, and its place is not a number.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from saescope.progress import Silent
from saescope.types import Progress

Places = NDArray[np.float32]

BLOCK_NUMBERS = 1 << 22


def principal_plane(rows: NDArray[Any], progress: Progress | None = None) -> Places:
    """Lay rows on their two leading principal axes.

    Parameters
    ----------
    rows
        Directions ``[n, d_in]`` of any float type; read in blocks, twice.
    progress
        Told how many rows are done, of both passes.

    Returns
    -------
    numpy.ndarray
        ``[n, 2]`` float32, in the unit of the rows; NaN for a row without a direction.
    """
    progress = progress or Silent()
    n, d_in = rows.shape
    step = max(1, BLOCK_NUMBERS // max(d_in, 1))
    blocks = [slice(low, low + step) for low in range(0, n, step)]
    progress.start("Drawing the map", 2 * n, "feature")
    mean, covariance = _moments(rows, blocks, progress)
    axes = _leading(covariance)
    places = np.full((n, 2), np.nan, dtype=np.float32)
    for block in blocks:
        some = rows[block].astype(np.float32)
        found = (some - mean.astype(np.float32)) @ axes
        places[block] = np.where(has_direction(some)[:, None], found, np.nan)
        progress.advance(len(some))
    progress.finish()
    return places


def has_direction(rows: NDArray[Any]) -> NDArray[np.bool_]:
    """Which rows are finite and not all zeros."""
    return np.asarray(np.isfinite(rows).all(axis=1) & rows.any(axis=1))


def _moments(
    rows: NDArray[Any], blocks: list[slice], progress: Progress
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    d_in = rows.shape[1]
    total, products, n_used = np.zeros(d_in), np.zeros((d_in, d_in)), 0
    for block in blocks:
        some = rows[block].astype(np.float32)
        used = some[has_direction(some)]
        total += used.sum(axis=0, dtype=np.float64)
        products += used.T @ used
        n_used += len(used)
        progress.advance(len(some))
    mean = total / max(n_used, 1)
    return mean, products / max(n_used, 1) - np.outer(mean, mean)


def _leading(covariance: NDArray[np.float64]) -> NDArray[np.float32]:
    """The two eigenvectors of the largest eigenvalues as columns; zeros where there is no second."""
    vectors = np.linalg.eigh(covariance)[1][:, ::-1][:, :2]
    strongest = np.abs(vectors).argmax(axis=0)
    signs = np.sign(vectors[strongest, np.arange(vectors.shape[1])])
    axes = np.zeros((len(covariance), 2), dtype=np.float32)
    axes[:, : vectors.shape[1]] = vectors * signs
    return axes
