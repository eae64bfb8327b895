"""The SAE's and the index's own numbers."""

from dataclasses import dataclass, field
from typing import Literal

from saescope.rpc.messages.scopes import ScopeParams

Grade = Literal["", "good", "fair", "poor"]


@dataclass(frozen=True, kw_only=True)
class HealthFigure:
    """One number: ``error`` is its standard error, ``n`` the tokens (or features) it rests on.

    ``source`` is the index, or a measurement with the loaded model; ``grade`` is empty where there
    is no threshold, and ``good`` and ``fair`` are the thresholds.
    """

    name: str
    value: float | None
    error: float | None
    n: int
    source: Literal["index", "measured"]
    grade: Grade
    meaning: str
    good: float | None = None
    fair: float | None = None


@dataclass(frozen=True, kw_only=True)
class HealthBins:
    """A histogram; there is one edge more than counts."""

    edges: list[float]
    counts: list[int]


@dataclass(frozen=True, kw_only=True)
class HealthFact:
    """Where the index is from, in words."""

    name: str
    value: str


@dataclass(frozen=True, kw_only=True)
class Health:
    """Answer of ``health.get``.

    ``figures`` are all there are, ``best`` one of each name: the one to believe. ``density`` and ``maxima``
    are over the features that fire, ``l0`` over tokens. ``dense`` is the density
    from which a feature is dense. ``grade`` is the worse of the figures named in ``judged``.
    """

    grade: Grade
    judged: list[str]
    figures: list[HealthFigure]
    best: list[HealthFigure]
    n_features: int
    n_alive: int
    n_dense: int
    dense: float
    density: HealthBins
    maxima: HealthBins
    l0: HealthBins | None
    warnings: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    facts: list[HealthFact] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class MeasureParams:
    """Measure on about ``n_tokens`` of the index's own."""

    scope: str
    n_tokens: int = 2048


@dataclass(frozen=True, kw_only=True)
class Measuring:
    """Event of ``health.measure``: ``done`` of ``total`` tokens of a stage, and the figures so far."""

    stage: str
    done: int
    total: int
    seconds_left: float | None
    figures: list[HealthFigure]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Answer of ``health.measure``; ``differences`` says where the index and it disagree by more than noise."""

    figures: list[HealthFigure]
    differences: list[str]


METHODS: dict[str, tuple[type, type, type | None]] = {
    "health.get": (ScopeParams, Health, None),
    "health.measure": (MeasureParams, Measured, Measuring),
}
