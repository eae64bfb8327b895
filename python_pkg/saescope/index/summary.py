"""From the postings of some features to their statistics, in numpy.

1. Rows that do not count are left out.
2. Feature and strength are packed into one 64-bit number each; one sort of these gives
   maxima, exact quantiles and histograms; one of feature, token and strength the tokens.

Strength is the magnitude of an activation, since AbsTopK SAEs fire negative.

Notes
-----
The histogram has a bin for each float with the same exponent and first five bits of the
mantissa, so that any quantile is known to 1/64 of its value, and histograms of parts
can be added. Source: C. Masson et al., DDSketch (VLDB 2019), with bins that cost no logarithm.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from saescope.index.layout import Layout
from saescope.index.postings import Postings

Ints = NDArray[np.int64]
Keys = NDArray[np.uint64]

N_BINS = 32
N_TOP_TOKENS = 10
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
BIN_SHIFT = 18
LOW = np.uint64(0xFFFFFFFF)
BITS = np.uint64(32)


@dataclass(frozen=True)
class Statistics:
    """Per feature: see the columns of the feature table. ``top_tokens`` [n, 10] hold -1 where there is none.

    ``fine_bins`` u16 and ``fine_counts`` are the nonempty bins of all features' fine
    histograms, one feature after the other; ``fine_offsets`` [n + 1] tells where each begins.
    """

    n_fires: Ints
    sums: NDArray[np.float64]
    sums_of_squares: NDArray[np.float64]
    maxima: NDArray[np.float32]
    quantiles: NDArray[np.float32]
    histogram: Ints
    top_tokens: Ints
    top_token_shares: NDArray[np.float32]
    fine_bins: NDArray[np.uint16]
    fine_counts: Ints
    fine_offsets: Ints

    @property
    def means(self) -> NDArray[np.float64]:
        """Mean activation of each feature where it fires, 0 where it never does."""
        return self.sums / np.maximum(self.n_fires, 1)

    @property
    def deviations(self) -> NDArray[np.float64]:
        """Standard deviation of each feature's activation where it fires."""
        squares = self.sums_of_squares / np.maximum(self.n_fires, 1)
        return np.sqrt(np.maximum(squares - self.means**2, 0))


def counted(postings: Postings, layout: Layout) -> Postings:
    """The nonzeros on rows that count."""
    is_known = "counted_mask" in layout.__dict__
    return postings.take(layout.counted_mask[postings.rows] if is_known else layout.is_counted(postings.rows))


def strength_bits(values: NDArray[np.float32]) -> Keys:
    """The magnitudes of activations as integers that sort as they do."""
    return np.abs(values).view(np.uint32).astype(np.uint64)


def as_floats(bits: Keys) -> NDArray[np.float32]:
    """The magnitudes back from the lower halves of packed numbers."""
    return (bits & LOW).astype(np.uint32).view(np.float32)


def ranks_within(keys: NDArray[np.generic]) -> Ints:
    """Number each element within its run of equal keys, from 0; ``keys`` is sorted."""
    if not len(keys):
        return np.zeros(0, dtype=np.int64)
    starts = run_starts(keys)
    lengths = np.diff(np.r_[starts, len(keys)])
    return np.arange(len(keys)) - np.repeat(starts, lengths)


def run_starts(keys: NDArray[np.generic]) -> Ints:
    """Where each run of equal keys begins."""
    return np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]]) if len(keys) else np.zeros(0, dtype=np.int64)


def statistics(postings: Postings, layout: Layout) -> Statistics:
    """Statistics of counted postings."""
    n, f = postings.n_features, postings.features
    n_fires = np.bincount(f, minlength=n)
    ends = np.cumsum(n_fires)
    keys = (f.astype(np.uint64) << BITS) | strength_bits(postings.values)
    keys.sort()
    ranked = as_floats(keys)
    fired = np.flatnonzero(n_fires)
    maxima = np.zeros(n, dtype=np.float32)
    maxima[fired] = ranked[ends[fired] - 1]
    quantiles = np.zeros((n, len(QUANTILES)), dtype=np.float32)
    for column, q in enumerate(QUANTILES):
        at = (ends - n_fires)[fired] + np.maximum(np.ceil(q * n_fires[fired]).astype(np.int64) - 1, 0)
        quantiles[fired, column] = ranked[at]
    bins = np.minimum((ranked / maxima[f] * N_BINS).astype(np.int64), N_BINS - 1) if len(f) else f
    histogram = np.bincount(f * N_BINS + bins, minlength=n * N_BINS).reshape(n, N_BINS)
    fine = keys >> np.uint64(BIN_SHIFT)
    starts = run_starts(fine)
    fine_features = (fine[starts] >> np.uint64(32 - BIN_SHIFT)).astype(np.int64)
    values = postings.values.astype(np.float64)
    tokens, shares = _top_tokens(postings, layout)
    return Statistics(
        n_fires,
        np.bincount(f, weights=values, minlength=n).astype(np.float64),
        np.bincount(f, weights=values * values, minlength=n).astype(np.float64),
        maxima,
        quantiles,
        histogram,
        tokens,
        shares,
        (fine[starts] & np.uint64((1 << (32 - BIN_SHIFT)) - 1)).astype(np.uint16),
        np.diff(np.r_[starts, len(fine)]),
        np.r_[0, np.cumsum(np.bincount(fine_features, minlength=n))],
    )


def bin_edges(bins: NDArray[np.uint16]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Lower and upper bounds of bins of the fine histogram."""
    low = bins.astype(np.uint32) << np.uint32(BIN_SHIFT)
    return low.view(np.float32), (low + np.uint32(1 << BIN_SHIFT)).view(np.float32)


def quantile_of(bins: NDArray[np.uint16], counts: Ints, q: float) -> float:
    """A quantile of one feature's magnitudes from its fine histogram, to 1/64 of its value.

    Parameters
    ----------
    bins, counts
        The feature's nonempty bins, rising.
    q
        Between 0 and 1; by the nearest-rank rule.
    """
    if not len(bins):
        return 0.0
    rank = max(int(np.ceil(q * counts.sum())), 1)
    at = int(np.searchsorted(np.cumsum(counts), rank))
    low, high = bin_edges(bins[at : at + 1])
    return float((low[0] + high[0]) / 2)


def _top_tokens(postings: Postings, layout: Layout) -> tuple[Ints, NDArray[np.float32]]:
    """The tokens that carry most of each feature's summed activation, and their shares of it."""
    n = postings.n_features
    tokens = np.full((n, N_TOP_TOKENS), -1, dtype=np.int64)
    shares = np.zeros((n, N_TOP_TOKENS), dtype=np.float32)
    if not len(postings.rows):
        return tokens, shares
    token_bits = np.uint64(max(layout.vocab_size - 1, 1).bit_length())
    token_mask = np.uint64((1 << int(token_bits)) - 1)
    pairs = (postings.features.astype(np.uint64) << token_bits) | layout.tokens[postings.rows].astype(np.uint64)
    keys = (pairs << BITS) | strength_bits(postings.values)
    keys.sort()
    starts = run_starts(keys >> BITS)
    mass = np.add.reduceat(as_floats(keys).astype(np.float64), starts)
    pairs = keys[starts] >> BITS
    features = (pairs >> token_bits).astype(np.int64)
    total = np.bincount(features, weights=mass, minlength=n)
    weakness = LOW - mass.astype(np.float32).view(np.uint32).astype(np.uint64)
    order = (pairs >> token_bits << (BITS + token_bits)) | (weakness << token_bits) | (pairs & token_mask)
    order.sort()
    features = (order >> (BITS + token_bits)).astype(np.int64)
    ranks = ranks_within(features)
    kept = ranks < N_TOP_TOKENS
    features, ranks, order = features[kept], ranks[kept], order[kept]
    tokens[features, ranks] = (order & token_mask).astype(np.int64)
    shares[features, ranks] = as_floats(LOW - ((order >> token_bits) & LOW)) / total[features]
    return tokens, shares
