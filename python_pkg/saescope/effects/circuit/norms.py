"""Norms held fixed at a token, so that what goes through them adds up.

A norm is ``y = s * gain * (x - mean(x)) + bias`` with a scale ``s`` that depends on the token; LayerNorm
subtracts the mean and RMSNorm does not. With ``s`` as it was in the run, the map is linear.

Source: Elhage et al. (2021), "A Mathematical Framework for Transformer Circuits", on handling layer
normalisation, and the frozen LayerNorm of direct logit attribution.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from saescope.engine.lens import norm_gain
from saescope.errors import ComputeError

TOLERANCE = 1e-2


@dataclass(frozen=True)
class Gain:
    """The part of a norm that is the same for every token: ``gain`` and ``bias`` [d] float32."""

    gain: Tensor
    bias: Tensor
    is_centred: bool

    @classmethod
    @torch.no_grad()
    def of(cls, norm: Any, width: int) -> "Gain":
        """Found by probing the norm."""
        gain, is_centred = norm_gain(norm, width)
        dtype = next((p.dtype for p in norm.parameters()), torch.float32)
        bias = norm(torch.zeros(1, width, dtype=dtype, device=gain.device))[0].float()
        return cls(gain.clone(), bias, is_centred)

    def forth(self, x: Tensor) -> Tensor:
        """``x`` [..., d] through the norm, without scale and bias."""
        return self.gain * (x - x.mean(-1, keepdim=True) if self.is_centred else x)

    def back(self, direction: Tensor) -> Tensor:
        """The direction [..., d] before the norm that reads what ``direction`` reads after it, for scale 1."""
        found = self.gain * direction
        return found - found.mean(-1, keepdim=True) if self.is_centred else found

    def scales(self, x: Tensor, y: Tensor) -> Tensor:
        """The scale of each token ``[n_tokens]``, of a norm that made ``y`` of ``x`` [n_tokens, d].

        Raises
        ------
        ComputeError
            The norm is of another kind.
        """
        base, made = self.forth(x.float()), y.float() - self.bias
        scales = (base * made).sum(-1) / base.square().sum(-1).clamp(min=1e-30)
        rest = (made - scales[:, None] * base).norm(dim=-1)
        if bool((rest > TOLERANCE * made.norm(dim=-1).clamp(min=1e-12)).any()):
            raise ComputeError("a norm of this model does more than scale, and cannot be held fixed.")
        return scales
