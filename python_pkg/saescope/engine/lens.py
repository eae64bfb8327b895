"""What each feature writes towards, by the model's unembedding (the logit lens).

1. The final norm's gain is found by probing the norm with a vector and its negative.
2. Where the norm centres (LayerNorm), each decoder row is centred.
3. ``(W_dec * gain) @ W_U`` is taken in chunks; the ten largest and smallest are kept.

Source: nostalgebraist, "interpreting GPT: the logit lens" (2020), applied to decoder
rows as in Bricken et al., "Towards Monosemanticity" (2023). Differs: with the norm's
gain, which SAEDashboard and Neuronpedia leave out; the convention ``"raw"`` is theirs. At
a middle layer the lens is not the feature's effect.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from saescope.errors import SiteError
from saescope.sources.site import final_norm

N_TOKENS = 10
BLOCK = 64
CHUNK_BYTES = 64 << 20


@dataclass(frozen=True)
class Lens:
    """Promoted and suppressed tokens: ids ``[n, 10]`` and logits per unit of activation."""

    convention: str
    promoted: NDArray[np.int64]
    promoted_weights: NDArray[np.float32]
    suppressed: NDArray[np.int64]
    suppressed_weights: NDArray[np.float32]

    def compact(self, name: str) -> NDArray[Any]:
        """One of the arrays by name, ids as int32."""
        values = getattr(self, name)
        return np.ascontiguousarray(values.astype(np.int32) if values.dtype == np.int64 else values)


@torch.inference_mode()
def norm_gain(norm: Any, width: int) -> tuple[Tensor, bool]:
    """The gain of a norm ``[width]`` float32, and whether it subtracts the mean."""
    parameter = next(norm.parameters(), None)
    dtype = parameter.dtype if parameter is not None else torch.float32
    device = parameter.device if parameter is not None else torch.device("cpu")
    probe = torch.ones(width, dtype=dtype, device=device)
    probe[1::2] = -1
    gain = (norm(probe) - norm(-probe)).float() / (2 * probe.float())
    shifted = norm(probe + 4).float()
    tolerance = 1e-2 * float(gain.abs().max())
    return gain, torch.allclose(shifted, norm(probe).float(), atol=tolerance)


@torch.inference_mode()
def read_lens(
    model: Any,
    decoder: Tensor,
    n_tokens: int,
    on_done: Callable[[int], None] = lambda _n: None,
    *,
    convention: Literal["norm_gain", "raw"] = "norm_gain",
) -> Lens:
    """Read features through the unembedding.

    Parameters
    ----------
    model
        A transformers causal language model.
    decoder
        Decoder rows ``[n, d_model]``, in the residual stream's own space.
    n_tokens
        Tokens of the tokenizer; rows of the unembedding beyond are padding.
    on_done
        Told how many features are done, chunk by chunk.
    convention
        ``"norm_gain"``, or ``"raw"`` for the decoder straight through the unembedding; a
        model without a final norm that we know is read raw.
    """
    unembedding = model.get_output_embeddings().weight[:n_tokens].float()
    gain, is_centring = None, False
    if convention == "norm_gain":
        try:
            gain, is_centring = norm_gain(final_norm(model), decoder.shape[1])
        except SiteError:
            convention = "raw"
    size = min(N_TOKENS, len(unembedding))
    chunk = max(1, CHUNK_BYTES // (4 * len(unembedding)))
    parts: list[tuple[Tensor, ...]] = []
    for start in range(0, max(len(decoder), 1), chunk):
        rows = decoder[start : start + chunk].to(device=unembedding.device, dtype=torch.float32)
        rows = rows - rows.mean(-1, keepdim=True) if is_centring else rows
        rows = rows * gain.to(rows.device) if gain is not None else rows
        logits = rows @ unembedding.T
        high, low = largest(logits, size), largest(logits.neg_(), size)
        parts.append((high[1], high[0], low[1], -low[0]))
        on_done(len(rows))
    high_ids, high, low_ids, low = (torch.cat(p).cpu().numpy() for p in zip(*parts, strict=True))
    return Lens(convention, high_ids, high, low_ids, low)


def largest(logits: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The ``k`` largest of each row and their places, largest first; much faster than ``topk`` on long rows.

    The ``k`` largest lie within the ``k`` blocks that have the largest maxima.
    """
    n, width = logits.shape
    n_blocks = width // BLOCK
    if n_blocks <= 2 * k:
        return logits.topk(k)
    whole = logits[:, : n_blocks * BLOCK].view(n, n_blocks, BLOCK)
    blocks = whole.amax(-1).topk(k).indices
    places = (blocks[:, :, None] * BLOCK + torch.arange(BLOCK, device=logits.device)).flatten(1)
    rest = torch.arange(n_blocks * BLOCK, width, device=logits.device).expand(n, -1)
    places = torch.cat([places, rest], 1)
    best = logits.gather(1, places).topk(k)
    return best.values, places.gather(1, best.indices)
