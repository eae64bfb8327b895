"""Muon in float32, matrices of one shape orthogonalised together.

``torch.optim.Muon`` does its Newton-Schulz steps in bfloat16, which a CPU without
bfloat16 units runs many times slower than float32.

Source: Keller Jordan, "Muon: An optimizer for hidden layers in neural networks" (2024).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import Tensor

COEFFICIENTS = (3.4445, -4.7750, 2.0315)


def orthogonalize(matrices: Tensor, n_steps: int = 5) -> Tensor:
    """Push the singular values of each matrix towards 1.

    Parameters
    ----------
    matrices
        Float ``[n, rows, columns]``.
    n_steps
        Newton-Schulz steps.

    Returns
    -------
    Tensor
        Float ``[n, rows, columns]``.
    """
    first, second, third = COEFFICIENTS
    is_tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if is_tall else matrices
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    for _ in range(n_steps):
        gram = x @ x.mT
        update = torch.baddbmm(gram, gram, gram, beta=second, alpha=third)
        x = torch.baddbmm(x, update, x, beta=first)
    return x.mT if is_tall else x


class Muon(torch.optim.Optimizer):
    """Momentum with Nesterov's look-ahead, orthogonalised, for 2-D hidden matrices."""

    def __init__(
        self,
        params: Iterable[torch.nn.Parameter],
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """Update every parameter that has a gradient."""
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[torch.nn.Parameter]] = defaultdict(list)
            for param in group["params"]:
                if param.grad is not None:
                    by_shape[param.shape].append(param)
            for shape, params in by_shape.items():
                update = orthogonalize(self._look_ahead(params, group["momentum"]))
                scale = group["lr"] * max(1.0, shape[0] / shape[1]) ** 0.5
                for param, delta in zip(params, update, strict=True):
                    param.mul_(1 - group["lr"] * group["weight_decay"])
                    param.sub_(delta, alpha=scale)

    def _look_ahead(self, params: list[torch.nn.Parameter], momentum: float) -> Tensor:
        updates = []
        for param in params:
            grad = param.grad
            if grad is None:
                continue
            state = self.state[param]
            buffer = state.setdefault("buffer", torch.zeros_like(grad))
            buffer.lerp_(grad, 1 - momentum)
            updates.append(grad.lerp(buffer, momentum))
        return torch.stack(updates)
