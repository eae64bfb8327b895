"""What a person is told of a text in the corpus: its occurrences, and the features that fire on them."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from saescope.errors import InputError
from saescope.index.store import Index
from saescope.query.firing import evenly, firing_on, has_been_read, spans
from saescope.query.text import Hits, find_text

Ints = NDArray[np.int64]

MOST_HITS = 2000
MOST_ROWS = 1 << 16


def hits_frame(index: Index, text: str, *, k: int = 20, ignores_case: bool = False, context: int = 16) -> pl.DataFrame:
    """Occurrences of a text, at most ``k``, in the order of the corpus.

    Columns: ``row, end`` (u64, of the tokens in which it begins and ends)``, doc`` u32``, source,
    text`` (with ``context`` tokens on each side, at most to the borders of context and
    document)``, n_found`` (u64, occurrences in all; of more than ``k`` an even draw is shown).

    Raises
    ------
    InputError
        The text is empty, or a number is out of range.
    """
    if context < 0:
        raise InputError(f"context is a number of tokens on each side, 0 or more, and {context} came.")
    _check_count("k", k)
    hits = find_text(index, text, ignores_case=ignores_case, limit=k)
    lows, _ = index.layout.windows(hits.rows, context)
    _, highs = index.layout.windows(hits.ends, context + 1)
    docs = np.searchsorted(index.layout.doc_starts, hits.rows, side="right") - 1
    told = [index.doc(place) for place in docs.tolist()]
    around = [
        index.vocabulary.decode(index.tokens[low:high].tolist())
        for low, high in zip(lows.tolist(), highs.tolist(), strict=True)
    ]
    return pl.DataFrame(
        {
            "row": hits.rows.astype(np.uint64),
            "end": hits.ends.astype(np.uint64),
            "doc": pl.Series([doc for doc, _ in told], dtype=pl.UInt32),
            "source": pl.Series([source for _, source in told], dtype=pl.String),
            "text": pl.Series(around, dtype=pl.String),
            "n_found": np.full(len(hits), hits.n_found, dtype=np.uint64),
        }
    )


def features_on_text(
    index: Index, text: str, *, k: int | None = None, ignores_case: bool = False, n_after: int = 0
) -> pl.DataFrame:
    """Features that fire where a text occurs, those that tell it best first.

    A feature fires on an occurrence if it does on any counted token of it. At most 2,000
    occurrences with at most 65,536 tokens are looked at; of more, an even draw by a hash
    of the row, the same every time.

    Parameters
    ----------
    text
        See `find_text`.
    k
        At most so many features.
    ignores_case
        Take ``A`` to ``Z`` for ``a`` to ``z``.
    n_after
        So many tokens after an occurrence belong to it too: a feature may fire when it is over.

    Returns
    -------
    polars.DataFrame
        ``feature`` u32; ``score`` f32, the harmonic mean of ``share`` and ``specificity`` (F1), by which rows
        are sorted, equal ones by feature; ``n_hits`` u32, occurrences on which it fires;
        ``share`` f32 of those looked at; ``n_fires`` u64 in the whole index; ``specificity`` f32, share
        of these firings that lie on occurrences, scaled up where a draw was looked at;
        ``max`` f32, the largest magnitude there; ``n_taken`` u32, occurrences looked at (with a
        token that counts); ``n_found`` u64, occurrences in all that has been read.

    Raises
    ------
    InputError
        The text is empty, or a number is out of range.
    NeedsPostingsError
        The index was made without postings.
    """
    if k is not None:
        _check_count("k", k)
    if n_after < 0:
        raise InputError(f"n_after is a number of tokens, 0 or more, and {n_after} came.")
    hits = _read_hits(index, find_text(index, text, ignores_case=ignores_case))
    longest = int((hits.ends - hits.rows).max(initial=0)) + 1 + n_after
    taken = hits.take(evenly(hits.rows, min(MOST_HITS, max(MOST_ROWS // longest, 1))))
    _, ends = index.layout.windows(taken.ends, n_after + 1)
    frame = _measured(index, taken.rows, ends, hits.n_found / max(len(taken), 1))
    frame = frame.with_columns(pl.lit(hits.n_found, dtype=pl.UInt64).alias("n_found"))
    return frame.sort("score", "feature", descending=[True, False]).head(k or len(frame))


def _check_count(name: str, value: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InputError(f"{name} is a number of rows to show, at least 1, and {value!r} came.")


def _read_hits(index: Index, hits: Hits) -> Hits:
    """Those of which is known what fires on them."""
    is_read = has_been_read(index, hits.rows) & has_been_read(index, hits.ends)
    n_found = round(hits.n_found * float(is_read.mean())) if len(hits) else 0
    return Hits(hits.rows[is_read], hits.ends[is_read], n_found)


def _measured(index: Index, starts: Ints, ends: Ints, scale: float) -> pl.DataFrame:
    """What fires on occurrences from ``starts`` to ``ends - 1``, each of which stands for ``scale``."""
    lengths = ends - starts
    rows, hit = spans(starts, lengths), np.repeat(np.arange(len(starts)), lengths)
    counts = index.layout.is_counted(rows)
    rows, hit = rows[counts], hit[counts]
    own, place = np.unique(rows, return_inverse=True)
    features, values, n_on_row = firing_on(index, own)
    d_sae = index.manifest.d_sae
    maxima = np.zeros(d_sae, dtype=np.float32)
    np.maximum.at(maxima, features, np.abs(values))
    n_on = np.bincount(features, minlength=d_sae)
    begins = (np.cumsum(n_on_row) - n_on_row)[place]
    pairs = np.repeat(hit, n_on_row[place]) * d_sae + features[spans(begins, n_on_row[place])]
    n_hits = np.bincount(np.unique(pairs) % d_sae, minlength=d_sae)
    n_taken, n_fires = len(np.unique(hit)), index.table["n_fires"].to_numpy()
    found = np.flatnonzero(n_hits)
    share = n_hits[found] / max(n_taken, 1)
    specificity = np.minimum(n_on[found] * scale / np.maximum(n_fires[found], 1), 1)
    return pl.DataFrame(
        {
            "feature": found.astype(np.uint32),
            "score": (2 * share * specificity / (share + specificity)).astype(np.float32),
            "n_hits": n_hits[found].astype(np.uint32),
            "share": share.astype(np.float32),
            "n_fires": n_fires[found].astype(np.uint64),
            "specificity": specificity.astype(np.float32),
            "max": maxima[found],
            "n_taken": np.full(len(found), n_taken, dtype=np.uint32),
        }
    )
