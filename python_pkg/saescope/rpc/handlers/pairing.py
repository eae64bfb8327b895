"""Pairing: whether SAE and model fit."""

import os
from collections.abc import Callable
from typing import Any

from saescope import live
from saescope.index.pairing import PairingCheck, Score, Trial
from saescope.index.verdict import cause_words, reasons
from saescope.rpc.calls import Call
from saescope.rpc.handlers.forming import short
from saescope.rpc.handlers.subjects import pairing_info
from saescope.rpc.messages.pairing import (
    PairingDetails,
    PairingFigures,
    PairingReason,
    PairingStart,
    PairingTrial,
)
from saescope.rpc.messages.scopes import Nothing, PairingInfo, ScopeParams
from saescope.scope import Scope


def _pairing_get(_call: Call, params: ScopeParams) -> PairingDetails:
    scope = live.get(params.scope)
    info = pairing_info(scope) or PairingInfo(state="none")
    check = scope.pairing
    if check is None:
        return PairingDetails(info=info)
    losses, cause = check.losses, check.cause
    kept = (losses.recovered(), losses.recovered("zero")) if losses is not None else (None, None)
    return PairingDetails(
        info=info,
        failure=check.failure,
        untold=check.untold,
        loaded=_figures(check.score, *kept),
        control=_figures(check.control, losses.control_recovered if losses is not None else None),
        published=_published(check),
        source=str(check.published.get("source", "")),
        drift=_short(check.drift),
        reasons=[PairingReason(key=key, name=cause_words(key, check), text=text) for key, text in reasons(check)],
        trials=[_trial(scope, trial) for trial in check.trials],
        code="" if cause is None else load_code(scope, cause.correct),
        text=check.text,
        seconds=short(check.seconds),
    )


def load_code(scope: Scope, correct: dict[str, Any]) -> str:
    """The Python call that loads the same with something corrected."""
    recipe, rounded = scope.recipe, {k: float(f"{v:.3g}") if isinstance(v, float) else v for k, v in correct.items()}
    if recipe is None:
        return f"saescope.load(model, sae=sae, correct={rounded!r})"
    both = {**recipe.correct, **rounded}
    kind = f", dtype={recipe.dtype!r}" if recipe.dtype else ""
    return f"saescope.load({os.fspath(recipe.model)!r}, sae={recipe.sae!r}{kind}, correct={both!r})"


def _trial(scope: Scope, trial: Trial) -> PairingTrial:
    figures = _figures(trial.score)
    return PairingTrial(
        kind=trial.kind,
        what=trial.what,
        figures=PairingFigures(explained_variance=None, l0=None, n=0) if figures is None else figures,
        gain=short(trial.gain),
        error=_short(trial.error),
        is_better=trial.is_better,
        code=load_code(scope, trial.correct),
    )


def _figures(score: Score | None, recovered: float | None = None, zero: float | None = None) -> PairingFigures | None:
    if score is None:
        return None
    return PairingFigures(
        explained_variance=short(score.explained_variance),
        l0=short(score.l0),
        n=score.n,
        recovered=_short(recovered),
        recovered_zero=_short(zero),
    )


def _published(check: PairingCheck) -> PairingFigures | None:
    if not check.published:
        return None
    told = check.published
    return PairingFigures(explained_variance=told.get("explained_variance"), l0=told.get("l0"), n=0)


def _short(x: float | None) -> float | None:
    return None if x is None else short(x)


def _pairing_start(_call: Call, params: PairingStart) -> Nothing:
    live.get(params.scope).start_check(is_asked=params.cause == "asked")
    return Nothing()


def _pairing_stop(_call: Call, params: ScopeParams) -> Nothing:
    live.get(params.scope).stop_check()
    return Nothing()


HANDLERS: dict[str, Callable[[Call, Any], Any]] = {
    "pairing.get": _pairing_get,
    "pairing.start": _pairing_start,
    "pairing.stop": _pairing_stop,
}
