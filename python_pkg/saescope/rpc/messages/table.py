"""The feature table."""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class TableFilter:
    """What features have to meet; all conditions together.

    ``search`` is sought whatever its case, in ``looks_in``; a number also finds features by number. ``fires_on`` is
    text that a stored example holds, as it is. ``words`` are all in what is written, and rank it (sort ``rank``).
    ``ranges`` are by column: least and most, ``null`` for no bound.
    ``hides_dense``: above 10 % of tokens; ``hides_single_token``: one token carries 95 % of the activation.
    ``only`` are features picked, drawn round on the map, or in a list.
    """

    search: str = ""
    looks_in: Literal["everything", "label", "remark", "tags", "layer", "top_tokens", "promoted", "suppressed"] = (
        "everything"
    )
    is_regex: bool = False
    fires_on: str = ""
    words: str = ""
    ranges: dict[str, list[float | None]] = field(default_factory=dict)
    statuses: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    hides_dead: bool = False
    hides_dense: bool = False
    hides_single_token: bool = False
    only: list[int] | None = None


@dataclass(frozen=True, kw_only=True)
class WindowParams:
    """A window of the feature table: the rows ``offset`` to ``offset + count`` of a sort and a filter, at most 300.

    ``columns`` are those to send beside ``feature``; none at all means the usual ones.
    """

    scope: str
    offset: int
    count: int
    sort: str = "max"
    descending: bool = True
    filter: TableFilter | None = None
    columns: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class FeatureWindow:
    """Answer of ``features.window``; buffer 0 is an Arrow IPC stream with the rows.

    Columns: ``feature`` u32, ``n_fires`` u64, ``density`` f64, ``max``, ``mean``, ``std``, ``q50`` f32,
    ``histogram`` list of u32 (16 bins), ``top_tokens``, ``promoted``, ``suppressed`` list of utf8 (5 at most),
    ``label``, ``status`` utf8, ``tags`` list of utf8, ``layer`` utf8 (the first layer's label), ``layer_name`` utf8,
    ``n_hits`` u32. ``n_found`` is how often the text to fire on occurs in the corpus.
    """

    offset: int
    count: int
    n_match: int
    n_features: int
    n_found: int | None = None


@dataclass(frozen=True, kw_only=True)
class LocateParams:
    """Where a feature stands in a sort and a filter."""

    scope: str
    feature: int
    sort: str = "max"
    descending: bool = True
    filter: TableFilter | None = None


@dataclass(frozen=True, kw_only=True)
class FeatureLocation:
    """Answer of ``features.locate``: a row number, or none when the filter hides the feature."""

    row: int | None


@dataclass(frozen=True, kw_only=True)
class NumbersParams:
    """Names rows of a sort and a filter, at most 100,000, whose features' numbers are wanted."""

    scope: str
    offset: int = 0
    count: int = 100_000
    sort: str = "max"
    descending: bool = True
    filter: TableFilter | None = None


@dataclass(frozen=True, kw_only=True)
class FeatureNumbers:
    """Answer of ``features.numbers``; buffer 0 holds the features as u32, little-endian. ``n_match`` is of all rows."""

    count: int
    n_match: int


@dataclass(frozen=True, kw_only=True)
class ExportParams:
    """Names the rows of a sort and a filter, at most 200,000, and the columns that are wanted as a file."""

    scope: str
    columns: list[str]
    sort: str = "max"
    descending: bool = True
    filter: TableFilter | None = None


@dataclass(frozen=True, kw_only=True)
class FeatureExport:
    """Answer of ``features.export``; buffer 0 is the file, UTF-8: CSV with a head, lists as JSON."""

    name: str
    n_rows: int


@dataclass(frozen=True, kw_only=True)
class SpreadParams:
    """Names a column of numbers, and the features that match."""

    scope: str
    column: str
    filter: TableFilter | None = None


@dataclass(frozen=True, kw_only=True)
class ColumnSpread:
    """Answer of ``features.histogram``: counts in equal bins from ``low`` to ``high`` (of the logarithm if ``is_log``).

    ``counts`` of all features that fire, ``matching`` of those that match; ``n_apart`` and ``n_match_apart``
    never fire.
    """

    column: str
    low: float
    high: float
    is_log: bool
    counts: list[int]
    matching: list[int]
    n_apart: int
    n_match_apart: int


@dataclass(frozen=True, kw_only=True)
class FeaturesParams:
    """Names some features of one scope, at most 200."""

    scope: str
    features: list[int]


@dataclass(frozen=True, kw_only=True)
class FeatureBrief:
    """A feature in one line: wherever a panel names another feature.

    ``is_known`` is false for one that the source of an imported index does not hold.
    """

    feature: int
    label: str
    top_tokens: list[str]
    density: float
    max: float
    n_fires: int
    is_known: bool = True


@dataclass(frozen=True, kw_only=True)
class FeatureBriefs:
    """Answer of ``features.brief``, in the order asked for."""

    briefs: list[FeatureBrief]


METHODS: dict[str, tuple[type, type, type | None]] = {
    "features.window": (WindowParams, FeatureWindow, None),
    "features.locate": (LocateParams, FeatureLocation, None),
    "features.numbers": (NumbersParams, FeatureNumbers, None),
    "features.export": (ExportParams, FeatureExport, None),
    "features.histogram": (SpreadParams, ColumnSpread, None),
    "features.brief": (FeaturesParams, FeatureBriefs, None),
}
