"""Rows of the tables that effects come in."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from saescope.effects.prompt import Prompt
    from saescope.effects.targets import Aim
    from saescope.effects.trials import ControlOutcome, MovedTokens, Outcome, Trial
    from saescope.scope.expecting import Expecting

MOVED = pl.List(pl.Struct({"token": pl.String, "token_id": pl.UInt32, "before": pl.Float32, "after": pl.Float32}))
ABLATION_SCHEMA = {
    "feature": pl.UInt32,
    "features": pl.List(pl.UInt32),
    "kind": pl.String,
    "at": pl.List(pl.UInt32),
    "pos": pl.UInt32,
    "token": pl.String,
    "next_token": pl.String,
    "next_token_id": pl.UInt32,
    "logprob_before": pl.Float32,
    "logprob": pl.Float32,
    "delta_logprob": pl.Float32,
    "kl": pl.Float32,
    "delta_loss": pl.Float32,
    "delta_contrast": pl.Float32,
    "activation": pl.Float32,
    "raised": MOVED,
    "lowered": MOVED,
    "controls": pl.List(pl.UInt32),
    "control_delta_logprob": pl.Float32,
    "control_kl": pl.Float32,
}


def ablation_rows(
    scope: "Expecting",
    prompt: "Prompt",
    aim: "Aim",
    trial: "Trial",
    outcome: "Outcome",
    beside: "ControlOutcome | None",
    kind: str,
) -> Iterator[tuple[Any, ...]]:
    """One row for each measured position of a trial."""
    features = [change.feature for change in trial.changes]
    only = features[0] if len(features) == 1 else None
    at = trial.at.tolist()
    controls = [feature for one in trial.controls for feature in one]
    activations = None if only is None else prompt.activations(only)
    delta = outcome.delta_logprob
    for i, pos in enumerate(range(outcome.start, prompt.n_tokens)):
        target = int(aim.targets[pos])
        follows = pos + 1 < prompt.n_tokens
        yield (
            only,
            features,
            kind,
            at,
            pos,
            prompt.texts[pos],
            scope.texts_of([target])[0],
            target,
            float(outcome.logprob_before[i]),
            float(outcome.logprob[i]),
            float(delta[i]),
            float(outcome.kl[i]),
            -float(delta[i]) if follows else None,
            None if outcome.delta_contrast is None else float(outcome.delta_contrast[i]),
            None if activations is None else float(activations[pos]),
            moved_list(scope, outcome.raised, i),
            moved_list(scope, outcome.lowered, i),
            controls,
            mean_at(beside and beside.delta_logprob, i, at),
            mean_at(beside and beside.kl, i, at),
        )


def moved_list(scope: "Expecting", moved: "MovedTokens | None", i: int) -> list[dict[str, Any]]:
    """The tokens that moved at the ``i``-th measured position, those that moved most first."""
    if moved is None:
        return []
    ids: Sequence[int] = moved.ids[i].tolist()
    columns = zip(scope.texts_of(ids), ids, moved.before[i].tolist(), moved.after[i].tolist(), strict=True)
    return [dict(zip(("token", "token_id", "before", "after"), row, strict=True)) for row in columns]


def mean_at(values: "np.ndarray[Any, Any] | None", i: int, at: list[int]) -> float | None:
    """The mean over controls ``[n_controls, n_pos]`` at the ``i``-th position; 0 where nothing was changed."""
    if values is None:
        return None
    return float(values[:, i].mean()) if at else 0.0
