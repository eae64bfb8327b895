"""Effect against strength, from suppression to amplification."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from saescope.errors import InputError
from saescope.index.store import check_feature
from saescope.scope.controlling import N_CONTROLS, Controlling
from saescope.scope.effect_rows import mean_at
from saescope.scope.prompting import Text
from saescope.scope.trying import Check, OnStage, nothing

if TYPE_CHECKING:
    from saescope.effects.planning import Where
    from saescope.effects.prompt import Prompt
    from saescope.effects.targets import Aim, Target
    from saescope.effects.trials import ControlOutcome, Outcome, Trial

LOW, HIGH, N_STRENGTHS = -1.0, 3.0, 17
MOST_STRENGTHS = 201
SCHEMA = {
    "feature": pl.UInt32,
    "strength": pl.Float32,
    "relative": pl.Float32,
    "is_current": pl.Boolean,
    "is_natural": pl.Boolean,
    "at": pl.List(pl.UInt32),
    "pos": pl.UInt32,
    "next_token": pl.String,
    "next_token_id": pl.UInt32,
    "logprob_before": pl.Float32,
    "logprob": pl.Float32,
    "delta_logprob": pl.Float32,
    "kl": pl.Float32,
    "delta_contrast": pl.Float32,
    "control_delta_logprob": pl.Float32,
    "control_kl": pl.Float32,
    "natural_low": pl.Float32,
    "natural_high": pl.Float32,
    "q50": pl.Float32,
    "q99": pl.Float32,
}


@dataclass(frozen=True)
class Natural:
    """The range of a feature's activations in the index, and two quantiles of those where it fires."""

    low: float
    high: float
    q50: float
    q99: float


@dataclass(frozen=True)
class Sweep:
    """Strengths to set a feature to, rising, and where.

    ``current`` is its strongest activation at the positions ``at``; ``natural`` is there with an index.
    """

    feature: int
    strengths: list[float]
    current: float
    at: list[int]
    natural: Natural | None


class Sweeping(Controlling):
    """Sweeps over strength."""

    def sweep(
        self,
        text: Text,
        feature: int,
        *,
        strengths: Sequence[float] | None = None,
        pos: "Where" = None,
        target: "Target" = None,
        seed: int = 0,
        controls: int = N_CONTROLS,
    ) -> pl.DataFrame:
        """Set a feature to one strength after another, and measure the last position.

        The strength is the activation at the strongest of the positions; where the feature fires at several, the others
        follow in proportion, and those where it does not fire stay so. Where it fires at none of them,
        all are set to it.

        Parameters
        ----------
        text
            A text or token ids. To look at an earlier position, give the tokens up to it.
        strengths
            In units of activation; by default 17 from minus one to three times the feature's largest in the
            index (without an index, on the text), and its present one.
        pos
            Positions to change, as for `ablate`; by default where it fires, or where it does not, the last.
        target
            The token after the text to look at, as text or id, or a pair to contrast; by default the likeliest.
        seed, controls
            See `ablate`.

        Returns
        -------
        polars.DataFrame
            One row a strength, rising: ``feature, strength, relative`` (to the largest in the index)``, is_current,
            is_natural`` (within its range in the index)``, at, pos, next_token, next_token_id, logprob_before, logprob,
            delta_logprob, kl`` (nats)``, delta_contrast`` (logits; null without)``, control_delta_logprob, control_kl``
            (means over controls)``, natural_low, natural_high, q50, q99`` (of its activations in the index; null
            without). At the present strength the changes are 0.

        Raises
        ------
        NeedsModelError, UnknownFeatureError, ComputeError
            See `ablate`.
        InputError
            See `ablate`; or there are no strengths to try, as for a feature that fires neither here nor in an index.

        Examples
        --------
        >>> text = "The ship was sunk by the Royal Navy"
        >>> swept = scope.sweep(text, scope.top_features(text, k=1)["feature"][0])
        >>> unchanged = swept.filter(pl.col("is_current"))
        >>> bool((unchanged["kl"].abs() < 1e-5).all())
        True
        """
        from saescope.effects.trials import control_outcomes, outcomes

        with self.swept(text, feature, strengths=strengths, pos=pos, target=target, seed=seed, controls=controls) as (
            prompt,
            aim,
            sweep,
            trials,
        ):
            found = dict(outcomes(prompt, trials, aim, is_last_only=True))
            beside = control_outcomes(prompt, trials, aim, is_last_only=True)
        rows = [self._row(sweep, aim, i, found[i], beside.get(i)) for i in range(len(sweep.strengths))]
        return pl.DataFrame(rows, schema=SCHEMA, orient="row")

    def _row(
        self, sweep: Sweep, aim: "Aim", i: int, outcome: "Outcome", beside: "ControlOutcome | None"
    ) -> tuple[Any, ...]:
        strength, natural = sweep.strengths[i], sweep.natural
        target = int(aim.targets[-1])
        is_natural = None if natural is None else natural.low <= strength <= natural.high
        is_changed = [] if strength == sweep.current else sweep.at
        return (
            sweep.feature,
            strength,
            None if natural is None or not natural.high else strength / natural.high,
            strength == sweep.current,
            is_natural,
            sweep.at,
            outcome.start,
            self.texts_of([target])[0],
            target,
            float(outcome.logprob_before[-1]),
            float(outcome.logprob[-1]),
            float(outcome.delta_logprob[-1]),
            float(outcome.kl[-1]),
            None if outcome.delta_contrast is None else float(outcome.delta_contrast[-1]),
            mean_at(beside and beside.delta_logprob, -1, is_changed),
            mean_at(beside and beside.kl, -1, is_changed),
            *((None,) * 4 if natural is None else (natural.low, natural.high, natural.q50, natural.q99)),
        )

    @contextmanager
    def swept(
        self,
        text: Text,
        feature: int,
        *,
        strengths: Sequence[float] | None = None,
        pos: "Where" = None,
        target: "Target" = None,
        seed: int = 0,
        controls: int = N_CONTROLS,
        check: Check = nothing,
        on_stage: OnStage = nothing,
    ) -> "Iterator[tuple[Prompt, Aim, Sweep, list[Trial]]]":
        """The text that was run, and one trial a strength; with the model for oneself."""
        from saescope.effects.ablation import ValueChange
        from saescope.effects.planning import positions_of
        from saescope.effects.trials import Trial

        feature = check_feature(feature, self.n_features)
        beside = [[int(c)] for c in self.controls(feature, controls, seed=seed)["feature"]]
        natural = self._natural(feature)
        with self.prompted(text, check=check, on_stage=on_stage) as prompt:
            at = positions_of(prompt, feature, pos, "fires")
            at = at if len(at) else np.array([prompt.n_tokens - 1])
            old = prompt.activations(feature)[at]
            current = float(old[np.abs(old).argmax()])
            wanted = _strengths(strengths, current, natural, feature)
            trials = []
            for strength in wanted:
                new = old * np.float32(strength / current) if current else np.full_like(old, strength)
                new = old if strength == current else new.astype(np.float32)
                moves = new != old
                trials.append(Trial([ValueChange(feature, at[moves], old[moves], new[moves])], beside))
            yield prompt, prompt.aim(target), Sweep(feature, wanted, current, at.tolist(), natural), trials

    def _natural(self, feature: int) -> Natural | None:
        """The range of a feature's activations in the index; none where it has not fired there."""
        if self._index is None:
            return None
        row = self._index.figures.row(feature, ["max", "q50", "q99"])
        high = float(row["max"])
        if not high:
            return None
        is_signed = self._index.manifest.sae.get("architecture") == "abstopk"
        return Natural(-high if is_signed else 0.0, high, float(row["q50"]), float(row["q99"]))


def _strengths(given: Sequence[float] | None, current: float, natural: Natural | None, feature: int) -> list[float]:
    """The strengths to try, rising, each once."""
    if given is not None:
        values = np.asarray(list(given), dtype=np.float64)
        if not 0 < len(values) <= MOST_STRENGTHS or not np.isfinite(values).all():
            raise InputError(f"strengths are 1 to {MOST_STRENGTHS} finite numbers, and {given!r:.80} came.")
        return np.unique(values).tolist()
    unit = natural.high if natural is not None else abs(current)
    if not unit:
        raise InputError(
            f"feature {feature} fires neither on this text nor in an index: there is no natural strength to go by.",
            hint="Give strengths in units of activation: strengths=[0, 5, 10].",
        )
    return np.unique(np.append(np.linspace(LOW, HIGH, N_STRENGTHS) * unit, current)).tolist()
