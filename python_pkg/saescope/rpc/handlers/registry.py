"""The registry of pretrained SAEs: searching it, one in full, and loading one."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from saescope.errors import InputError, UnknownNameError
from saescope.rpc.calls import Call
from saescope.rpc.messages.registry import (
    FacetValue,
    SaeDetails,
    SaeFacet,
    SaeFilter,
    SaeLoaded,
    SaeLoading,
    SaeLoadParams,
    SaeRow,
    SaeRows,
    SaeSearchParams,
    SaeSpecParams,
)
from saescope.scope.picking import call_of, hold, load_picked
from saescope.sources.registry.describing import describe
from saescope.sources.registry.facets import facets
from saescope.sources.registry.fetching import Fetched, has_model, is_offline
from saescope.sources.registry.listing import Filters, everything, find
from saescope.sources.registry.memory import estimate

MAX_ROWS = 500
MAX_AGE_S = 30.0
TELL_S = 0.1


def _search(_call: Call, params: SaeSearchParams) -> SaeRows:
    if not 0 < params.count <= MAX_ROWS or params.offset < 0:
        raise InputError(
            f"at most {MAX_ROWS} rows can be had at once, from 0 on; {params.count} from {params.offset} came."
        )
    table = everything(max_age_s=0.0 if params.refresh else MAX_AGE_S)
    filters = filters_of(params.filter)
    words = find(table, params.search)
    found = find(table, params.search, filters).table
    return SaeRows(
        n_all=table.height,
        n_match=found.height,
        offset=params.offset,
        rows=[row_of(row) for row in found.slice(params.offset, params.count).iter_rows(named=True)],
        missed=words.missed,
        facets=[
            SaeFacet(name=one.name, values=[FacetValue(value=_text(v), n=n) for v, n in one.counts.items()])
            for one in facets(table, words.table, filters)
        ],
        is_offline=is_offline(),
    )


def filters_of(asked: SaeFilter) -> Filters:
    """The filters as the registry takes them."""
    span = None if asked.l0_low is None and asked.l0_high is None else (asked.l0_low, asked.l0_high)
    return Filters(
        model=asked.model or None,
        site=asked.site or None,
        layer=asked.layer or None,
        width=asked.width or None,
        architecture=asked.architecture or None,
        l0=span,
        has_labels=asked.has_labels,
        is_cached=asked.is_cached,
        source=asked.source,
    )


def _text(value: Any) -> str:
    return "" if value is None else json.dumps(value)


def row_of(row: dict[str, Any]) -> SaeRow:
    """A row of the table as it travels."""
    spec = row["path"] if row["source"] == "folder" else f"{row['release']}/{row['sae_id']}"
    names = ("source", "release", "sae_id", "model", "site", "layer", "width", "architecture", "l0")
    more = ("has_labels", "is_cached", "disk_bytes")
    return SaeRow(spec=spec, **{name: row[name] for name in (*names, *more)})


def _describe(_call: Call, params: SaeSpecParams) -> SaeDetails:
    row = describe(params.spec)
    if row is None:
        raise UnknownNameError(
            f"{params.spec} is not in the registry, nor below the folders that are looked through.",
            hint="Search again: folders change.",
        )
    need = estimate(row)
    model = row["model"]
    told = row_of(row)
    names = ("hook_name", "hook_name_out", "d_in", "explained_variance", "neuronpedia", "dtype", "prepend_bos")
    more = ("normalization", "is_centered", "repo", "path", "notes")
    return SaeDetails(
        row=told,
        **{name: row[name] for name in (*names, *more)},
        sae_bytes=need.sae_bytes,
        model_bytes=need.model_bytes,
        model_dtype=need.dtype,
        free_bytes=need.free_bytes,
        place=need.place,
        fits=need.fits,
        has_model=bool(model) and (Path(model).expanduser().exists() or has_model(model)),
        is_offline=is_offline(),
        code=f"scope = {call_of(told.spec, model)}",
    )


def _load(call: Call, params: SaeLoadParams) -> SaeLoaded:
    told = ("", 0.0)

    def tell(how: Fetched) -> None:
        nonlocal told
        now = time.monotonic()
        if how.stage == told[0] and now - told[1] < TELL_S:
            return
        told = (how.stage, now)
        call.emit(
            SaeLoading(stage=how.stage, done=how.done, total=how.total, rate=how.rate, seconds_left=how.seconds_left)
        )

    scope = load_picked(params.spec, params.model.strip(), tell=tell, check=call.check)
    hold(params.panel, scope)
    return SaeLoaded(scope=scope.id, name=scope.name)


HANDLERS: dict[str, Callable[[Call, Any], Any]] = {
    "registry.search": _search,
    "registry.describe": _describe,
    "registry.load": _load,
}
ASIDE = {"registry.search", "registry.describe"}
LONG = {"registry.load"}
