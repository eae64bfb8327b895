"""How a feature's direct effect on the logits is spread over the vocabulary.

Source: SAEDashboard and Neuronpedia draw it as 50 equal bins from the smallest to the largest logit of the
decoder row straight through the unembedding.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

N_BARS = 50


@torch.inference_mode()
def lens_bars(model: Any, decoder: Tensor, n_tokens: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Histograms of the logits of some decoder rows.

    Parameters
    ----------
    model
        A transformers causal language model.
    decoder
        Decoder rows ``[n, d_model]``.
    n_tokens
        Tokens of the tokenizer; rows of the unembedding beyond are padding.

    Returns
    -------
    tuple
        Tokens in each bin, ``[n, 50]``, and the middles of the bins in logits per unit of
        activation, ``[n, 50]``.
    """
    unembedding = model.get_output_embeddings().weight[:n_tokens].float()
    logits = decoder.to(device=unembedding.device, dtype=torch.float32) @ unembedding.T
    lows, highs = (edge.cpu().numpy() for edge in logits.aminmax(dim=-1))
    counts = torch.stack([row.histc(N_BARS) for row in logits.cpu()]).round().to(torch.int64).numpy()
    steps = (highs - lows)[:, None] / N_BARS
    return counts, (lows[:, None] + steps * (np.arange(N_BARS) + 0.5)).astype(np.float32)
