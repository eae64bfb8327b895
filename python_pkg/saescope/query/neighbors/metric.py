"""What a neighbor metric is given, and what it gives."""

from collections.abc import Mapping
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
    """

    directions: Mapping[str, NDArray[Any]]
    index: Index | None = None

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
