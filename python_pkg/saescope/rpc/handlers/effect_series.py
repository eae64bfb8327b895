"""Effects that take many runs: over a feature's examples, and over strengths. They leave the model free between."""

import math
import time
from typing import TYPE_CHECKING, Any

from saescope import live
from saescope.errors import InputError
from saescope.rpc.calls import Call
from saescope.rpc.handlers.forming import short
from saescope.rpc.messages.effects import (
    EffectMean,
    ExampleChange,
    NextToken,
    SeriesParams,
    SeriesPart,
    SeriesRead,
    SweepParams,
    SweepPoint,
    SweepRead,
)
from saescope.scope import Scope
from saescope.scope.ablating import Ask
from saescope.scope.exampling import ExampleEffect, summary_of

if TYPE_CHECKING:
    import numpy as np

    from saescope.effects.targets import Aim, Target
    from saescope.effects.trials import Outcome
    from saescope.scope.sweeping import Sweep

SIDE = 12
TELL_S = 0.06


def examples(call: Call, params: SeriesParams) -> SeriesRead:
    """A feature changed in each of its examples."""
    scope = live.get(params.scope)
    ask = Ask(
        (),
        [params.feature],
        params.kind,
        seed=params.seed,
        n_controls=params.n_controls,
        options=params.options,
    )
    total = len(scope.passages(params.feature, params.k, params.group, params.n_after))
    since = time.monotonic()
    found: list[ExampleEffect] = []
    running = scope.effects_on_examples(
        ask, params.k, params.group, n_after=params.n_after, at=params.where, check=call.check
    )
    for effect in running:
        found.append(effect)
        left = (time.monotonic() - since) / len(found) * (total - len(found))
        part = example_change(scope, effect)
        call.emit(SeriesPart(example=part, done=len(found), total=total, seconds_left=short(left)))
    summary = summary_of(scope.examples_frame(found), params.seed)
    return SeriesRead(
        examples=[example_change(scope, effect) for effect in found],
        summary=[EffectMean(**row) for row in summary.iter_rows(named=True)],
    )


def example_change(scope: Scope, effect: ExampleEffect) -> ExampleChange:
    """An example's effect as the page shows it."""
    index = scope.require_index()
    low = effect.row - min(effect.pos, SIDE)
    (_, (end,)) = index.layout.context_bounds(_rows(effect.row))
    ids = [int(t) for t in index.tokens[low : min(effect.row + 1 + SIDE, int(end))]]
    figures = {
        name: figure(getattr(effect, name))
        for name in ExampleChange.__dataclass_fields__
        if name.endswith(("logprob", "kl", "_after")) and name != "n_after"
    }
    return ExampleChange(
        rank=effect.rank,
        row=effect.row,
        activation=short(effect.activation),
        pos=effect.pos,
        texts=scope.texts_of(ids),
        peak=effect.row - low,
        next_text=None if effect.next_token_id is None else scope.texts_of([effect.next_token_id])[0],
        n_changed=effect.n_changed,
        n_after=effect.n_after,
        **figures,  # pyright: ignore[reportArgumentType]
    )


def _rows(row: int) -> "np.ndarray[Any, np.dtype[np.int64]]":
    import numpy as np

    return np.array([row])


def target_of(target: int | None, contrast: int | None) -> "Target":
    """The token to look at, alone or with the one to contrast it with.

    Raises
    ------
    InputError
        Only the second was given.
    """
    if contrast is None:
        return target
    if target is None:
        raise InputError("a contrast is of two tokens, and only the second was given.")
    return target, contrast


def figure(value: float) -> float | None:
    """A number for the page; none where there is none."""
    return None if math.isnan(value) else short(value)


def sweep(call: Call, params: SweepParams) -> SweepRead:
    """A feature set to one strength after another; its controls one by one."""
    from saescope.effects.trials import control_outcomes, outcomes
    from saescope.rpc.handlers.effects import given, next_token

    scope = live.get(params.scope)
    text = given(params.text, params.tokens)
    asked: dict[str, Any] = {
        "strengths": params.strengths,
        "pos": params.where if params.positions is None else params.positions,
        "target": target_of(params.target, params.contrast),
        "seed": params.seed,
        "check": call.check,
    }
    told = Telling(call, 1 + params.n_controls)
    with scope.swept(text, params.feature, controls=0, **asked) as (prompt, aim, plan, trials):
        p = prompt.ablator.output(prompt.n_tokens - 1).log_p[-1].exp()
        target = int(aim.targets[-1])
        told.begin(plan, aim, next_token(scope, target, float(p[target])), float(p[target].log()))
        for place, outcome in outcomes(prompt, trials, aim, is_last_only=True):
            told.point(place, outcome)
    told.part()
    for n in range(params.n_controls):
        with scope.swept(text, params.feature, controls=params.n_controls, **asked) as (prompt, aim, _, trials):
            one = [type(trial)(trial.changes, [trial.controls[n]]) for trial in trials]
            for place, found in control_outcomes(prompt, one, aim, is_last_only=True).items():
                told.control(place, float(found.delta_logprob[0, -1]), float(found.kl[0, -1]))
        told.part()
    return told.read()


class Telling:
    """A sweep as far as it is known, told as it grows.

    Parameters
    ----------
    call
        Who asked.
    total
        Parts: the feature's own, and each control's.
    """

    def __init__(self, call: Call, total: int) -> None:
        self._call = call
        self._total = total
        self._done = 0
        self._points: dict[int, SweepPoint] = {}
        self._beside: dict[int, list[tuple[float, float]]] = {}
        self._told_at = 0.0

    def begin(self, plan: "Sweep", aim: "Aim", target: NextToken, before: float) -> None:
        """What is swept."""
        if not len(aim.targets):
            raise InputError("there is no text to sweep on.")
        self._plan, self._target, self._before = plan, target, before

    def point(self, place: int, outcome: "Outcome") -> None:
        """The feature's own effect at one strength."""
        contrast = None if outcome.delta_contrast is None else short(float(outcome.delta_contrast[-1]))
        self._points[place] = SweepPoint(
            place=place,
            logprob=short(float(outcome.logprob[-1])),
            delta_logprob=short(float(outcome.delta_logprob[-1])),
            kl=short(float(outcome.kl[-1])),
            contrast=contrast,
        )
        if time.monotonic() - self._told_at > TELL_S:
            self._told_at = time.monotonic()
            self._call.emit(self.read())

    def control(self, place: int, delta_logprob: float, kl: float) -> None:
        """A control's effect at one strength."""
        self._beside.setdefault(place, []).append((delta_logprob, kl))

    def part(self) -> None:
        """A part is done."""
        self._done += 1
        if self._done < self._total:
            self._call.emit(self.read())

    def read(self) -> SweepRead:
        """What is known."""
        plan = self._plan
        natural = plan.natural and [short(v) for v in vars(plan.natural).values()]
        return SweepRead(
            feature=plan.feature,
            strengths=[short(s) for s in plan.strengths],
            current=short(plan.current),
            at=plan.at,
            fires=bool(plan.current),
            natural=natural,
            target=self._target,
            before=short(self._before),
            points=[self._with_control(self._points[place]) for place in sorted(self._points)],
            n_controls=max(self._done - 1, 0),
            done=self._done,
            total=self._total,
        )

    def _with_control(self, point: SweepPoint) -> SweepPoint:
        beside = self._beside.get(point.place)
        if not beside:
            return point
        delta, kl = (sum(column) / len(beside) for column in zip(*beside, strict=True))
        return SweepPoint(**{**vars(point), "control_delta_logprob": short(delta), "control_kl": short(kl)})
