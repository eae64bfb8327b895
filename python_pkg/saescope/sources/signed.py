"""sae-lens SAEs made of plain directions and of crosscoders, with architectures of our own."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from sae_lens import SAE, JumpReLUSAE, JumpReLUSAEConfig, register_sae_class

from saescope.sources.crosscoder import ARCHITECTURE, Crosscoder
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


@dataclass
class SideBySideConfig(JumpReLUSAEConfig):
    """As of a JumpReLU SAE whose ``d_in`` is that of all places together."""

    @classmethod
    def architecture(cls) -> str:
        """Its name."""
        return ARCHITECTURE


class SideBySide(JumpReLUSAE):
    """A crosscoder over several sites or models, which reads and writes them side by side."""


@cache
def _register() -> None:
    register_sae_class(SIGNED, SignedDirections, SignedDirectionsConfig)
    register_sae_class(ARCHITECTURE, SideBySide, SideBySideConfig)


def sae_over(given: Crosscoder, dtype: str) -> Any:
    """The SAE over all of a crosscoder's places, ``[n_places * d]`` at once."""
    _register()
    n_places, d, n = given.encoder.shape
    sites = [given.site] * n_places if given.site else list(given.places)
    made = SAE.from_dict(
        {
            "architecture": ARCHITECTURE,
            "d_in": n_places * d,
            "d_sae": n,
            "dtype": dtype,
            "device": "cpu",
            "apply_b_dec_to_input": False,
            "normalize_activations": "none",
            "reshape_activations": "none",
            "metadata": {
                "hook_name": sites[0],
                "hook_names": sites,
                "model_names": list(given.places) if given.site else [],
                "prepend_bos": True,
            },
        }
    )
    values = {
        "W_enc": given.encoder.reshape(n_places * d, n),
        "W_dec": given.decoder.transpose(0, 1).reshape(n, n_places * d),
        "b_enc": given.encoder_bias,
        "b_dec": given.decoder_bias.reshape(-1),
        "threshold": given.threshold,
    }
    with torch.no_grad():
        for name, value in values.items():
            getattr(made, name).copy_(value)
    return made


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
