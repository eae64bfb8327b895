"""How a feature's firings are spread over intervals of activation, and its figures by another rule.

1. Where there are postings, the firings that count are counted, interval by interval.
2. Else, and for features that fire very often, the fine histogram is read at the intervals'
   borders, as if firings lay evenly within each of its bins: these know a magnitude to 1/64.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from saescope.index.choice import STORED, Wanted
from saescope.index.features import LENS, feature_rows, row_of
from saescope.index.layout import STEP, Layout
from saescope.index.rule import Rule
from saescope.index.store import Index, shards_done
from saescope.index.summary import bin_edges, counted

MOST_COUNTED = 1 << 18

_n_counted: "WeakKeyDictionary[Index, dict[tuple[Rule, int], int]]" = WeakKeyDictionary()


@dataclass(frozen=True)
class Share:
    """A group of examples: ``n_fires`` firings with a magnitude from ``low`` to ``high``, ``share`` of all.

    ``share`` is NaN, and ``n_fires`` 0, where an imported index does not know.
    """

    name: str
    low: float
    high: float
    n_fires: int
    share: float
    is_exact: bool


def is_own(index: Index, rule: Rule | None) -> bool:
    """Whether a rule is the index's own, by which its tables are."""
    return rule in (None, index.layout.rule)


def group_shares(
    index: Index, feature: int, *, rule: Rule | None = None, n_intervals: int = STORED.n_intervals
) -> list[Share]:
    """Each group of examples with its share of the feature's counted firings, in the order they are shown.

    Parameters
    ----------
    rule
        What counts; by default the index's own rule.
    n_intervals
        Equal parts of the range up to the maximum.

    Returns
    -------
    list
        ``top`` and ``random``, which hold all firings, and the intervals, highest first; an imported index
        has no ``random``.

    Raises
    ------
    UnknownFeatureError, InputError
        There is no such feature, or the number of intervals is out of range.
    NeedsPostingsError
        The rule is another one than the index's, and it was made without postings.
    """
    feature = index.check_feature(feature)
    names = Wanted(n_intervals=n_intervals).groups
    found = _estimated(index, feature, n_intervals) if _is_estimated(index, feature, rule) else None
    counts, top = found or _exact(index, feature, rule, n_intervals)
    total = int(counts.sum())
    if found is not None and total == 0 and index.figures.row(feature, ["n_fires"])["n_fires"]:
        return _unknown([*_whole(index, names), *names[2:]], top)
    whole = [Share(name, 0.0, top, total, float(total > 0), found is None) for name in _whole(index, names)]
    borders = np.linspace(0, top, n_intervals + 1).tolist()
    parts = [
        Share(name, borders[n], borders[n + 1], int(counts[n]), int(counts[n]) / max(total, 1), found is None)
        for name, n in zip(names[2:], reversed(range(n_intervals)), strict=True)
    ]
    return whole + parts


def _whole(index: Index, names: Sequence[str]) -> list[str]:
    return [name for name in names[:2] if name == "top" or not index.lacks("random")]


def _unknown(names: Sequence[str], top: float) -> list[Share]:
    """Groups of a feature of an imported index, whose source has no histogram of it."""
    n = sum(name.startswith("interval") for name in names)
    borders = np.linspace(0, top, n + 1).tolist()
    bounds = [(0.0, top)] * (len(names) - n) + [(borders[i], borders[i + 1]) for i in reversed(range(n))]
    return [Share(name, low, high, 0, float("nan"), False) for name, (low, high) in zip(names, bounds, strict=True)]


def _is_estimated(index: Index, feature: int, rule: Rule | None) -> bool:
    if not is_own(index, rule) or not index.is_complete:
        return False
    return not index.manifest.has_postings or index.figures.row(feature, ["n_fires"])["n_fires"] > MOST_COUNTED


def _exact(index: Index, feature: int, rule: Rule | None, n: int) -> tuple[NDArray[np.int64], float]:
    """Counts of the intervals, lowest first, as `saescope.index.choice.choose` draws their borders; and the maximum."""
    strengths = np.abs(counted(index.postings.postings(feature, feature + 1), index.layout_for(rule)).values)
    top = strengths.max(initial=np.float32(0))
    at = np.minimum((strengths / top * np.float32(n)).astype(np.int64), n - 1) if len(strengths) else []
    return np.bincount(np.asarray(at, dtype=np.int64), minlength=n), float(top)


def _estimated(index: Index, feature: int, n: int) -> tuple[NDArray[np.int64], float]:
    row = index.figures.row(feature, ["max", "fine_bins", "fine_counts"])
    top = 0.0 if np.isnan(row["max"]) else float(row["max"])
    bins, counts = row["fine_bins"], row["fine_counts"].astype(np.float64)
    if not len(bins):
        return np.zeros(n, dtype=np.int64), top
    low, high = bin_edges(bins)
    after = np.cumsum(counts)
    places = np.stack([low, np.minimum(high, top)], axis=1).ravel()
    below = np.interp(np.linspace(0, top, n + 1)[1:-1], places, np.stack([after - counts, after], axis=1).ravel())
    return np.diff(np.r_[0, np.rint(below), after[-1]]).astype(np.int64), top


def figures_by(
    index: Index, feature: int, rule: Rule | None, names: Sequence[str] | None = None
) -> tuple[dict[str, Any], int]:
    """A feature's row of the table, or some columns of it, by a rule; and how many tokens count by it.

    Parameters
    ----------
    rule
        What counts; by default the index's own rule, by which its tables are.

    Raises
    ------
    NeedsPostingsError
        The rule is another one, and the index was made without postings.
    """
    feature = index.check_feature(feature)
    if rule is None or is_own(index, rule):
        return index.figures.row(feature, names), index.n_counted
    measured, n = index.measure(feature, feature + 1, rule), n_counted_by(index, rule)
    lens = {name: values[None] for name, values in index.figures.row(feature, LENS).items()}
    return row_of(feature_rows(measured, feature, n, lens), 0, names), n


def n_counted_by(index: Index, rule: Rule) -> int:
    """How many of the tokens that have been read count by a rule; counted once."""
    known = _n_counted.setdefault(index, {})
    key = rule, index.n_rows
    if key not in known:
        layout, m = index.layout_for(rule), index.manifest
        done = range(m.n_shards) if index.is_complete else shards_done(index.folder, m.n_shards)
        known[key] = sum(_n_counted_in(layout, m.shard_starts[n], m.shard_rows(n)) for n in done)
    return known[key]


def _n_counted_in(layout: Layout, start: int, n_rows: int) -> int:
    end = start + n_rows
    parts = (np.arange(low, min(low + STEP, end)) for low in range(start, end, STEP))
    return sum(int(np.count_nonzero(layout.is_counted(rows))) for rows in parts)
