"""Features that a feature's effect is compared with: alike in what should not matter.

1. Left out are the feature itself, those that are near it (|cosine| of the decoder directions at least 0.2),
   those without a direction, and, with an index, those that never fire in it.
2. The 32 that are most alike in density and decoder norm are kept: nearest in the logarithms of both, each
   in units of its standard deviation over the features.
3. Of these some are drawn with the seed.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from saescope.errors import ComputeError

MOST_COSINE = 0.2
N_ALIKE = 32
LEAST = 1e-12


def choose_controls(
    feature: int,
    cosines: NDArray[np.float32],
    norms: NDArray[np.float32],
    densities: NDArray[np.float64] | None,
    n: int,
    *,
    seed: int = 0,
    avoided: Sequence[int] = (),
) -> pl.DataFrame:
    """Controls of a feature, in the order drawn.

    Parameters
    ----------
    cosines
        Of its decoder direction with each feature's, ``[d_sae]``.
    norms
        Lengths of the decoder rows, ``[d_sae]``.
    densities
        Share of the index's counted tokens on which each fires, ``[d_sae]``; ``None`` without an index.
    n
        So many.
    avoided
        Features that are changed too, and so are no control.

    Returns
    -------
    polars.DataFrame
        ``feature, norm, density`` (null without an index)``, cosine``.

    Raises
    ------
    ComputeError
        There are not so many features that will do.
    """
    usable = (np.abs(cosines) < MOST_COSINE) & (norms > LEAST)
    usable[[feature, *avoided]] = False
    distance = _apart(np.log(np.maximum(norms, LEAST)), feature, usable)
    if densities is not None:
        usable &= densities > 0
        logs = np.log(np.maximum(densities, LEAST))
        if densities[feature] > 0:
            distance = distance + _apart(logs, feature, usable)
    places = np.flatnonzero(usable)
    if len(places) < n:
        raise ComputeError(
            f"{n} controls were wanted for feature {feature}, and {len(places)} features are far enough from it.",
            hint="Ask for fewer, or for none: controls=0.",
        )
    alike = places[np.argsort(distance[places], kind="stable")[: max(N_ALIKE, n)]]
    drawn = np.random.default_rng([seed, feature]).permutation(alike)[:n]
    density = pl.Series([None] * n, dtype=pl.Float64) if densities is None else densities[drawn]
    return pl.DataFrame(
        {"feature": drawn.astype(np.uint32), "norm": norms[drawn], "density": density, "cosine": cosines[drawn]}
    )


def _apart(values: NDArray[np.floating], feature: int, usable: NDArray[np.bool_]) -> NDArray[np.floating]:
    """Squared distance from the feature, in units of the spread among those that are usable."""
    spread = float(values[usable].std()) if usable.any() else 0.0
    return ((values - values[feature]) / spread) ** 2 if spread > 1e-6 else np.zeros(len(values))
