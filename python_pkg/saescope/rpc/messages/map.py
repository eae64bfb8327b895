"""All features in two dimensions."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class MapParams:
    """Which map, and what to color it by; without places only the color is sent."""

    scope: str
    method: str = "pca"
    color: str = "density"
    with_places: bool = True


@dataclass(frozen=True, kw_only=True)
class MapChoice:
    """Something to choose: its name, and what to call it."""

    name: str
    title: str


@dataclass(frozen=True, kw_only=True)
class MapCluster:
    """A cluster: where its name goes, and how many features it has; level 0 is the coarsest."""

    x: float
    y: float
    name: str
    n: int
    level: int


@dataclass(frozen=True, kw_only=True)
class MapColor:
    """What the colors mean: an amount from ``low`` to ``high``, or the place of one of the ``categories``."""

    name: str
    title: str
    is_log: bool = False
    low: float = 0.0
    high: float = 0.0
    categories: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class MapNews:
    """Data of the ``maps`` topic: how the drawing of a map goes."""

    scope: str
    method: str
    stage: str
    unit: str
    done: int
    total: int
    is_over: bool
    error: str
    hint: str


@dataclass(frozen=True, kw_only=True)
class MapData:
    """Answer of ``map.get``; raw little-endian buffers.

    Buffer 0 holds the color's value of each feature, f32, NaN for none. With places 1 and 2
    hold ``x`` and ``y``, f32, NaN for a feature without a place, and 3 whether it fires, u8. A map
    that is not drawn yet (``is_drawn`` false) has no buffers.
    """

    method: str
    is_drawn: bool
    methods: list[MapChoice]
    colors: list[MapChoice]
    n: int = 0
    n_placed: int = 0
    color: MapColor | None = None
    clusters: list[MapCluster] = field(default_factory=list)
    drawing: MapNews | None = None


@dataclass(frozen=True, kw_only=True)
class MapDrawParams:
    """Which map to draw."""

    scope: str
    method: str


@dataclass(frozen=True, kw_only=True)
class MapStopParams:
    """Of which scope no map is to be drawn any more."""

    scope: str


@dataclass(frozen=True, kw_only=True)
class MapDrawn:
    """Answer of ``map.draw`` and ``map.stop``: the drawing that is under way, if any."""

    drawing: MapNews | None = None


METHODS: dict[str, tuple[type, type, type | None]] = {
    "map.get": (MapParams, MapData, None),
    "map.draw": (MapDrawParams, MapDrawn, None),
    "map.stop": (MapStopParams, MapDrawn, None),
}
