"""The feature table."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl

from saescope import live
from saescope.errors import InputError
from saescope.rpc.calls import Answer, Call
from saescope.rpc.handlers.briefs import briefs
from saescope.rpc.handlers.subjects import index_of
from saescope.rpc.messages.table import (
    FeatureBriefs,
    FeatureLocation,
    FeaturesParams,
    FeatureWindow,
    LocateParams,
    WindowParams,
)

MAX_BRIEFS = 200


def _rows(params: WindowParams | LocateParams) -> "np.ndarray[Any, np.dtype[np.uint32]]":
    return live.get(params.scope).table.rows(
        params.sort, descending=params.descending, search=params.search, has_fired=params.has_fired
    )


def _features_window(call: Call, params: WindowParams) -> Answer:
    rows = _rows(params)
    call.check()
    frame = live.get(params.scope).table.window(rows, params.offset, params.count)
    message = FeatureWindow(
        offset=params.offset, count=len(frame), n_match=len(rows), n_features=live.get(params.scope).n_features
    )
    return Answer(message, [to_arrow(frame)])


def to_arrow(frame: pl.DataFrame) -> bytes:
    """A frame as an uncompressed Arrow IPC stream, without string views."""
    stream = io.BytesIO()
    frame.write_ipc_stream(stream, compression="uncompressed", compat_level=pl.CompatLevel.oldest())
    return stream.getvalue()


def _features_locate(_call: Call, params: LocateParams) -> FeatureLocation:
    index_of(params.scope).check_feature(params.feature)
    found = np.flatnonzero(_rows(params) == np.uint32(params.feature))
    return FeatureLocation(row=int(found[0]) if len(found) else None)


def _features_brief(_call: Call, params: FeaturesParams) -> FeatureBriefs:
    index = index_of(params.scope)
    if len(params.features) > MAX_BRIEFS:
        raise InputError(f"at most {MAX_BRIEFS} features can be told in brief, and {len(params.features)} came.")
    return FeatureBriefs(briefs=briefs(live.get(params.scope), [index.check_feature(f) for f in params.features]))


HANDLERS: dict[str, Callable[[Call, Any], Any]] = {
    "features.window": _features_window,
    "features.locate": _features_locate,
    "features.brief": _features_brief,
}
