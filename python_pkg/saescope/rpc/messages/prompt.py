"""All features that fire on a text, ranked by what they do for its next token."""

from dataclasses import dataclass, field
from typing import Literal

from saescope.rpc.messages.effects import NextToken


@dataclass(frozen=True, kw_only=True)
class PromptParams:
    """A text, as a string or as token ids, and the token after it that is asked about, maybe against another.

    Without a ``target`` it is the likeliest.
    """

    scope: str
    text: str = ""
    tokens: list[int] | None = None
    target: int | None = None
    contrast: int | None = None


@dataclass(frozen=True, kw_only=True)
class PromptStage:
    """Event of ``prompt.*``: the model is in use elsewhere, or it runs; ``done`` of ``total`` steps are taken.

    ``facts``: of integrated gradients the number of runs ``n_steps``, and the ``error`` by which the figures do not
    add up to the ``effect`` yet.
    """

    stage: Literal["waiting", "reading", "running"]
    n_tokens: int
    done: int = 0
    total: int = 0
    facts: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class AttributionInfo:
    """A method of attribution, and what it says of itself; ``costs``: no further run, about one, or many."""

    name: str
    title: str
    meaning: str
    source: str
    is_exact: bool
    baseline: str
    unit: Literal["activation", "logits", "metric"]
    costs: Literal["none", "pass", "many"]


@dataclass(frozen=True, kw_only=True)
class PromptRead:
    """Answer of ``prompt.read``: the text's tokens, and every feature that fires on one that counts.

    ``metric`` is what is attributed, on the text as it is: the target's log-probability in nats, or its logit less
    the contrast's. ``took_ms`` passed from the clean run's end to this answer.

    Buffers, little-endian: of each pair, sorted by position and then by feature, 0: position u32, 1: feature
    u32, 2: activation f32, 3: direct attribution f32.
    """

    tokens: list[int]
    texts: list[str]
    raws: list[str]
    counted: list[bool]
    target: NextToken
    contrast: NextToken | None
    metric: float
    methods: list[AttributionInfo]
    took_ms: float


@dataclass(frozen=True, kw_only=True)
class AttributeParams:
    """A method for all pairs of a text: ``prompt.attribute`` for those of one pass, ``prompt.refine`` for long ones."""

    scope: str
    method: str
    text: str = ""
    tokens: list[int] | None = None
    target: int | None = None
    contrast: int | None = None


@dataclass(frozen=True, kw_only=True)
class Attributed:
    """Answer of ``prompt.attribute`` and ``prompt.refine``; buffer 0: each pair's figure f32, as in ``prompt.read``."""

    method: str
    n_pairs: int
    facts: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class ExactParams:
    """Features to take out one by one, the most pressing first: at one position, or at all that count."""

    scope: str
    features: list[int]
    pos: int | None = None
    text: str = ""
    tokens: list[int] | None = None
    target: int | None = None
    contrast: int | None = None


@dataclass(frozen=True, kw_only=True)
class ExactRows:
    """Event of ``prompt.exact``: what some features do, and how many are done."""

    features: list[int]
    values: list[float]
    done: int
    total: int


@dataclass(frozen=True, kw_only=True)
class ExactDone:
    """Answer of ``prompt.exact``: every feature asked for; positive raises the target."""

    features: list[int]
    values: list[float]


METHODS: dict[str, tuple[type, type, type | None]] = {
    "prompt.read": (PromptParams, PromptRead, PromptStage),
    "prompt.attribute": (AttributeParams, Attributed, PromptStage),
    "prompt.refine": (AttributeParams, Attributed, PromptStage),
    "prompt.exact": (ExactParams, ExactDone, ExactRows),
}
