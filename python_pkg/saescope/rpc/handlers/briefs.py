"""Features in one line each, wherever a panel names others."""

from collections.abc import Sequence

import polars as pl

from saescope.query.features import ROW_TOKENS
from saescope.query.tokens import with_texts
from saescope.rpc.handlers.forming import known, short
from saescope.rpc.messages.table import FeatureBrief
from saescope.scope import Scope

COLUMNS = ["feature", "n_fires", "density", "max", "top_tokens"]


def briefs(scope: Scope, features: Sequence[int]) -> list[FeatureBrief]:
    """Each feature's label, top tokens and figures, in the order given."""
    if not features:
        return []
    index = scope.require_index()
    rows = index.figures.rows(list(features)).select(COLUMNS)
    rows = with_texts(rows.with_columns(pl.col("top_tokens").list.head(ROW_TOKENS)), ["top_tokens"], index.vocabulary)
    labels = scope.labels_of(features)
    return [
        FeatureBrief(
            feature=row["feature"],
            label=labels.get(row["feature"], ""),
            top_tokens=row["top_tokens"],
            density=known(row["density"]) or 0.0,
            max=short(known(row["max"]) or 0.0),
            n_fires=row["n_fires"],
            is_known=known(row["max"]) is not None,
        )
        for row in rows.iter_rows(named=True)
    ]
