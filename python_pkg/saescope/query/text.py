"""Where a text occurs in the corpus, whatever the tokens it was cut into; no tokenizer is needed.

1. A token and a place of its bytes in the text *agree* if their bytes are the same wherever they
   overlap. All such pairs that touch one of the text's first bytes are listed.
2. Wherever the text occurs, each of its bytes is covered by one of them. The byte whose pairs
   are the rarest in the corpus is the anchor: their rows are the candidates.
3. From each candidate the tokens to the left and to the right must agree too, up to the text's
   borders. All candidates walk at once.

The text is sought as bytes of UTF-8. It does not go across documents or contexts: what one
token saw, the next one has to have seen.
"""

import itertools
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from saescope.errors import InputError
from saescope.index.layout import Layout
from saescope.index.postings import packed
from saescope.index.store import Index
from saescope.index.summary import LOW, run_starts
from saescope.query.firing import evenly
from saescope.query.pieces import Bytes, Pieces
from saescope.query.places import Places, places_of

Ints = NDArray[np.int64]

ANCHOR_BYTES = 64
BLOCK_CANDIDATES = 1 << 22
MOST_HITS = 1 << 20


@dataclass(frozen=True)
class Hits:
    """Where a text occurs.

    ``rows`` [n] int64 are the rows of the tokens in which it begins, rising, ``ends`` [n] those in which
    it ends, itself included. No pair comes twice, even if one token holds the text twice. ``n_found`` is
    how many there are in all: more than ``n`` when a draw was taken.
    """

    rows: Ints
    ends: Ints
    n_found: int

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, which: "NDArray[np.bool_] | Ints") -> "Hits":
        """Some of them."""
        return replace(self, rows=self.rows[which], ends=self.ends[which])


def find_text(index: Index, text: str, *, ignores_case: bool = False, limit: int = MOST_HITS) -> Hits:
    """Where a text occurs in the corpus.

    Parameters
    ----------
    text
        Sought as it is: spaces count.
    ignores_case
        Take ``A`` to ``Z`` for ``a`` to ``z``; other letters keep their case.
    limit
        Most hits. Of more, an even draw is taken, by a hash of the row: the same every time.

    Returns
    -------
    Hits
        Rising rows. While an index grows all of its text is searched, read or not.

    Raises
    ------
    InputError
        The text is empty or is no text, or the limit is less than 1.
    """
    sought = _bytes_of(text, ignores_case=ignores_case)
    if limit < 1:
        raise InputError(f"at least one hit must be asked for, and {limit} were.")
    walk = _Walk(index, Pieces.of(index.vocabulary, ignores_case=ignores_case), sought)
    places = places_of(index)
    tokens, at, n_candidates = walk.anchors(places)
    n_blocks = -(-n_candidates // BLOCK_CANDIDATES)
    found, n_found = _none(), 0
    for low, high in _blocks(index.layout, n_blocks):
        rows, which = places.rows(tokens, low, high)
        new = walk.hits(rows, at[which])
        n_found += len(new)
        found = new if n_blocks == 1 else _joined(found, new)
        found = found.take(evenly(found.rows, limit))
    return replace(found, n_found=n_found)


def _bytes_of(text: str, *, ignores_case: bool) -> Bytes:
    if not isinstance(text, str) or not text:
        raise InputError(f"wanted a text of at least one character, and {text!r} came.")
    try:
        raw = text.encode()
    except UnicodeEncodeError as err:
        raise InputError(f"{text!r} is no text: half a surrogate pair stands at {err.start}.") from err
    return np.frombuffer(raw.lower() if ignores_case else raw, dtype=np.uint8)


def _none() -> Hits:
    none = np.zeros(0, dtype=np.int64)
    return Hits(none, none, 0)


def _joined(first: Hits, second: Hits) -> Hits:
    return Hits(np.r_[first.rows, second.rows], np.r_[first.ends, second.ends], 0)


def _blocks(layout: Layout, n: int) -> list[tuple[int, int]]:
    """At most ``n`` ranges of whole contexts that make up the corpus."""
    if n < 2:
        return [(0, layout.n_rows)] * n
    starts, _ = layout.context_bounds(np.linspace(0, layout.n_rows, n, endpoint=False).astype(np.int64))
    borders = [*np.unique(starts).tolist(), layout.n_rows]
    return list(itertools.pairwise(borders))


class _Walk:
    """From candidates to hits."""

    def __init__(self, index: Index, pieces: Pieces, text: Bytes) -> None:
        self._tokens, self._layout, self._pieces, self._text = index.tokens, index.layout, pieces, text

    def anchors(self, places: Places) -> tuple[Ints, Ints, int]:
        """Tokens and places of the byte that the fewest candidates cover, and how many these are."""
        n_first = min(len(self._text), ANCHOR_BYTES)
        tokens, at = self._pieces.agreeing(self._text, n_first)
        counts = places.counts(tokens)
        low, high = np.maximum(at, 0), np.minimum(at + self._pieces.lengths[tokens], n_first)
        change = np.bincount(low, counts, n_first + 1) - np.bincount(high, counts, n_first + 1)
        covering = np.cumsum(change)[:n_first]
        anchor = int(np.argmin(covering))
        is_over = (low <= anchor) & (anchor < high) & (counts > 0)
        return tokens[is_over], at[is_over], int(counts[is_over].sum())

    def hits(self, rows: Ints, at: Ints) -> Hits:
        """The hits among candidates: rows whose token agrees with the text at ``at``."""
        order = np.argsort(rows, kind="stable")
        rows, at = rows[order], at[order]
        ends, is_whole = self._reach(rows, at, 1)
        rows, at, ends = rows[is_whole], at[is_whole], ends[is_whole]
        starts, is_whole = self._reach(rows, at, -1)
        pairs = packed(starts[is_whole], ends[is_whole])
        pairs.sort()
        pairs = pairs[run_starts(pairs)]
        return Hits((pairs >> np.uint64(32)).astype(np.int64), (pairs & LOW).astype(np.int64), len(pairs))

    def _reach(self, rows: Ints, at: Ints, step: int) -> tuple[Ints, NDArray[np.bool_]]:
        """Go from each row to the text's end (``step`` 1) or start (-1): the rows reached, and whether all agreed."""
        rows, at, is_whole = rows.copy(), at.copy(), np.ones(len(rows), dtype=bool)
        active = self._unfinished(rows, at, step, np.arange(len(rows)))
        while len(active):
            here, place = rows[active], at[active]
            there = here + step
            agrees = ~self._is_start(np.maximum(here, there))
            tokens = self._tokens[np.where(agrees, there, here)].astype(np.int64)
            place = place + self._length(self._tokens[here]) if step > 0 else place - self._length(tokens)
            agrees &= self._pieces.agree(tokens, self._text, place)
            is_whole[active[~agrees]] = False
            active, there, place = active[agrees], there[agrees], place[agrees]
            rows[active], at[active] = there, place
            active = self._unfinished(rows, at, step, active)
        return rows, is_whole

    def _unfinished(self, rows: Ints, at: Ints, step: int, active: Ints) -> Ints:
        if step < 0:
            return active[at[active] > 0]
        ends = at[active] + self._length(self._tokens[rows[active]])
        return active[ends < len(self._text)]

    def _length(self, tokens: NDArray[np.integer]) -> Ints:
        return self._pieces.lengths[tokens]

    def _is_start(self, rows: Ints) -> NDArray[np.bool_]:
        """Whether a context or a document begins at a row, or the corpus has ended before it."""
        inside = np.minimum(rows, self._layout.n_rows - 1)
        docs = self._layout.doc_starts
        is_doc = docs[np.searchsorted(docs, inside, side="right") - 1] == inside
        return is_doc | (self._layout.position_of(inside) == 0) | (rows >= self._layout.n_rows)
