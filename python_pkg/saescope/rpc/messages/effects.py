"""What features do to the model's output: ablation on a text and over examples, and sweeps over strength."""

from dataclasses import dataclass, field
from typing import Literal

from saescope.rpc.messages.scopes import ScopeParams
from saescope.rpc.messages.table import FeatureBrief


@dataclass(frozen=True, kw_only=True)
class NextParams:
    """A text, as a string or as token ids, and maybe what a person types to name a token that could follow."""

    scope: str
    text: str = ""
    tokens: list[int] | None = None
    typed: str | None = None
    k: int = 10


@dataclass(frozen=True, kw_only=True)
class NextToken:
    """A token that could follow, and its probability."""

    token: int
    text: str
    raw: str
    probability: float


@dataclass(frozen=True, kw_only=True)
class TypedToken:
    """What a typed text is to the model: the tokens it is made of, of which a target can be the first.

    ``probability`` is that of the first, after the text. It is one token where ``pieces`` has one entry.
    """

    text: str
    pieces: list[str]
    first: NextToken


@dataclass(frozen=True, kw_only=True)
class NextTokens:
    """Answer of ``effects.next``: the likeliest first; ``typed`` as it stands, and with a space before it."""

    likeliest: list[NextToken]
    typed: list[TypedToken]


@dataclass(frozen=True, kw_only=True)
class KindOption:
    """A number that a kind of ablation takes; a switch is 1 or 0."""

    name: str
    meaning: str
    default: float
    low: float | None
    high: float | None
    is_switch: bool


@dataclass(frozen=True, kw_only=True)
class AblationKind:
    """What a kind of ablation says of itself; ``problem`` says why it cannot be had."""

    name: str
    title: str
    meaning: str
    options: list[KindOption]
    where: Literal["fires", "all"]
    takes_other: bool
    problem: str


@dataclass(frozen=True, kw_only=True)
class AblationKinds:
    """Answer of ``effects.kinds``."""

    kinds: list[AblationKind]


@dataclass(frozen=True, kw_only=True)
class PassagesParams:
    """A feature whose strongest ``k`` examples are wanted as texts, with so many tokens round their peaks."""

    scope: str
    feature: int
    k: int = 4
    before: int = 32
    after: int = 8


@dataclass(frozen=True, kw_only=True)
class Passage:
    """The tokens of an example as they are in the corpus, with BOS where the model wants it; ``peak`` is a place."""

    row: int
    activation: float
    tokens: list[int]
    texts: list[str]
    peak: int


@dataclass(frozen=True, kw_only=True)
class Passages:
    """Answer of ``effects.passages``."""

    passages: list[Passage]


@dataclass(frozen=True, kw_only=True)
class EffectParams:
    """Which features to change on which text, together, and how.

    ``where`` none is as the kind says; ``positions`` name them instead. Without a ``target`` each position's is the
    token that follows, and after the last the likeliest. ``n_controls`` is for ``effects.control``.
    """

    scope: str
    features: list[int]
    text: str = ""
    tokens: list[int] | None = None
    kind: str = "zero"
    options: dict[str, float] = field(default_factory=dict)
    where: Literal["fires", "all"] | None = None
    positions: list[int] | None = None
    target: int | None = None
    contrast: int | None = None
    other: str = ""
    seed: int = 0
    n_controls: int = 3


@dataclass(frozen=True, kw_only=True)
class EffectStage:
    """Event of ``effects.*``: the model is in use elsewhere, or the text's ``n_tokens`` are run."""

    stage: Literal["waiting", "reading"]
    n_tokens: int


@dataclass(frozen=True, kw_only=True)
class TokenName:
    """A token of the vocabulary."""

    token: int
    text: str
    raw: str


@dataclass(frozen=True, kw_only=True)
class EffectRead:
    """Answer of ``effects.ablate``: the text, what was changed, and what the model then says.

    ``activations`` are the feature's before the change (of several, zeros); ``at`` the positions changed, none where
    nothing is. From position ``start`` to the last: ``targets``, their log-probabilities ``before`` and ``after``, and
    ``kl`` (nats), ``contrast`` (the change in logits). ``likeliest`` is the token expected after the text.

    Buffers, little-endian, ``[n_pos, 2 k]``: of the tokens raised most, then of those lowered most, 0: token u32,
    1: probability before f32, 2: after f32. ``names`` are theirs and the targets', each once.
    """

    tokens: list[int]
    texts: list[str]
    raws: list[str]
    counted: list[bool]
    activations: list[float]
    at: list[int]
    start: int
    targets: list[int]
    before: list[float]
    after: list[float]
    kl: list[float]
    contrast: list[float] | None
    likeliest: NextToken
    n_moved: int
    names: list[TokenName]


@dataclass(frozen=True, kw_only=True)
class EffectControl:
    """Answer of ``effects.control``: what the same change did along other features' directions.

    ``delta_logprob`` and ``kl`` [n_controls][n_pos] in nats from position ``start`` on; ``controls`` names the features
    [n_controls][n_features].
    """

    controls: list[list[int]]
    briefs: list[FeatureBrief]
    start: int
    delta_logprob: list[list[float]]
    kl: list[list[float]]


@dataclass(frozen=True, kw_only=True)
class SeriesParams:
    """A feature to change in each of its examples; ``where`` none is as the kind says."""

    scope: str
    feature: int
    k: int = 20
    group: str = "top"
    kind: str = "zero"
    options: dict[str, float] = field(default_factory=dict)
    where: Literal["peak", "fires", "all"] | None = None
    n_after: int = 16
    seed: int = 0
    n_controls: int = 3


@dataclass(frozen=True, kw_only=True)
class ExampleChange:
    """What a change did in one example; see `saescope.scope.exampling.ExampleEffect`.

    ``texts`` are the tokens round the peak, which is at ``peak`` in them.
    """

    rank: int
    row: int
    activation: float
    pos: int
    texts: list[str]
    peak: int
    next_text: str | None
    n_changed: int
    n_after: int
    delta_logprob: float | None
    kl: float
    delta_logprob_after: float
    kl_after: float
    control_delta_logprob: float | None
    control_kl: float | None
    control_delta_logprob_after: float | None
    control_kl_after: float | None


@dataclass(frozen=True, kw_only=True)
class SeriesPart:
    """Event of ``effects.examples``: one more example, ``done`` of ``total``."""

    example: ExampleChange
    done: int
    total: int
    seconds_left: float | None


@dataclass(frozen=True, kw_only=True)
class EffectMean:
    """A mean over ``n`` examples with its 95 % interval, of the feature, its controls, or their difference."""

    quantity: Literal["delta_logprob", "kl", "delta_logprob_after", "kl_after"]
    of: Literal["feature", "control", "difference"]
    n: int
    mean: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, kw_only=True)
class SeriesRead:
    """Answer of ``effects.examples``."""

    examples: list[ExampleChange]
    summary: list[EffectMean]


@dataclass(frozen=True, kw_only=True)
class SweepParams:
    """A feature to set to one strength after another, and the token after the text to look at."""

    scope: str
    feature: int
    text: str = ""
    tokens: list[int] | None = None
    where: Literal["fires", "all"] | None = None
    positions: list[int] | None = None
    target: int | None = None
    contrast: int | None = None
    strengths: list[float] | None = None
    seed: int = 0
    n_controls: int = 3


@dataclass(frozen=True, kw_only=True)
class SweepPoint:
    """What one strength did; ``place`` is its place among the strengths. The control's are means over controls."""

    place: int
    logprob: float
    delta_logprob: float
    kl: float
    contrast: float | None
    control_delta_logprob: float | None = None
    control_kl: float | None = None


@dataclass(frozen=True, kw_only=True)
class SweepRead:
    """Event and answer of ``effects.sweep``: the ``points`` that are known so far, by place.

    ``current`` is the strength it has on the text, at the positions ``at``; ``natural`` its range in the index, with
    two quantiles: low, high, q50, q99. ``n_controls`` are in the points so far.
    """

    feature: int
    strengths: list[float]
    current: float
    at: list[int]
    fires: bool
    natural: list[float] | None
    target: NextToken
    before: float
    points: list[SweepPoint]
    n_controls: int
    done: int
    total: int


METHODS: dict[str, tuple[type, type, type | None]] = {
    "effects.next": (NextParams, NextTokens, None),
    "effects.kinds": (ScopeParams, AblationKinds, None),
    "effects.passages": (PassagesParams, Passages, None),
    "effects.ablate": (EffectParams, EffectRead, EffectStage),
    "effects.control": (EffectParams, EffectControl, EffectStage),
    "effects.examples": (SeriesParams, SeriesRead, SeriesPart),
    "effects.sweep": (SweepParams, SweepRead, SweepRead),
}
