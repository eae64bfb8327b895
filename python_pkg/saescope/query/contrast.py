"""Features side by side: how alike two are, and the text on which one fires and another does not.

1. The counted firings of each feature come from its postings; where two fire together is
   the intersection of their rows. All figures are exact.
2. For a contrast the firings of one feature are kept on whose token (or so many tokens
   around it, in the same context) no feature of ``without`` fires and each of ``also`` does.
3. Of these, examples are chosen as for the top group: the strongest of each context, and
   those that end in the same eight tokens once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from saescope.errors import InputError
from saescope.index.choice import Wanted, choose
from saescope.index.examples import Window, cut_windows, windows_of
from saescope.index.layout import WINDOW_SIDE, Layout
from saescope.index.postings import Postings
from saescope.index.store import Index
from saescope.index.summary import counted
from saescope.query.examples import SCHEMA, trimmed, window_row
from saescope.query.neighbors import Space, cosines

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]

MAX_COMPARED = 16

PAIR_SCHEMA = {
    "feature": pl.UInt32,
    "other": pl.UInt32,
    "decoder": pl.Float64,
    "encoder": pl.Float64,
    "n_fires": pl.UInt64,
    "n_both": pl.UInt64,
    "share": pl.Float64,
    "jaccard": pl.Float64,
    "correlation": pl.Float64,
}


@dataclass(frozen=True)
class Contrast:
    """Examples of one feature, chosen by what other features do on the same token.

    Parameters
    ----------
    windows
        Strongest first.
    others
        For each window and each of the other features, its activations on the window's
        tokens, float32 ``[n_others, length]``.
    n_match
        Firings that are as wanted, alike ones and those of the same context among them.
    n_fires
        Firings looked at.
    """

    windows: list[Window]
    others: list[Floats]
    n_match: int
    n_fires: int


def pairs_frame(
    index: Index | None, space: Space, features: Sequence[int], check: Callable[[], None] = lambda: None
) -> pl.DataFrame:
    """How alike features are, one row for each ordered pair; null where what a figure goes by is not there."""
    angles = {name: cosines(space, name, features) for name in ("decoder", "encoder")}
    sizes, firing = _firing(index, features, check)
    rows = [
        (
            a,
            b,
            *(None if (c := angles[name]) is None else float(c[i, j]) for name in ("decoder", "encoder")),
            sizes[i],
            *((None,) * 4 if firing is None or index is None else _together(firing[i], firing[j], index.n_counted)),
        )
        for i, a in enumerate(features)
        for j, b in enumerate(features)
        if i != j
    ]
    return pl.DataFrame(rows, schema=PAIR_SCHEMA, orient="row")


def _firing(
    index: Index | None, features: Sequence[int], check: Callable[[], None]
) -> tuple[list[int | None], list[Postings] | None]:
    """How often each feature fires on tokens that count, and where, as far as it is known."""
    if index is None:
        return [None] * len(features), None
    if not index.has_postings:
        return [int(n) for n in index.figures.rows(list(features))["n_fires"]], None
    found = []
    for feature in features:
        check()
        found.append(counted(index.postings.postings(feature, feature + 1), index.layout))
    return [len(f.rows) for f in found], found


def _together(a: Postings, b: Postings, n: int) -> tuple[int, float, float, float]:
    """Tokens on which both fire, their share of the first one's, Jaccard index, and correlation over ``n`` tokens."""
    in_a, in_b = common_rows(a.rows, b.rows)
    n_both = len(in_a)
    x, y = a.values.astype(np.float64), b.values.astype(np.float64)
    covariance = (x[in_a] * y[in_b]).sum() - x.sum() * y.sum() / max(n, 1)
    spread = np.sqrt(((x * x).sum() - x.sum() ** 2 / max(n, 1)) * ((y * y).sum() - y.sum() ** 2 / max(n, 1)))
    return (
        n_both,
        n_both / max(len(a.rows), 1),
        n_both / max(len(a.rows) + len(b.rows) - n_both, 1),
        float(covariance / spread) if spread > 0 else 0.0,
    )


def common_rows(a: Ints, b: Ints) -> tuple[Ints, Ints]:
    """Places in each of two rising lists of the rows that both have."""
    if len(a) > len(b):
        second, first = common_rows(b, a)
        return first, second
    at = np.searchsorted(b, a)
    is_there = at < len(b)
    is_there[is_there] = b[at[is_there]] == a[is_there]
    return np.flatnonzero(is_there), at[is_there]


def is_near(rows: Ints, others: Ints, layout: Layout, within: int) -> NDArray[np.bool_]:
    """Whether one of ``others`` (rising) lies at most ``within`` tokens from each row, in the same context."""
    starts, ends = layout.context_bounds(rows)
    low = np.searchsorted(others, np.maximum(rows - within, starts))
    return np.searchsorted(others, np.minimum(rows + within + 1, ends)) > low


def check_contrast(feature: int, without: Sequence[int], also: Sequence[int], within: int, k: int) -> None:
    """Raise `InputError` for a contrast that says nothing."""
    others = [*without, *also]
    if not others:
        raise InputError(
            "a contrast needs another feature, and none came.", hint="Give without=[…], also=[…], or both."
        )
    if feature in others or len(set(others)) < len(others):
        raise InputError(f"each feature can be named once, and feature {feature} with {others} came.")
    if len(others) >= MAX_COMPARED:
        raise InputError(f"at most {MAX_COMPARED} features can be compared, and {len(others) + 1} came.")
    if within < 0 or k < 1:
        raise InputError(f"within is 0 or more and k at least 1, and {within} and {k} came.")


def contrast(
    index: Index,
    feature: int,
    without: Sequence[int] = (),
    also: Sequence[int] = (),
    *,
    within: int = 0,
    k: int = 20,
    context: int = 0,
    check: Callable[[], None] = lambda: None,
) -> Contrast:
    """Examples of a feature on whose peak others are silent, or fire too; exact, from the postings.

    Parameters
    ----------
    without, also
        Features none of which fires there, and features all of which do; tokens that do
        not count are not looked at.
    within
        "There" reaches so many tokens to either side, within the context.
    context
        Tokens on each side to show; 0 for 64 to the left and 63 to the right.

    Raises
    ------
    InputError, UnknownFeatureError, NeedsPostingsError
        A number is none, or the index has no postings.
    """
    feature, *others = (index.check_feature(f) for f in (feature, *without, *also))
    check_contrast(feature, without, also, within, k)
    layout = index.layout
    own = index.postings.postings(feature, feature + 1)
    that_count = counted(own, layout)
    is_wanted = np.ones(len(that_count.rows), dtype=bool)
    firing = []
    for place, other in enumerate(others):
        check()
        firing.append(index.postings.postings(other, other + 1))
        near = is_near(that_count.rows, counted(firing[-1], layout).rows, layout, within)
        is_wanted &= near if place >= len(without) else ~near
    matching = that_count.take(is_wanted)
    maxima = np.array([np.abs(matching.values).max(initial=0.0)], dtype=np.float32)
    check()
    chosen = choose(matching, maxima, layout, Wanted(n_top=k).only(0))
    windows = windows_of(cut_windows(chosen, own, layout, max(context + 1, WINDOW_SIDE)), feature)
    windows = [trimmed(w, context) for w in windows]
    return Contrast(windows, [_on_window(w, firing) for w in windows], len(matching.rows), len(that_count.rows))


def _on_window(window: Window, firing: Sequence[Postings]) -> Floats:
    """What features do on the tokens of a window."""
    found = np.zeros((len(firing), len(window.activations)), dtype=np.float32)
    for line, postings in zip(found, firing, strict=True):
        low, high = np.searchsorted(postings.rows, [window.start, window.start + len(line)])
        line[postings.rows[low:high] - window.start] = postings.values[low:high]
    return found


def contrast_frame(index: Index, found: Contrast, others: Sequence[int]) -> pl.DataFrame:
    """A contrast as a table: the columns of `examples_frame` and the others' activations.

    ``others`` are the features' numbers, and ``other_activations`` each one's activations on the window's tokens.
    """
    frame = pl.DataFrame([window_row(index, w, "contrast") for w in found.windows], schema=SCHEMA, orient="row")
    lists = [lines.tolist() for lines in found.others]
    return frame.with_columns(
        pl.Series("others", [list(others)] * len(frame), dtype=pl.List(pl.UInt32)),
        pl.Series("other_activations", lists, dtype=pl.List(pl.List(pl.Float32))),
    )
