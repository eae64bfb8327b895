"""Scopes: what there is, what is selected, how builds go, and what panels remember."""

from dataclasses import dataclass, field
from typing import Any, Literal


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
class PairingInfo:
    """Whether SAE and model fit, as far as it is known: what the badge in a panel's header shows.

    ``headline`` is the badge in a few words, ``figure`` the foremost figure with its unit. While it is being checked
    ``done`` of ``total`` steps are done, and ``step`` is the one it is at.
    """

    state: Literal["none", "running", "stopped", "done"]
    verdict: Literal["", "fits", "unconfirmed", "doubtful", "wrong", "unknown"] = ""
    headline: str = ""
    figure: str = ""
    done: int = 0
    total: int = 0
    step: str = ""
    can_start: bool = False


@dataclass(frozen=True, kw_only=True)
class ScopeInfo:
    """What the header of a panel says about a scope. Counts are numbers of tokens or features.

    While an index is being built, ``is_complete`` is false and ``n_tokens`` are those read so far.
    ``key`` is the same for the same model, SAE, site and index, in any process. ``imported`` says in sentences
    where an imported index comes from and what is not in it; ``n_counted`` is 0 there when it is not known.
    ``variable`` is its name in the notebook, empty when it has none.
    ``places`` are those of a crosscoder; ``units`` says what activations are measured in, and ``remarks`` what of the
    SAE's configuration a person should know, in sentences. ``why_not_folded`` says why activations cannot be shown in
    the model's own units; it is empty where they can.
    ``pairing`` is none where no model is loaded and no check is kept.
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
    key: str = ""
    has_postings: bool = False
    imported: str = ""
    variable: str = ""
    places: list[str] = field(default_factory=list)
    units: str = ""
    why_not_folded: str = ""
    remarks: list[str] = field(default_factory=list)
    pairing: PairingInfo | None = None


@dataclass(frozen=True, kw_only=True)
class ScopeParams:
    """Names one scope."""

    scope: str


@dataclass(frozen=True, kw_only=True)
class ScopeList:
    """Answer of ``scope.list``."""

    scopes: list[ScopeInfo]


@dataclass(frozen=True, kw_only=True)
class SelectParams:
    """Tell the scope what is selected; other open panels hear of it. What is none stays as it is.

    ``feature`` is the one that panels show, ``picked`` those marked in table or map, ``text`` what is tried.
    """

    scope: str
    feature: int | None = None
    picked: list[int] | None = None
    text: str | None = None


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Data of the ``selection`` topic, and answer of ``scope.selection``; none for what did not change."""

    scope: str
    feature: int | None = None
    picked: list[int] | None = None
    text: str | None = None


@dataclass(frozen=True, kw_only=True)
class SaveParams:
    """Remember what a person did in a panel."""

    scope: str
    panel: str
    state: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class PanelParams:
    """Names one panel of one scope."""

    scope: str
    panel: str


@dataclass(frozen=True, kw_only=True)
class PanelState:
    """Answer of ``panel.load``: what was saved last, or nothing."""

    state: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class BundleParams:
    """Names the JavaScript of a panel that comes when it is first opened."""

    name: str


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """Answer of ``bundle.get``; buffer 0 is an ES module."""

    name: str
    n_bytes: int


@dataclass(frozen=True, kw_only=True)
class Nothing:
    """An answer with nothing to say."""


METHODS: dict[str, tuple[type, type, type | None]] = {
    "scope.list": (Nothing, ScopeList, None),
    "scope.info": (ScopeParams, ScopeInfo, None),
    "scope.select": (SelectParams, Nothing, None),
    "scope.selection": (ScopeParams, Selection, None),
    "panel.save": (SaveParams, Nothing, None),
    "panel.load": (PanelParams, PanelState, None),
    "bundle.get": (BundleParams, Bundle, None),
    "build.stop": (ScopeParams, Nothing, None),
}
