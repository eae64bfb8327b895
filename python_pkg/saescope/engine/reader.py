"""The forward pass, as far as the site and no further.

1. A hook sits on the site's module, on a structural clone of the model.
2. It keeps the tensor and ends the pass by an exception; no later layer runs.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from saescope.engine.clone import is_dispatched, structural_clone
from saescope.engine.hooking import hook_at
from saescope.errors import ComputeError
from saescope.types import Site


class _Reached(Exception):  # noqa: N818 - not an error: the way out of the pass
    """The site was reached."""


class SiteReader:
    """Reads a model's activations at one site.

    Parameters
    ----------
    model
        A transformers model. It is not changed; where accelerate has dispatched it
        over devices, the hook sits on the model itself while a read lasts.
    site
        Where to read.
    on_block
        Called before each block runs, where the model is not dispatched; what it raises ends the pass.
    """

    def __init__(self, model: Any, site: Site, *, on_block: Callable[[], None] | None = None) -> None:
        self._model = model if is_dispatched(model) else structural_clone(model)
        self._site = site
        if on_block is not None and self._model is not model:
            for module in self._model.modules():
                if isinstance(module, torch.nn.ModuleList):
                    for block in module:
                        block.register_forward_pre_hook(lambda _module, _args: on_block())

    def read(self, tokens: Tensor, *, checks: bool = True) -> Tensor:
        """Activations at the site.

        Parameters
        ----------
        tokens
            Token ids ``[n_contexts, seq]``, int64. Padding, if any, is on the right, and what is
            read there means nothing.
        checks
            Whether to make sure that all are finite, which waits for the device.

        Returns
        -------
        Tensor
            ``[n_contexts, seq, d_in]`` in the model's dtype, on the model's device.

        Raises
        ------
        ComputeError
            The pass ended without reaching the site, or the activations are not finite.
        """
        sites = (self._site, *self._site.also)
        taken: dict[int, Tensor] = {}
        for path in dict.fromkeys(s.model for s in sites):
            numbers = [n for n, s in enumerate(sites) if s.model == path]
            self._run(self._model.get_submodule(path), tokens, [(n, sites[n]) for n in numbers], taken, len(sites) > 1)
        if len(taken) < len(sites):
            missing = next(s.module for n, s in enumerate(sites) if n not in taken)
            raise ComputeError(f"the forward pass never reached {missing}.")
        parts = [s.seen(taken[n]) for n, s in enumerate(sites)]
        found = parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)
        if checks and not torch.isfinite(found).all():
            raise self.not_finite(found.dtype)
        return found

    @staticmethod
    def _run(
        model: Any, tokens: Tensor, sites: "Sequence[tuple[int, Site]]", taken: dict[int, Tensor], is_kept: bool
    ) -> None:
        """Run one model as far as the last of its sites; what is there goes into ``taken``."""
        left = {number for number, _ in sites}

        def take(number: int, x: Tensor) -> None:
            taken[number] = x.clone() if is_kept else x
            left.discard(number)
            if not left:
                raise _Reached

        handles = [hook_at(model, s.module, s.kind, partial(take, n)) for n, s in sites]
        try:
            with torch.inference_mode():
                model(input_ids=tokens, use_cache=False)
        except _Reached:
            pass
        finally:
            for handle in handles:
                handle.remove()

    def not_finite(self, dtype: torch.dtype) -> ComputeError:
        """The error for activations that are infinite or no numbers."""
        return ComputeError(
            f"the activations at {self._site.name} are not finite in {str(dtype).removeprefix('torch.')}.",
            hint="Load the model in float32 or bfloat16; are its weights whole?",
        )
