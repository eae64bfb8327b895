"""Features changed on a text, and what the model's output does.

1. A kind of ablation says what a feature's activations become, at the chosen positions.
2. What is added at the site is the change times what the feature writes; the SAE's error stays.
3. Each feature is one row of a batch that resumes at the site (`clean`); the output is reduced
   to its quantities (`quantities`) batch by batch.

Source: the exact effect by intervention, as activation patching in Meng et al. (2022),
"Locating and editing factual associations in GPT", and Marks et al. (2024), "Sparse feature
circuits", eq. 1, with the error term kept as there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from saescope.effects.batches import Batcher, Edit
from saescope.effects.clean import CleanRun
from saescope.effects.quantities import Change, Output, change_of
from saescope.effects.writing import Writer


@dataclass(frozen=True)
class ValueChange:
    """One feature's activations at some positions, before and after.

    ``positions`` [n] int64, rising; ``old`` and ``new`` [n] float32. ``along`` is the feature whose decoder
    direction carries the change, scaled to the own one's length, where that is another (a control).
    """

    feature: int
    positions: NDArray[np.int64]
    old: NDArray[np.float32]
    new: NDArray[np.float32]
    along: int | None = None


@dataclass(frozen=True)
class Measured:
    """What to look at.

    ``targets`` [seq] int64 is the token to expect after each position, ``contrast`` what it is compared with;
    ``is_last_only`` says that the last position alone matters. Of ``n_moved`` tokens, raised and lowered,
    the probabilities are told, at the last position or, with ``moves_everywhere``, at all.
    """

    targets: Tensor
    contrast: Tensor | None = None
    is_last_only: bool = False
    n_moved: int = 0
    moves_everywhere: bool = False


@dataclass(frozen=True)
class Effect:
    """What one change did, from position ``start`` on: the quantities' first axis is of length 1."""

    row: int
    start: int
    change: Change


class Ablator:
    """Measures changes on one text.

    Parameters
    ----------
    run
        The text's clean run.
    writer
        The SAE's decoder.
    """

    def __init__(self, run: CleanRun, writer: Writer, batcher: Batcher | None = None) -> None:
        self.run = run
        self.writer = writer
        self._batcher = batcher or Batcher(run)
        self._scales: Tensor | None = None
        self._clean: Output | None = None

    def edit(self, change: ValueChange) -> Edit:
        """What a change of a feature's activation adds at the site."""
        return self.joint([change])

    def joint(self, changes: Sequence[ValueChange]) -> Edit:
        """What several changes add together."""
        device = self.run.device
        parts: dict[int, Tensor] = {}
        for change in changes:
            direction = self._direction(change).to(device)
            steps = torch.from_numpy(change.new - change.old).to(device) * self.scales[change.positions]
            for pos, step in zip(change.positions.tolist(), steps, strict=True):
                parts[pos] = parts[pos] + step * direction if pos in parts else step * direction
        places = sorted(parts)
        return Edit(torch.tensor(places), torch.stack([parts[p] for p in places]))

    def _direction(self, change: ValueChange) -> Tensor:
        own = self.writer.directions([change.feature])[0]
        if change.along is None:
            return own
        other = self.writer.directions([change.along])[0]
        return other * (own.norm() / other.norm().clamp(min=1e-12))

    @property
    def scales(self) -> Tensor:
        """What the SAE's normalisation multiplies its output by at each token, ``[seq]``."""
        if self._scales is None:
            self._scales = self.writer.scales(self.run.seen).to(self.run.device)
        return self._scales

    def output(self, start: int) -> Output:
        """The clean output from a position to the end."""
        n_pos = self.run.n_tokens - start
        if self._clean is None or len(self._clean.log_p) < n_pos:
            with torch.no_grad():
                self._clean = Output.of(self.run.changed(None, start, n_pos)[0])
        return Output(self._clean.logits[-n_pos:], self._clean.log_p[-n_pos:])

    def measure(self, edits: Sequence[Edit], what: Measured) -> Iterator[Effect]:
        """The effect of each edit, as batches finish."""
        end = self.run.n_tokens
        for batch, logits in self._batcher.logits(edits, is_last_only=what.is_last_only):
            start = end - logits.shape[1]
            clean = self.output(start)
            contrast = None if what.contrast is None else what.contrast[start:]
            for row, one in zip(batch.rows, logits, strict=True):
                change = change_of(
                    clean,
                    one[None],
                    what.targets[start:],
                    contrast,
                    n_moved=what.n_moved,
                    moves_everywhere=what.moves_everywhere,
                )
                yield Effect(row, start, change)
