"""Features side by side."""

from dataclasses import dataclass, field

from saescope.rpc.messages.page import Example, FeaturePage
from saescope.rpc.messages.table import FeatureBrief


@dataclass(frozen=True, kw_only=True)
class CompareParams:
    """Names one to four features to put side by side, each with so many of its top examples."""

    scope: str
    features: list[int]
    n_examples: int = 3
    context: int = 8


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A feature among others: in one line, its figures, and its strongest examples."""

    brief: FeatureBrief
    page: FeaturePage
    examples: list[Example]


@dataclass(frozen=True, kw_only=True)
class Pair:
    """How alike two features are; what is none is not known here.

    Cosines of their directions; ``n_both`` tokens on which both fire; ``share`` of the first one's firings,
    ``share_of_other`` of the second's; ``jaccard`` of the tokens on which either fires; ``correlation`` of
    the activations over all tokens that count. All are exact.
    """

    feature: int
    other: int
    decoder: float | None
    encoder: float | None
    n_both: int | None
    share: float | None
    share_of_other: float | None
    jaccard: float | None
    correlation: float | None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Answer of ``compare.get``; each pair once."""

    features: list[Compared]
    pairs: list[Pair]


@dataclass(frozen=True, kw_only=True)
class ContrastParams:
    """Examples of a feature on whose peak (or ``within`` tokens of it) none of ``without`` and all of ``also`` fire."""

    scope: str
    feature: int
    without: list[int] = field(default_factory=list)
    also: list[int] = field(default_factory=list)
    within: int = 0
    k: int = 20
    context: int = 16


@dataclass(frozen=True, kw_only=True)
class ContrastExample:
    """An example, and what the other features (``without``, then ``also``) do on the window's tokens."""

    example: Example
    others: list[list[float]]


@dataclass(frozen=True, kw_only=True)
class ContrastPart:
    """Event of ``contrast.list`` and ``contrast.live``: some of the examples, strongest first."""

    examples: list[ContrastExample]


@dataclass(frozen=True, kw_only=True)
class ContrastEnd:
    """Answer: examples sent, firings that are as wanted, and firings looked at.

    ``contrast.live`` looks at the stored examples only, and reads them again by the model.
    """

    n_examples: int
    n_match: int
    n_fires: int


METHODS: dict[str, tuple[type, type, type | None]] = {
    "compare.get": (CompareParams, Comparison, None),
    "contrast.list": (ContrastParams, ContrastEnd, ContrastPart),
    "contrast.live": (ContrastParams, ContrastEnd, ContrastPart),
}
