"""What each method does. A handler reads a scope and returns a message; it knows no transport."""

import io
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import polars as pl

from saescope import live
from saescope.errors import InputError
from saescope.index.choice import Wanted
from saescope.index.examples import Window
from saescope.index.features import LENS
from saescope.index.rule import Rule
from saescope.index.store import Index
from saescope.indexing.heartbeat import ask_to_stop, read_beat
from saescope.indexing.workspace import is_being_built
from saescope.query.examples import doc_of, find_windows, position_of, token_ids
from saescope.rpc.calls import Answer, Call
from saescope.rpc.messages import (
    BuildInfo,
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
PAGE_COLUMNS = [
    "feature",
    "n_fires",
    "density",
    "max",
    "mean",
    "std",
    "q50",
    "histogram",
    "top_tokens",
    "top_shares",
    *LENS,
]


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
        "building": build_info(scope),
    }
    if index is None:
        return ScopeInfo(**common)
    m = index.manifest
    return ScopeInfo(
        **common,
        index=index.path.name,
        n_tokens=index.n_rows,
        n_tokens_planned=m.n_rows,
        is_complete=index.is_complete,
        n_counted=index.n_counted,
        context_size=m.context_size,
        n_alive=index.n_alive,
        l0=index.l0,
        lens=cast("Any", m.lens),
    )


def build_info(scope: Scope) -> BuildInfo | None:
    """How the build goes that a scope waits for, in this process or another, or why it ended."""
    index = scope.index
    if scope.failure is not None and scope.building is None:
        message, hint = scope.failure.message, scope.failure.hint
        return BuildInfo(stage="", unit="", done=0, total=0, error=message[:1].upper() + message[1:], hint=hint)
    path = scope.building or (index.path if index is not None and not index.is_complete else None)
    if path is None or not (scope.building or is_being_built(path)):
        return None
    beat = read_beat(path)
    return BuildInfo(**vars(beat)) if beat is not None else BuildInfo(stage="Starting", unit="", done=0, total=0)


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
    row = index.figures.row(index.check_feature(feature), PAGE_COLUMNS)
    return FeaturePage(
        feature=row["feature"],
        n_fires=row["n_fires"],
        n_counted=index.n_counted,
        density=row["density"],
        max=_short(row["max"]),
        mean=_short(row["mean"]),
        std=_short(row["std"]),
        median=_short(row["q50"]),
        histogram=Histogram(high=_short(row["max"]), counts=row["histogram"].tolist()),
        promoted=_weights(index, row["promoted"].tolist(), row["promoted_weights"].tolist()),
        suppressed=_weights(index, row["suppressed"].tolist(), row["suppressed_weights"].tolist()),
        top_tokens=_weights(index, row["top_tokens"].tolist(), row["top_shares"].tolist()),
    )


def _weights(index: Index, tokens: list[int], weights: list[float]) -> list[TokenWeight]:
    v = index.vocabulary
    texts, raws = _pieces(v.texts, v.text, tokens), _pieces(v.raws, v.raw, tokens)
    return [
        TokenWeight(token=t, text=text, raw=raw, weight=_short(w))
        for t, text, raw, w in zip(tokens, texts, raws, weights, strict=True)
    ]


def _pieces(known: list[str], of: Callable[[int], str], tokens: list[int]) -> list[str]:
    """The piece of each token, looked up at once; one by one where the tokenizer has none for one of them."""
    try:
        return [known[t] for t in tokens]
    except IndexError:
        return [of(t) for t in tokens]


def _short(value: float) -> float:
    """Six significant digits: what a page can show, and less to send."""
    return float(f"{value:.6g}")


def example(index: Index, window: Window, group: str) -> Example:
    """A window as the page shows it."""
    ids = token_ids(index, window)
    doc, source = doc_of(index, window)
    vocabulary = index.vocabulary
    return Example(
        rank=window.rank,
        group=group,
        activation=_short(window.activation),
        peak=window.row - window.start,
        start=position_of(index, window.start),
        doc=doc,
        source=source,
        tokens=ids,
        texts=_pieces(vocabulary.texts, vocabulary.text, ids),
        raws=_pieces(vocabulary.raws, vocabulary.raw, ids),
        activations=[float(f"{a:.6g}") if a else 0.0 for a in window.activations.tolist()],
        n_same=window.n_same,
    )


def _examples_list(call: Call, params: ExamplesParams) -> ExamplesEnd:
    if not 1 <= params.k <= MAX_EXAMPLES:
        raise InputError(f"between 1 and {MAX_EXAMPLES} examples can be shown, and {params.k} were asked for.")
    index = _index_of(params.scope)
    rule = Rule(**vars(params.rule)) if params.rule is not None else None
    windows = find_windows(
        index,
        params.feature,
        k=params.k,
        group=params.group,
        context=params.context,
        rule=rule,
        folds=params.folds,
        n_intervals=params.n_intervals,
    )
    for start in range(0, len(windows), EXAMPLES_A_PART):
        part = windows[start : start + EXAMPLES_A_PART]
        call.emit(ExamplesPart(examples=[example(index, w, params.group) for w in part]))
    groups = list(Wanted(n_intervals=params.n_intervals).groups)
    return ExamplesEnd(n_examples=len(windows), groups=groups)


def _build_stop(_call: Call, params: ScopeParams) -> Nothing:
    scope = live.get(params.scope)
    path = scope.building or (scope.index.path if scope.index is not None else None)
    if path is not None and (scope.building or is_being_built(path)):
        ask_to_stop(path)
    return Nothing()


HANDLERS: dict[str, Callable[[Call, Any], Any]] = {
    "scope.list": _scope_list,
    "scope.info": _scope_info,
    "scope.select": _scope_select,
    "build.stop": _build_stop,
    "features.window": _features_window,
    "features.locate": _features_locate,
    "feature.get": _feature_get,
    "examples.list": _examples_list,
}
