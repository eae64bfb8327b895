"""The registry of pretrained SAEs: searching it, one in full, and loading one."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class SaeFilter:
    """What is wanted of an SAE; what is empty or none takes everything."""

    model: list[str] = field(default_factory=list)
    site: list[str] = field(default_factory=list)
    layer: list[int] = field(default_factory=list)
    width: list[int] = field(default_factory=list)
    architecture: list[str] = field(default_factory=list)
    l0_low: float | None = None
    l0_high: float | None = None
    has_labels: bool | None = None
    is_cached: bool | None = None
    source: str | None = None


@dataclass(frozen=True, kw_only=True)
class SaeSearchParams:
    """Ask for rows ``offset`` to ``offset + count`` of what matches, the best first; at most 500 at once."""

    search: str = ""
    filter: SaeFilter = field(default_factory=SaeFilter)
    offset: int = 0
    count: int = 100
    refresh: bool = False


@dataclass(frozen=True, kw_only=True)
class SaeRow:
    """An SAE in the list; ``spec`` is what `saescope.load` takes. What is none is not known before it is fetched."""

    spec: str
    source: str
    release: str
    sae_id: str
    model: str
    site: str
    layer: int | None
    width: int | None
    architecture: str
    l0: float | None
    has_labels: bool
    is_cached: bool
    disk_bytes: int | None


@dataclass(frozen=True, kw_only=True)
class FacetValue:
    """A value that a filter can take, as JSON text, and how many SAEs it leaves; the text is empty where unknown."""

    value: str
    n: int


@dataclass(frozen=True, kw_only=True)
class SaeFacet:
    """A filter, and the values it can take with the other filters as they are."""

    name: str
    values: list[FacetValue]


@dataclass(frozen=True, kw_only=True)
class SaeRows:
    """Answer of ``registry.search``: ``missed`` are words that no SAE has."""

    n_all: int
    n_match: int
    offset: int
    rows: list[SaeRow]
    missed: list[str]
    facets: list[SaeFacet]
    is_offline: bool


@dataclass(frozen=True, kw_only=True)
class SaeSpecParams:
    """Names one SAE: ``"release/sae_id"``, or the path of a folder."""

    spec: str


@dataclass(frozen=True, kw_only=True)
class SaeDetails:
    """Answer of ``registry.describe``; bytes are estimates before it is fetched, ``code`` loads it.

    ``fits`` tells whether model and SAE go into the memory that is free at ``place``, where that can be told.
    """

    row: SaeRow
    hook_name: str | None
    hook_name_out: str | None
    d_in: int | None
    explained_variance: float | None
    neuronpedia: str | None
    dtype: str | None
    prepend_bos: bool | None
    normalization: str | None
    is_centered: bool | None
    repo: str
    path: str
    notes: list[str]
    sae_bytes: int | None
    model_bytes: int | None
    model_dtype: str
    free_bytes: int | None
    place: str
    fits: bool | None
    has_model: bool
    is_offline: bool
    code: str


@dataclass(frozen=True, kw_only=True)
class SaeLoadParams:
    """Load an SAE and a model in the kernel, for the panel of this id; without a model, the one it was trained on."""

    spec: str
    panel: str = ""
    model: str = ""


@dataclass(frozen=True, kw_only=True)
class SaeLoading:
    """Event of ``registry.load``: bytes ``done`` of ``total`` of a stage; 0 in all when nobody knows how many."""

    stage: str
    done: int
    total: int
    rate: float
    seconds_left: float | None


@dataclass(frozen=True, kw_only=True)
class SaeLoaded:
    """Answer of ``registry.load``: the scope's id, and its name for a person."""

    scope: str
    name: str


METHODS: dict[str, tuple[type, type, type | None]] = {
    "registry.search": (SaeSearchParams, SaeRows, None),
    "registry.describe": (SaeSpecParams, SaeDetails, None),
    "registry.load": (SaeLoadParams, SaeLoaded, SaeLoading),
}
