"""Text that the model writes with features changed, beside what it writes without."""

import math
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from saescope import live
from saescope.errors import InputError
from saescope.index.store import check_feature
from saescope.rpc.calls import Call
from saescope.rpc.handlers.briefs import briefs
from saescope.rpc.handlers.forming import short
from saescope.rpc.messages.steer import (
    ContrastPrompts,
    Direction,
    DirectionParams,
    DirectionRow,
    Steered,
    SteeredText,
    SteerFeature,
    Steering,
    SteerKnown,
    SteerKnownParams,
    SteerMore,
    SteerParams,
)
from saescope.scope import Scope

if TYPE_CHECKING:
    from saescope.effects.steering.contrast import SteeringVector
    from saescope.effects.steering.generating import Pace, Written

TELL_S = 0.06
MOST_FEATURES, MOST_TEXTS, MOST_ROWS, MOST_PROMPTS = 100, 8, 500, 200


def _steer_known(_call: Call, params: SteerKnownParams) -> SteerKnown:
    scope = live.get(params.scope)
    features = [check_feature(f, scope.n_features) for f in params.features[:MOST_FEATURES]]
    has_chat, n_context = False, None
    if scope.model is not None:
        from saescope.effects.steering.chat import has_template
        from saescope.effects.steering.generating import context_limit

        has_chat, n_context = has_template(scope.tokenizer), context_limit(scope.model)
    if scope.index is None or not features:
        return SteerKnown(has_chat=has_chat, n_context=n_context, features=[], briefs=[])
    rows = scope.index.figures.rows(features, ["feature", "mean", "q50", "max"])
    known = [
        SteerFeature(feature=r["feature"], mean=_known(r["mean"]), median=_known(r["q50"]), max=_known(r["max"]))
        for r in rows.iter_rows(named=True)
    ]
    return SteerKnown(has_chat=has_chat, n_context=n_context, features=known, briefs=briefs(scope, features))


def _known(value: float | None) -> float:
    return short(value) if value is not None and math.isfinite(value) else 0.0


def _steer_run(call: Call, params: SteerParams) -> Steered:
    from saescope.effects.steering.changes import Change
    from saescope.effects.steering.drawing import Sampling

    scope = live.get(params.scope)
    if not 1 <= len(params.strengths) <= MOST_TEXTS:
        raise InputError(f"1 to {MOST_TEXTS} strengths can be had at once, and {len(params.strengths)} came.")
    sampling = Sampling(params.max_new_tokens, params.temperature, params.top_p, params.seed)
    changes = [Change(check_feature(c.feature, scope.n_features), c.kind, c.strength) for c in params.changes]
    messages = [{"role": m.role, "content": m.content} for m in params.messages]
    tokens = scope.steered_prompt(messages or params.text)
    vector = None if params.contrast is None else _vector(call, scope, params.contrast)
    stream = _Stream(call, params.max_new_tokens)
    found = scope.steer_text(
        tokens,
        changes,
        sampling,
        strengths=params.strengths,
        vector=vector,
        coefficient=params.coefficient,
        where=params.where,
        check=call.check,
        on_stage=lambda stage, n: call.emit(Steering(stage=stage, done=0, total=n)),
        on_token=stream.tell,
    )
    rows = [
        SteeredText(
            name=one.condition.name,
            strength=one.condition.strength if one.condition.is_steered else 0.0,
            tokens=one.written.tokens,
            texts=one.written.texts,
            ended=one.written.ended or "length",
            logprob=None if one.logprob is None else short(one.logprob),
            kl=None if one.kl is None else short(one.kl),
        )
        for one in found
    ]
    return Steered(rows=rows, n_prompt=len(tokens))


class _Stream:
    """Tells of new tokens, some of them together, so that a fast model does not flood the line."""

    def __init__(self, call: Call, total: int) -> None:
        self._call, self._total = call, total
        self._told: list[int] = []
        self._ended: list[str] = []
        self._told_at = 0.0

    def tell(self, rows: "Sequence[Written]", pace: "Pace") -> None:
        """After a token."""
        now = time.monotonic()
        self._told = self._told or [0] * len(rows)
        self._ended = self._ended or [""] * len(rows)
        if now - self._told_at < TELL_S and not all(row.ended for row in rows):
            self._call.check()
            return
        self._told_at = now
        more = [self._more(n, row) for n, row in enumerate(rows)]
        news = [one for one in more if one is not None]
        left = pace.seconds_left if pace.rate else None
        event = Steering(
            stage="writing", done=pace.done, total=self._total, rate=short(pace.rate), seconds_left=left, rows=news
        )
        self._call.emit(event)

    def _more(self, n: int, row: "Written") -> SteerMore | None:
        told = self._told[n]
        if told == len(row.tokens) and self._ended[n] == row.ended:
            return None
        self._told[n], self._ended[n] = len(row.tokens), row.ended
        return SteerMore(row=n, tokens=row.tokens[told:], texts=row.texts[told:], ended=row.ended)


def _steer_direction(call: Call, params: DirectionParams) -> Direction:
    scope = live.get(params.scope)
    found = _vector(call, scope, params.contrast)
    rows = found.features.head(max(1, min(params.k, MOST_ROWS)))
    return Direction(
        norm=short(found.norm),
        typical=short(found.typical),
        agreement=None if found.agreement is None else short(found.agreement),
        share_of_error=short(found.share_of_error),
        n_positive=found.n_positive,
        n_negative=found.n_negative,
        n_moved=int((found.features["difference"] != 0).sum()),
        rows=[
            DirectionRow(
                feature=row["feature"],
                **{name: short(row[name]) for name in ("share", "explained", "cosine", "positive", "negative")},
            )
            for row in rows.iter_rows(named=True)
        ],
        briefs=briefs(scope, rows["feature"].to_list()) if scope.index is not None else [],
    )


def _vector(call: Call, scope: Scope, contrast: ContrastPrompts) -> "SteeringVector":
    n = len(contrast.positive) + len(contrast.negative)
    if n > MOST_PROMPTS:
        raise InputError(f"at most {MOST_PROMPTS} prompts can be contrasted here, and {n} came.")
    return scope.steering_vector(
        contrast.positive,
        contrast.negative,
        at=contrast.at,
        chat=contrast.is_chat,
        check=call.check,
        on_prompt=lambda done, total: call.emit(Steering(stage="contrast", done=done, total=total)),
    )


HANDLERS: dict[str, Callable[[Call, Any], Any]] = {
    "steer.known": _steer_known,
    "steer.run": _steer_run,
    "steer.direction": _steer_direction,
}
LONG = {"steer.run", "steer.direction"}
