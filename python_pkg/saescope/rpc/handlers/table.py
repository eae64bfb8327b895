"""The feature table."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl

from saescope import live
from saescope.errors import InputError
from saescope.query.features import COLUMNS, MAX_EXPORT, FeatureTable, Rows
from saescope.query.filters import FeatureFilter
from saescope.rpc.calls import Answer, Call
from saescope.rpc.handlers.briefs import briefs
from saescope.rpc.handlers.subjects import index_of
from saescope.rpc.messages.table import (
    ColumnSpread,
    ExportParams,
    FeatureBriefs,
    FeatureExport,
    FeatureLocation,
    FeatureNumbers,
    FeaturesParams,
    FeatureWindow,
    LocateParams,
    NumbersParams,
    SpreadParams,
    TableFilter,
    WindowParams,
)

MAX_BRIEFS = 200
MAX_NUMBERS = 100_000

Ordered = WindowParams | LocateParams | NumbersParams | ExportParams


def feature_filter(given: TableFilter | None) -> FeatureFilter:
    """The conditions that a page asks for."""
    return FeatureFilter.make(**vars(given)) if given is not None else FeatureFilter()


def _ordered(call: Call, params: Ordered) -> tuple[FeatureTable, FeatureFilter, Rows]:
    table, where = live.get(params.scope).table, feature_filter(params.filter)
    if where.fires_on:
        table.hits(where.fires_on)
        call.check()
    return table, where, table.rows(params.sort, descending=params.descending, where=where)


def _features_window(call: Call, params: WindowParams) -> Answer:
    table, where, rows = _ordered(call, params)
    call.check()
    frame = table.window(rows, params.offset, params.count, params.columns or COLUMNS, where)
    hits = table.hits(where.fires_on)
    message = FeatureWindow(
        offset=params.offset,
        count=len(frame),
        n_match=len(rows),
        n_features=live.get(params.scope).n_features,
        n_found=None if hits is None else hits.n_found,
    )
    return Answer(message, [to_arrow(frame)])


def to_arrow(frame: pl.DataFrame) -> bytes:
    """A frame as an uncompressed Arrow IPC stream, without string views."""
    stream = io.BytesIO()
    frame.write_ipc_stream(stream, compression="uncompressed", compat_level=pl.CompatLevel.oldest())
    return stream.getvalue()


def _features_locate(call: Call, params: LocateParams) -> FeatureLocation:
    index_of(params.scope).check_feature(params.feature)
    _, _, rows = _ordered(call, params)
    found = np.flatnonzero(rows == np.uint32(params.feature))
    return FeatureLocation(row=int(found[0]) if len(found) else None)


def _features_numbers(call: Call, params: NumbersParams) -> Answer:
    if not 0 <= params.count <= MAX_NUMBERS:
        raise InputError(f"at most {MAX_NUMBERS:,} numbers are told at once, and {params.count:,} were asked for.")
    _, _, rows = _ordered(call, params)
    first = max(params.offset, 0)
    part = rows[first : first + params.count]
    return Answer(FeatureNumbers(count=len(part), n_match=len(rows)), [part.astype("<u4").tobytes()])


def _features_export(call: Call, params: ExportParams) -> Answer:
    table, where, rows = _ordered(call, params)
    if len(rows) > MAX_EXPORT:
        raise InputError(
            f"a file of features has at most {MAX_EXPORT:,} rows, and {len(rows):,} match.",
            hint="Filter the table first, or write scope.find_features(…) to a file in Python.",
        )
    call.check()
    name = f"features-{index_of(params.scope).path.name}.csv"
    return Answer(FeatureExport(name=name, n_rows=len(rows)), [table.as_csv(rows, params.columns, where)])


def _features_histogram(_call: Call, params: SpreadParams) -> ColumnSpread:
    found = live.get(params.scope).table.spread(params.column, feature_filter(params.filter))
    return ColumnSpread(column=params.column, **vars(found))


def _features_brief(_call: Call, params: FeaturesParams) -> FeatureBriefs:
    index = index_of(params.scope)
    if len(params.features) > MAX_BRIEFS:
        raise InputError(f"at most {MAX_BRIEFS} features can be told in brief, and {len(params.features)} came.")
    return FeatureBriefs(briefs=briefs(live.get(params.scope), [index.check_feature(f) for f in params.features]))


HANDLERS: dict[str, Callable[[Call, Any], Any]] = {
    "features.window": _features_window,
    "features.locate": _features_locate,
    "features.numbers": _features_numbers,
    "features.export": _features_export,
    "features.histogram": _features_histogram,
    "features.brief": _features_brief,
}
