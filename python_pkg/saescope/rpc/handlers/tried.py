"""What fires on a text that a person types."""

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl

from saescope import live
from saescope.query.tried import RANKINGS, Known, TriedText, known_of, leading, rank_features
from saescope.rpc.calls import Answer, Call
from saescope.rpc.handlers.briefs import briefs
from saescope.rpc.messages.tried import TextParams, TextRead, TextStage

DENSE = 0.1
N_LEADING, N_LEADING_GROWING = 30, 8


def _text_read(call: Call, params: TextParams) -> Answer:
    scope = live.get(params.scope)
    tried = scope.try_text(
        params.text,
        cuts=params.cuts,
        check=call.check,
        on_stage=lambda stage, n_tokens: call.emit(TextStage(stage=stage, n_tokens=n_tokens)),
    )
    call.check()
    features = np.unique(tried.features)
    known = known_of(scope.index, features)
    wanted = [] if known is None or scope.index is None else _leaders(tried, known, scope.index.is_complete)
    message = TextRead(
        tokens=tried.tokens.tolist(),
        texts=tried.texts,
        raws=tried.raws,
        reasons=list(tried.reasons),
        n_all=tried.n_tokens,
        n_counted=known.n_counted if known is not None else 0,
        briefs=briefs(scope, wanted),
    )
    arrays = [(tried.pos, "<u4"), (tried.features, "<u4"), (tried.values, "<f4"), (features, "<u4")]
    if known is not None:
        arrays += [(known.maxima, "<f4"), (known.n_fires, "<f8")]
    return Answer(message, [array.astype(kind).tobytes() for array, kind in arrays])


def _leaders(tried: TriedText, known: Known, is_complete: bool) -> list[int]:
    """The features whose names the page shows first: of each ranking, without and with dense ones."""
    n = N_LEADING if is_complete else N_LEADING_GROWING
    whole = rank_features(tried, known)
    sparse = whole.filter(pl.col("density") <= DENSE)
    names = ["n_tokens" if by == "tokens" else by for by in RANKINGS]
    order = [([name, "feature"], frame) for name in names for frame in (sparse, whole)]
    return leading([frame.sort(by, descending=[True, False]) for by, frame in order], n)[:200]


HANDLERS: dict[str, Callable[[Call, Any], Any]] = {"text.read": _text_read}
COMPUTED = {"text.read"}
