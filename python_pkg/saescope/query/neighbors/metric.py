"""What a neighbor metric is given, what it gives, and what it says of itself."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from saescope.errors import NoIndexError
from saescope.index.store import Index


@dataclass(frozen=True)
class Space:
    """What features can be compared by.

    Parameters
    ----------
    directions
        Unit rows ``[d_sae, d_in]``, mostly float16, by name (``decoder``, ``encoder``); may be empty.
    index
        What the features fire on, if known.
    check
        Raises when nobody waits for the answer any more; a slow metric calls it now and then.
    """

    directions: Mapping[str, NDArray[Any]]
    index: Index | None = None
    check: Callable[[], None] = lambda: None

    def require_index(self) -> Index:
        """The index.

        Raises
        ------
        NoIndexError
            There is none.
        """
        if self.index is None:
            raise NoIndexError(
                "neighbors by what fires together need an index, and this scope has none.",
                hint='Build one: scope.build_index("corpus.jsonl.gz", out="my-index").',
            )
        return self.index


@dataclass(frozen=True)
class Scores:
    """How near every feature is to one.

    Parameters
    ----------
    values
        ``[d_sae]`` float32; larger is nearer. The feature itself is left out by `neighbors`.
    errors
        Standard error of each, ``[d_sae]`` float32, 0 where exact; ``None`` when nothing was sampled
        that could err.
    """

    values: NDArray[np.float32]
    errors: NDArray[np.float32] | None = None


class Metric(Protocol):
    """A metric: any function of a space and a feature number."""

    def __call__(self, space: Space, feature: int) -> Scores:
        """How near every feature is to this one."""
        ...


POSTINGS = "postings"


@dataclass(frozen=True)
class About:
    """What a metric says of itself.

    Parameters
    ----------
    title
        Its name in a list of metrics.
    meaning
        What a score is, in one sentence.
    low, high
        The range of its scores; ``None`` where there is no bound.
    needs
        Names of directions, or ``"postings"``: without one of them it has no answer.
    """

    title: str
    meaning: str
    low: float | None = None
    high: float | None = None
    needs: tuple[str, ...] = ()

    @property
    def is_by_firing(self) -> bool:
        """Whether it goes by what fires on the same tokens."""
        return POSTINGS in self.needs

    def problem(self, space: Space) -> str:
        """Why it has no answer in a space; empty when it has one."""
        for need in self.needs:
            if need != POSTINGS and need not in space.directions:
                return f"It needs the {need}'s directions, and this index holds none: load the SAE beside it."
            if need == POSTINGS and space.index is None:
                return "It goes by what fires together, and there is no index yet."
            if need == POSTINGS and space.index is not None and not space.index.has_postings:
                return "It needs every activation, and the index was made without postings: build it with them."
        return ""


def told(about: About) -> Callable[[Metric], Metric]:
    """Give a metric its own words; one without is called by its name, and by its docstring's first line."""

    def give(made: Metric) -> Metric:
        made.about = about  # type: ignore[attr-defined]
        return made

    return give


def about(made: Metric, name: str) -> About:
    """What a metric says of itself."""
    own = getattr(made, "about", None)
    if isinstance(own, About):
        return own
    lines = (inspect.getdoc(made) or "").splitlines()
    return About(name, lines[0] if lines else "")
