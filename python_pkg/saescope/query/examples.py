"""Examples of a feature, as a table."""

from typing import Any

import numpy as np
import polars as pl

from saescope.errors import InputError
from saescope.index.choice import STORED
from saescope.index.examples import Window, expect
from saescope.index.layout import WINDOW_SIDE
from saescope.index.rule import Rule
from saescope.index.store import Index

SCHEMA = {
    "feature": pl.UInt32,
    "group": pl.String,
    "rank": pl.UInt32,
    "activation": pl.Float32,
    "pos": pl.UInt32,
    "token": pl.String,
    "tokens": pl.List(pl.String),
    "activations": pl.List(pl.Float32),
    "text": pl.String,
    "doc": pl.UInt32,
    "source": pl.String,
    "row": pl.UInt64,
    "n_same": pl.UInt32,
    "peak": pl.UInt32,
    "token_ids": pl.List(pl.UInt32),
}


def trimmed(window: Window, context: int) -> Window:
    """A window with at most ``context`` tokens on each side of its peak; 0 leaves it whole."""
    if context <= 0:
        return window
    peak = window.row - window.start
    low, high = max(peak - context, 0), peak + context + 1
    w = window
    inside = w.activations[low:high]
    return Window(w.feature, w.group, w.rank, w.row, w.activation, w.n_same, w.start + low, inside)


def token_ids(index: Index, window: Window) -> list[int]:
    """The tokens of a window."""
    return index.tokens[window.start : window.start + len(window.activations)].tolist()


def doc_of(index: Index, window: Window) -> tuple[int, str]:
    """Number and source of the document that a window lies in."""
    return index.doc(int(index.layout.doc_starts.searchsorted(window.row, side="right")) - 1)


def position_of(index: Index, row: int) -> int:
    """Place of a row in its context, from 0."""
    layout = index.layout
    if layout.context_starts is None:
        return row % layout.context_size
    return int(layout.position_of(np.array([row]))[0])


def find_windows(
    index: Index,
    feature: int,
    *,
    k: int = 20,
    group: str = "top",
    context: int = 0,
    rule: Rule | None = None,
    folds: bool = True,
    n_intervals: int = STORED.n_intervals,
) -> list[Window]:
    """Examples of one feature with at most ``context`` tokens on each side of the peak.

    Parameters
    ----------
    context
        0 for the stored window, which reaches 64 tokens to the left and 63 to the right.
    k, group, rule, folds, n_intervals
        See `saescope.index.store.Index.windows`.
    """
    if context < 0:
        raise InputError(f"context is a number of tokens on each side, 0 or more, and {context} came.")
    side = max(context + 1, WINDOW_SIDE)
    found = index.windows(feature, group, k, rule=rule, folds=folds, n_intervals=n_intervals, side=side)
    windows = [trimmed(w, context) for w in found] if context else found
    expect(index.tokens, [w.start for w in windows], [w.start + len(w.activations) for w in windows])
    return windows


def examples_frame(index: Index, feature: int, *, group: str = "top", **options: Any) -> pl.DataFrame:
    """Examples of one feature, one row an example, strongest first in the top group.

    Columns: ``feature, group, rank`` (from 0)``, activation`` (at the peak)``, pos`` (of the peak in its
    context)``, token`` (at the peak)``, tokens, activations`` (of the window)``, text, doc, source,
    row`` (of the peak in the corpus)``, n_same`` (further contexts whose peak ends in the same eight
    tokens)``, peak`` (place in the window)``, token_ids``.

    Parameters
    ----------
    **options
        See `find_windows`.
    """
    windows = find_windows(index, feature, group=group, **options)
    return pl.DataFrame([window_row(index, w, group) for w in windows], schema=SCHEMA, orient="row")


def window_row(index: Index, window: Window, group: str) -> tuple[Any, ...]:
    """A window as a row of ``SCHEMA``."""
    vocabulary, ids, peak = index.vocabulary, token_ids(index, window), window.row - window.start
    doc, source = doc_of(index, window)
    return (
        window.feature,
        group,
        window.rank,
        window.activation,
        position_of(index, window.row),
        vocabulary.text(ids[peak]),
        [vocabulary.text(i) for i in ids],
        window.activations.tolist(),
        vocabulary.decode(ids),
        doc,
        source,
        window.row,
        window.n_same,
        peak,
        ids,
    )
