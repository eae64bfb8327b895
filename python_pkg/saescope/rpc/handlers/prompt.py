"""All features that fire on a text, ranked by what they do for its next token."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from saescope import live
from saescope.errors import InputError
from saescope.rpc.calls import Answer, Call
from saescope.rpc.handlers.effects import given, next_token
from saescope.rpc.handlers.forming import short
from saescope.rpc.messages.effects import NextToken
from saescope.rpc.messages.prompt import (
    Attributed,
    AttributeParams,
    AttributionInfo,
    ExactDone,
    ExactParams,
    ExactRows,
    PromptParams,
    PromptRead,
    PromptStage,
)
from saescope.scope.attributing import figures_of

if TYPE_CHECKING:
    from saescope.effects.prompt import Prompt
    from saescope.effects.targets import Target

MOST_FEATURES = 500
TELL_EVERY_S = 0.06


def _read(call: Call, params: PromptParams) -> Answer:
    scope = live.get(params.scope)
    stage = _stages(call)
    with scope.prompted(given(params.text, params.tokens), check=call.check, on_stage=stage) as prompt:
        since = time.perf_counter()
        question = scope.question(prompt, aimed(prompt, params.target, params.contrast))
        direct = figures_of(question, "direct")
        output = prompt.ablator.output(prompt.n_tokens - 1)
        metric = float(question.metric(output.logits[-1:])[0])
        p = output.log_p[-1].exp()

    def told(token: int) -> NextToken:
        return next_token(scope, token, float(p[token]))

    units = question.units
    message = PromptRead(
        tokens=prompt.tokens.tolist(),
        texts=prompt.texts,
        raws=prompt.raws,
        counted=prompt.counted.tolist(),
        target=told(question.target),
        contrast=None if question.contrast is None else told(question.contrast),
        metric=short(metric),
        methods=methods(),
        took_ms=short(1000 * (time.perf_counter() - since)),
    )
    arrays = [(units.pos, "<u4"), (units.features, "<u4"), (units.values, "<f4"), (direct, "<f4")]
    return Answer(message, [array.astype(kind).tobytes() for array, kind in arrays])


def _attribute(call: Call, params: AttributeParams) -> Answer:
    scope = live.get(params.scope)
    stage = _stages(call)
    with scope.prompted(given(params.text, params.tokens), check=call.check, on_stage=stage) as prompt:
        question = scope.question(prompt, aimed(prompt, params.target, params.contrast))
    found = np.full(question.units.n, np.nan, dtype=np.float32)
    facts: dict[str, float] = {}
    told_at = 0.0
    for part in scope.attributing(prompt, question, params.method, check=call.check, on_wait=stage):
        found[part.units] = part.values
        facts |= part.facts
        if time.monotonic() - told_at > TELL_EVERY_S:
            told_at = time.monotonic()
            call.emit(
                PromptStage(
                    stage="running", n_tokens=prompt.n_tokens, done=part.done, total=part.total, facts=dict(facts)
                )
            )
    message = Attributed(method=params.method, n_pairs=len(found), facts=facts)
    return Answer(message, [found.astype("<f4").tobytes()])


def _exact(call: Call, params: ExactParams) -> ExactDone:
    if len(params.features) > MOST_FEATURES:
        raise InputError(f"exact effects are of {MOST_FEATURES} features at most, and {len(params.features)} came.")
    scope = live.get(params.scope)
    with scope.prompted(given(params.text, params.tokens), check=call.check) as prompt:
        question = scope.question(prompt, aimed(prompt, params.target, params.contrast), "feature", params.pos)
    units = question.units
    own = units.features[units.peaks].astype(np.int64)
    firing = {int(feature): unit for unit, feature in enumerate(own)}
    wanted = list(dict.fromkeys(params.features))
    values = dict.fromkeys(wanted, 0.0)
    order = np.array([firing[f] for f in wanted if f in firing], dtype=np.int64)
    waiting: list[int] = [f for f in wanted if f not in firing]
    done, told_at = 0, 0.0
    for part in scope.attributing(prompt, question.only(order), "exact", check=call.check):
        features = own[part.units].tolist()
        values |= dict(zip(features, (short(v) for v in part.values.tolist()), strict=True))
        waiting += features
        done = part.done
        if time.monotonic() - told_at > TELL_EVERY_S:
            told_at = time.monotonic()
            call.emit(ExactRows(features=waiting, values=[values[f] for f in waiting], done=done, total=len(order)))
            waiting = []
    return ExactDone(features=wanted, values=[values[f] for f in wanted])


def aimed(prompt: "Prompt", target: int | None, contrast: int | None) -> "Target":
    """What a request asks about, as Python does; a contrast alone is with the likeliest token."""
    if contrast is None:
        return target
    return (prompt.likeliest if target is None else target, contrast)


def methods() -> list[AttributionInfo]:
    """Every method of attribution."""
    from saescope.effects.attribution import REGISTRY
    from saescope.effects.attribution.about import about_of

    return [AttributionInfo(name=name, **vars(about_of(REGISTRY.get(name)))) for name in REGISTRY.names()]


def _stages(call: Call) -> Callable[[Any, int], None]:
    def tell(stage: Any, n_tokens: int) -> None:
        call.emit(PromptStage(stage=stage, n_tokens=n_tokens))

    return tell


HANDLERS: dict[str, Callable[[Call, Any], Any]] = {
    "prompt.read": _read,
    "prompt.attribute": _attribute,
    "prompt.refine": _attribute,
    "prompt.exact": _exact,
}
COMPUTED = {"prompt.read", "prompt.attribute"}
LONG = {"prompt.refine", "prompt.exact"}
