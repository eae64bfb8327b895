"""The bytes of a whole vocabulary in one array, to be laid against a text."""

from functools import cached_property
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from saescope.index.vocabulary import Vocabulary

Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]

_made: "WeakKeyDictionary[Vocabulary, dict[bool, Pieces]]" = WeakKeyDictionary()


class Pieces:
    """What each token stands for, as bytes.

    A piece *lies at* ``at`` of a text if its first byte is the text's byte ``at``; ``at`` is negative
    where the piece begins before the text. It *agrees* if its bytes are the text's wherever
    both have some.

    Parameters
    ----------
    contents
        The bytes of each token; may be empty.
    ignores_case
        Fold the ASCII letters.
    """

    def __init__(self, contents: list[bytes], *, ignores_case: bool) -> None:
        joined = b"".join(contents)
        self.bytes: Bytes = np.frombuffer(joined.lower() if ignores_case else joined, dtype=np.uint8)
        self.lengths: Ints = np.fromiter(map(len, contents), dtype=np.int64, count=len(contents))
        self.starts: Ints = np.cumsum(self.lengths) - self.lengths

    @classmethod
    def of(cls, vocabulary: Vocabulary, *, ignores_case: bool) -> "Pieces":
        """Those of a vocabulary, made once."""
        kinds = _made.setdefault(vocabulary, {})
        if ignores_case not in kinds:
            kinds[ignores_case] = cls(vocabulary.contents, ignores_case=ignores_case)
        return kinds[ignores_case]

    @cached_property
    def _tokens(self) -> NDArray[np.int32]:
        """The token that each byte belongs to."""
        return np.repeat(np.arange(len(self.lengths), dtype=np.int32), self.lengths)

    @cached_property
    def _by_head(self) -> tuple[Ints, Ints]:
        """Keys of the first two bytes, rising, and the tokens in that order; without empty pieces."""
        tokens = np.flatnonzero(self.lengths)
        first = self.bytes[self.starts[tokens]].astype(np.int64)
        has_second = self.lengths[tokens] > 1
        second = self.bytes[np.where(has_second, self.starts[tokens] + 1, 0)].astype(np.int64)
        keys = first << 9 | np.where(has_second, second + 1, 0)
        order = np.argsort(keys, kind="stable")
        return keys[order], tokens[order]

    def agree(self, tokens: Ints, text: Bytes, at: Ints) -> NDArray[np.bool_]:
        """Whether each piece agrees with the text at its place; one that does not touch the text does."""
        skipped = np.maximum(-at, 0)
        left = np.minimum(self.lengths[tokens], len(text) - at) - skipped
        which = np.flatnonzero(left > 0)
        result = np.ones(len(tokens), dtype=bool)
        here, there, left = (self.starts[tokens] + skipped)[which], (at + skipped)[which], left[which]
        while len(which):
            is_same = self.bytes[here] == text[there]
            result[which[~is_same]] = False
            goes_on = is_same & (left > 1)
            which, here, there, left = which[goes_on], here[goes_on] + 1, there[goes_on] + 1, left[goes_on] - 1
        return result

    def agreeing(self, text: Bytes, n_first: int) -> tuple[Ints, Ints]:
        """Every way to lay a piece so that it agrees and covers one of the text's first bytes.

        Parameters
        ----------
        text
            Not empty.
        n_first
            How many bytes of the text count as first.

        Returns
        -------
        tuple
            ``tokens`` and ``at``, int64, sorted by token.
        """
        lots = [self._before(text), *(self._within(text, at) for at in range(1, min(n_first, len(text))))]
        tokens, at = (np.concatenate(parts) for parts in zip(*lots, strict=True))
        is_one = self.agree(tokens, text, at)
        tokens, at = tokens[is_one], at[is_one]
        order = np.lexsort((at, tokens))
        return tokens[order], at[order]

    def _before(self, text: Bytes) -> tuple[Ints, Ints]:
        """Pieces that hold the text's first byte, and its second if they go on."""
        where = np.flatnonzero(self.bytes == text[0])
        tokens = self._tokens[where].astype(np.int64)
        places = where - self.starts[tokens]
        if len(text) > 1:
            follows = self.bytes[np.minimum(where + 1, len(self.bytes) - 1)]
            fits = (places + 1 == self.lengths[tokens]) | (follows == text[1])
            tokens, places = tokens[fits], places[fits]
        return tokens, -places

    def _within(self, text: Bytes, at: int) -> tuple[Ints, Ints]:
        """Pieces whose first two bytes are the text's at ``at``."""
        keys, tokens = self._by_head
        head = int(text[at]) << 9
        if at + 1 < len(text):
            lone, second = np.array([head, head + int(text[at + 1]) + 1])
            pairs = [(lone, lone + 1), (second, second + 1)]
        else:
            pairs = [(head, head + (1 << 9))]
        found = [tokens[slice(*np.searchsorted(keys, np.array(pair)))] for pair in pairs]
        tokens = np.concatenate(found)
        return tokens, np.full(len(tokens), at, dtype=np.int64)
