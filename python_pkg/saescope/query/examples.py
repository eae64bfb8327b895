"""Examples of a feature, as a table."""

from dataclasses import replace

import numpy as np
import polars as pl

from saescope.index.examples import Window
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
    "peak": pl.UInt32,
    "token_ids": pl.List(pl.UInt32),
}


def trimmed(window: Window, context: int) -> Window:
    """A window with at most ``context`` tokens on each side of its peak; 0 leaves it whole."""
    if context <= 0:
        return window
    peak = window.row - window.start
    low, high = max(peak - context, 0), peak + context + 1
    return replace(window, start=window.start + low, activations=window.activations[low:high])


def token_ids(index: Index, window: Window) -> list[int]:
    """The tokens of a window."""
    return index.tokens[window.start : window.start + len(window.activations)].tolist()


def doc_of(index: Index, window: Window) -> tuple[int, str]:
    """Number and source of the document that a window lies in."""
    place = int(np.searchsorted(index.layout.doc_starts, window.row, side="right")) - 1
    return index.docs["doc"][place], index.docs["source"][place]


def examples_frame(index: Index, feature: int, *, k: int = 20, group: str = "top", context: int = 0) -> pl.DataFrame:
    """Examples of one feature, one row an example, strongest first in the top group.

    Columns: ``feature, group, rank`` (from 0)``, activation`` (at the peak)``, pos`` (of the peak in its
    context)``, token`` (at the peak)``, tokens, activations`` (of the window)``, text, doc, source,
    row`` (of the peak in the corpus)``, peak`` (place in the window)``, token_ids``.
    """
    vocabulary, rows = index.vocabulary, []
    for stored in index.windows(feature, group, k):
        window = trimmed(stored, context)
        ids = token_ids(index, window)
        peak = window.row - window.start
        doc, source = doc_of(index, window)
        rows.append(
            (
                feature,
                group,
                window.rank,
                window.activation,
                window.row % index.manifest.context_size,
                vocabulary.text(ids[peak]),
                [vocabulary.text(i) for i in ids],
                window.activations.tolist(),
                vocabulary.decode(ids),
                doc,
                source,
                window.row,
                peak,
                ids,
            )
        )
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")
