"""Where tokens stand in the corpus: looked up in a table, or sought where there is none."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from saescope.index.layout import STEP
from saescope.index.store import PLACES, Index
from saescope.query.firing import spans

Ints = NDArray[np.int64]


class Places(Protocol):
    """Where tokens stand."""

    def counts(self, tokens: Ints) -> Ints:
        """How often each token occurs."""
        ...

    def rows(self, tokens: Ints, low: int, high: int) -> tuple[Ints, Ints]:
        """Rows from ``low`` to ``high - 1`` where the tokens stand, and the place of each one's token in ``tokens``."""
        ...


def places_of(index: Index) -> Places:
    """The rows of tokens of an index."""
    return Stored(index) if (index.folder / PLACES).exists() else Sought(index)


class Stored:
    """By the table that a finished index holds."""

    def __init__(self, index: Index) -> None:
        self._rows, self._offsets = index.token_rows["rows"], index.token_rows["offsets"].astype(np.int64)

    def counts(self, tokens: Ints) -> Ints:
        """How often each token occurs."""
        return self._offsets[tokens + 1] - self._offsets[tokens]

    def rows(self, tokens: Ints, low: int, high: int) -> tuple[Ints, Ints]:
        """Rows in a range where the tokens stand."""
        begins, ends = self._offsets[tokens], self._offsets[tokens + 1]
        if (low, high) != (0, len(self._rows)):
            parts = [self._rows[b:e] for b, e in zip(begins.tolist(), ends.tolist(), strict=True)]
            borders = np.array([low, high]).astype(np.uint32)  # of the rows' own type, or these are converted
            cuts = np.array([np.searchsorted(p, borders) for p in parts]).reshape(-1, 2)
            begins, ends = begins + cuts[:, 0], begins + cuts[:, 1]
        which = np.repeat(np.arange(len(tokens)), ends - begins)
        return self._rows[spans(begins, ends - begins)].astype(np.int64), which


class Sought:
    """By reading all tokens."""

    def __init__(self, index: Index) -> None:
        self._tokens, self._n_known = index.tokens, len(index.vocabulary)

    def counts(self, tokens: Ints) -> Ints:
        """How often each token occurs."""
        found = np.zeros(self._n_known, dtype=np.int64)
        for start in range(0, len(self._tokens), STEP):
            found += np.bincount(self._tokens[start : start + STEP], minlength=self._n_known)
        return found[tokens]

    def rows(self, tokens: Ints, low: int, high: int) -> tuple[Ints, Ints]:
        """Rows in a range where the tokens stand."""
        is_wanted = np.zeros(self._n_known, dtype=bool)
        is_wanted[tokens] = True
        steps = range(low, high, STEP)
        rows = np.concatenate([s + np.flatnonzero(is_wanted[self._tokens[s : min(s + STEP, high)]]) for s in steps])
        at_rows = self._tokens[rows].astype(np.int64)
        order = np.argsort(at_rows, kind="stable")
        begins, ends = (np.searchsorted(at_rows[order], tokens, side=s) for s in ("left", "right"))
        return rows[order][spans(begins, ends - begins)], np.repeat(np.arange(len(tokens)), ends - begins)
