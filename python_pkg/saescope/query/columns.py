"""What a feature table sorts and filters by: columns as arrays, tokens as flat lists, what people wrote."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from saescope.index.store import Index
from saescope.query.example_text import TextHits, examples_with
from saescope.query.filters import WEIGHED
from saescope.query.token_lists import TokenLists

VERY_MANY = 1 << 18
WARM_AFTER_S = 0.8
LISTS = ("top_tokens", "promoted", "suppressed")


Texts = Mapping[int, str]
NOTED = ("label", "remark", "tags", "layer")
"""What of notes can be searched."""


def no_texts() -> Texts:
    """No text at all."""
    return {}


def none_ranked(words: str) -> tuple[Sequence[int], Sequence[float]]:  # noqa: ARG001
    """No feature with any words."""
    return (), ()


class Written(NamedTuple):
    """What people wrote, by feature: labels, statuses, tags; ``revision`` changes when they do.

    ``layers`` are labels from elsewhere, by the layer's name; ``remarks`` reads all remarks, ``rank`` finds
    features by words, best first, with a score each.
    """

    labels: Texts
    statuses: Texts
    revision: int
    tags: Mapping[int, tuple[str, ...]] = MappingProxyType({})
    layers: Sequence[tuple[str, Texts]] = ()
    remarks: Callable[[], Texts] = no_texts
    rank: Callable[[str], tuple[Sequence[int], Sequence[float]]] = none_ranked


def nothing_written() -> Written:
    """No notes at all."""
    return Written({}, {}, 0)


def weighed(index: Index, name: str) -> NDArray[np.float32]:
    """A column of ``WEIGHED``, ``[d_sae]``; NaN where the index has none."""
    found = index.weights.get(name)
    return np.full(index.manifest.d_sae, np.nan, dtype=np.float32) if found is None else found


class TableColumns:
    """The columns of an index's feature table, read when asked for, and kept.

    Parameters
    ----------
    index
        Where they are.
    ask
        Tells what people have written by now.
    """

    def __init__(self, index: Index, ask: Callable[[], Written]) -> None:
        self.index = index
        self.n_features = index.manifest.d_sae
        self.written = nothing_written()
        self._merged: Mapping[int, tuple[str, str]] | None = None
        self._ask = ask
        self._numbers: dict[str, NDArray[Any]] = {}
        self._lists: dict[str, TokenLists] = {}
        self._reading = threading.Lock()
        self._is_warm = False
        self._hits = lru_cache(maxsize=4)(self._find)
        self._noted = lru_cache(maxsize=2 * len(NOTED))(self._note_texts)
        self._ranked = lru_cache(maxsize=4)(self._rank)

    def news(self) -> int:
        """Take in what was written; returns its revision."""
        found = self._ask()
        if found.revision != self.written.revision:
            inside = range(self.n_features)
            labels, statuses = ({f: t for f, t in ts.items() if t and f in inside} for ts in found[:2])
            tags = {f: ts for f, ts in found.tags.items() if f in inside}
            self.written = found._replace(labels=labels, statuses=statuses, tags=tags)
            self._merged = None
        return self.written.revision

    @property
    def layer(self) -> Mapping[int, tuple[str, str]]:
        """Of each feature that has one, the label of the first layer that has it, and the layer's name."""
        if self._merged is None:
            merged: dict[int, tuple[str, str]] = {}
            for name, labels in reversed(self.written.layers):
                merged |= {f: (text, name) for f, text in labels.items() if 0 <= f < self.n_features}
            self._merged = merged
        return self._merged

    def note_texts(self, place: str, *, is_folded: bool) -> tuple[NDArray[np.int64], pl.Series]:
        """Features with the texts that are written on them in a place of ``NOTED``; without case if folded."""
        return self._noted(place, is_folded, self.written.revision)

    def _note_texts(self, place: str, is_folded: bool, _n_news: int) -> tuple[NDArray[np.int64], pl.Series]:
        pairs = [(f, t) for f, t in self._said(place) if 0 <= f < self.n_features]
        texts = [t.casefold() if is_folded else t for _, t in pairs]
        return np.array([f for f, _ in pairs], dtype=np.int64), pl.Series(texts, dtype=pl.String)

    def _said(self, place: str) -> Iterable[tuple[int, str]]:
        written = self.written
        if place == "label":
            return written.labels.items()
        if place == "tags":
            return ((f, tag) for f, tags in written.tags.items() for tag in tags)
        if place == "layer":
            return (pair for _, labels in written.layers for pair in labels.items())
        return written.remarks().items()

    def ranks(self, words: str) -> NDArray[np.float32]:
        """How well each feature's notes match some words, ``[d_sae]``; NaN where not all of them are."""
        return self._ranked(words, self.written.revision)

    def _rank(self, words: str, _n_news: int) -> NDArray[np.float32]:
        features, scores = self.written.rank(words)
        found = np.full(self.n_features, np.nan, dtype=np.float32)
        numbers = np.asarray(features, dtype=np.int64)
        inside = numbers < self.n_features
        found[numbers[inside]] = np.asarray(scores, dtype=np.float32)[inside]
        return found

    def numbers(self, name: str) -> NDArray[Any]:
        """A column of numbers, ``[d_sae]``."""
        if name not in self._numbers:
            self._numbers[name] = (
                weighed(self.index, name) if name in WEIGHED else self.index.figures.column(name).to_numpy()
            )
        return self._numbers[name]

    def lists(self, name: str) -> TokenLists:
        """A column of lists of tokens."""
        with self._reading:
            if name not in self._lists:
                self._lists[name] = TokenLists(self.index.figures.column(name))
            return self._lists[name]

    def warm(self) -> None:
        """Of very many features, read in the background what a search will need, once the panel is there."""
        if not self._is_warm and self.n_features >= VERY_MANY:
            self._is_warm = True
            timer = threading.Timer(WARM_AFTER_S, self._read)
            timer.daemon = True
            timer.start()

    def _read(self) -> None:
        _ = self.folded
        for name in LISTS:
            self.lists(name).turn()
        _ = self.top_shares

    def hits(self, text: str) -> TextHits | None:
        """How many examples of each feature hold a text; none without one."""
        return self._hits(text) if text else None

    def _find(self, text: str) -> TextHits:
        return examples_with(self.index, text)

    @cached_property
    def texts(self) -> pl.Series:
        """Each token as text."""
        return self.index.vocabulary.series

    @cached_property
    def folded(self) -> pl.Series:
        """Each token as text, without its case."""
        return pl.Series([t.casefold() for t in self.index.vocabulary.texts], dtype=pl.String)

    @cached_property
    def top_shares(self) -> NDArray[np.float32]:
        """Share of the summed activation that a feature's first token carries; 0 where it is not known."""
        return self.index.figures.column("top_shares").list.first().fill_null(0).to_numpy()
