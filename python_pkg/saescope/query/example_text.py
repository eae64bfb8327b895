"""Features by the text of their examples: "whose stored examples contain ' Golden Gate'".

1. `find_text` says where the text begins and ends in the corpus.
2. Windows of examples lie sorted by their first row (`Index.example_spans`). One holds an occurrence
   if, of those that begin at or after its first row, the one that ends first ends inside it. Only windows
   that begin at most a window before an occurrence are looked at, each once.
3. While an index grows there are no stored examples: features are taken that fire on occurrences.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from saescope.index.spans import Spans
from saescope.index.store import Index
from saescope.query.firing import spans
from saescope.query.on_text import features_on_text
from saescope.query.text import Hits, find_text

Ints = NDArray[np.int64]

STEP = 1 << 22
ALL = 1 << 62
MANY = 4


@dataclass(frozen=True)
class TextHits:
    """How often a text occurs, and in whose examples.

    ``n_hits`` [d_sae] u32: distinct stored examples of each feature that hold it; ``n_found`` times it
    occurs in the corpus.
    """

    n_hits: NDArray[np.uint32]
    n_found: int


def examples_with(index: Index, text: str) -> TextHits:
    """How many stored examples of each feature hold a text.

    Parameters
    ----------
    text
        Sought as it is: case and spaces count.

    Notes
    -----
    While an index grows: occurrences, of an even draw of 2,000, on which the feature fires.

    Raises
    ------
    InputError
        The text is empty or is no text.
    """
    if not index.is_complete:
        return _firing(index, text)
    hits, d_sae = find_text(index, text, limit=ALL), index.manifest.d_sae
    n_hits = np.zeros(d_sae, dtype=np.int64)
    for features in _holding(index.example_spans, hits, index.manifest.window_size):
        n_hits += np.bincount(features, minlength=d_sae)
    return TextHits(n_hits.astype(np.uint32), hits.n_found)


def _holding(windows: Spans, hits: Hits, longest: int) -> Iterator[NDArray[np.uint32]]:
    """The features of all windows, of at most ``longest`` tokens, that hold an occurrence, some at a time."""
    nearest = _nearest_ends(hits)
    firsts = np.maximum(hits.rows - (longest - 1), 0).astype(np.uint32)  # of the starts' own type
    lows = np.searchsorted(windows.start, firsts)
    highs = np.searchsorted(windows.start, hits.rows.astype(np.uint32), side="right")
    begins = lows[np.r_[True, lows[1:] > highs[:-1]]] if len(lows) else lows
    ends = highs[np.r_[lows[1:] > highs[:-1], True]] if len(lows) else highs
    n_all = len(windows.start)
    if (ends - begins).sum() * MANY > n_all:
        for low in range(0, n_all, STEP):
            part = slice(low, min(low + STEP, n_all))
            borders = np.clip(np.r_[0, highs, n_all], part.start, part.stop)
            end = np.repeat(nearest, np.diff(borders))
            yield windows.feature[part][end < windows.start[part].astype(np.int64) + windows.length[part]]
        return
    for some, lengths in _pieces(begins, ends - begins):
        which = spans(some, lengths)
        starts = windows.start[which].astype(np.int64)
        end = nearest[np.searchsorted(hits.rows, starts)]
        yield windows.feature[which[end < starts + windows.length[which]]]


def _nearest_ends(hits: Hits) -> Ints:
    """For each occurrence the first end among it and those after it; one more that no window reaches."""
    least = np.minimum.accumulate(hits.ends[::-1])[::-1]
    return np.r_[least, np.iinfo(np.int64).max]


def _pieces(begins: Ints, lengths: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Stretches of windows, some at a time."""
    turns = np.cumsum(lengths) // STEP
    for part in np.split(np.arange(len(begins)), np.flatnonzero(np.diff(turns)) + 1):
        yield begins[part], lengths[part]


def _firing(index: Index, text: str) -> TextHits:
    n_hits = np.zeros(index.manifest.d_sae, dtype=np.uint32)
    frame = features_on_text(index, text)
    n_hits[frame["feature"].to_numpy()] = frame["n_hits"].to_numpy()
    return TextHits(n_hits, frame["n_found"][0] if len(frame) else 0)
