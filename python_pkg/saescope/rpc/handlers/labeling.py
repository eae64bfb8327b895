"""Labels that a labeler makes: which labelers there are, and running one."""

from collections.abc import Callable
from typing import Any

import polars as pl

from saescope import live
from saescope.errors import PluginError, SaescopeError
from saescope.query.labelers import REGISTRY, meaning_of
from saescope.rpc.calls import Call
from saescope.rpc.handlers.importing import list_layers, remember, step_of
from saescope.rpc.handlers.sharing import Told, chosen
from saescope.rpc.messages.labeling import LabelerInfo, LabelerList, LabelsMade, LabelsParams, MadeLabel
from saescope.rpc.messages.scopes import ScopeParams
from saescope.scope.labeling import layer_of

N_SHOWN = 12


def _labelers(_call: Call, _params: ScopeParams) -> LabelerList:
    return LabelerList(labelers=[_info(e.name, e.package) for e in REGISTRY.entries()])


def _info(name: str, package: str) -> LabelerInfo:
    try:
        return LabelerInfo(name=name, meaning=meaning_of(REGISTRY.get(name)), package=package, problem="")
    except PluginError as err:
        return LabelerInfo(name=name, meaning="", package=package, problem=err.message)


def _make(call: Call, params: LabelsParams) -> LabelsMade:
    scope, layer = live.get(params.scope), layer_of(params.labeler)
    before = step_of(scope.notes, layer, f"labeled {layer}")
    try:
        found = scope.label_features(chosen(scope, params.which), labeler=params.labeler, progress=Told(call))
    except SaescopeError:
        after = step_of(scope.notes, layer, "").labels
        if after is not None and not (before.labels is not None and before.labels.equals(after)):
            remember(scope, before)
        raise
    remember(scope, before)
    labeled = found.filter(pl.col("label").is_not_null()).sort("score", descending=True, nulls_last=True)
    return LabelsMade(
        layer=layer,
        n_asked=len(found),
        n_labeled=len(labeled),
        n_own=len(scope.labels_of(labeled["feature"].to_list())),
        rows=[MadeLabel(**row) for row in labeled.head(N_SHOWN).iter_rows(named=True)],
        list=list_layers(scope),
    )


HANDLERS: dict[str, Callable[[Call, Any], Any]] = {"labels.labelers": _labelers, "labels.make": _make}
LONG = {"labels.make"}
