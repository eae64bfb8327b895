"""What a feature table sorts and filters by: columns as arrays, tokens as flat lists, what people wrote."""

import threading
from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from saescope.index.store import Index
from saescope.query.example_text import TextHits, examples_with
from saescope.query.token_lists import TokenLists

VERY_MANY = 1 << 18
WARM_AFTER_S = 0.8
LISTS = ("top_tokens", "promoted", "suppressed")


class Written(NamedTuple):
    """What people wrote, by feature: labels and statuses; ``revision`` changes when they do."""

    labels: Mapping[int, str]
    statuses: Mapping[int, str]
    revision: int


def nothing_written() -> Written:
    """No notes at all."""
    return Written({}, {}, 0)


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
        self._ask = ask
        self._numbers: dict[str, NDArray[Any]] = {}
        self._lists: dict[str, TokenLists] = {}
        self._reading = threading.Lock()
        self._is_warm = False
        self._hits = lru_cache(maxsize=4)(self._find)

    def news(self) -> int:
        """Take in what was written; returns its revision."""
        found = self._ask()
        if found.revision != self.written.revision:
            inside = range(self.n_features)
            labels, statuses = ({f: t for f, t in ts.items() if t and f in inside} for ts in found[:2])
            self.written = Written(labels, statuses, found.revision)
        return self.written.revision

    def numbers(self, name: str) -> NDArray[Any]:
        """A column of numbers, ``[d_sae]``."""
        if name not in self._numbers:
            self._numbers[name] = self.index.figures.column(name).to_numpy()
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
