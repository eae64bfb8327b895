"""A histogram of another tool, as bars of its own width, drawn anew in our bins.

Firings are taken to lie evenly within a bar; the total stays what it was.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from saescope.index.summary import BIN_SHIFT, N_BINS

Ints = NDArray[np.int64]
MOST_FIRINGS = 1 << 32


@dataclass(frozen=True)
class Bars:
    """How often a feature fires how strongly.

    Parameters
    ----------
    heights
        Firings in each bar, int64 ``[n]``.
    edges
        Rising, float64 ``[n + 1]``, in units of activation.
    """

    heights: Ints
    edges: NDArray[np.float64]

    @property
    def n_fires(self) -> int:
        """Firings in all."""
        return int(self.heights.sum())

    def below(self, values: NDArray[np.float64]) -> Ints:
        """Firings weaker than each of some rising values."""
        found = np.interp(values, self.edges, np.r_[0.0, np.cumsum(self.heights)])
        return np.rint(found).astype(np.int64)

    def counts(self, high: float) -> Ints:
        """Firings in the 32 equal bins from 0 to ``high`` of the feature table."""
        inner = np.linspace(0, high, N_BINS + 1)[1:-1]
        return np.diff(np.r_[0, self.below(inner), self.n_fires])

    def fine(self) -> tuple[NDArray[np.uint16], Ints]:
        """The nonempty bins of the fine histogram and the firings in each."""
        low, high = (np.float32(max(v, 0.0)).view(np.uint32) >> BIN_SHIFT for v in (self.edges[0], self.edges[-1]))
        bins = np.arange(int(low), int(high) + 1, dtype=np.uint32)
        borders = (bins[1:] << np.uint32(BIN_SHIFT)).view(np.float32).astype(np.float64)
        counts = np.diff(np.r_[0, self.below(borders), self.n_fires])
        full = counts > 0
        return bins[full].astype(np.uint16), counts[full]


def bars_of(heights: NDArray[np.float64], values: NDArray[np.float64]) -> Bars | None:
    """Bars from their heights and the middles they stand on.

    Returns
    -------
    Bars or None
        None where there are no bars, or some reach below 0 (features that fire negative).

    Raises
    ------
    ValueError
        They are no histogram of firings.
    """
    if len(heights) != len(values):
        raise ValueError(f"{len(heights)} bars stand on {len(values)} values")
    if not len(heights):
        return None
    if (heights < 0).any() or (heights != np.rint(heights)).any():
        raise ValueError("bars are not as high as whole numbers from 0 on")
    if heights.sum() >= MOST_FIRINGS:
        raise ValueError(f"bars tell of {heights.sum():,.0f} firings, and an index holds fewer than {MOST_FIRINGS:,}")
    if (np.diff(values) < 0).any():
        raise ValueError("bars do not stand in rising order")
    half = (values[-1] - values[0]) / max(len(values) - 1, 1) / 2
    edges = np.r_[values - half, values[-1] + half]
    if edges[0] < -1e-3 * max(edges[-1], 0.0) or edges[-1] <= 0:
        return None
    return Bars(heights.astype(np.int64), np.maximum.accumulate(np.maximum(edges, 0.0)))
