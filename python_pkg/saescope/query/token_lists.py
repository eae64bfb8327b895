"""A column of lists of tokens, by feature and by token.

1. By feature: the ids of all lists after each other, as they are stored. A search looks at every one.
2. By token: the features whose lists hold it. Made once, in the background; a search then looks only
   at the tokens that it seeks.
"""

from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from saescope.query.filters import Mask

MANY = 32


class TokenLists:
    """Lists of token ids of features.

    ``ids`` of all of them, below ``n_tokens``; where each list that is not empty ``starts``, and whose it is.

    Parameters
    ----------
    column
        One list a feature.
    """

    def __init__(self, column: pl.Series) -> None:
        lengths = column.list.len().to_numpy().astype(np.int64)
        self.ids: NDArray[np.int32] = (
            column.explode(empty_as_null=False).to_numpy() if lengths.any() else np.zeros(0, dtype=np.int32)
        )
        self.owners = np.flatnonzero(lengths)
        self.starts: NDArray[np.int64] = (np.cumsum(lengths) - lengths)[self.owners]
        self.n = len(lengths)
        self.n_tokens = int(self.ids.max(initial=-1)) + 1
        self._is_turned = False

    def turn(self) -> None:
        """Have the features of each token ready, for searches to come."""
        self._is_turned = bool(len(self._by_token[1]))

    @cached_property
    def _by_token(self) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
        """Where the features of each token begin, ``[n_tokens + 1]``, and the features."""
        ends = np.zeros(self.n_tokens + 1, dtype=np.int64)
        np.cumsum(np.bincount(self.ids, minlength=self.n_tokens), out=ends[1:])
        lengths = np.diff(np.r_[self.starts, len(self.ids)])
        owners = np.repeat(self.owners.astype(np.uint32), lengths)
        return ends, owners[pl.Series(self.ids).arg_sort().to_numpy()]

    def any_of(self, wanted: Mask) -> Mask:
        """Which features have a token of those wanted, by token id."""
        mask = np.zeros(self.n, dtype=bool)
        if not len(self.ids):
            return mask
        if self._is_turned:
            ends, owners = self._by_token
            tokens = np.flatnonzero(wanted[: self.n_tokens])
            cuts = np.flatnonzero(np.diff(tokens) > 1)
            firsts, lasts = tokens[np.r_[0, cuts + 1][: len(tokens)]], tokens[np.r_[cuts, -1][: len(tokens)]]
            for low, high in zip(ends[firsts].tolist(), ends[lasts + 1].tolist(), strict=True):
                mask[owners[low:high]] = True
            return mask
        is_wanted = np.take(np.r_[wanted, np.zeros(max(self.n_tokens - len(wanted), 0), dtype=bool)], self.ids)
        if np.count_nonzero(is_wanted) > len(self.ids) // MANY:
            mask[self.owners] = np.logical_or.reduceat(is_wanted, self.starts)
        else:
            places = np.flatnonzero(is_wanted)
            mask[self.owners[np.searchsorted(self.starts, places, side="right") - 1]] = True
        return mask
