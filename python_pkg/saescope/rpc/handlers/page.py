"""One feature: its figures, its examples, and where these come from."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saescope import live
from saescope.errors import InputError
from saescope.index.features import LENS
from saescope.index.rule import Rule
from saescope.index.store import Index, check_feature
from saescope.query.document import fires_on_row, stretch_of
from saescope.query.examples import find_windows
from saescope.query.shares import figures_by, group_shares
from saescope.query.weights import Weights, weights_of
from saescope.rpc.calls import Call
from saescope.rpc.handlers.briefs import briefs
from saescope.rpc.handlers.forming import example, known, pieces, short, shown, token_weights
from saescope.rpc.handlers.subjects import index_of
from saescope.rpc.messages import page as messages
from saescope.rpc.messages.page import (
    CountRule,
    Document,
    DocumentParams,
    ExampleGroup,
    ExamplesEnd,
    ExamplesParams,
    ExamplesPart,
    FeaturePage,
    Firing,
    FiringFeature,
    Histogram,
    LensParams,
    LensTokens,
    PageParams,
    RowParams,
)
from saescope.scope import Scope

EXAMPLES_A_PART = 20
MAX_EXAMPLES = 200
MAX_STRETCH = 5000
MAX_FIRING = 200
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


def _feature_get(_call: Call, params: PageParams) -> FeaturePage:
    scope = live.get(params.scope)
    index = scope.require_index()
    index.check_feature(params.feature)
    return feature_page(index, params.feature, _rule(params.rule), scope.weights_of(params.feature))


def feature_page(index: Index, feature: int, rule: Rule | None = None, weights: Weights | None = None) -> FeaturePage:
    """A feature's row of the table, as its page shows it."""
    row, n_counted = figures_by(index, feature, rule, PAGE_COLUMNS)
    facts, by = asdict(weights or weights_of(index, feature)), rule or index.layout.rule
    return FeaturePage(
        feature=row["feature"],
        n_fires=row["n_fires"],
        n_counted=n_counted,
        density=known(row["density"]),
        max=short(known(row["max"]) or 0.0),
        mean=shown(row["mean"]),
        std=shown(row["std"]),
        median=shown(row["q50"]),
        histogram=Histogram(high=short(known(row["max"]) or 0.0), counts=row["histogram"].tolist()),
        promoted=token_weights(index, row["promoted"].tolist(), row["promoted_weights"].tolist()),
        suppressed=token_weights(index, row["suppressed"].tolist(), row["suppressed_weights"].tolist()),
        top_tokens=token_weights(index, row["top_tokens"].tolist(), row["top_shares"].tolist()),
        weights=messages.Weights(**{name: v if v is None else short(v) for name, v in facts.items()}),
        rule=CountRule(**by.as_dict()),
        not_counted=by.told(),
        is_known=known(row["max"]) is not None,
    )


def _rule(rule: CountRule | None) -> Rule | None:
    return Rule(**vars(rule)) if rule is not None else None


def _examples_list(call: Call, params: ExamplesParams) -> ExamplesEnd:
    if not 1 <= params.k <= MAX_EXAMPLES:
        raise InputError(f"between 1 and {MAX_EXAMPLES} examples can be shown, and {params.k} were asked for.")
    index, rule = index_of(params.scope), _rule(params.rule)
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
    shares = group_shares(index, params.feature, rule=rule, n_intervals=params.n_intervals)
    groups = [
        ExampleGroup(**{**asdict(s), "low": short(s.low), "high": short(s.high), "share": known(s.share)})
        for s in shares
    ]
    return ExamplesEnd(n_examples=len(windows), groups=groups)


def _lens_compute(_call: Call, params: LensParams) -> LensTokens:
    scope = live.get(params.scope)
    model, sae, site = scope.parts
    feature = check_feature(params.feature, scope.n_features)
    index = scope.require_index()
    from saescope.engine.lens import read_lens
    from saescope.engine.outward import stream_rows

    with scope.lock:
        row = stream_rows(model.model, site, sae.sae.W_dec.detach()[feature : feature + 1])
        found = read_lens(model.model, row, len(index.vocabulary), convention=params.convention)
    return LensTokens(
        feature=feature,
        convention="raw" if found.convention == "raw" else "norm_gain",
        promoted=token_weights(index, found.promoted[0].tolist(), found.promoted_weights[0].tolist()),
        suppressed=token_weights(index, found.suppressed[0].tolist(), found.suppressed_weights[0].tolist()),
    )


def _document_get(call: Call, params: DocumentParams) -> Document:
    if max(params.before, params.after) > MAX_STRETCH:
        raise InputError(f"at most {MAX_STRETCH:,} tokens on each side can be sent at once.")
    index = index_of(params.scope)
    found = stretch_of(index, params.row, feature=params.feature, before=params.before, after=params.after)
    call.check()
    ids = index.tokens[found.start : found.end].tolist()
    vocabulary = index.vocabulary
    known = [None if a != a else float(f"{a:.6g}") for a in found.activations.tolist()]  # noqa: PLR0124 - NaN
    return Document(
        doc=found.doc,
        source=found.source,
        n_tokens=found.doc_end - found.doc_start,
        start=found.start - found.doc_start,
        row=found.start,
        tokens=ids,
        texts=pieces(vocabulary.texts, vocabulary.text, ids),
        raws=pieces(vocabulary.raws, vocabulary.raw, ids),
        activations=known,
        breaks=np.flatnonzero(index.layout.position_of(found.rows) == 0).tolist(),
    )


def _tokens_firing(_call: Call, params: RowParams) -> Firing:
    scope = live.get(params.scope)
    return _firing(scope, params, *fires_on_row(scope.require_index(), params.row))


def _tokens_compute(_call: Call, params: RowParams) -> Firing:
    scope = live.get(params.scope)
    return _firing(scope, params, *scope.fires_now(params.row))


def _firing(scope: Scope, params: RowParams, features: NDArray[np.int64], values: NDArray[np.float32]) -> Firing:
    if not 1 <= params.k <= MAX_FIRING:
        raise InputError(f"between 1 and {MAX_FIRING} features can be shown, and {params.k} were asked for.")
    told = briefs(scope, features[: params.k].tolist())
    return Firing(
        row=params.row,
        n_fires=len(features),
        features=[
            FiringFeature(brief=b, activation=short(v)) for b, v in zip(told, values[: params.k].tolist(), strict=True)
        ],
    )


HANDLERS: dict[str, Callable[[Call, Any], Any]] = {
    "feature.get": _feature_get,
    "examples.list": _examples_list,
    "lens.compute": _lens_compute,
    "document.get": _document_get,
    "tokens.firing": _tokens_firing,
    "tokens.compute": _tokens_compute,
}
COMPUTED = {"lens.compute", "tokens.compute"}
QUICK = {"feature.get", "examples.list"}
