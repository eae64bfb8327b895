"""Neighbors of a feature."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from saescope import live
from saescope.errors import InputError, PluginError
from saescope.index.store import check_feature
from saescope.query.neighbors import REGISTRY, Space, about, cosines, neighbors
from saescope.rpc.calls import Call
from saescope.rpc.handlers.briefs import briefs
from saescope.rpc.handlers.forming import short
from saescope.rpc.messages.neighbors import Metric, Metrics, Neighbor, Neighbors, NeighborsParams
from saescope.rpc.messages.scopes import ScopeParams
from saescope.rpc.messages.table import FeatureBrief
from saescope.scope import Scope

MAX_NEIGHBORS = 200


def _metrics(_call: Call, params: ScopeParams) -> Metrics:
    space = live.get(params.scope).space
    found = [_metric(name, space) for name in REGISTRY.names()]
    return Metrics(metrics=sorted(found, key=lambda m: (m.is_by_firing, m.problem != "", m.title)))


def _metric(name: str, space: Space) -> Metric:
    try:
        told = about(REGISTRY.get(name), name)
    except PluginError as err:
        return Metric(
            name=name,
            title=name,
            meaning="",
            low=None,
            high=None,
            is_by_firing=False,
            problem=f"{err.message} {err.hint}",
        )
    return Metric(
        name=name,
        title=told.title,
        meaning=told.meaning,
        low=told.low,
        high=told.high,
        is_by_firing=told.is_by_firing,
        problem=told.problem(space),
    )


def _list(call: Call, params: NeighborsParams) -> Neighbors:
    if not 1 <= params.k <= MAX_NEIGHBORS:
        raise InputError(f"between 1 and {MAX_NEIGHBORS} neighbors can be shown, and {params.k} were asked for.")
    scope = live.get(params.scope)
    feature = check_feature(params.feature, scope.n_features)
    space = replace(scope.space, check=call.check)
    found = neighbors(space, feature, scope.n_features, k=params.k, metric=params.metric)
    call.check()
    numbers = [feature, *found["feature"].to_list()]
    angles = cosines(space, "decoder", numbers)
    center, *others = names_of(scope, numbers)
    return Neighbors(
        center=center,
        metric=_metric(params.metric, space),
        neighbors=[
            Neighbor(brief=brief, score=_number(score), error=None if error is None else _number(error))
            for brief, score, error in zip(others, found["score"], found["error"], strict=True)
        ],
        links=[] if angles is None else np.round(angles[np.triu_indices(len(numbers), 1)], 4).tolist(),
    )


def _number(value: float) -> float:
    return short(value) if math.isfinite(value) else 0.0


def names_of(scope: Scope, features: Sequence[int]) -> list[FeatureBrief]:
    """Features in brief; by number and label alone where nothing has been indexed."""
    if scope.index is not None:
        return briefs(scope, features)
    labels = scope.labels_of(features)
    return [
        FeatureBrief(feature=f, label=labels.get(f, ""), top_tokens=[], density=0.0, max=0.0, n_fires=0)
        for f in features
    ]


HANDLERS: dict[str, Callable[[Call, Any], Any]] = {"neighbors.metrics": _metrics, "neighbors.list": _list}
