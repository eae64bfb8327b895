"""One feature: its figures and its examples."""

from collections.abc import Callable
from typing import Any

from saescope.errors import InputError
from saescope.index.choice import Wanted
from saescope.index.features import LENS
from saescope.index.rule import Rule
from saescope.index.store import Index
from saescope.query.examples import find_windows
from saescope.rpc.calls import Call
from saescope.rpc.handlers.forming import example, short, token_weights
from saescope.rpc.handlers.subjects import index_of
from saescope.rpc.messages.page import (
    ExamplesEnd,
    ExamplesParams,
    ExamplesPart,
    FeaturePage,
    FeatureParams,
    Histogram,
)

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


def _feature_get(_call: Call, params: FeatureParams) -> FeaturePage:
    return feature_page(index_of(params.scope), params.feature)


def feature_page(index: Index, feature: int) -> FeaturePage:
    """A feature's row of the table, as its page shows it."""
    row = index.figures.row(index.check_feature(feature), PAGE_COLUMNS)
    return FeaturePage(
        feature=row["feature"],
        n_fires=row["n_fires"],
        n_counted=index.n_counted,
        density=row["density"],
        max=short(row["max"]),
        mean=short(row["mean"]),
        std=short(row["std"]),
        median=short(row["q50"]),
        histogram=Histogram(high=short(row["max"]), counts=row["histogram"].tolist()),
        promoted=token_weights(index, row["promoted"].tolist(), row["promoted_weights"].tolist()),
        suppressed=token_weights(index, row["suppressed"].tolist(), row["suppressed_weights"].tolist()),
        top_tokens=token_weights(index, row["top_tokens"].tolist(), row["top_shares"].tolist()),
    )


def _examples_list(call: Call, params: ExamplesParams) -> ExamplesEnd:
    if not 1 <= params.k <= MAX_EXAMPLES:
        raise InputError(f"between 1 and {MAX_EXAMPLES} examples can be shown, and {params.k} were asked for.")
    index = index_of(params.scope)
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


HANDLERS: dict[str, Callable[[Call, Any], Any]] = {"feature.get": _feature_get, "examples.list": _examples_list}
