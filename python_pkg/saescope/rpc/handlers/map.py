"""All features in two dimensions."""

from collections.abc import Callable
from typing import Any

import numpy as np

from saescope import live
from saescope.query.maps import REGISTRY
from saescope.query.maps.colors import TITLES
from saescope.rpc.calls import Answer, Call
from saescope.rpc.handlers.forming import short
from saescope.rpc.messages.map import (
    MapChoice,
    MapCluster,
    MapColor,
    MapData,
    MapDrawn,
    MapDrawParams,
    MapNews,
    MapParams,
    MapStopParams,
)
from saescope.scope import Scope
from saescope.scope.drawing import draw, drawing_of, news

COLORS = [MapChoice(name=name, title=title) for name, title in TITLES.items()]


def _map_get(call: Call, params: MapParams) -> Answer:
    scope = live.get(params.scope)
    methods = [MapChoice(name=n, title=n.upper()) for n in REGISTRY.names()]
    common: dict[str, Any] = {"method": params.method, "methods": methods, "colors": COLORS}
    common["drawing"] = _news(scope)
    places = scope.places_of(params.method)
    if places is None:
        return Answer(MapData(is_drawn=False, **common))
    call.check()
    clusters = _clusters(scope, params.method)
    call.check()
    found = scope.map_color(params.method, params.color)
    color = MapColor(
        name=found.name,
        title=TITLES[found.name],
        is_log=found.is_log,
        low=short(found.low),
        high=short(found.high),
        categories=found.categories,
    )
    buffers = [found.values.astype("<f4").tobytes()]
    if params.with_places:
        fires = scope.require_index().table["n_fires"].to_numpy() > 0
        buffers += [places[:, i].astype("<f4").tobytes() for i in range(2)]
        buffers.append(fires.astype(np.uint8).tobytes())
    n_placed = int(np.isfinite(places[:, 0]).sum())
    message = MapData(is_drawn=True, n=len(places), n_placed=n_placed, color=color, clusters=clusters, **common)
    return Answer(message, buffers)


def _clusters(scope: Scope, method: str) -> list[MapCluster]:
    return [
        MapCluster(x=short(x), y=short(y), name=name, n=n, level=number)
        for number, (level, names) in enumerate(
            zip(scope.atlas_of(method).levels, scope.cluster_names(method), strict=True)
        )
        for (x, y), name, n in zip(level.centers.tolist(), names, level.sizes.tolist(), strict=True)
    ]


def _map_draw(_call: Call, params: MapDrawParams) -> MapDrawn:
    scope = live.get(params.scope)
    if scope.places_of(params.method) is None:
        draw(scope, params.method)
    return MapDrawn(drawing=_news(scope))


def _map_stop(_call: Call, params: MapStopParams) -> MapDrawn:
    scope = live.get(params.scope)
    running = drawing_of(scope)
    if running is not None:
        running.stop()
    return MapDrawn(drawing=_news(scope))


def _news(scope: Scope) -> MapNews | None:
    running = drawing_of(scope)
    return None if running is None else MapNews(**news(running))


HANDLERS: dict[str, Callable[[Call, Any], Any]] = {
    "map.get": _map_get,
    "map.draw": _map_draw,
    "map.stop": _map_stop,
}
ASIDE = {"map.get"}
