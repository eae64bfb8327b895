"""What each method does. A handler reads a scope and returns a message; it knows no transport."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl

from saescope import live
from saescope.errors import InputError
from saescope.index.examples import Window
from saescope.index.store import Index
from saescope.query.examples import doc_of, token_ids, trimmed
from saescope.rpc.calls import Answer, Call
from saescope.rpc.messages import (
    Example,
    ExamplesEnd,
    ExamplesParams,
    ExamplesPart,
    FeatureLocation,
    FeaturePage,
    FeatureParams,
    FeatureWindow,
    Histogram,
    LocateParams,
    Nothing,
    ScopeInfo,
    ScopeList,
    ScopeParams,
    SelectParams,
    TokenWeight,
    WindowParams,
)
from saescope.scope import Scope

EXAMPLES_A_PART = 5
MAX_EXAMPLES = 200


def scope_info(scope: Scope) -> ScopeInfo:
    """What a panel's header says of a scope."""
    index = scope.index
    common: dict[str, Any] = {
        "id": scope.id,
        "name": scope.name,
        "model": scope.model_name,
        "sae": scope.sae_name,
        "site": scope.hook_name,
        "n_features": scope.n_features,
        "has_index": index is not None,
        "has_model": scope.model is not None,
    }
    if index is None:
        return ScopeInfo(**common)
    m = index.manifest
    return ScopeInfo(
        **common,
        index=index.path.name,
        n_tokens=m.n_rows,
        n_counted=m.n_counted,
        context_size=m.context_size,
        n_alive=m.n_alive,
        l0=round(m.l0, 3),
        lens="norm_gain" if m.lens == "norm_gain" else "raw",
    )


def list_scopes() -> list[ScopeInfo]:
    """All scopes of this process, the newest first."""
    return [scope_info(s) for s in live.scopes()]


def _scope_list(_call: Call, _params: Nothing) -> ScopeList:
    return ScopeList(scopes=list_scopes())


def _scope_info(_call: Call, params: ScopeParams) -> ScopeInfo:
    return scope_info(live.get(params.scope))


def _scope_select(_call: Call, params: SelectParams) -> Nothing:
    _index_of(params.scope).check_feature(params.feature)
    return Nothing()


def _index_of(scope_id: str) -> Index:
    return live.get(scope_id).require_index()


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
    _index_of(params.scope).check_feature(params.feature)
    found = np.flatnonzero(_rows(params) == np.uint32(params.feature))
    return FeatureLocation(row=int(found[0]) if len(found) else None)


def _feature_get(_call: Call, params: FeatureParams) -> FeaturePage:
    return feature_page(_index_of(params.scope), params.feature)


def feature_page(index: Index, feature: int) -> FeaturePage:
    """A feature's row of the table, as its page shows it."""
    row = index.table.row(index.check_feature(feature), named=True)
    return FeaturePage(
        feature=row["feature"],
        n_fires=row["n_fires"],
        n_counted=index.manifest.n_counted,
        density=row["density"],
        max=_short(row["max"]),
        mean=_short(row["mean"]),
        std=_short(row["std"]),
        median=_short(row["q50"]),
        histogram=Histogram(high=_short(row["max"]), counts=row["histogram"]),
        promoted=_weights(index, row["promoted"], row["promoted_weights"]),
        suppressed=_weights(index, row["suppressed"], row["suppressed_weights"]),
        top_tokens=_weights(index, row["top_tokens"], row["top_shares"]),
    )


def _weights(index: Index, tokens: list[int], weights: list[float]) -> list[TokenWeight]:
    v = index.vocabulary
    return [
        TokenWeight(token=t, text=v.text(t), raw=v.raw(t), weight=_short(w))
        for t, w in zip(tokens, weights, strict=True)
    ]


def _short(value: float) -> float:
    """Six significant digits: what a page can show, and less to send."""
    return float(f"{value:.6g}")


def example(index: Index, stored: Window, group: str, context: int) -> Example:
    """A stored window as the page shows it."""
    window = trimmed(stored, context)
    ids = token_ids(index, window)
    doc, source = doc_of(index, window)
    return Example(
        rank=window.rank,
        group=group,
        activation=_short(window.activation),
        peak=window.row - window.start,
        start=window.start % index.manifest.context_size,
        doc=doc,
        source=source,
        tokens=ids,
        texts=[index.vocabulary.text(i) for i in ids],
        raws=[index.vocabulary.raw(i) for i in ids],
        activations=[_short(a) for a in window.activations.tolist()],
    )


def _examples_list(call: Call, params: ExamplesParams) -> ExamplesEnd:
    if not 1 <= params.k <= MAX_EXAMPLES:
        raise InputError(f"between 1 and {MAX_EXAMPLES} examples can be shown, and {params.k} were asked for.")
    index = _index_of(params.scope)
    windows = index.windows(params.feature, params.group, params.k)
    for start in range(0, len(windows), EXAMPLES_A_PART):
        part = windows[start : start + EXAMPLES_A_PART]
        call.emit(ExamplesPart(examples=[example(index, w, params.group, params.context) for w in part]))
    return ExamplesEnd(n_examples=len(windows), groups=index.manifest.groups)


HANDLERS: dict[str, Callable[[Call, Any], Any]] = {
    "scope.list": _scope_list,
    "scope.info": _scope_info,
    "scope.select": _scope_select,
    "features.window": _features_window,
    "features.locate": _features_locate,
    "feature.get": _feature_get,
    "examples.list": _examples_list,
}
