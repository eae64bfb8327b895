"""How odd a steered text is to the unsteered model, and how far steering moves the model on it.

1. The text is read twice in one batch: unsteered, and steered as it was when it was written.
2. ``logprob`` is the mean over its tokens of the unsteered model's log-probability, nats a token.
3. ``kl`` is the mean over its positions of KL from the unsteered to the steered model, both at temperature 1
   and with the same text before them (`quantities.kl_of`), nats a token.
"""

import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers.cache_utils import DynamicCache

from saescope.effects.prefix import can_share
from saescope.effects.quantities import kl_of
from saescope.effects.steering.steering import Places, Steering
from saescope.types import Site

MOST_BYTES = 128 << 20


@torch.no_grad()
def measure(
    model: Any, site: Site, prompt: NDArray[np.int64], written: list[int], steering: Steering, places: Places
) -> tuple[float, float]:
    """Mean log-probability and KL of a written text, nats a token.

    Parameters
    ----------
    model
        A clone that hooks may be hung on.
    written
        Its token ids, at least one.
    steering
        Two rows: unsteered, and as the text was written.
    places
        Which tokens are steered.
    """
    n_new = len(written)
    device = model.get_input_embeddings().weight.device
    ids = torch.from_numpy(np.concatenate([prompt, np.asarray(written, dtype=np.int64)])).to(device)
    total_logprob = total_kl = 0.0
    with steering.attached(model, site, places):
        for logits, targets in _parts(model, ids, len(prompt), places):
            log_p, log_q = logits.float().log_softmax(-1)
            total_logprob += float(log_p.gather(-1, targets[:, None]).sum())
            total_kl += float(kl_of(log_p, log_q).sum())
    return total_logprob / n_new, total_kl / n_new


def _parts(model: Any, ids: Tensor, n_prompt: int, places: Places) -> Iterator[tuple[Tensor, Tensor]]:
    """Logits ``[2, n, n_vocab]`` and the ``n`` tokens that followed, from the prompt's last position on."""
    takes = set(inspect.signature(model.forward).parameters)
    n_vocab = model.get_output_embeddings().weight.shape[0]
    cache = DynamicCache() if can_share(model) else None
    n_part = max(MOST_BYTES // (2 * 4 * n_vocab), 1) if cache is not None else len(ids)
    start, end = 0, min(n_prompt - 1 + n_part, len(ids) - 1)
    while start < len(ids) - 1:
        n_last = end - max(start, n_prompt - 1)
        places.n_tokens = end
        options = {"past_key_values": cache, "use_cache": cache is not None, "logits_to_keep": n_last}
        wanted = {name: value for name, value in options.items() if name in takes}
        logits = model(input_ids=ids[None, start:end].expand(2, -1), **wanted).logits
        yield logits[:, -n_last:], ids[end - n_last + 1 : end + 1]
        start, end = end, min(end + n_part, len(ids) - 1)
