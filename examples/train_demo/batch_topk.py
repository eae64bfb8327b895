"""sae-lens's BatchTopK with a faster, equally exact search for the largest activations."""

from __future__ import annotations

from collections.abc import Callable

import torch
from sae_lens import BatchTopKTrainingSAE
from torch import Tensor

SAMPLE_STRIDE = 61
SAMPLE_SLACK = 1.25


class PrefilteredBatchTopK(torch.nn.Module):
    """Keep the ``k * n_tokens`` largest activations of a batch.

    A strided sample gives a cut below which no kept activation should lie, and only what
    lies above it is sorted: on a CPU, some ten times faster than sorting everything. Where
    too few lie above the cut, everything is sorted.
    """

    def __init__(self, k: float) -> None:
        super().__init__()
        self.k = k

    def forward(self, x: Tensor) -> Tensor:
        """Activations ``[n_tokens, d_sae]``, all but the largest set to 0."""
        flat = x.relu().flatten()
        n_kept = int(self.k * x.shape[:-1].numel())
        with torch.no_grad():
            sample = flat[::SAMPLE_STRIDE]
            n_sampled = min(int(SAMPLE_SLACK * n_kept / SAMPLE_STRIDE) + 1, len(sample))
            cut = sample.topk(n_sampled).values[-1]
            candidates = (flat > cut).nonzero().squeeze(1)
        if len(candidates) < n_kept:
            candidates = torch.arange(len(flat), device=flat.device)
        top = flat[candidates].topk(n_kept, sorted=False)
        kept = torch.zeros_like(flat).scatter(0, candidates[top.indices], top.values)
        return kept.reshape(x.shape)


class FastBatchTopKTrainingSAE(BatchTopKTrainingSAE):
    """sae-lens's BatchTopK SAE; only the search differs."""

    def get_activation_fn(self) -> Callable[[Tensor], Tensor]:
        """Return the batch's top-k function."""
        return PrefilteredBatchTopK(self.cfg.k)
