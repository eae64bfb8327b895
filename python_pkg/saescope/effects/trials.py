"""Changes of a text that are measured beside their controls.

A trial is one change of the model: of one feature, or of several at once. Its controls are changes of
the same size at the same positions along other features' directions.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from saescope.effects.ablation import Measured, ValueChange
from saescope.effects.planning import along
from saescope.effects.prompt import Prompt
from saescope.effects.quantities import Moved
from saescope.effects.targets import Aim

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Trial:
    """Features changed together, and the features whose directions carry the same change as a control.

    ``changes`` is one a feature; ``controls`` [n_controls][n_features] feature numbers.
    """

    changes: list[ValueChange]
    controls: list[list[int]] = field(default_factory=list)

    @property
    def at(self) -> NDArray[np.int64]:
        """The positions changed, rising; none where nothing is."""
        found = [c.positions for c in self.changes]
        return np.unique(np.concatenate(found)) if found else np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class MovedTokens:
    """Of each measured position the tokens that moved most: ``ids`` and probabilities ``[n_pos, k]``."""

    ids: NDArray[np.int64]
    before: Floats
    after: Floats

    @classmethod
    def of(cls, moved: Moved, drop: int) -> "MovedTokens":
        """From the first position on that was wanted."""
        return cls(*(part[0, drop:].cpu().numpy() for part in (moved.ids, moved.before, moved.after)))


@dataclass(frozen=True)
class Outcome:
    """What a trial did, from position ``start`` on: each quantity ``[n_pos]`` float32, see `quantities`.

    ``delta_contrast`` is there where there is a contrast; ``raised`` and ``lowered`` where they were asked for.
    """

    start: int
    logprob_before: Floats
    logprob: Floats
    kl: Floats
    delta_contrast: Floats | None = None
    raised: MovedTokens | None = None
    lowered: MovedTokens | None = None

    @property
    def delta_logprob(self) -> Floats:
        """After the change less before, nats."""
        return self.logprob - self.logprob_before


def measured(aim: Aim, device: torch.device, *, is_last_only: bool, n_moved: int = 0) -> Measured:
    """What to look at, for an aim."""
    targets = torch.from_numpy(aim.targets).to(device)
    contrast = None if aim.contrast is None else torch.full_like(targets, aim.contrast)
    return Measured(targets, contrast, is_last_only, n_moved, moves_everywhere=True)


def outcomes(
    prompt: Prompt, trials: Sequence[Trial], aim: Aim, *, is_last_only: bool, n_moved: int = 0
) -> Iterator[tuple[int, Outcome]]:
    """What each trial did, as batches finish; of one that changes nothing, nothing, at the last position."""
    still = [i for i, trial in enumerate(trials) if not len(trial.at)]
    for i in still:
        yield i, unchanged(prompt, aim, n_moved)
    moving = [i for i, trial in enumerate(trials) if len(trial.at)]
    edits = [prompt.ablator.joint([c for c in trials[i].changes if len(c.positions)]) for i in moving]
    what = measured(aim, prompt.run.device, is_last_only=is_last_only, n_moved=n_moved)
    for effect in prompt.ablator.measure(edits, what):
        change, i = effect.change, moving[effect.row]
        start = prompt.n_tokens - 1 if is_last_only else int(trials[i].at[0])
        drop = start - effect.start
        logprob, delta = _cut(change.logprob, drop), _cut(change.delta_logprob, drop)
        contrast = None if change.delta_contrast is None else _cut(change.delta_contrast, drop)
        raised = None if change.raised is None else MovedTokens.of(change.raised, drop)
        lowered = None if change.lowered is None else MovedTokens.of(change.lowered, drop)
        yield i, Outcome(start, logprob - delta, logprob, _cut(change.kl, drop), contrast, raised, lowered)


def _cut(values: Tensor, drop: int) -> Floats:
    return values[0, drop:].cpu().numpy()


def unchanged(prompt: Prompt, aim: Aim, n_moved: int = 0) -> Outcome:
    """The last position as it is."""
    last = prompt.n_tokens - 1
    log_p = prompt.ablator.output(last).log_p[-1]
    before = log_p[int(aim.targets[last])].reshape(1).cpu().numpy()
    nothing = np.zeros(1, dtype=np.float32)
    none = MovedTokens(np.zeros((1, 0), np.int64), np.zeros((1, 0), np.float32), np.zeros((1, 0), np.float32))
    moved = none if n_moved else None
    return Outcome(last, before, before, nothing, None if aim.contrast is None else nothing, moved, moved)


@dataclass(frozen=True)
class ControlOutcome:
    """What a trial's controls did: ``delta_logprob`` and ``kl`` ``[n_controls, n_pos]``, from the trial's start on."""

    delta_logprob: Floats
    kl: Floats


def control_outcomes(
    prompt: Prompt, trials: Sequence[Trial], aim: Aim, *, is_last_only: bool
) -> dict[int, ControlOutcome]:
    """What the controls of each trial did; of trials that change nothing, nothing."""
    parts = [(i, n) for i, trial in enumerate(trials) for n in range(len(trial.controls))]
    made = [
        Trial([along(c, control) for c, control in zip(trials[i].changes, trials[i].controls[n], strict=True)])
        for i, n in parts
    ]
    found: dict[int, list[Outcome | None]] = {i: [None] * len(trial.controls) for i, trial in enumerate(trials)}
    for row, outcome in outcomes(prompt, made, aim, is_last_only=is_last_only):
        i, n = parts[row]
        found[i][n] = outcome
    return {
        i: ControlOutcome(
            np.stack([o.delta_logprob for o in of_one if o is not None]),
            np.stack([o.kl for o in of_one if o is not None]),
        )
        for i, of_one in found.items()
        if of_one
    }
