"""How rows, contexts and documents lie, and which rows count."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saescope.index.rule import Rule

Ints = NDArray[np.int64]

WINDOW_SIDE = 64
N_HASHED = 8
STEP = 1 << 20


@dataclass(frozen=True)
class Layout:
    """The geometry of a token stream.

    Parameters
    ----------
    tokens
        Token ids ``[n_rows]``, in memory or mapped.
    context_size
        Most tokens in a context.
    doc_starts
        Row at which each document begins, rising, ``[n_docs]``.
    is_special
        Per token id, whether it is special.
    rule
        Which rows count.
    context_starts
        Row at which each context begins, ``[n_contexts]``, when documents are kept apart;
        ``None`` when contexts are all of one length.
    norms
        Length of the activation at each row, float32 ``[n_rows]``, if known.
    median_norm
        Their median; 0 when unknown.
    """

    tokens: NDArray[Any]
    context_size: int
    doc_starts: Ints
    is_special: NDArray[np.bool_]
    rule: Rule = field(default_factory=Rule)
    context_starts: Ints | None = None
    norms: "NDArray[np.float32] | None" = None
    median_norm: float = 0.0

    @property
    def n_rows(self) -> int:
        """Tokens in the stream."""
        return len(self.tokens)

    @property
    def vocab_size(self) -> int:
        """Rows of the token table."""
        return len(self.is_special)

    def in_memory(self) -> "Layout":
        """The same, with nothing mapped from a file, to be sent elsewhere."""
        return replace(self, tokens=np.array(self.tokens))

    def with_rule(self, rule: Rule) -> "Layout":
        """The same stream, counted by another rule."""
        return self if rule == self.rule else replace(self, rule=rule)

    def with_norms(self, norms: "NDArray[np.float32]", median: float) -> "Layout":
        """The same stream, with the length of the activation at each row."""
        return replace(self, norms=norms, median_norm=median)

    def context_of(self, rows: Ints) -> Ints:
        """Number of the context that each row lies in."""
        if self.context_starts is None:
            return rows // self.context_size
        return np.searchsorted(self.context_starts, rows, side="right") - 1

    def context_bounds(self, rows: Ints) -> tuple[Ints, Ints]:
        """First row and end of the context that each row lies in."""
        contexts = self.context_of(rows)
        if self.context_starts is None:
            starts = contexts * self.context_size
            return starts, np.minimum(starts + self.context_size, self.n_rows)
        return self.context_starts[contexts], self._context_ends[contexts]

    @cached_property
    def _context_ends(self) -> Ints:
        starts = self.context_starts
        return np.r_[starts[1:], self.n_rows] if starts is not None else np.zeros(0, dtype=np.int64)

    def position_of(self, rows: Ints) -> Ints:
        """Place of each row in its context, from 0."""
        if self.context_starts is None:
            return rows % self.context_size
        return rows - self.context_starts[self.context_of(rows)]

    def is_counted(self, rows: Ints) -> NDArray[np.bool_]:
        """Whether each row counts."""
        rule = self.rule
        mask = np.ones(len(rows), dtype=bool)
        if rule.n_skipped:
            mask &= self.position_of(rows) >= rule.n_skipped
        if rule.skips_special:
            mask &= ~self.is_special[self.tokens[rows]]
        if rule.max_norm_ratio is not None and self.norms is not None:
            mask &= self.norms[rows] <= rule.max_norm_ratio * self.median_norm
        return mask

    @cached_property
    def counted_mask(self) -> NDArray[np.bool_]:
        """Whether each row counts, ``[n_rows]``."""
        mask = np.empty(self.n_rows, dtype=bool)
        for start in range(0, self.n_rows, STEP):
            rows = np.arange(start, min(start + STEP, self.n_rows))
            mask[rows] = self.is_counted(rows)
        return mask

    def n_counted(self) -> int:
        """How many rows count."""
        return int(np.count_nonzero(self.counted_mask))

    def windows(self, rows: Ints, side: int = WINDOW_SIDE) -> tuple[Ints, Ints]:
        """First row and end of the window round each row.

        A window reaches up to ``side`` tokens to the left and ``side - 1`` to the right, and
        leaves neither the context nor the document; it does not begin with a special token.
        """
        context_starts, context_ends = self.context_bounds(rows)
        doc = np.searchsorted(self.doc_starts, rows, side="right") - 1
        starts = np.maximum.reduce([context_starts, self.doc_starts[doc], rows - side])
        ends = np.minimum.reduce([context_ends, self._doc_ends[doc], rows + side])
        begins_special = self.is_special[self.tokens[starts]] & (starts < rows)
        return starts + begins_special, ends

    @cached_property
    def _doc_ends(self) -> Ints:
        return np.r_[self.doc_starts[1:], self.n_rows]

    def hashes_of(self, rows: Ints) -> NDArray[np.uint64]:
        """A hash of the ``N_HASHED`` tokens that end at each row, fewer at the head of a context."""
        if "hashes" in self.__dict__:
            return self.hashes[rows]
        starts, _ = self.context_bounds(rows)
        found = np.zeros(len(rows), dtype=np.uint64)
        for back in range(N_HASHED):
            at = rows - back
            token = np.where(at >= starts, self.tokens[np.maximum(at, 0)].astype(np.uint64) + np.uint64(1), 0)
            found = (found ^ token) * np.uint64(0x9E3779B97F4A7C15)
            found ^= found >> np.uint64(32)
        return found

    @cached_property
    def hashes(self) -> NDArray[np.uint64]:
        """`hashes_of` all rows, ``[n_rows]``; once asked for, `hashes_of` looks them up."""
        found = np.empty(self.n_rows, dtype=np.uint64)
        for start in range(0, self.n_rows, STEP):
            rows = np.arange(start, min(start + STEP, self.n_rows))
            found[rows] = self.hashes_of(rows)
        return found
