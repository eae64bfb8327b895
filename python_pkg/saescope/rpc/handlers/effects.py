"""What features do to the model's output on a text."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from saescope import live
from saescope.errors import InputError, PluginError
from saescope.rpc.calls import Answer, Call
from saescope.rpc.handlers.briefs import briefs
from saescope.rpc.handlers.effect_series import examples, sweep, target_of
from saescope.rpc.handlers.forming import short
from saescope.rpc.messages.effects import (
    AblationKind,
    AblationKinds,
    EffectControl,
    EffectParams,
    EffectRead,
    EffectStage,
    KindOption,
    NextParams,
    NextToken,
    NextTokens,
    Passage,
    Passages,
    PassagesParams,
    TokenName,
    TypedToken,
)
from saescope.rpc.messages.scopes import ScopeParams
from saescope.scope import Scope
from saescope.scope.ablating import N_MOVED, Ask
from saescope.scope.prompting import Text

if TYPE_CHECKING:
    from saescope.effects.trials import Outcome

MOST_PASSAGES, MOST_SIDE = 20, 200


def given(text: str, tokens: list[int] | None) -> Text:
    """The text of a request: token ids where there are any, else the string.

    Raises
    ------
    InputError
        There is neither.
    """
    if tokens is not None:
        return tokens
    if not text:
        raise InputError("there is no text to measure on.", hint="Type one, or take an example.")
    return text


def _next(call: Call, params: NextParams) -> NextTokens:
    scope = live.get(params.scope)
    typed = params.typed or ""
    asked = [typed] if typed else []
    asked += [" " + typed] if typed and not typed.startswith(" ") else []
    found = scope.expect(given(params.text, params.tokens), params.k, asked, check=call.check)
    return NextTokens(
        likeliest=[next_token(scope, i, p) for i, p in zip(found.ids, found.probabilities, strict=True)],
        typed=[
            TypedToken(
                text=one.text, pieces=scope.texts_of(one.ids), first=next_token(scope, one.ids[0], one.probability)
            )
            for one in found.typed
        ],
    )


def next_token(scope: Scope, token: int, probability: float) -> NextToken:
    """A token with its probability."""
    (text,), (raw,) = scope.texts_of([token]), scope.raws_of([token])
    return NextToken(token=token, text=text, raw=raw, probability=short(probability))


def _kinds(_call: Call, params: ScopeParams) -> AblationKinds:
    from saescope.effects.kinds import REGISTRY

    has_index = live.get(params.scope).index is not None
    return AblationKinds(kinds=[_kind(name, has_index) for name in sorted(REGISTRY.names(), key=lambda n: n != "zero")])


def _kind(name: str, has_index: bool) -> AblationKind:
    from saescope.effects.kinds import choose

    try:
        about = choose(name).about
    except PluginError as err:
        problem = f"{err.message} {err.hint}"
        return AblationKind(
            name=name, title=name, meaning="", options=[], where="fires", takes_other=False, problem=problem
        )
    lacks_index = "index" in about.needs and not has_index and not about.takes_other
    return AblationKind(
        name=name,
        title=about.title,
        meaning=about.meaning,
        options=[KindOption(**vars(option)) for option in about.options],
        where=about.where,
        takes_other=about.takes_other,
        problem="It needs an index, and there is none." if lacks_index else "",
    )


def _passages(_call: Call, params: PassagesParams) -> Passages:
    scope = live.get(params.scope)
    if not 1 <= params.k <= MOST_PASSAGES or not 0 <= params.before <= MOST_SIDE or not 0 <= params.after <= MOST_SIDE:
        raise InputError(
            f"1 to {MOST_PASSAGES} passages of 0 to {MOST_SIDE} tokens a side can be had, "
            f"and {params.k} of {params.before} and {params.after} were asked for."
        )
    found = scope.passages(params.feature, params.k, n_after=params.after, n_before=params.before)
    return Passages(
        passages=[
            Passage(
                row=one.row,
                activation=short(one.activation),
                tokens=one.tokens,
                texts=scope.texts_of(one.tokens),
                peak=one.peak,
            )
            for one in found
        ]
    )


def asked_of(params: EffectParams) -> Ask:
    """What a request asks for."""
    return Ask(
        given(params.text, params.tokens),
        params.features,
        params.kind,
        params.where if params.positions is None else params.positions,
        target_of(params.target, params.contrast),
        params.other or None,
        params.seed,
        is_joint=True,
        n_controls=params.n_controls,
        options=params.options,
    )


def _stages(call: Call) -> Callable[[Any, int], None]:
    return lambda stage, n_tokens: call.emit(EffectStage(stage=stage, n_tokens=n_tokens))


def _ablate(call: Call, params: EffectParams) -> Answer:
    from saescope.effects.trials import outcomes

    scope = live.get(params.scope)
    ask = asked_of(params)
    with scope.asked(ask, check=call.check, on_stage=_stages(call), has_controls=False) as (prompt, aim, trials):
        ((_, outcome),) = outcomes(prompt, trials, aim, is_last_only=False, n_moved=N_MOVED)
        last = prompt.ablator.output(prompt.n_tokens - 1).log_p[-1].exp()
        likeliest = prompt.likeliest
        expected = next_token(scope, likeliest, float(last[likeliest]))
    several = len(trials[0].changes) > 1
    activations = np.zeros(prompt.n_tokens) if several else prompt.activations(ask.features[0])
    targets = aim.targets[outcome.start :].tolist()
    ids, buffers = _moved(outcome)
    message = EffectRead(
        tokens=prompt.tokens.tolist(),
        texts=prompt.texts,
        raws=prompt.raws,
        counted=prompt.counted.tolist(),
        activations=shorts(activations),
        at=trials[0].at.tolist(),
        start=outcome.start,
        targets=targets,
        before=shorts(outcome.logprob_before),
        after=shorts(outcome.logprob),
        kl=shorts(outcome.kl),
        contrast=None if outcome.delta_contrast is None else shorts(outcome.delta_contrast),
        likeliest=expected,
        n_moved=ids.shape[1] // 2,
        names=[
            TokenName(token=t, text=text, raw=raw)
            for unique in [np.unique([*ids.ravel().tolist(), *targets]).astype(int).tolist()]
            for t, text, raw in zip(unique, scope.texts_of(unique), scope.raws_of(unique), strict=True)
        ],
    )
    return Answer(message, buffers)


def _moved(outcome: "Outcome") -> tuple[np.ndarray[Any, Any], list[bytes]]:
    """The tokens raised, then those lowered, ``[n_pos, 2 k]``, and the buffers that tell of them."""
    sides = [side for side in (outcome.raised, outcome.lowered) if side is not None]
    columns = [np.concatenate([getattr(side, name) for side in sides], axis=1) for name in ("ids", "before", "after")]
    kinds = ("<u4", "<f4", "<f4")
    return columns[0], [np.ascontiguousarray(c, dtype=kind).tobytes() for c, kind in zip(columns, kinds, strict=True)]


def shorts(values: "Sequence[float] | np.ndarray[Any, Any]") -> list[float]:
    """Numbers with six significant digits."""
    return [short(float(value)) if value else 0.0 for value in values]


def _control(call: Call, params: EffectParams) -> EffectControl:
    from saescope.effects.trials import control_outcomes

    scope = live.get(params.scope)
    with scope.asked(asked_of(params), check=call.check, on_stage=_stages(call)) as (prompt, aim, trials):
        found = control_outcomes(prompt, trials, aim, is_last_only=False).get(0)
        at = trials[0].at
        start = int(at[0]) if len(at) else prompt.n_tokens - 1
    named = [feature for one in trials[0].controls for feature in one]
    return EffectControl(
        controls=trials[0].controls,
        briefs=briefs(scope, named) if scope.index is not None else [],
        start=start,
        delta_logprob=[] if found is None else [shorts(row) for row in found.delta_logprob],
        kl=[] if found is None else [shorts(row) for row in found.kl],
    )


HANDLERS: dict[str, Callable[[Call, Any], Any]] = {
    "effects.next": _next,
    "effects.kinds": _kinds,
    "effects.passages": _passages,
    "effects.ablate": _ablate,
    "effects.control": _control,
    "effects.examples": examples,
    "effects.sweep": sweep,
}
COMPUTED = {"effects.next", "effects.ablate", "effects.control"}
LONG = {"effects.examples", "effects.sweep"}
