"""The messages between kernel and page: the one definition both sides are made from.

`tools/protocol.py` writes `js/src/protocol/generated.ts` from these classes, and
a test fails when the two differ. A frame travels as one JSON object with a key
``t``, plus binary buffers. ``docs/protocol.md`` tells the rules.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

PROTOCOL = 1

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class HelloFrame:
    """First frame of each side. The kernel answers with its version and scopes."""

    t: Literal["hello"] = "hello"
    protocol: int = PROTOCOL
    version: str = ""
    scopes: list["ScopeInfo"] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class RequestFrame:
    """Ask for something. A newer request in the same ``slot`` cancels the older."""

    rid: str
    method: str
    params: Json = field(default_factory=dict)
    slot: str | None = None
    t: Literal["request"] = "request"


@dataclass(frozen=True, kw_only=True)
class EventFrame:
    """A partial answer to request ``rid``; any number of them before it settles."""

    rid: str
    data: Json
    t: Literal["event"] = "event"


@dataclass(frozen=True, kw_only=True)
class ResultFrame:
    """The end of request ``rid``, with its answer."""

    rid: str
    data: Json
    t: Literal["result"] = "result"


@dataclass(frozen=True, kw_only=True)
class ErrorInfo:
    """What went wrong: ``message`` starts with what could not be done, ``hint`` says what to do."""

    code: str
    message: str
    hint: str = ""
    data: Json = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ErrorFrame:
    """The end of request ``rid``, with a failure."""

    rid: str
    error: ErrorInfo
    t: Literal["error"] = "error"


@dataclass(frozen=True, kw_only=True)
class CancelFrame:
    """Stop request ``rid``; it settles with an error of code ``cancelled``."""

    rid: str
    t: Literal["cancel"] = "cancel"


@dataclass(frozen=True, kw_only=True)
class NotifyFrame:
    """News that nobody asked for: topics are ``scopes`` and ``selection``."""

    topic: Literal["scopes", "selection"]
    data: Json
    t: Literal["notify"] = "notify"


@dataclass(frozen=True, kw_only=True)
class BuildInfo:
    """How a running build goes: ``done`` of ``total`` units of the present stage.

    ``total`` is 0 when nobody knows it yet; ``rate`` is in units a second;
    ``seconds_left`` is for this stage, and none before it can be told.
    ``error`` says why a build stopped; then nothing runs any more, and ``hint`` says how to go on.
    """

    stage: str
    unit: str
    done: int
    total: int
    rate: float = 0.0
    seconds_left: float | None = None
    error: str = ""
    hint: str = ""


@dataclass(frozen=True, kw_only=True)
class ScopeInfo:
    """What the header of a panel says about a scope. Counts are numbers of tokens or features.

    While an index is being built, ``is_complete`` is false and ``n_tokens`` are those read so far.
    """

    id: str
    name: str
    model: str
    sae: str
    site: str
    n_features: int
    has_index: bool
    has_model: bool
    index: str = ""
    n_tokens: int = 0
    n_counted: int = 0
    context_size: int = 0
    n_alive: int = 0
    l0: float = 0.0
    lens: Literal["norm_gain", "raw", "none"] = "none"
    is_complete: bool = True
    n_tokens_planned: int = 0
    building: BuildInfo | None = None


@dataclass(frozen=True, kw_only=True)
class ScopeParams:
    """Names one scope."""

    scope: str


@dataclass(frozen=True, kw_only=True)
class ScopeList:
    """Answer of ``scope.list``."""

    scopes: list[ScopeInfo]


@dataclass(frozen=True, kw_only=True)
class WindowParams:
    """A window of the feature table: the rows ``offset`` to ``offset + count`` of a sort and a filter."""

    scope: str
    offset: int
    count: int
    sort: str = "density"
    descending: bool = True
    search: str = ""
    has_fired: bool = False


@dataclass(frozen=True, kw_only=True)
class FeatureWindow:
    """Answer of ``features.window``; buffer 0 is an Arrow IPC stream with the rows.

    Columns: ``feature`` u32, ``n_fires`` u64, ``density`` f64, ``max`` f32, ``mean`` f32,
    ``histogram`` list of u32 (16 bins), ``top_tokens`` and ``promoted`` list of utf8.
    """

    offset: int
    count: int
    n_match: int
    n_features: int


@dataclass(frozen=True, kw_only=True)
class LocateParams:
    """Where a feature stands in a sort and a filter."""

    scope: str
    feature: int
    sort: str = "density"
    descending: bool = True
    search: str = ""
    has_fired: bool = False


@dataclass(frozen=True, kw_only=True)
class FeatureLocation:
    """Answer of ``features.locate``: a row number, or none when the filter hides the feature."""

    row: int | None


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


@dataclass(frozen=True, kw_only=True)
class SelectParams:
    """Tell the scope which feature the page shows; other open panels hear of it."""

    scope: str
    feature: int


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Data of the ``selection`` topic."""

    scope: str
    feature: int


@dataclass(frozen=True, kw_only=True)
class Nothing:
    """An answer with nothing to say."""


METHODS: dict[str, tuple[type, type, type | None]] = {
    "scope.list": (Nothing, ScopeList, None),
    "scope.info": (ScopeParams, ScopeInfo, None),
    "scope.select": (SelectParams, Nothing, None),
    "build.stop": (ScopeParams, Nothing, None),
    "features.window": (WindowParams, FeatureWindow, None),
    "features.locate": (LocateParams, FeatureLocation, None),
    "feature.get": (FeatureParams, FeaturePage, None),
    "examples.list": (ExamplesParams, ExamplesEnd, ExamplesPart),
}
"""Each method's parameters, answer, and partial answer."""
