"""The source document of an example, and what fires on one of its tokens."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from saescope.errors import InputError
from saescope.index.store import Index
from saescope.query.firing import firing_on, has_been_read

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Stretch:
    """Some tokens of one document.

    Parameters
    ----------
    doc, source
        The document's number and source.
    doc_start, doc_end
        Its rows in the corpus.
    start, end
        The rows of the stretch.
    activations
        Float32 ``[end - start]``; NaN where it is not known.
    """

    doc: int
    source: str
    doc_start: int
    doc_end: int
    start: int
    end: int
    activations: NDArray[np.float32]

    @property
    def rows(self) -> Ints:
        """The rows of the stretch."""
        return np.arange(self.start, self.end)


def check_row(index: Index, row: int) -> int:
    """Return the row of a token of the corpus.

    Raises
    ------
    InputError
        It is none.
    """
    n = len(index.tokens)
    if isinstance(row, bool) or not isinstance(row, int | np.integer) or not 0 <= row < n:
        raise InputError(f"there is no row {row!r}: the corpus has rows 0 to {n - 1:,}.")
    return int(row)


def stretch_of(index: Index, row: int, *, feature: int | None = None, before: int, after: int) -> Stretch:
    """The tokens of a document round a row, at most to the document's ends.

    Parameters
    ----------
    feature
        Whose activations; ``None`` for none. Without postings they are known only in its stored examples.
    before, after
        Tokens on each side.

    Raises
    ------
    InputError, UnknownFeatureError
        There is no such row or feature, or a number is negative.
    """
    row = check_row(index, row)
    if min(before, after) < 0:
        raise InputError(f"before and after are numbers of tokens, 0 or more, and {before} and {after} came.")
    layout = index.layout
    place = int(layout.doc_starts.searchsorted(row, side="right")) - 1
    doc_start = int(layout.doc_starts[place])
    doc_end = int(layout.doc_starts[place + 1]) if place + 1 < len(layout.doc_starts) else layout.n_rows
    start, end = max(doc_start, row - before), min(doc_end, row + after + 1)
    activations = np.full(end - start, np.nan, dtype=np.float32)
    if feature is not None:
        _fill(index, index.check_feature(feature), start, activations)
    doc, source = index.doc(place)
    return Stretch(doc, source, doc_start, doc_end, start, end, activations)


def _fill(index: Index, feature: int, start: int, out: NDArray[np.float32]) -> None:
    """Write a feature's activations into ``out``, which begins at row ``start``."""
    end = start + len(out)
    if index.is_complete and not index.manifest.has_postings:
        for group in range(len(index.manifest.groups)):
            for window in index.figures.windows(feature, group):
                low, high = max(window.start, start), min(window.start + len(window.activations), end)
                if low < high:
                    out[low - start : high - start] = window.activations[low - window.start : high - window.start]
        return
    found = index.postings.postings(feature, feature + 1)
    low, high = np.searchsorted(found.rows, [start, end])
    out[has_been_read(index, np.arange(start, end))] = 0
    out[found.rows[low:high] - start] = found.values[low:high]


def document_frame(index: Index, row: int, *, feature: int | None = None, before: int, after: int) -> pl.DataFrame:
    """The tokens of a document round a row, one a row of the table.

    Columns: ``row`` u64 (in the corpus)``, place`` u32 (in the document)``, pos`` u32 (in the model's
    context)``, token, token_id`` u32``, activation`` f32 (null where it is not known)``, is_passage`` (in the
    window that an example with this peak shows)``, doc`` u32``, source``.
    """
    found = stretch_of(index, row, feature=feature, before=before, after=after)
    rows, ids = found.rows, index.tokens[found.start : found.end].tolist()
    (low,), (high,) = index.layout.windows(np.array([row]))
    n = len(rows)
    return pl.DataFrame(
        {
            "row": rows.astype(np.uint64),
            "place": (rows - found.doc_start).astype(np.uint32),
            "pos": index.layout.position_of(rows).astype(np.uint32),
            "token": pl.Series([index.vocabulary.text(t) for t in ids], dtype=pl.String),
            "token_id": np.asarray(ids, dtype=np.uint32),
            "activation": pl.Series(found.activations).fill_nan(None),
            "is_passage": (rows >= low) & (rows < high),
            "doc": np.full(n, found.doc, dtype=np.uint32),
            "source": pl.Series([found.source] * n, dtype=pl.String),
        }
    )


def fires_on_row(index: Index, row: int) -> tuple[Ints, NDArray[np.float32]]:
    """Features that fire on a token of the corpus and their activations, strongest first.

    Raises
    ------
    InputError
        There is no such row, or it has not been read yet.
    NeedsPostingsError
        The index was made without postings.
    """
    rows = np.array([check_row(index, row)])
    if not has_been_read(index, rows).all():
        raise InputError(f"row {row} of the corpus has not been read yet.", hint="Wait for the build.")
    features, values, _ = firing_on(index, rows)
    return strongest_first(features, values)


def strongest_first(features: Ints, values: NDArray[np.float32]) -> tuple[Ints, NDArray[np.float32]]:
    """Sorted by magnitude, equal ones by feature."""
    order = np.lexsort((features, -np.abs(values)))
    return features[order], values[order]


def context_before(index: Index, row: int) -> Ints:
    """The tokens that the model sees up to a row of the corpus, the row's own last."""
    row = check_row(index, row)
    (start,), _ = index.layout.context_bounds(np.array([row]))
    return np.asarray(index.tokens[int(start) : row + 1], dtype=np.int64)
