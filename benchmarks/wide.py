"""SAEs of any width for a real model, that fire as trained ones do.

Encoder columns are activations of the model at random rows, with noise; thresholds are set so
that each feature fires on a share of the rows drawn from a heavy-tailed law, and about forty fire on a
token. What such features mean is nothing; what they cost is what trained ones cost.
"""

from typing import Any

import torch
from torch import Tensor

TARGET_L0 = 40
N_SAMPLE = 2048
SPREAD = 1.5
TILE = 8192


@torch.inference_mode()
def aligned_sae(activations: Tensor, d_sae: int, hook_name: str, *, context_size: int = 128, seed: int = 0) -> Any:
    """A JumpReLU SAE aligned with the data.

    Parameters
    ----------
    activations
        At the site, ``[n_rows, d_in]`` float32.
    d_sae
        Number of features.
    hook_name
        The site.
    """
    from sae_lens import SAE

    draw = torch.Generator().manual_seed(seed)
    d_in = activations.shape[1]
    made = SAE.from_dict(
        {
            "architecture": "jumprelu",
            "d_in": d_in,
            "d_sae": d_sae,
            "dtype": "float32",
            "device": "cpu",
            "apply_b_dec_to_input": True,
            "normalize_activations": "none",
            "reshape_activations": "none",
            "metadata": {"hook_name": hook_name, "context_size": context_size, "prepend_bos": True},
        }
    )
    mean = activations.mean(0)
    centred = activations - mean
    sample = centred[torch.randint(len(centred), (N_SAMPLE,), generator=draw)]
    density = torch.exp(SPREAD * torch.randn(d_sae, generator=draw))
    density = (density * TARGET_L0 / density.sum()).clamp(max=0.3)
    made.b_dec.copy_(mean)
    made.b_enc.zero_()
    scale = centred.norm(dim=1).median()
    for low in range(0, d_sae, TILE):
        high = min(low + TILE, d_sae)
        rows = centred[torch.randint(len(centred), (high - low,), generator=draw)]
        rows = rows / rows.norm(dim=1, keepdim=True).clamp(min=1e-6)
        noise = torch.randn(high - low, d_in, generator=draw) / d_in**0.5
        directions = (rows + noise) / (2**0.5)
        made.W_enc[:, low:high] = directions.T
        made.W_dec[low:high] = directions
        found = (sample @ directions.T).sort(dim=0, descending=True).values
        rank = (density[low:high] * N_SAMPLE).long().clamp(min=0, max=N_SAMPLE - 1)
        threshold = found.gather(0, rank[None])[0]
        rare = density[low:high] * N_SAMPLE < 1
        threshold = torch.where(rare, found[0] * 1.05, threshold).clamp(min=0.02 * float(scale))
        made.threshold[low:high] = threshold
    return made
