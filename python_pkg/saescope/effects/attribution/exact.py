"""Credit by taking a feature out and looking.

Each unit's features are set to zero at its positions, the SAE's error kept, and the model is run from the
site on: its credit is minus the change of the prediction. Those asked for first come first.

Source: Meng et al. (2022), "Locating and editing factual associations in GPT"; Marks et al. (2024), "Sparse
feature circuits", eq. 1.
"""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from saescope.effects.ablation import Measured, ValueChange
from saescope.effects.attribution.about import About, told
from saescope.effects.attribution.question import Part, Question, Units

MOST_TOGETHER = 64
PIECE_TOKENS, GPU_PIECE_TOKENS = 128, 8192


@told(
    About(
        title="exact",
        meaning="What is lost when it alone is set to zero and the model is run again.",
        source="zero ablation, as in Marks et al. 2024, eq. 1",
        is_exact=True,
        baseline="zero",
    )
)
def exact(question: Question) -> Iterator[Part]:
    """Minus the change under zero ablation."""
    run, order = question.ablator.run, question.wanted
    n_pos = run.n_tokens
    targets = torch.full((n_pos,), question.target)
    contrast = None if question.contrast is None else torch.full((n_pos,), question.contrast)
    what = Measured(targets.to(run.device), None if contrast is None else contrast.to(run.device), is_last_only=True)
    done = 0
    while done < len(order):
        units = order[done : done + _n_next(question, done)]
        edits = [question.ablator.joint(taken_out(question.units, int(unit))) for unit in units]
        values = np.zeros(len(units), dtype=np.float32)
        for effect in question.ablator.measure(edits, what):
            change = effect.change
            lost = change.delta_logprob if change.delta_contrast is None else change.delta_contrast
            values[effect.row] = -float(lost[0, -1])
        done += len(units)
        yield Part(units, values, done, len(order))
    if not len(order):
        yield Part(order, np.zeros(0, np.float32), 0, 0)


def _n_next(question: Question, done: int) -> int:
    """How many go together: as many as change few tokens in all, so that others have the model soon."""
    units, run = question.units, question.ablator.run
    order = question.wanted[done : done + MOST_TOGETHER]
    first = np.array([units.pos[units.pairs_of(int(unit))[0]] for unit in order])
    costs = np.cumsum(run.n_tokens - first) if run.has_prefix else np.arange(1, len(order) + 1) * run.n_tokens
    budget = PIECE_TOKENS if run.device.type == "cpu" else GPU_PIECE_TOKENS
    return max(int(np.searchsorted(costs, budget, side="right")), 1)


def taken_out(units: Units, unit: int) -> list[ValueChange]:
    """A unit's features set to zero at its positions."""
    pairs = units.pairs_of(unit)
    changes = []
    for feature in np.unique(units.features[pairs]):
        own: NDArray[np.int64] = pairs[units.features[pairs] == feature]
        old = units.values[own]
        changes.append(ValueChange(int(feature), units.pos[own], old, np.zeros_like(old)))
    return changes
