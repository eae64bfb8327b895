"""sae-lens SAEs made of plain directions; signed ones are an architecture of our own."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from sae_lens import SAE, JumpReLUSAE, JumpReLUSAEConfig, register_sae_class

from saescope.sources.directions import SIGNED, Directions


@dataclass
class SignedDirectionsConfig(JumpReLUSAEConfig):
    """As of a JumpReLU SAE."""

    @classmethod
    def architecture(cls) -> str:
        """Its name."""
        return SIGNED


class SignedDirections(JumpReLUSAE):
    """Fires with ``(x - b_dec) @ W_enc + b_enc`` where its size exceeds the threshold, on both sides."""

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """Activations ``[..., n]``, signed."""
        found = self.hook_sae_acts_pre(self.process_sae_in(x) @ self.W_enc + self.b_enc)
        return self.hook_sae_acts_post(found * (found.abs() > self.threshold))


@cache
def _register() -> None:
    register_sae_class(SIGNED, SignedDirections, SignedDirectionsConfig)


def sae_of(given: Directions, dtype: str) -> Any:
    """The SAE that reads and writes along directions.

    Its decoder bias is the centre, so that what no direction holds stays as it was in every effect.
    """
    _register()
    rows = torch.from_numpy(given.rows)
    n, width = rows.shape
    made = SAE.from_dict(
        {
            "architecture": SIGNED if given.is_signed else "jumprelu",
            "d_in": width,
            "d_sae": n,
            "dtype": dtype,
            "device": "cpu",
            "apply_b_dec_to_input": True,
            "normalize_activations": "none",
            "reshape_activations": "none",
            "metadata": {"hook_name": given.site, "prepend_bos": True, "feature_names": list(given.names)},
        }
    )
    values = {
        "W_enc": rows.T,
        "W_dec": rows / rows.square().sum(1, keepdim=True),
        "b_enc": torch.from_numpy(given.bias),
        "b_dec": torch.from_numpy(given.center),
        "threshold": torch.from_numpy(given.threshold),
    }
    with torch.no_grad():
        for name, value in values.items():
            getattr(made, name).copy_(value)
    return made
