"""Neighbors of a feature."""

from dataclasses import dataclass

from saescope.rpc.messages.scopes import ScopeParams
from saescope.rpc.messages.table import FeatureBrief


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A way to be near: its name, what a score means, and its range; ``problem`` says why it cannot be used here.

    ``is_by_firing`` when it goes by what fires on the same tokens.
    """

    name: str
    title: str
    meaning: str
    low: float | None
    high: float | None
    is_by_firing: bool
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """Answer of ``neighbors.metrics``: those of plug-ins too."""

    metrics: list[Metric]


@dataclass(frozen=True, kw_only=True)
class NeighborsParams:
    """Which neighbors: the ``k`` nearest of a feature by a metric."""

    scope: str
    feature: int
    metric: str = "decoder"
    k: int = 20


@dataclass(frozen=True, kw_only=True)
class Neighbor:
    """A feature near another. ``error`` is the standard error of the score: 0 where exact, none where unknown."""

    brief: FeatureBrief
    score: float
    error: float | None


@dataclass(frozen=True, kw_only=True)
class Neighbors:
    """Answer of ``neighbors.list``, nearest first.

    ``links`` are the decoder cosines between the feature and its neighbors and among these: the
    upper triangle of the matrix, row by row, the feature first. Empty without directions.
    """

    center: FeatureBrief
    metric: Metric
    neighbors: list[Neighbor]
    links: list[float]


METHODS: dict[str, tuple[type, type, type | None]] = {
    "neighbors.metrics": (ScopeParams, Metrics, None),
    "neighbors.list": (NeighborsParams, Neighbors, None),
}
