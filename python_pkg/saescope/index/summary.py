"""From the postings of some features to their statistics and examples, in numpy.

1. Rows that do not count are left out of everything but the shading of examples.
2. Counts, sums and maxima by feature; exact quantiles from one sort by strength.
3. The strongest firing of each context is a candidate for the top; ties go to the earlier row.
4. Random and interval examples are the firings with the smallest hash of feature and
   row, so that they depend neither on order nor on shards.

Strength is the magnitude of an activation, since AbsTopK SAEs fire negative.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from saescope.index.layout import Layout

Ints = NDArray[np.int64]

N_TOP, N_RANDOM, N_INTERVALS, N_AN_INTERVAL = 20, 10, 5, 5
N_BINS = 32
N_TOP_TOKENS = 10
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
GROUPS = ("top", "random", *(f"interval-{n}" for n in range(N_INTERVALS, 0, -1)))


@dataclass(frozen=True)
class Postings:
    """Nonzeros of ``n_features`` features from number ``first`` on, sorted by feature, then by row.

    ``features`` [n] int64 count from ``first``; ``rows`` [n] int64; ``values`` [n] float32.
    """

    first: int
    n_features: int
    features: Ints
    rows: Ints
    values: NDArray[np.float32]

    def take(self, mask: "NDArray[np.bool_] | Ints") -> "Postings":
        """Some of the nonzeros."""
        return Postings(self.first, self.n_features, self.features[mask], self.rows[mask], self.values[mask])


@dataclass(frozen=True)
class Statistics:
    """Per feature: see the columns of the feature table. ``top_tokens`` [n, 10] hold -1 where there is none."""

    n_fires: Ints
    sums: NDArray[np.float64]
    sums_of_squares: NDArray[np.float64]
    maxima: NDArray[np.float32]
    quantiles: NDArray[np.float32]
    histogram: Ints
    top_tokens: Ints
    top_token_shares: NDArray[np.float32]


@dataclass(frozen=True)
class Chosen:
    """Examples before their windows are cut: one row an example, sorted by feature, group, rank."""

    features: Ints
    groups: Ints
    ranks: Ints
    rows: Ints
    values: NDArray[np.float32]


def ranks_within(keys: Ints) -> Ints:
    """Number each element within its run of equal keys, from 0; ``keys`` is sorted."""
    if not len(keys):
        return np.zeros(0, dtype=np.int64)
    starts = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]])
    lengths = np.diff(np.r_[starts, len(keys)])
    return np.arange(len(keys)) - np.repeat(starts, lengths)


def position_hash(features: Ints, rows: Ints) -> NDArray[np.uint64]:
    """A well-mixed number for each feature and row (splitmix64's finaliser)."""
    x = (features.astype(np.uint64) << np.uint64(40)) ^ rows.astype(np.uint64)
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def counted(postings: Postings, layout: Layout) -> Postings:
    """The nonzeros on rows that count."""
    return postings.take(layout.is_counted(postings.rows))


def statistics(postings: Postings, layout: Layout) -> Statistics:
    """Statistics of counted postings."""
    n, f = postings.n_features, postings.features
    strength = np.abs(postings.values)
    n_fires = np.bincount(f, minlength=n)
    maxima = np.zeros(n, dtype=np.float32)
    ends = np.cumsum(n_fires)
    order = np.lexsort((strength, f))
    ranked = strength[order]
    fired = np.flatnonzero(n_fires)
    maxima[fired] = ranked[ends[fired] - 1]
    quantiles = np.zeros((n, len(QUANTILES)), dtype=np.float32)
    for column, q in enumerate(QUANTILES):
        at = (ends - n_fires)[fired] + np.maximum(np.ceil(q * n_fires[fired]).astype(np.int64) - 1, 0)
        quantiles[fired, column] = ranked[at]
    bins = np.minimum((strength / maxima[f] * N_BINS).astype(np.int64), N_BINS - 1) if len(f) else f
    histogram = np.bincount(f * N_BINS + bins, minlength=n * N_BINS).reshape(n, N_BINS)
    tokens, shares = _top_tokens(postings, strength, layout)
    return Statistics(
        n_fires,
        np.bincount(f, weights=postings.values, minlength=n).astype(np.float64),
        np.bincount(f, weights=postings.values.astype(np.float64) ** 2, minlength=n).astype(np.float64),
        maxima,
        quantiles,
        histogram,
        tokens,
        shares,
    )


def _top_tokens(postings: Postings, strength: NDArray[np.float32], layout: Layout) -> tuple[Ints, NDArray[np.float32]]:
    """The tokens that carry most of each feature's summed activation, and their shares of it."""
    n, vocab = postings.n_features, layout.vocab_size
    tokens = np.full((n, N_TOP_TOKENS), -1, dtype=np.int64)
    shares = np.zeros((n, N_TOP_TOKENS), dtype=np.float32)
    key = postings.features * vocab + layout.tokens[postings.rows].astype(np.int64)
    pairs, inverse = np.unique(key, return_inverse=True)
    mass = np.bincount(inverse, weights=strength, minlength=len(pairs))
    features, ids = np.divmod(pairs, vocab)
    total = np.bincount(features, weights=mass, minlength=n)
    order = np.lexsort((ids, -mass, features))
    features, ids, mass = features[order], ids[order], mass[order]
    ranks = ranks_within(features)
    kept = ranks < N_TOP_TOKENS
    tokens[features[kept], ranks[kept]] = ids[kept]
    shares[features[kept], ranks[kept]] = mass[kept] / total[features[kept]]
    return tokens, shares


def strongest_of_contexts(postings: Postings, layout: Layout) -> Postings:
    """For each feature and context the strongest firing; the earliest where several are equal."""
    if not len(postings.rows):
        return postings
    contexts = postings.rows // layout.context_size
    is_first = np.r_[True, (contexts[1:] != contexts[:-1]) | (postings.features[1:] != postings.features[:-1])]
    runs = np.cumsum(is_first) - 1
    strength = np.abs(postings.values)
    best = np.maximum.reduceat(strength, np.flatnonzero(is_first))
    at_best = np.flatnonzero(strength == best[runs])
    _, first = np.unique(runs[at_best], return_index=True)
    return postings.take(at_best[first])


def top(postings: Postings, layout: Layout, k: int) -> Chosen:
    """The ``k`` strongest examples of each feature, at most one a context."""
    candidates = strongest_of_contexts(postings, layout)
    order = np.lexsort((candidates.rows, -np.abs(candidates.values), candidates.features))
    return _first(candidates.take(order), None, 0, k)


def _first(ordered: Postings, keys: "Ints | None", group: int, k: int) -> Chosen:
    ranks = ranks_within(ordered.features if keys is None else keys)
    kept = ranks < k
    picked = ordered.take(kept)
    return Chosen(picked.features, np.full(kept.sum(), group), ranks[kept], picked.rows, picked.values)


def choose(postings: Postings, maxima: NDArray[np.float32], layout: Layout) -> Chosen:
    """All stored examples of each feature: the top, a random draw, and a draw of each fifth of the range."""
    noise = position_hash(postings.features + postings.first, postings.rows)
    random = postings.take(np.lexsort((noise, postings.features)))
    share = np.abs(postings.values) / maxima[postings.features]
    interval = np.minimum((share * N_INTERVALS).astype(np.int64), N_INTERVALS - 1)
    groups = [top(postings, layout, N_TOP), _first(random, None, 1, N_RANDOM)]
    for number in range(N_INTERVALS):
        inside = interval == number
        drawn = postings.take(inside)
        drawn = drawn.take(np.lexsort((noise[inside], drawn.features)))
        groups.append(_first(drawn, None, GROUPS.index(f"interval-{number + 1}"), N_AN_INTERVAL))
    features, codes, ranks, rows = (
        np.concatenate([getattr(g, name) for g in groups]) for name in ("features", "groups", "ranks", "rows")
    )
    values = np.concatenate([g.values for g in groups])
    order = np.lexsort((ranks, codes, features))
    return Chosen(features[order], codes[order], ranks[order], rows[order], values[order])
