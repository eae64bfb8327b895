"""What a labeler is given, what it gives, and what it says of itself."""

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from saescope.index.store import Index
from saescope.index.summary import counted
from saescope.query.examples import find_windows

Ints = NDArray[np.int64]
Check = Callable[[], None]


@dataclass(frozen=True)
class Passage:
    """A stretch of text round a token where a feature fires.

    Parameters
    ----------
    tokens
        The text, token by token.
    activations
        On each, ``[len(tokens)]`` float32; 0 where the feature does not fire.
    peak
        Place of the token that it was chosen for.
    """

    tokens: tuple[str, ...]
    activations: NDArray[np.float32]
    peak: int


@dataclass(frozen=True)
class Evidence:
    """What is known of one feature; read from the index when asked for.

    Parameters
    ----------
    feature
        Its number.
    index
        A finished index.
    """

    feature: int
    index: Index

    @cached_property
    def firings(self) -> tuple[Ints, NDArray[np.float32]]:
        """Rows of the corpus that count and where it fires, rising, with the activation on each, both ``[n]``.

        Raises
        ------
        NeedsPostingsError
            The index was made without postings.
        """
        postings = self.index.postings.postings(self.feature, self.feature + 1)
        found = counted(postings, self.index.layout)
        return found.rows, found.values

    def passages(self, k: int = 20, group: str = "top", context: int = 16) -> list[Passage]:
        """At most ``k`` examples, ``"top"``, ``"random"`` or ``"interval-1"`` and up, strongest first in the first."""
        made = []
        for window in find_windows(self.index, self.feature, k=k, group=group, context=context):
            ids = self.index.tokens[window.start : window.start + len(window.activations)].tolist()
            texts = tuple(map(self.index.vocabulary.text, ids))
            made.append(Passage(texts, window.activations, window.row - window.start))
        return made


@dataclass(frozen=True)
class Label:
    """A label, why, and how sure.

    Parameters
    ----------
    label
        In a few words.
    reason
        What was measured, or said; may be empty.
    score
        From 0 to 1, larger is surer; ``None`` when the labeler does not know.
    """

    label: str
    reason: str = ""
    score: float | None = None


class Labeler(Protocol):
    """A labeler: any function that labels features one after the other."""

    def __call__(self, features: Sequence[Evidence], check: Check) -> "Iterable[Label | None]":
        """Label each feature in turn; ``None`` where nothing is known.

        Labels are shown as they come, so a slow labeler is a generator. ``check`` raises when nobody waits for them any
        more; call it now and then. The first line of the docstring says what the labeler does.
        """
        ...


def meaning_of(labeler: Any) -> str:
    """What a labeler says of itself: the first paragraph of its docstring."""
    told = inspect.getdoc(labeler) or ""
    return " ".join(told.partition("\n\n")[0].split())
