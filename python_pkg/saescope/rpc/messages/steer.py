"""Text that the model writes with features changed, beside what it writes without."""

from dataclasses import dataclass, field
from typing import Literal

from saescope.rpc.messages.table import FeatureBrief


@dataclass(frozen=True, kw_only=True)
class SteerMessage:
    """One message of a conversation."""

    role: str
    content: str


@dataclass(frozen=True, kw_only=True)
class SteerChange:
    """What is done to a feature: ``strength`` in units of its maximum in the index, or a factor; zero has none."""

    feature: int
    kind: Literal["amplify", "clamp", "scale", "zero"]
    strength: float = 1.0


@dataclass(frozen=True, kw_only=True)
class ContrastPrompts:
    """Two sets of prompts; ``is_chat``: each is what the user says. ``at``: the last token, or the mean."""

    positive: list[str]
    negative: list[str]
    at: Literal["last", "mean"] = "last"
    is_chat: bool = False


@dataclass(frozen=True, kw_only=True)
class SteerKnownParams:
    """Features whose natural range is wanted."""

    scope: str
    features: list[int] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class SteerFeature:
    """How strongly a feature fires in the index where it does: mean, median and largest activation."""

    feature: int
    mean: float
    median: float
    max: float


@dataclass(frozen=True, kw_only=True)
class SteerKnown:
    """Answer of ``steer.known``: whether there is a chat template, what the model takes, features' ranges, names.

    ``features`` and ``briefs`` are empty without an index; ``n_context`` is ``null`` where the model does not say.
    """

    has_chat: bool
    n_context: int | None
    features: list[SteerFeature]
    briefs: list[FeatureBrief]


@dataclass(frozen=True, kw_only=True)
class SteerParams:
    """A prompt, as ``text`` or as ``messages``, and what is changed while the model goes on from it.

    One text for each of ``strengths``, by which all strengths are multiplied, beside the unsteered one; ``contrast``
    is added ``coefficient`` times as well. See ``Scope.steer``.
    """

    scope: str
    text: str = ""
    messages: list[SteerMessage] = field(default_factory=list)
    changes: list[SteerChange] = field(default_factory=list)
    contrast: ContrastPrompts | None = None
    coefficient: float = 1.0
    strengths: list[float] = field(default_factory=lambda: [1.0])
    max_new_tokens: int = 60
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    where: Literal["all", "answer"] = "all"


@dataclass(frozen=True, kw_only=True)
class SteerMore:
    """What one text grew by: token ids, and the text of each, which is empty while a character is not whole.

    ``ended`` says why it goes on no longer: ended by the model, of full length, or its logits are no numbers any more.
    """

    row: int
    tokens: list[int]
    texts: list[str]
    ended: Literal["", "end", "length", "broken"] = ""


@dataclass(frozen=True, kw_only=True)
class Steering:
    """Event of ``steer.run``: where it stands, and what was written since the last.

    ``done`` counts the tokens of each text, or the prompts of a contrast, of at most ``total``; ``rate`` is tokens a
    second and text, 0 while unknown, and then ``seconds_left`` is ``null``.
    """

    stage: Literal["waiting", "contrast", "reading", "writing", "measuring"]
    done: int
    total: int
    rate: float = 0.0
    seconds_left: float | None = None
    rows: list[SteerMore] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class SteeredText:
    """One text; ``logprob`` and ``kl`` are nats a token, ``null`` where nothing was written."""

    name: str
    strength: float
    tokens: list[int]
    texts: list[str]
    ended: Literal["end", "length", "broken"]
    logprob: float | None
    kl: float | None


@dataclass(frozen=True, kw_only=True)
class Steered:
    """Answer of ``steer.run``: the texts, the unsteered first, and the tokens of the prompt."""

    rows: list[SteeredText]
    n_prompt: int


@dataclass(frozen=True, kw_only=True)
class DirectionParams:
    """A contrast of prompts whose direction is wanted, in terms of ``k`` features."""

    scope: str
    contrast: ContrastPrompts
    k: int = 40


@dataclass(frozen=True, kw_only=True)
class DirectionRow:
    """One feature's part in a direction; see ``SteeringVector.features``."""

    feature: int
    share: float
    explained: float
    cosine: float
    positive: float
    negative: float


@dataclass(frozen=True, kw_only=True)
class Direction:
    """Answer of ``steer.direction``.

    ``norm`` and ``typical`` are lengths: of the vector, and of the activation on these prompts. ``agreement`` is the
    mean cosine of each pair with the others, ``null`` without pairs. ``n_moved`` features differ in activation.
    """

    norm: float
    typical: float
    agreement: float | None
    share_of_error: float
    n_positive: int
    n_negative: int
    n_moved: int
    rows: list[DirectionRow]
    briefs: list[FeatureBrief]


METHODS: dict[str, tuple[type, type, type | None]] = {
    "steer.known": (SteerKnownParams, SteerKnown, None),
    "steer.run": (SteerParams, Steered, Steering),
    "steer.direction": (DirectionParams, Direction, Steering),
}
