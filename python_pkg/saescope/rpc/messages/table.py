"""The feature table."""

from dataclasses import dataclass


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
class FeaturesParams:
    """Names some features of one scope, at most 200."""

    scope: str
    features: list[int]


@dataclass(frozen=True, kw_only=True)
class FeatureBrief:
    """A feature in one line: wherever a panel names another feature."""

    feature: int
    label: str
    top_tokens: list[str]
    density: float
    max: float
    n_fires: int


@dataclass(frozen=True, kw_only=True)
class FeatureBriefs:
    """Answer of ``features.brief``, in the order asked for."""

    briefs: list[FeatureBrief]


METHODS: dict[str, tuple[type, type, type | None]] = {
    "features.window": (WindowParams, FeatureWindow, None),
    "features.locate": (LocateParams, FeatureLocation, None),
    "features.brief": (FeaturesParams, FeatureBriefs, None),
}
