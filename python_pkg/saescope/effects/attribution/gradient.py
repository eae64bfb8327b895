"""Credit by the slope of the prediction, for all pairs at once.

With ``m`` what is attributed and ``x_p`` the site's activation at a position, one backward pass gives

    gradient_pj = a_pj s_p (d_j · ∂m/∂x_p)

the change of ``m`` if the slope held all the way from the feature's absence to how it fires.

Source: attribution patching, Nanda (2023); Syed et al. (2023), "Attribution patching outperforms automated
circuit discovery"; for SAE features with the error term kept, Marks et al. (2024), "Sparse feature circuits", eq. 2.
"""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from saescope.effects.attribution.about import About, told
from saescope.effects.attribution.question import Part, Question
from saescope.errors import ComputeError


@told(
    About(
        title="gradient",
        meaning="Activation times the slope of the prediction along what the feature writes, on the clean run.",
        source="Nanda 2023; Syed et al. 2023, attribution patching",
        baseline="zero, by a straight line",
        costs="pass",
    )
)
def gradient(question: Question) -> Iterator[Part]:
    """Gradient times activation."""
    units, run = question.units, question.ablator.run
    if not units.n:
        yield question.whole(np.zeros(0, dtype=np.float32))
        return
    start = int(units.pos[0])
    none = torch.zeros(1, run.n_tokens - start, question.width, device=run.device)
    _, slopes = slopes_at(question, none, start)
    yield question.whole(units.summed(credit(question, slopes[0], start)))


def slopes_at(question: Question, deltas: Tensor, start: int) -> tuple[Tensor, Tensor]:
    """What is attributed, and its slope at the site, with the site changed.

    No gradient is computed of any weight, and none is left behind.

    Parameters
    ----------
    deltas
        What is added at the site, ``[n_rows, seq - start, d_out]`` float32.

    Returns
    -------
    tuple
        ``[n_rows]`` and ``[n_rows, seq - start, d_out]``, float32.

    Raises
    ------
    ComputeError
        The slope is not finite.
    """
    run = question.ablator.run
    with torch.enable_grad():
        deltas = deltas.detach().requires_grad_()
        found = question.metric(run.changed(deltas, start, 1)[:, -1])
        (slopes,) = torch.autograd.grad(found.sum(), deltas)
    if not torch.isfinite(slopes).all():
        raise ComputeError(
            "the gradient of the prediction is not finite on this text.",
            hint='Load the model in float32 or bfloat16, or rank by the exact effect: method="exact".',
        )
    return found.detach(), slopes


def credit(question: Question, slopes: Tensor, start: int) -> NDArray[np.float32]:
    """Each pair's contribution times the slope ``[seq - start, d_out]`` at its position, ``[n_pairs]`` float32."""

    def read(rows: Tensor, pos: NDArray[np.int64]) -> Tensor:
        return torch.linalg.vecdot(rows, slopes[torch.from_numpy(pos - start)])

    return question.per_pair(read)
