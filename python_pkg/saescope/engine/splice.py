"""The model's loss with the site's activation changed: as it is, reconstructed, or taken away.

1. A hook on a structural clone adds a difference to the activation at the site, on the
   positions that count; the SAE's error is not kept, it is what is measured.
2. Loss recovered is the share of the loss lost by taking the activation away that the
   reconstruction gives back.

Source: sae-lens, ``evals.get_recons_loss`` (``ce_loss_score`` with zero ablation). Differs:
positions that do not count keep their activation.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from saescope.engine.clone import is_dispatched, structural_clone
from saescope.engine.hooking import hook_at
from saescope.types import Site

Change = Callable[[Tensor], Tensor]


class Splicer:
    """Runs a model with the activation at a site changed.

    Parameters
    ----------
    model
        A transformers causal language model; it is not changed.
    site
        Where.
    """

    def __init__(self, model: Any, site: Site) -> None:
        self._model = model if is_dispatched(model) else structural_clone(model)
        self._site = site

    @torch.inference_mode()
    def losses(self, tokens: Tensor, change: Change | None) -> Tensor:
        """Loss of each next token in nats, ``[n_contexts, seq - 1]`` float32.

        Parameters
        ----------
        tokens
            ``[n_contexts, seq]``, int64.
        change
            From what the SAE sees ``[n_contexts, seq, d_in]`` to what is added to the activation;
            ``None`` runs the model as it is.
        """
        handles = [] if change is None else [self._hook(change)]
        try:
            logits = self._model(input_ids=tokens, use_cache=False).logits[:, :-1].float()
        finally:
            for handle in handles:
                handle.remove()
        flat = torch.nn.functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten(), reduction="none")
        return flat.view(len(tokens), -1)

    def _hook(self, change: Change) -> Any:
        site = self._site

        def added(x: Tensor) -> Tensor:
            return x + site.placed(change(site.seen(x)).to(x.dtype))

        return hook_at(self._model, site.module, site.kind, added)
