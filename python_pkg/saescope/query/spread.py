"""How features spread over a column of numbers, for the column's range filter."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

N_BINS = 40
LOGARITHMIC = ("density", "n_fires")
STEEP = 20
WITH_DEAD = ("feature",)


@dataclass(frozen=True)
class Spread:
    """Counts in ``N_BINS`` equal bins from ``low`` to ``high``, equal in the logarithm if ``is_log``.

    Features that never fire are in no bin (but of their numbers); ``n_apart`` of all and ``n_match_apart`` of
    those that match are.
    """

    low: float
    high: float
    is_log: bool
    counts: list[int]
    matching: list[int]
    n_apart: int
    n_match_apart: int


def spread_of(column: str, values: NDArray[Any], fires: NDArray[np.bool_], matches: NDArray[np.bool_]) -> Spread:
    """Bin a column.

    Parameters
    ----------
    values
        One a feature.
    fires, matches
        Which features fire at all, and which match.

    Notes
    -----
    Densities and counts have logarithmic bins; so have others whose largest value is above 20 times
    the median.
    """
    exact = values.astype(np.float64)
    counted = np.isfinite(exact) if column in WITH_DEAD else fires & np.isfinite(exact)
    inside = exact[counted]
    n_apart, n_match_apart = int((~counted).sum()), int((matches & ~counted).sum())
    if not len(inside):
        return Spread(0.0, 0.0, False, [0] * N_BINS, [0] * N_BINS, n_apart, n_match_apart)
    low, high = float(inside.min()), float(inside.max())
    is_steep = column not in WITH_DEAD and high > STEEP * float(np.median(inside))
    is_log = low > 0 and (column in LOGARITHMIC or is_steep)
    scale = np.log if is_log else np.asarray
    first, last = float(scale(low)), float(scale(high))
    places = (scale(inside) - first) * (N_BINS / max(last - first, 1e-300))
    bins = np.minimum(places, N_BINS - 1).astype(np.int64)
    return Spread(
        low,
        high,
        is_log,
        np.bincount(bins, minlength=N_BINS).tolist(),
        np.bincount(bins[matches[counted]], minlength=N_BINS).tolist(),
        n_apart,
        n_match_apart,
    )
