"""How well a way reads a site: explained variance, L0, and how both differ between ways on the same tokens.

    explained variance = 1 - sum |y - made|^2 / sum |y - mean(y)|^2

over tokens, as sae-lens's ``evals`` and Gao et al. (2024, eq. 9, 1 minus its normalised MSE) have it. The
standard error of a difference is a jackknife's over blocks of 16 tokens, which neighbor in their texts.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from saescope.engine.ways import Apply

BLOCK = 16


@dataclass(frozen=True)
class Measured:
    """Per token: squared error, squared distance from the mean, nonzeros; and the summed error of each half.

    ``made`` is the reconstruction ``[n, d_out]``.
    """

    errors: Tensor
    spread: Tensor
    n_firing: Tensor
    halves: tuple[Tensor, Tensor]
    made: Tensor

    @property
    def variance(self) -> float:
        """Explained variance; minus infinity where there is none to explain."""
        total = float(self.spread.sum())
        return 1 - float(self.errors.sum()) / total if total > 0 else float("-inf")

    @property
    def l0(self) -> float:
        """Features that fire on a token."""
        return float(self.n_firing.mean())

    @property
    def drift(self) -> float:
        """Share of the squared error that all tokens have in common; unbiased, so that it can be negative.

        The mean error of one half of the blocks times that of the other, over the mean squared error. A
        trained SAE's decoder bias makes the mean error zero on its own model and text.
        """
        total = float(self.errors.mean())
        return float((self.halves[0] * self.halves[1]).sum()) / total if total > 0 else 0.0


@torch.inference_mode()
def measure(apply: Apply, x: Tensor, y: Tensor, keep: Tensor | None = None) -> Measured:
    """Read ``x`` ``[n, d_in]`` (or ``[n_contexts, seq, d_in]``), and compare with ``y`` ``[n, d_out]``.

    ``keep`` ``[n]`` chooses tokens after reading, for SAEs that need whole contexts.
    """
    acts, made = apply(x)
    y, n_firing = y.to(made.device).float(), (acts != 0).sum(-1).float()
    made = made.float()
    if keep is not None:
        y, n_firing, made = y[keep], n_firing[keep], made[keep]
    wrong = y - made
    is_even = (torch.arange(len(y), device=y.device) // BLOCK) % 2 == 0
    halves = tuple(wrong[part].mean(0) if bool(part.any()) else wrong.mean(0) for part in (is_even, ~is_even))
    return Measured((wrong**2).sum(-1), ((y - y.mean(0)) ** 2).sum(-1), n_firing, (halves[0], halves[1]), made)


def gain(now: Measured, then: Measured, keep: Tensor | None = None) -> tuple[float, float]:
    """Explained variance more than before on the same tokens (of which ``keep`` chooses), and its standard error."""
    sums = torch.stack([now.errors, now.spread, then.errors, then.spread], dim=-1).double()
    sums = sums if keep is None else sums[keep.to(sums.device)]
    parts = torch.stack([part.sum(0) for part in sums.split(BLOCK)])

    def difference(total: Tensor) -> Tensor:
        return total[..., 2] / total[..., 3] - total[..., 0] / total[..., 1]

    whole = parts.sum(0)
    n = len(parts)
    if n < 2:
        return float(difference(whole)), float("inf")
    left = difference(whole - parts)
    return float(difference(whole)), math.sqrt(float((n - 1) / n * ((left - left.mean()) ** 2).sum()))


def shuffled(x: Tensor, seed: int = 0) -> Tensor:
    """Each dimension's values dealt anew over the tokens ``[n, d]``: the same distributions, and no directions."""
    draw = torch.Generator().manual_seed(seed)
    order = torch.rand(x.shape, generator=draw).argsort(0).to(x.device)
    return x.gather(0, order)
