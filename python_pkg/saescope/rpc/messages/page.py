"""One feature: its figures, its examples, and where these come from."""

from dataclasses import dataclass, field
from typing import Literal

from saescope.rpc.messages.table import FeatureBrief


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
class CountRule:
    """Which tokens count: see `saescope.index.rule.Rule`."""

    n_skipped: int = 1
    skips_special: bool = True
    max_norm_ratio: float | None = None


@dataclass(frozen=True, kw_only=True)
class Weights:
    """What the SAE's weights say of one feature; none for what is not known.

    ``cosine`` is between encoder and decoder direction, in [-1, 1]; ``encoder_bias`` and ``threshold`` (which
    the pre-activation must exceed) are in units of activation; ``decoder_norm`` is the decoder row's length.
    ``relative_norm`` and ``place_cosine`` are of crosscoders: how their decoder's length is spread over the places, and
    the cosine between the first and the last place's rows.
    """

    cosine: float | None = None
    encoder_bias: float | None = None
    threshold: float | None = None
    decoder_norm: float | None = None
    relative_norm: float | None = None
    place_cosine: float | None = None


@dataclass(frozen=True, kw_only=True)
class FeaturePage:
    """Answer of ``feature.get``. ``density`` is ``n_fires / n_counted``; ``mean`` is over firing tokens.

    The figures go by ``rule``; ``not_counted`` says it in words. In an imported index figures may be none,
    ``n_counted`` 0 when it is not known, and ``is_known`` false for a feature that the source does not hold.
    """

    feature: int
    n_fires: int
    n_counted: int
    density: float | None
    max: float
    mean: float | None
    std: float | None
    median: float | None
    histogram: Histogram
    promoted: list[TokenWeight]
    suppressed: list[TokenWeight]
    top_tokens: list[TokenWeight]
    weights: Weights = field(default_factory=Weights)
    rule: CountRule = field(default_factory=CountRule)
    not_counted: str = ""
    is_known: bool = True


@dataclass(frozen=True, kw_only=True)
class PageParams:
    """Names one feature, and what counts; ``rule`` none for what the index counts."""

    scope: str
    feature: int
    rule: CountRule | None = None


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
    ``n_same`` further contexts whose strongest token ends in the same eight tokens; ``row`` the
    place of the window's first token in the corpus.
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
    row: int = 0


@dataclass(frozen=True, kw_only=True)
class ExamplesPart:
    """Event of ``examples.list``: some of the examples, in rank order."""

    examples: list[Example]


@dataclass(frozen=True, kw_only=True)
class ExampleGroup:
    """A group of examples: ``n_fires`` counted firings whose magnitude lies from ``low`` to ``high``.

    ``share`` is of all the feature's counted firings; none where it is not known. Where ``is_exact`` is
    false, the number comes from a histogram that knows each magnitude to 1/64.
    """

    name: str
    low: float
    high: float
    n_fires: int
    share: float | None
    is_exact: bool


@dataclass(frozen=True, kw_only=True)
class ExamplesEnd:
    """Answer of ``examples.list``: how many were sent, and the groups there are to choose from."""

    n_examples: int
    groups: list[ExampleGroup]


@dataclass(frozen=True, kw_only=True)
class LensParams:
    """Names one feature and how to read it through the unembedding, now."""

    scope: str
    feature: int
    convention: Literal["norm_gain", "raw"] = "norm_gain"


@dataclass(frozen=True, kw_only=True)
class LensTokens:
    """Answer of ``lens.compute``: the tokens that the feature's direction raises and lowers."""

    feature: int
    convention: Literal["norm_gain", "raw"]
    promoted: list[TokenWeight]
    suppressed: list[TokenWeight]


@dataclass(frozen=True, kw_only=True)
class DocumentParams:
    """A stretch of a document: ``before`` tokens before row ``row`` of the corpus, the row, ``after`` behind it.

    ``feature`` none asks for the text alone.
    """

    scope: str
    row: int
    feature: int | None = None
    before: int = 1000
    after: int = 1000


@dataclass(frozen=True, kw_only=True)
class Document:
    """Answer of ``document.get``; the lists run over the tokens sent, of which ``row`` is the first's row.

    ``start`` is that token's place in the document, which has ``n_tokens``. An activation is none
    where it is not known. ``breaks`` are the places in the lists where a context of the model begins.
    """

    doc: int
    source: str
    n_tokens: int
    start: int
    row: int
    tokens: list[int]
    texts: list[str]
    raws: list[str]
    activations: list[float | None]
    breaks: list[int]


@dataclass(frozen=True, kw_only=True)
class RowParams:
    """Names a token of the corpus by its row."""

    scope: str
    row: int
    k: int = 20


@dataclass(frozen=True, kw_only=True)
class FiringFeature:
    """A feature that fires on a token, and how strongly."""

    brief: FeatureBrief
    activation: float


@dataclass(frozen=True, kw_only=True)
class Firing:
    """Answer of ``tokens.firing`` and ``tokens.compute``: the ``k`` that fire most, strongest first, of ``n_fires``.

    From the index activations are rounded to half precision.
    """

    row: int
    n_fires: int
    features: list[FiringFeature]


METHODS: dict[str, tuple[type, type, type | None]] = {
    "feature.get": (PageParams, FeaturePage, None),
    "examples.list": (ExamplesParams, ExamplesEnd, ExamplesPart),
    "lens.compute": (LensParams, LensTokens, None),
    "document.get": (DocumentParams, Document, None),
    "tokens.firing": (RowParams, Firing, None),
    "tokens.compute": (RowParams, Firing, None),
}
