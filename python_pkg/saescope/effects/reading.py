"""What makes a feature fire: its pre-activation as a linear function of the site's activation.

``pre = scale * (x . direction) + bias``, where ``x`` is what the residual stream holds. The scale is what
the SAE's normalisation multiplies the token by and is held fixed there; centring, whether the site's or
the normalisation's, is folded into the direction. Where the feature fires, its activation is ``pre``
(for gated SAEs that of the magnitude path).
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from saescope.engine.architectures import LINEAR_ENCODER
from saescope.errors import ComputeError
from saescope.types import Site


class Reading:
    """The encoder of one SAE.

    Parameters
    ----------
    sae, site
        A sae-lens SAE or transcoder, and where it reads.

    Raises
    ------
    ComputeError
        Its encoder is not one product of the activation with a matrix.
    """

    def __init__(self, sae: Any, site: Site) -> None:
        kind = sae.cfg.architecture()
        if kind not in LINEAR_ENCODER:
            raise ComputeError(
                f"what writes to a feature of a {kind} SAE cannot be told: its pre-activation is not linear.",
                hint=f"It can for {', '.join(sorted(LINEAR_ENCODER))} SAEs.",
            )
        self.sae = sae
        self.site = site
        self._kind = kind
        self.n_features = int(sae.cfg.d_sae)
        self._normalize = str(sae.cfg.normalize_activations)
        self._is_centred = site.is_centered or self._normalize == "layer_norm"

    @torch.no_grad()
    def directions(self, features: Sequence[int] | None = None) -> Tensor:
        """What each feature reads, ``[n, d_in]`` float32; of all features by default."""
        rows = self._columns(features)
        return rows - rows.mean(-1, keepdim=True) if self._is_centred else rows

    @torch.no_grad()
    def biases(self, features: Sequence[int] | None = None) -> Tensor:
        """What is added whatever the activation, ``[n]`` float32."""
        sae = self.sae
        own = self._picked(sae.b_mag if self._kind == "gated" else sae.b_enc, features)
        if self._scaled_by_decoder:
            own = own * self._decoder_norms(features)
        if "transcoder" in self._kind or not sae.cfg.apply_b_dec_to_input:
            return own
        return own - self._columns(features) @ sae.b_dec.detach().float()

    @torch.no_grad()
    def scales(self, x: Tensor) -> Tensor:
        """What the SAE multiplies each token by, ``[n_tokens]`` float32; it reads ``x`` [n_tokens, d_in]."""
        if self._normalize == "none":
            return torch.ones(len(x), device=x.device)
        wanted = x.to(self.sae.W_enc.dtype)
        normed = self.sae.run_time_activation_norm_fn_in(wanted).float()
        base = (wanted - wanted.mean(-1, keepdim=True) if self._is_centred else wanted).float()
        return (normed * base).sum(-1) / base.square().sum(-1).clamp(min=1e-30)

    def seen(self, x: Tensor) -> Tensor:
        """What the SAE reads of the site's activation ``[..., d_in]``."""
        return self.site.seen(x)

    @torch.no_grad()
    def preactivations(self, x: Tensor, features: Sequence[int] | None = None) -> Tensor:
        """Of the site's activation ``[n_tokens, d_in]``: ``[n_tokens, n]`` float32."""
        x = self.seen(x)
        return self.scales(x)[:, None] * (x.float() @ self.directions(features).T) + self.biases(features)

    @property
    def _scaled_by_decoder(self) -> bool:
        return bool(getattr(self.sae.cfg, "rescale_acts_by_decoder_norm", False))

    def _columns(self, features: Sequence[int] | None) -> Tensor:
        numbers = slice(None) if features is None else list(features)
        rows = self.sae.W_enc.detach()[:, numbers].T.float()
        if self._kind == "gated":
            rows = rows * self._picked(self.sae.r_mag, features).exp()[:, None]
        return rows * self._decoder_norms(features)[:, None] if self._scaled_by_decoder else rows

    def _decoder_norms(self, features: Sequence[int] | None) -> Tensor:
        rows = self.sae.W_dec.detach()
        return (rows if features is None else rows[list(features)]).float().norm(dim=-1)

    def _picked(self, values: Tensor, features: Sequence[int] | None) -> Tensor:
        return (values if features is None else values[list(features)]).detach().float()
