"""The token, or what stands before it, that explains best where a feature fires.

1. The feature's *strong* firings are its largest that together make up half of its activation.
2. On every other document rules are tried that hold on much of it: the token is a word (or one of a few), it stands
   after one or two words, both, or it is of a kind, such as numbers. Each has two figures: how often the feature fires
   (at all) where the rule holds, *precision*; and the share of the strong activation on such tokens, *coverage*.
3. The rule with the best F1 of the two is chosen, a simpler one where a longer one adds little.
4. Both figures are measured anew on the other documents. Below LEAST in either, or with too few tokens
   to tell, or where the feature fires on most tokens anyhow, there is no label.

An index without postings has only the share of firings on each feature's commonest tokens: there a rule is one or
a few of these, all firings count as strong, and the figures are of the whole corpus.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saescope.index.store import Index
from saescope.query.labelers.labeler import Check, Evidence, Label
from saescope.query.labelers.rules import Corpus, Rule, candidates

Ints = NDArray[np.int64]

LEAST = 0.5
"""Of precision and of coverage, on documents the rule was not chosen on."""
MIN_LIFT = 2.0
"""Precision over the share of all tokens on which the feature fires."""
MIN_ROWS = 10
MIN_GAIN = 0.02
MOST_WORDS = 4


@dataclass(frozen=True)
class Figures:
    """How well a rule explains a feature on some rows.

    ``precision`` and ``coverage`` in [0, 1]; ``n_rows`` where the rule holds.
    """

    precision: float
    coverage: float
    n_rows: int

    @property
    def f1(self) -> float:
        """Harmonic mean of both."""
        total = self.precision + self.coverage
        return 2 * self.precision * self.coverage / total if total else 0.0

    @property
    def is_enough(self) -> bool:
        """Whether it explains enough to be said."""
        return min(self.precision, self.coverage) >= LEAST and self.n_rows >= MIN_ROWS


def context(features: Sequence[Evidence], check: Check) -> Iterator[Label | None]:
    """The token, or what stands before it, on which a feature mostly fires, measured on text it was not chosen on.

    Needs no model and no network.
    """
    if not features:
        return
    index = features[0].index
    corpus = Corpus(index.layout, index.vocabulary)
    if index.has_postings:
        measured = Measured(corpus)
        for one in features:
            check()
            yield measured.label(*one.firings)
        return
    columns = index.figures.frame().select("n_fires", "top_tokens", "top_shares", "density")
    counts = np.bincount(corpus.word[corpus.is_counted], minlength=len(corpus.words.texts))
    for one in features:
        check()
        yield by_shares(index, corpus, counts, columns.row(one.feature, named=True))


class Measured:
    """Rules measured by every activation."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._fires = np.zeros(corpus.n_rows, dtype=bool)
        self._mass = np.zeros(corpus.n_rows)
        self._totals = {True: 0.0, False: 0.0}
        self._n_other = int(np.count_nonzero(corpus.is_counted & ~corpus.is_chosen))

    def label(self, rows: Ints, values: NDArray[np.float32]) -> Label | None:
        """The label of a feature that fires on ``rows`` [n], rising, with ``values`` [n]."""
        known = rows < self._corpus.n_rows
        rows, strength = rows[known], np.abs(values[known]).astype(np.float64)
        strong = rows[is_strong(strength)]
        is_chosen = self._corpus.is_chosen[strong]
        if min(np.count_nonzero(is_chosen), np.count_nonzero(~is_chosen)) < MIN_ROWS:
            return None
        self._fires[rows] = True
        self._mass[strong] = strength[is_strong(strength)]
        self._totals = {half: float(self._mass[strong[is_chosen == half]].sum()) for half in (True, False)}
        try:
            rule = self._choose(strong[is_chosen])
            found = self._measure(rule, is_chosen=False)
            n_fires = int(np.count_nonzero(~self._corpus.is_chosen[rows]))
        finally:
            self._fires[rows] = False
            self._mass[rows] = 0.0
        if not found.is_enough or found.precision < MIN_LIFT * n_fires / max(self._n_other, 1):
            return None
        return told(self._corpus.told(rule), found, "of its strong activation", "on text it was not chosen on")

    def _measure(self, rule: Rule, *, is_chosen: bool) -> Figures:
        """How well a rule explains the feature on one half of the corpus."""
        rows = self._corpus.rows(rule)
        rows = rows[self._corpus.is_chosen[rows] == is_chosen]
        if not len(rows):
            return Figures(0.0, 0.0, 0)
        covered = float(self._mass[rows].sum()) / self._totals[is_chosen]
        return Figures(float(self._fires[rows].mean()), covered, len(rows))

    def _choose(self, strong: Ints) -> Rule:
        tried = {r: self._measure(r, is_chosen=True) for r in candidates(self._corpus, strong, self._mass[strong])}
        words = [r for r in tried if len(r.words) == 1 and not r.before and tried[r].precision >= LEAST]
        joined = Rule()
        for rule in words[:MOST_WORDS]:
            joined = replace(joined, words=joined.words + rule.words)
            if len(joined.words) > 1:
                tried[joined] = self._measure(joined, is_chosen=True)
        return max(tried, key=lambda r: tried[r].f1 - MIN_GAIN * r.n_parts)


def is_strong(strength: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The largest numbers that together make up half of the sum, or just more; all that equal the last of them."""
    if not len(strength):
        return np.zeros(0, dtype=bool)
    ordered = np.sort(strength)[::-1]
    half = np.searchsorted(np.cumsum(ordered), ordered.sum() / 2)
    return strength >= ordered[min(int(half), len(ordered) - 1)]


def by_shares(index: Index, corpus: Corpus, counts: Ints, row: dict[str, Any]) -> Label | None:
    """The label of a feature of which only the shares of its commonest tokens are known."""
    if index.lacks("n_fires") or not row["n_fires"] or row["n_fires"] < 2 * MIN_ROWS or row["top_tokens"] is None:
        return None
    words = corpus.words.of[np.asarray(row["top_tokens"], dtype=np.int64)]
    shares: dict[int, float] = {}
    for word, share in zip(words.tolist(), row["top_shares"], strict=True):
        shares[word] = shares.get(word, 0.0) + share
    scale = index.n_rows / corpus.n_rows
    best, chosen, rule = Figures(0.0, 0.0, 0), Rule(), Rule()
    for word, share in sorted(shares.items(), key=lambda item: -item[1])[:MOST_WORDS]:
        if share * row["n_fires"] < LEAST * counts[word] * scale:
            continue
        rule = replace(rule, words=(*rule.words, word))
        n = int(counts[list(rule.words)].sum() * scale)
        covered = sum(shares[w] for w in rule.words)
        found = Figures(min(covered * row["n_fires"] / max(n, 1), 1.0), covered, n)
        if found.f1 - MIN_GAIN * rule.n_parts > best.f1 - MIN_GAIN * chosen.n_parts:
            best, chosen = found, rule
    if not chosen.words or not best.is_enough or best.precision < MIN_LIFT * (row["density"] or 0.0):
        return None
    return told(corpus.told(chosen), best, "of its firings", "on the whole corpus")


def told(rule: str, found: Figures, of_what: str, where: str) -> Label:
    """A rule with its figures."""
    reason = (
        f"fires on {found.precision:.0%} of {found.n_rows:,} such tokens, which carry {found.coverage:.0%} "
        f"{of_what}, {where}"
    ).replace("%", " %")
    return Label(rule, reason, round(found.f1, 4))
