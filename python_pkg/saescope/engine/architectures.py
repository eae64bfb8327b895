"""What is known of sae-lens's architectures, and how to tell what is not."""

from typing import Any

import torch
from torch import Tensor

RELU = {"standard", "transcoder", "skip_transcoder"}
"""Fire where the pre-activation is above zero, with its value."""
JUMP = {"jumprelu", "jumprelu_transcoder", "jumprelu_skip_transcoder", "crosscoder"}
"""Fire where the pre-activation is above zero and above a threshold, with its value."""
RANKED = {"topk"}
"""Fire with the largest k of a row's pre-activations, where these are above zero."""
OVER_SITES = {"crosscoder"}
"""Read and write several sites at once."""
LINEAR_ENCODER = {*RELU, *JUMP, *RANKED, "abstopk", "gated", "signed_directions"} - OVER_SITES
"""Where a feature fires, its activation is one product of the site's activation, and a bias."""
LINEAR_DECODER = {*LINEAR_ENCODER, "matching_pursuit"}
"""What a feature writes is its activation times a row of the decoder, or the row's unit."""
BY_CONTEXT = {"temporal"}
"""What fires on a token depends on the tokens before it."""


@torch.no_grad()
def reads_contexts(sae: Any) -> bool:
    """Whether the SAE must be given whole contexts ``[n, seq, d_in]``, because its features look back.

    Architectures that we do not know are tried: as rows, and as one context.
    """
    kind = sae.cfg.architecture()
    if kind in LINEAR_DECODER | OVER_SITES | BY_CONTEXT:
        return kind in BY_CONTEXT
    weight = sae.W_dec
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(4, int(sae.cfg.d_in), generator=draw).to(weight.device, weight.dtype)
    try:
        alone = dense(sae.encode(x))
    except (ValueError, IndexError, RuntimeError):
        return True
    try:
        together = dense(sae.encode(x[None]))
    except (ValueError, IndexError, RuntimeError):
        return False
    return together.shape != (1, *alone.shape) or not torch.allclose(together[0], alone, rtol=1e-3, atol=1e-4)


def dense(x: Tensor) -> Tensor:
    """The same, as an ordinary tensor."""
    return x.to_dense() if x.layout != torch.strided else x
