"""What an SAE adds to the model when a feature's activation changes.

``decode(new) - decode(old)`` for activations that differ in one feature is the change times
the feature's decoder direction, times what the SAE's normalisation divided the token by. The
SAE's error, and all that no feature stands for, stays as it was.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from saescope.engine.architectures import LINEAR_DECODER, OVER_SITES, reads_contexts
from saescope.errors import ComputeError


class Writer:
    """The decoder of one SAE.

    Parameters
    ----------
    sae
        A sae-lens SAE or transcoder.

    Raises
    ------
    ComputeError
        Its decoder mixes positions, so that no feature has a direction of its own.
    """

    def __init__(self, sae: Any) -> None:
        self._sae = sae
        self._kind = sae.cfg.architecture()
        self.is_scaled = sae.cfg.normalize_activations != "none" and "transcoder" not in self._kind
        if self._kind in OVER_SITES:
            raise ComputeError(
                f"effects of single features of a {self._kind} cannot be computed: it writes at several sites at once."
            )
        if reads_contexts(sae):
            raise ComputeError(
                f"effects of single features of a {self._kind} SAE cannot be computed: its decoder mixes positions."
            )

    @torch.no_grad()
    def directions(self, features: Sequence[int]) -> Tensor:
        """What one unit of activation writes, ``[n, d_out]`` float32, before `scales`."""
        numbers = torch.as_tensor(list(features), dtype=torch.int64, device=self._sae.W_dec.device)
        if self._kind not in LINEAR_DECODER:
            return self._probed(numbers)
        rows = self._sae.W_dec.detach()[numbers].float()
        if getattr(self._sae.cfg, "rescale_acts_by_decoder_norm", False):
            rows = rows / rows.norm(dim=-1, keepdim=True)
        return rows

    @torch.no_grad()
    def scales(self, x: Tensor) -> Tensor:
        """What a token's output is multiplied by, ``[n_tokens]`` float32; the SAE reads ``x`` [n_tokens, d_in]."""
        if not self.is_scaled:
            return torch.ones(len(x), device=x.device)
        return (self._undone(x, 1.0) - self._undone(x, 0.0))[:, 0].float()

    def _undone(self, x: Tensor, value: float) -> Tensor:
        self._sae.run_time_activation_norm_fn_in(x.to(self._sae.W_dec.dtype))
        return self._sae.run_time_activation_norm_fn_out(
            torch.full((len(x), self._sae.W_dec.shape[1]), value, dtype=self._sae.W_dec.dtype, device=x.device)
        )

    def _probed(self, numbers: Tensor) -> Tensor:
        """The decoder's answer to one unit of each feature, for decoders that we do not know."""
        weight = self._sae.W_dec
        x = torch.linspace(-1, 1, int(self._sae.cfg.d_in), dtype=weight.dtype, device=weight.device)
        x = x.expand(len(numbers) + 1, -1)
        acts = torch.zeros(len(numbers) + 1, int(self._sae.cfg.d_sae), dtype=weight.dtype, device=weight.device)
        acts[torch.arange(1, len(numbers) + 1, device=weight.device), numbers] = 1
        scale = self.scales(x[:1])
        if self.is_scaled:
            self._sae.run_time_activation_norm_fn_in(x)
        decoded = self._sae.decode(acts)
        return (decoded[1:] - decoded[:1]).float() / scale
