"""One feature: its figures and its examples."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class FeatureParams:
    """Names one feature of one scope."""

    scope: str
    feature: int


@dataclass(frozen=True, kw_only=True)
class TokenWeight:
    """A token of the vocabulary with a weight (a logit per unit of activation)."""

    token: int
    text: str
    raw: str
    weight: float


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """Counts of nonzero activations in equal bins from 0 to ``high``."""

    high: float
    counts: list[int]


@dataclass(frozen=True, kw_only=True)
class FeaturePage:
    """Answer of ``feature.get``. ``density`` is ``n_fires / n_counted``; ``mean`` is over firing tokens."""

    feature: int
    n_fires: int
    n_counted: int
    density: float
    max: float
    mean: float
    std: float
    median: float
    histogram: Histogram
    promoted: list[TokenWeight]
    suppressed: list[TokenWeight]
    top_tokens: list[TokenWeight]


@dataclass(frozen=True, kw_only=True)
class CountRule:
    """Which tokens count: see `saescope.index.rule.Rule`."""

    n_skipped: int = 1
    skips_special: bool = True
    max_norm_ratio: float | None = None


@dataclass(frozen=True, kw_only=True)
class ExamplesParams:
    """Which examples of a feature: the ``k`` first of a group, each with ``context`` tokens a side.

    ``context`` 0 asks for the whole stored window; ``rule`` none for what the index counts.
    ``folds`` shows examples that end in the same eight tokens once.
    """

    scope: str
    feature: int
    k: int = 20
    group: str = "top"
    context: int = 16
    rule: CountRule | None = None
    folds: bool = True
    n_intervals: int = 5


@dataclass(frozen=True, kw_only=True)
class Example:
    """One window of text; the lists run over its tokens, ``peak`` is the place of the strongest.

    ``activation`` is the value at the peak; ``start`` the position of the window's first token
    in its context; ``doc`` the document's number in the corpus; ``raws`` the tokenizer's pieces;
    ``n_same`` further contexts whose strongest token ends in the same eight tokens.
    """

    rank: int
    group: str
    activation: float
    peak: int
    start: int
    doc: int
    source: str
    tokens: list[int]
    texts: list[str]
    raws: list[str]
    activations: list[float]
    n_same: int = 0


@dataclass(frozen=True, kw_only=True)
class ExamplesPart:
    """Event of ``examples.list``: some of the examples, in rank order."""

    examples: list[Example]


@dataclass(frozen=True, kw_only=True)
class ExamplesEnd:
    """Answer of ``examples.list``: how many were sent, and the groups there are to choose from."""

    n_examples: int
    groups: list[str]


METHODS: dict[str, tuple[type, type, type | None]] = {
    "feature.get": (FeatureParams, FeaturePage, None),
    "examples.list": (ExamplesParams, ExamplesEnd, ExamplesPart),
}
