"""Floats with as few digits as tell them from their neighbors."""

import numpy as np
from numpy.typing import NDArray

FEWEST, MOST = 3, 9


def shortest(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Doubles that print with few digits and are the same as float32.

    Parameters
    ----------
    values
        Taken as float32, finite.

    Returns
    -------
    numpy.ndarray
        Float64 of the same shape; ``repr`` of each has at most nine significant digits.
    """
    exact = np.asarray(values, dtype=np.float32)
    wide = exact.astype(np.float64)
    found = np.array(wide)
    pending = np.flatnonzero(exact)
    flat, exact, wide = found.reshape(-1), exact.reshape(-1), wide.reshape(-1)
    for n_digits in range(FEWEST, MOST + 1):
        if not len(pending):
            break
        value = wide[pending]
        places = n_digits - 1 - np.floor(np.log10(np.abs(value))).astype(np.int64)
        power = 10.0 ** np.abs(places)
        rounded = np.where(places >= 0, np.rint(value * power) / power, np.rint(value / power) * power)
        is_same = rounded.astype(np.float32) == exact[pending]
        flat[pending[is_same]] = rounded[is_same]
        pending = pending[~is_same]
    return found


def rounded(values: NDArray[np.floating], n_decimals: int) -> NDArray[np.float64]:
    """Doubles rounded to so many decimals."""
    return np.round(np.asarray(values, dtype=np.float64), n_decimals)
