"""Rules of which tokens a feature fires on, and the rows of a corpus on which each holds.

A rule goes by the token itself and by what stands before it, which is all that a causal model has seen. Tokens that
differ in case and outer spaces only are one *word*.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from saescope.index.layout import Layout
from saescope.index.vocabulary import Vocabulary

Ints = NDArray[np.int64]

MOST_ROWS = 4_000_000
"""Of a larger corpus the first rows count."""
KINDS = ("a number", "a capitalized word", "a word in capitals", "punctuation", "a line break")
NOTHING = -1


@dataclass(frozen=True)
class Rule:
    """Holds where the token is one of ``words`` and those before it are ``before``, the last one last.

    Empty ``words`` stand for any token; ``kind`` for a place in ``KINDS``.
    """

    words: tuple[int, ...] = ()
    before: tuple[int, ...] = ()
    kind: int | None = None
    is_start: bool = False

    @property
    def n_parts(self) -> int:
        """How much there is to say."""
        return len(self.words) + len(self.before) + (self.kind is not None) + self.is_start


class Words:
    """The words of a vocabulary, numbered; ``of`` [vocab_size] gives each token's, ``texts`` each word's."""

    def __init__(self, vocabulary: Vocabulary, counts: Ints) -> None:
        numbers: dict[str, int] = {}
        shown = [_shown(text) for text in vocabulary.texts]
        self.of = np.array([numbers.setdefault(text.casefold(), len(numbers)) for text in shown], dtype=np.int32)
        best = np.full(len(numbers), -1, dtype=np.int64)
        self.texts = [""] * len(numbers)
        for token, (word, count) in enumerate(zip(self.of.tolist(), counts.tolist(), strict=True)):
            if count > best[word]:
                best[word], self.texts[word] = count, shown[token]
        self.kinds = np.array([_kinds(text) for text in shown], dtype=bool).reshape(-1, len(KINDS))


def _shown(text: str) -> str:
    return text.strip() or text.replace("\n", "⏎").replace("\t", "⇥").replace(" ", "␣") or "‹nothing›"


def _kinds(text: str) -> tuple[bool, ...]:
    is_word = text.isalpha()
    return (
        text.isdigit(),
        is_word and len(text) > 1 and text[0].isupper() and text[1:].islower(),
        is_word and len(text) > 1 and text.isupper(),
        not any(c.isalnum() for c in text) and "⏎" not in text and "‹" not in text and "␣" not in text,
        "⏎" in text,
    )


class Corpus:
    """A corpus by words.

    Parameters
    ----------
    layout
        Its rows, and which of them count.
    vocabulary
        Of its tokens.
    """

    def __init__(self, layout: Layout, vocabulary: Vocabulary) -> None:
        n = self.n_rows = min(layout.n_rows, MOST_ROWS)
        tokens = self.tokens = np.asarray(layout.tokens[:n]).astype(np.int64)
        self.words = Words(vocabulary, np.bincount(tokens, minlength=len(vocabulary)))
        rows = np.arange(n)
        self.is_counted = layout.is_counted(rows)
        starts, _ = layout.context_bounds(rows)
        docs = np.searchsorted(layout.doc_starts, rows, side="right") - 1
        first = np.maximum(starts, layout.doc_starts[docs])
        self.is_chosen = _halves(docs, layout.context_of(rows))
        self.word = self.words.of[tokens]
        self.before = [self._shifted(rows, first, by) for by in (1, 2)]

    def _shifted(self, rows: Ints, first: Ints, by: int) -> NDArray[np.int32]:
        found = np.full(self.n_rows, NOTHING, dtype=np.int32)
        found[by:] = np.where(rows[by:] - by >= first[by:], self.word[:-by], NOTHING)
        return found

    @cached_property
    def _order(self) -> tuple[Ints, Ints]:
        order = np.argsort(self.word, kind="stable")
        return order, np.searchsorted(self.word[order], np.arange(len(self.words.texts) + 1))

    @cached_property
    def _of_kind(self) -> list[Ints]:
        return [self._counted(np.flatnonzero(column[self.tokens])) for column in self.words.kinds.T]

    @cached_property
    def _starts(self) -> Ints:
        return self._counted(np.flatnonzero(self.before[0] == NOTHING))

    def _counted(self, rows: Ints) -> Ints:
        return rows[self.is_counted[rows]]

    def _of_word(self, word: int) -> Ints:
        order, begins = self._order
        return order[begins[word] : begins[word + 1]]

    def rows(self, rule: Rule) -> Ints:
        """Rows that count and on which a rule holds, in no order."""
        if rule.kind is not None:
            return self._of_kind[rule.kind]
        if rule.is_start:
            return self._starts
        if rule.words:
            found = np.concatenate([self._of_word(w) for w in rule.words])
        else:
            found = self._of_word(rule.before[-1]) + 1
            found = found[found < self.n_rows]
        for by, word in enumerate(reversed(rule.before)):
            found = found[self.before[by][found] == word]
        return self._counted(found)

    def told(self, rule: Rule) -> str:
        """A rule in words."""
        if rule.kind is not None:
            return KINDS[rule.kind]
        if rule.is_start:
            return "the first token of a text"
        texts = [f"“{self.words.texts[w]}”" for w in rule.words]
        said = " or ".join(filter(None, [", ".join(texts[:-1]), *texts[-1:]]))
        after = " ".join(self.words.texts[w] for w in rule.before)
        return " ".join(filter(None, [said, f"after “{after}”" if after else ""]))


def _halves(docs: Ints, contexts: Ints) -> NDArray[np.bool_]:
    """Which rows a rule is chosen on: every other document, or context where there are few documents."""
    parts = docs if len(np.unique(docs)) >= MIN_DOCS else contexts
    return parts % 2 == 0


MIN_DOCS = 20


def candidates(corpus: Corpus, rows: Ints, mass: NDArray[np.float64], n_each: int = 6) -> Sequence[Rule]:
    """Rules that hold on most of the mass at some rows: by word, by the words before, and by both."""
    word, one, two = corpus.word[rows], corpus.before[0][rows], corpus.before[1][rows]
    made = [Rule(kind=i) for i in range(len(KINDS))] + [Rule(is_start=True)]
    made += [Rule(words=(w,)) for (w,) in _heaviest([word], mass, n_each)]
    made += [Rule(before=(b,)) for (b,) in _heaviest([one], mass, n_each)]
    made += [Rule(words=(w,), before=(b,)) for w, b in _heaviest([word, one], mass, n_each)]
    made += [Rule(before=(a, b)) for a, b in _heaviest([two, one], mass, n_each)]
    return made


def _heaviest(columns: Sequence[NDArray[np.int32]], mass: NDArray[np.float64], n: int) -> list[tuple[int, ...]]:
    """Combinations of words with the most mass, the heaviest first; none in which nothing stands before."""
    stacked = np.stack(columns, axis=1)
    is_there = (stacked != NOTHING).all(axis=1)
    if not is_there.any():
        return []
    found, which = np.unique(stacked[is_there], axis=0, return_inverse=True)
    weights = np.bincount(which.ravel(), mass[is_there], len(found))
    best = np.argsort(-weights, kind="stable")[:n]
    return [tuple(row) for row in found[best].tolist()]
