"""How rows, contexts and documents lie, and which rows count."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

WINDOW_SIDE = 64


@dataclass(frozen=True)
class Layout:
    """The geometry of a token stream.

    Parameters
    ----------
    tokens
        Token ids ``[n_rows]``, in memory or mapped.
    context_size
        Tokens in a context; the last may be shorter.
    doc_starts
        Row at which each document begins, rising, ``[n_docs]``.
    is_special
        Per token id, whether it is special.
    skips_first, skips_special
        The rule of what counts.
    """

    tokens: NDArray[Any]
    context_size: int
    doc_starts: Ints
    is_special: NDArray[np.bool_]
    skips_first: bool = True
    skips_special: bool = True

    @property
    def n_rows(self) -> int:
        """Tokens in the stream."""
        return len(self.tokens)

    @property
    def vocab_size(self) -> int:
        """Rows of the token table."""
        return len(self.is_special)

    def is_counted(self, rows: Ints) -> NDArray[np.bool_]:
        """Whether each row counts."""
        mask = np.ones(len(rows), dtype=bool)
        if self.skips_first:
            mask &= rows % self.context_size != 0
        if self.skips_special:
            mask &= ~self.is_special[self.tokens[rows]]
        return mask

    def n_counted(self) -> int:
        """How many rows count."""
        step = 1 << 20
        return sum(
            int(self.is_counted(np.arange(start, min(start + step, self.n_rows))).sum())
            for start in range(0, self.n_rows, step)
        )

    def windows(self, rows: Ints, side: int = WINDOW_SIDE) -> tuple[Ints, Ints]:
        """First row and end of the window round each row.

        A window reaches up to ``side`` tokens to the left and ``side - 1`` to the right, and
        leaves neither the context nor the document; it does not begin with a special token.
        """
        context = rows // self.context_size * self.context_size
        doc = np.searchsorted(self.doc_starts, rows, side="right") - 1
        doc_ends = np.r_[self.doc_starts[1:], self.n_rows]
        starts = np.maximum.reduce([context, self.doc_starts[doc], rows - side])
        ends = np.minimum.reduce([context + self.context_size, doc_ends[doc], rows + side])
        begins_special = self.is_special[self.tokens[starts]] & (starts < rows)
        return starts + begins_special, np.minimum(ends, self.n_rows)
