"""What a circuit is told in: one row a head, MLP, feature or token that writes or reads."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

DIRECT = "direct path"
WEIGHTS = "weights"
LENS = "logit lens"
GRADIENT = "gradient × activation"
ABLATION = "ablation"
LAST_STEP = "last step"


@dataclass(frozen=True)
class Row:
    """One thing that writes to a feature or reads it.

    Parameters
    ----------
    kind
        ``embedding``, ``head``, ``attention``, ``mlp``, ``block``, ``bias``, ``direct``, ``feature``, ``token``
        or ``error``.
    score
        On a text, what it adds; by weights, how strongly it is tied.
    method, is_exact
        How it was had, and whether the model or its sum was computed, not estimated.
    share
        Its size as a part of the sizes of all parts of the same sum, 0 to 1.
    baseline
        By weights, the mean over others; on a text, the value without it.
    token
        A token of the vocabulary, for rows about one.
    sources
        A head's score by source token, ``[seq]`` float32.
    """

    kind: str
    score: float
    method: str
    is_exact: bool
    layer: int | None = None
    head: int | None = None
    feature: int | None = None
    pos: int | None = None
    token: int | None = None
    share: float | None = None
    baseline: float | None = None
    sources: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Side:
    """What writes, or what reads.

    ``total`` is what the parts sum to, ``whole`` what they are parts of; ``shading`` [seq] float32 is what comes
    from each token through attention; ``notes`` say what could not be told.
    """

    rows: list[Row]
    total: float | None = None
    whole: float | None = None
    shading: NDArray[np.float32] | None = None
    notes: list[str] = field(default_factory=list)


def largest(rows: Sequence[Row], k: int) -> list[Row]:
    """The ``k`` largest by size, or where all have a baseline, by size against it."""
    has_baseline = all(row.baseline for row in rows)

    def size(row: Row) -> float:
        return abs(row.score) / abs(row.baseline) if has_baseline and row.baseline else abs(row.score)

    return sorted(rows, key=lambda row: -size(row))[:k]


def split_by_source(rows: Sequence[Row]) -> list[Row]:
    """Heads' rows as one row a source token; others as they are."""
    made: list[Row] = []
    for row in rows:
        if row.sources is None:
            made.append(row)
            continue
        factor = 0.0 if not row.score or row.share is None else row.share / abs(row.score)
        made += [
            Row(row.kind, float(v), row.method, row.is_exact, row.layer, row.head, pos=p, share=abs(float(v)) * factor)
            for p, v in enumerate(row.sources)
            if v
        ]
    return made
