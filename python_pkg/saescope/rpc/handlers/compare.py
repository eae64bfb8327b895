"""Features side by side."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saescope import live
from saescope.errors import InputError
from saescope.index.examples import Window
from saescope.index.store import Index
from saescope.query.contrast import contrast, pairs_frame
from saescope.query.examples import find_windows
from saescope.rpc.calls import Call
from saescope.rpc.handlers.briefs import briefs
from saescope.rpc.handlers.forming import example, short
from saescope.rpc.handlers.page import feature_page
from saescope.rpc.messages.compare import (
    Compared,
    CompareParams,
    Comparison,
    ContrastEnd,
    ContrastExample,
    ContrastParams,
    ContrastPart,
    Pair,
)

MAX_SIDE_BY_SIDE = 4
MAX_SHOWN, MAX_EACH = 200, 20
EXAMPLES_A_PART = 5


def _compare_get(call: Call, params: CompareParams) -> Comparison:
    scope = live.get(params.scope)
    index = scope.require_index()
    features = [index.check_feature(f) for f in params.features]
    if not 1 <= len(features) <= MAX_SIDE_BY_SIDE or len(set(features)) < len(features):
        raise InputError(f"1 to {MAX_SIDE_BY_SIDE} different features can be shown side by side, and {features} came.")
    if not 0 <= params.n_examples <= MAX_EACH:
        raise InputError(f"0 to {MAX_EACH} examples of each can be shown, and {params.n_examples} were asked for.")
    compared = [
        Compared(
            brief=brief,
            page=feature_page(index, brief.feature),
            examples=[example(index, w, "top") for w in _top(index, brief.feature, params)],
        )
        for brief in briefs(scope, features)
    ]
    call.check()
    rows = pairs_frame(index, scope.space, features, call.check).rows(named=True)
    share_of = {(row["feature"], row["other"]): row["share"] for row in rows}
    place = {feature: n for n, feature in enumerate(features)}
    pairs = [
        _pair(row, share_of[row["other"], row["feature"]])
        for row in rows
        if place[row["feature"]] < place[row["other"]]
    ]
    return Comparison(features=compared, pairs=pairs)


def _top(index: Index, feature: int, params: CompareParams) -> list[Window]:
    if params.n_examples == 0:
        return []
    return find_windows(index, feature, k=params.n_examples, context=params.context)


def _pair(row: dict[str, Any], share_of_other: float | None) -> Pair:
    known = {
        name: None if (value := row[name]) is None else short(value)
        for name in ("decoder", "encoder", "share", "jaccard", "correlation")
    }
    return Pair(
        feature=row["feature"],
        other=row["other"],
        n_both=row["n_both"],
        share_of_other=None if share_of_other is None else short(share_of_other),
        **known,
    )


def _check(params: ContrastParams) -> None:
    if not 1 <= params.k <= MAX_SHOWN:
        raise InputError(f"between 1 and {MAX_SHOWN} examples can be shown, and {params.k} were asked for.")


def _contrast_list(call: Call, params: ContrastParams) -> ContrastEnd:
    _check(params)
    index = live.get(params.scope).require_index()
    found = contrast(
        index,
        params.feature,
        params.without,
        params.also,
        within=params.within,
        k=params.k,
        context=params.context,
        check=call.check,
    )
    shown = [_shown(index, w, lines) for w, lines in zip(found.windows, found.others, strict=True)]
    for start in range(0, len(shown), EXAMPLES_A_PART):
        call.emit(ContrastPart(examples=shown[start : start + EXAMPLES_A_PART]))
    return ContrastEnd(n_examples=len(shown), n_match=found.n_match, n_fires=found.n_fires)


def _contrast_live(call: Call, params: ContrastParams) -> ContrastEnd:
    _check(params)
    scope = live.get(params.scope)
    index, n_match, n_fires = scope.require_index(), 0, 0
    for window, lines, is_wanted in scope.stored_contrast(
        params.feature,
        params.without,
        params.also,
        within=params.within,
        context=params.context,
        check=call.check,
    ):
        n_fires += 1
        if is_wanted and n_match < params.k:
            call.emit(ContrastPart(examples=[_shown(index, window._replace(rank=n_match), lines)]))
        n_match += is_wanted
    return ContrastEnd(n_examples=min(n_match, params.k), n_match=n_match, n_fires=n_fires)


def _shown(index: Index, window: Window, lines: NDArray[np.float32]) -> ContrastExample:
    return ContrastExample(
        example=example(index, window, "contrast"),
        others=[[short(v) if v else 0.0 for v in line] for line in lines.tolist()],
    )


HANDLERS: dict[str, Callable[[Call, Any], Any]] = {
    "compare.get": _compare_get,
    "contrast.list": _contrast_list,
    "contrast.live": _contrast_live,
}

COMPUTED = {"contrast.live"}
