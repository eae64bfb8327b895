"""What writes to a feature, and what reads it."""

from dataclasses import dataclass
from typing import Literal

from saescope.rpc.messages.table import FeatureBrief


@dataclass(frozen=True, kw_only=True)
class CircuitParams:
    """A feature's circuit, by weights or on a text.

    ``text`` or ``tokens`` gives the text; ``pos`` is the feature's position, by default where it is strongest.
    ``target`` and ``contrast`` are tokens expected after the text; without them it is the one that follows ``pos``.
    ``upstream`` and ``downstream`` are other scopes of the same model. Of rows that are no parts of a sum at most
    ``k`` come.
    """

    scope: str
    feature: int
    by: Literal["weights", "text"]
    text: str = ""
    tokens: list[int] | None = None
    pos: int | None = None
    target: int | None = None
    contrast: int | None = None
    upstream: str | None = None
    downstream: str | None = None
    k: int = 40


@dataclass(frozen=True, kw_only=True)
class CircuitRow:
    """One thing that writes or reads; the fields are those of `Scope.circuit`."""

    kind: str
    score: float
    method: str
    is_exact: bool
    layer: int | None = None
    head: int | None = None
    feature: int | None = None
    pos: int | None = None
    text: str | None = None
    share: float | None = None
    baseline: float | None = None


@dataclass(frozen=True, kw_only=True)
class CircuitSide:
    """What writes (``upstream``) or what reads (``downstream``).

    ``rows`` are the parts, ``features`` those of another SAE (``scope`` holds it, ``briefs`` their names), ``tokens``
    those of the vocabulary. ``n_more`` parts are left out, which sum
    to ``more``. ``total`` is what all parts sum to, of the ``whole``, in ``unit``. ``shading`` is what comes
    from each token through attention. ``problem`` says why there is nothing, ``notes`` what could not be told.
    """

    side: Literal["upstream", "downstream"]
    rows: list[CircuitRow]
    features: list[CircuitRow]
    tokens: list[CircuitRow]
    unit: str
    notes: list[str]
    total: float | None = None
    whole: float | None = None
    n_more: int = 0
    more: float = 0.0
    shading: list[float] | None = None
    scope: str | None = None
    briefs: list[FeatureBrief] | None = None
    problem: str = ""
    hint: str = ""


@dataclass(frozen=True, kw_only=True)
class CircuitText:
    """The text that was run: what to show for each token, the feature's activation there, and what counts.

    ``pos`` is the position looked at, or null where the feature does not fire and none was given;
    ``preactivation`` is what it is made of there. ``target`` is the token looked at after position ``at``.
    """

    texts: list[str]
    activations: list[float]
    is_counted: list[bool]
    pos: int | None
    preactivation: float | None
    target: str
    contrast: str
    at: int | None


@dataclass(frozen=True, kw_only=True)
class CircuitEvent:
    """Event of ``circuit.get``: the model is in use elsewhere, or what is known so far."""

    stage: Literal["waiting", "reading", "upstream", "downstream"]
    text: CircuitText | None = None
    side: CircuitSide | None = None


@dataclass(frozen=True, kw_only=True)
class CircuitAnswer:
    """Answer of ``circuit.get``: both sides, and the text where there is one."""

    feature: int
    brief: FeatureBrief
    text: CircuitText | None
    sides: list[CircuitSide]


@dataclass(frozen=True, kw_only=True)
class HeadParams:
    """One head of a feature's circuit: with a text, its source tokens too (``upstream``)."""

    scope: str
    feature: int
    layer: int
    head: int
    side: Literal["upstream", "downstream"]
    text: str = ""
    tokens: list[int] | None = None
    pos: int | None = None
    k: int = 8


@dataclass(frozen=True, kw_only=True)
class HeadSource:
    """What a head moves from one token of the text."""

    pos: int
    text: str
    score: float


@dataclass(frozen=True, kw_only=True)
class HeadAnswer:
    """Answer of ``circuit.head``.

    ``sources`` are the tokens of the text that it takes most from, ``n_sources`` how many there are, ``rest`` what
    those left out give. ``tokens`` are, by weights, those that it copies into the feature, or raises when it
    reads it.
    """

    sources: list[HeadSource]
    n_sources: int
    rest: float
    tokens: list[CircuitRow]


METHODS: dict[str, tuple[type, type, type | None]] = {
    "circuit.get": (CircuitParams, CircuitAnswer, CircuitEvent),
    "circuit.head": (HeadParams, HeadAnswer, None),
}
