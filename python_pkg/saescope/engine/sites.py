"""Activations at several sites of a model from one forward pass, and the loss with a site changed."""

from collections.abc import Callable, Sequence
from copy import copy
from typing import Any

import torch
from torch import Tensor

from saescope.engine.clone import is_dispatched, structural_clone
from saescope.engine.hooking import hook_at
from saescope.types import Site


class Passes:
    """Runs one model on one set of contexts, again and again.

    Parameters
    ----------
    model
        A transformers causal language model; it is not changed.
    tokens
        ``[n_contexts, seq]`` int64.
    check
        Called before each block runs; what it raises ends the pass.
    """

    def __init__(self, model: Any, tokens: Tensor, check: Callable[[], None]) -> None:
        self._model = model if is_dispatched(model) else structural_clone(model)
        self.tokens = tokens
        if self._model is not model:
            for module in self._model.modules():
                if isinstance(module, torch.nn.ModuleList):
                    for block in module:
                        block.register_forward_pre_hook(lambda *_: check())

    def first(self, n: int) -> "Passes":
        """The same on the first ``n`` contexts."""
        made = copy(self)
        made.tokens = self.tokens[:n]
        return made

    def read(self, sites: Sequence[Site]) -> tuple[list[Tensor | None], Tensor]:
        """What an SAE sees at each site ``[n_contexts, seq, d]``, and the loss of each next token in nats.

        A site that the pass never reaches has ``None``; sites read side by side are joined. A transcoder's target is
        a site of its own.
        """
        taken: dict[tuple[int, int], Tensor] = {}
        handles = []
        for n, site in enumerate(sites):
            for m, part in enumerate((site, *site.also)):

                def take(x: Tensor, at: tuple[int, int] = (n, m), part: Site = part) -> None:
                    taken[at] = part.seen(x).clone()

                handles.append(hook_at(self._model, part.module, part.kind, take))
        losses = self._losses(handles)
        found: list[Tensor | None] = []
        for n, site in enumerate(sites):
            parts = [taken.get((n, m)) for m in range(1 + len(site.also))]
            whole = [part for part in parts if part is not None]
            found.append(torch.cat(whole, dim=-1) if len(whole) == len(parts) else None)
        return found, losses

    def changed(self, site: Site, delta: Tensor) -> Tensor:
        """The loss of each next token in nats ``[n_contexts, seq - 1]``, with ``delta`` added where an SAE writes."""

        def add(x: Tensor) -> Tensor:
            return x + site.placed(delta.to(x.device, x.dtype))

        return self._losses([hook_at(self._model, *site.writes_to, add)])

    @torch.inference_mode()
    def _losses(self, handles: list[Any]) -> Tensor:
        try:
            logits = self._model(input_ids=self.tokens, use_cache=False).logits[:, :-1].float()
        finally:
            for handle in handles:
                handle.remove()
        wanted = self.tokens[:, 1:].to(logits.device)
        flat = torch.nn.functional.cross_entropy(logits.flatten(0, 1), wanted.flatten(), reduction="none")
        return flat.view(len(wanted), -1)
