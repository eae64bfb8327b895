"""Which firings become examples: the strongest, and draws that depend on nothing but feature and row.

1. The strongest firing of each context is a candidate for the top; ties go to the earlier row.
2. Candidates whose last eight tokens are the same are one example, counted.
3. Random and interval examples are the firings with the smallest hash of feature and
   row, so that they depend neither on order nor on shards.
"""

from dataclasses import dataclass, fields, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from saescope.errors import InputError
from saescope.index.layout import Layout
from saescope.index.postings import Postings
from saescope.index.summary import BITS, LOW, as_floats, ranks_within, strength_bits

Ints = NDArray[np.int64]
Keys = NDArray[np.uint64]

SPARE = 4
HASH_BITS = 52


@dataclass(frozen=True)
class Wanted:
    """How many examples of each kind, and what makes two the same.

    Parameters
    ----------
    n_top
        The strongest, at most one a context.
    n_random
        Drawn from all firings.
    n_intervals, n_an_interval
        Equal parts of the range up to the maximum, and the number drawn from each.
    folds
        Whether examples with the same last eight tokens are shown once.
    """

    n_top: int = 20
    n_random: int = 10
    n_intervals: int = 5
    n_an_interval: int = 5
    folds: bool = True

    def __post_init__(self) -> None:
        for name in ("n_top", "n_random", "n_intervals", "n_an_interval"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 1 << 20:
                raise InputError(f"{name} is a number of examples from 0 on, and {value!r} came.")
        if not 1 <= self.n_intervals <= 100:
            raise InputError(f"there can be 1 to 100 intervals, and {self.n_intervals} were asked for.")

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the groups, in the order they are stored and shown."""
        return _groups(self.n_intervals)

    def only(self, group: int) -> "Wanted":
        """The same, with nothing asked of other groups."""
        return replace(
            self,
            n_top=self.n_top if group == 0 else 0,
            n_random=self.n_random if group == 1 else 0,
            n_an_interval=self.n_an_interval if group > 1 else 0,
        )


@cache
def _groups(n_intervals: int) -> tuple[str, ...]:
    return ("top", "random", *(f"interval-{n}" for n in range(n_intervals, 0, -1)))


STORED = Wanted()
GROUPS = STORED.groups


@dataclass(frozen=True)
class Chosen:
    """Examples before their windows are cut: one row an example, sorted by feature, group, rank.

    ``n_same`` counts the further contexts whose strongest firing ends in the same tokens.
    """

    features: Ints
    groups: Ints
    ranks: Ints
    rows: Ints
    values: NDArray[np.float32]
    n_same: Ints

    def take(self, which: "NDArray[np.bool_] | Ints") -> "Chosen":
        """Some of them."""
        return Chosen(*(getattr(self, f.name)[which] for f in fields(self)))


def joined(parts: list[Chosen]) -> Chosen:
    """Several lots in one, sorted by feature, group and rank."""
    whole = Chosen(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Chosen)))
    return whole.take(np.lexsort((whole.ranks, whole.groups, whole.features)))


def position_hash(features: Ints, rows: Ints) -> Keys:
    """A well-mixed number for each feature and row (splitmix64's finaliser)."""
    x = (features.astype(np.uint64) << np.uint64(40)) ^ rows.astype(np.uint64)
    x += np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@dataclass(frozen=True)
class Candidates:
    """The strongest firing of each feature in each context, by feature."""

    n_features: int
    features: Ints
    bits: Keys
    rows: Ints


def candidates(postings: Postings, layout: Layout) -> Candidates:
    """For each feature and context the strongest firing; the earliest where several are equal."""
    f, rows = postings.features, postings.rows
    if not len(rows):
        return Candidates(postings.n_features, f, f.astype(np.uint64), rows)
    contexts = layout.context_of(rows)
    is_first = np.r_[True, (contexts[1:] != contexts[:-1]) | (f[1:] != f[:-1])]
    starts = np.flatnonzero(is_first)
    packed = (strength_bits(postings.values) << BITS) | (LOW - rows.astype(np.uint64))
    best = np.maximum.reduceat(packed, starts)
    return Candidates(postings.n_features, f[starts], best >> BITS, (LOW - (best & LOW)).astype(np.int64))


def top(postings: Postings, layout: Layout, k: int, *, folds: bool = True) -> Chosen:
    """The ``k`` strongest of each feature, at most one a context, the same tokens once."""
    if k == 0:
        return _none()
    found = candidates(postings, layout)
    alike = _Alike(found, layout) if folds else None
    chosen: list[Chosen] = []
    pending = np.ones(postings.n_features, dtype=bool)
    take = k * SPARE if folds else k
    while pending.any():
        lot, is_done = _best(found, pending, take, k, alike)
        chosen.append(lot)
        pending &= ~is_done
        take *= 16
    whole = joined(chosen)
    return replace(whole, values=postings.values_at(whole.features, whole.rows))


class _Alike:
    """Which candidates end in the same tokens, and how many they are."""

    def __init__(self, found: Candidates, layout: Layout) -> None:
        self._layout = layout
        self._keys = self.keys(found.features, found.rows)
        self._keys.sort()

    def keys(self, features: Ints, rows: Ints) -> Keys:
        """Feature and hash of the last tokens in one number."""
        shift = np.uint64(HASH_BITS)
        return (features.astype(np.uint64) << shift) | (self._layout.hashes_of(rows) >> np.uint64(64 - HASH_BITS))

    def count(self, keys: Keys) -> Ints:
        """How many candidates have each key."""
        return np.searchsorted(self._keys, keys, side="right") - np.searchsorted(self._keys, keys)


def _best(
    found: Candidates, pending: NDArray[np.bool_], take: int, k: int, alike: _Alike | None
) -> tuple[Chosen, NDArray[np.bool_]]:
    """The best ``k`` among the ``take`` strongest of the pending features, and for which features these suffice."""
    n = found.n_features
    mask = pending[found.features]
    f, bits, rows = found.features[mask], found.bits[mask], found.rows[mask]
    totals = np.bincount(f, minlength=n)
    keys = (f.astype(np.uint64) << BITS) | bits
    keys.sort()
    ends = np.cumsum(totals)
    least = np.zeros(n, dtype=np.uint64)
    some = np.flatnonzero(totals)
    least[some] = keys[np.maximum(ends - take, ends - totals)[some]] & LOW
    kept = bits >= least[f]
    f, bits, rows = f[kept], bits[kept], rows[kept]
    order = np.lexsort((rows, LOW - bits, f))
    f, bits, rows = f[order], bits[order], rows[order]
    n_kept = np.bincount(f, minlength=n)
    n_same = np.zeros(len(f), dtype=np.int64)
    if alike is not None:
        same = alike.keys(f, rows)
        _, first = np.unique(same, return_index=True)
        first.sort()
        f, bits, rows = f[first], bits[first], rows[first]
        n_same = alike.count(same[first]) - 1
    is_done = pending & ((np.bincount(f, minlength=n) >= k) | (n_kept == totals))
    ranks = ranks_within(f)
    kept = (ranks < k) & is_done[f]
    lot = Chosen(f, np.zeros_like(f), ranks, rows, as_floats(bits), n_same).take(kept)
    return lot, is_done


def _none() -> Chosen:
    none = np.zeros(0, dtype=np.int64)
    return Chosen(none, none, none, none, none.astype(np.float32), none)


def drawn(noise: Keys, cells: Ints, n_cells: int, k: int) -> Ints:
    """The ``k`` firings with the smallest noise in each cell: their places, by cell and noise.

    ``cells`` numbers what each firing belongs to: a feature, or a feature's interval.
    """
    totals = np.bincount(cells, minlength=n_cells)
    chance = np.minimum(k * SPARE / np.maximum(totals, 1), 1.0)
    limit = np.where(chance >= 1, 2.0**64, chance * 2.0**64)
    highest = np.minimum(limit, 2.0**64 - 2048).astype(np.uint64)
    highest[chance >= 1] = np.uint64(0xFFFFFFFFFFFFFFFF)
    kept = noise <= highest[cells]
    short = np.bincount(cells[kept], minlength=n_cells) < np.minimum(k, totals)
    if short.any():
        kept |= short[cells]
    at = np.flatnonzero(kept)
    at = at[np.lexsort((noise[at], cells[at]))]
    return at[ranks_within(cells[at]) < k]


def choose(postings: Postings, maxima: NDArray[np.float32], layout: Layout, wanted: Wanted = STORED) -> Chosen:
    """All examples of each feature: the top, a random draw, and a draw of each interval of the range.

    Parameters
    ----------
    postings
        Counted nonzeros.
    maxima
        Largest magnitude of each feature.
    wanted
        How many of each.
    """
    f = postings.features
    parts = [top(postings, layout, wanted.n_top, folds=wanted.folds)]
    if not len(f) or not (wanted.n_random or wanted.n_an_interval):
        return joined(parts)
    noise = position_hash(f + postings.first, postings.rows)
    if wanted.n_random:
        random = drawn(noise, f, postings.n_features, wanted.n_random)
        parts.append(_lot(postings, random, np.ones(len(random), dtype=np.int64), f[random]))
    if wanted.n_an_interval:
        share = np.abs(postings.values) / maxima[f] * np.float32(wanted.n_intervals)
        interval = np.minimum(share.astype(np.int64), wanted.n_intervals - 1)
        cells = f * wanted.n_intervals + interval
        inside = drawn(noise, cells, postings.n_features * wanted.n_intervals, wanted.n_an_interval)
        groups = len(wanted.groups) - 1 - interval[inside]
        parts.append(_lot(postings, inside, groups, cells[inside]))
    return joined(parts)


def _lot(postings: Postings, at: Ints, groups: Ints, cells: Ints) -> Chosen:
    return Chosen(
        postings.features[at],
        groups,
        ranks_within(cells),
        postings.rows[at],
        postings.values[at],
        np.zeros(len(at), dtype=np.int64),
    )
