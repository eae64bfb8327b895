"""An SAE's directions as unit rows, and what its weights say of each feature."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from saescope.sources.crosscoder import ARCHITECTURE, shares

BLOCK = 1 << 14
UNIT = 1e-3
"""How far from 1 the length of a decoder row may lie that counts as folded."""


def weights_by_name(sae: Any) -> dict[str, torch.Tensor]:
    """Decoder and, where there is one, encoder directions of a sae-lens SAE: ``[d_sae, d_in]`` each."""
    found = {"decoder": sae.W_dec.detach()}
    encoder = getattr(sae, "W_enc", None)
    if encoder is not None:
        found["encoder"] = encoder.detach().T
    return found


def has_unit_decoder(sae: Any) -> bool:
    """Whether all decoder rows have length 1, so that activations are folded as they are."""
    rows = sae.W_dec.detach()
    parts = (rows[low : low + BLOCK].float().norm(dim=1) for low in range(0, len(rows), BLOCK))
    return all(bool(((norms - 1).abs() < UNIT).all()) for norms in parts)


def unit_rows(sae: Any) -> dict[str, NDArray[np.float16]]:
    """The directions scaled to length 1, float16; a row of zeros stays so."""
    found = {}
    for name, rows in weights_by_name(sae).items():
        units = torch.empty(rows.shape, dtype=torch.float16)
        for low in range(0, len(rows), BLOCK):
            some = rows[low : low + BLOCK].float().cpu()
            units[low : low + BLOCK] = some / some.norm(dim=1, keepdim=True).clamp(min=1e-12)
        found[name] = units.numpy()
    return found


def weight_facts(sae: Any, first: int = 0, end: int | None = None) -> dict[str, NDArray[np.float32]]:
    """Numbers from the weights of the features ``first`` to ``end - 1``, float32 ``[end - first]``.

    Returns
    -------
    dict
        ``decoder_norm``, and where the SAE has such: ``cosine`` (of encoder and decoder direction),
        ``encoder_bias``, and ``threshold``, which the pre-activation must exceed (JumpReLU). Of crosscoders also
        ``relative_norm, place_cosine, place``: see `saescope.sources.crosscoder.shares`.
    """
    weights = weights_by_name(sae)
    end = len(weights["decoder"]) if end is None else end
    norms, cosines = torch.empty(end - first), torch.zeros(end - first)
    encoder = weights.get("encoder")
    has_cosine = encoder is not None and encoder.shape == weights["decoder"].shape
    for low in range(first, end, BLOCK):
        high = min(low + BLOCK, end)
        decoder_rows = weights["decoder"][low:high].float().cpu()
        norms[low - first : high - first] = decoder_rows.norm(dim=1)
        if has_cosine and encoder is not None:
            encoder_rows = encoder[low:high].float().cpu()
            cosines[low - first : high - first] = torch.cosine_similarity(encoder_rows, decoder_rows, eps=1e-12)
    found = {"decoder_norm": norms.numpy()} | ({"cosine": cosines.numpy()} if has_cosine else {})
    found |= _spread(sae, first, end)
    for name, value in (("encoder_bias", getattr(sae, "b_enc", None)), ("threshold", _threshold(sae))):
        if value is not None:
            found[name] = value.detach()[first:end].float().cpu().numpy()
    return found


def _spread(sae: Any, first: int, end: int) -> dict[str, NDArray[np.float32]]:
    """Of a crosscoder, how far each feature is one place's own: see `saescope.sources.crosscoder.shares`."""
    places = sae.cfg.metadata.get("hook_names") or ()
    if sae.cfg.architecture() != ARCHITECTURE or len(places) < 2:
        return {}
    decoder = sae.W_dec.detach()[first:end].float().cpu().unflatten(1, (len(places), -1))  # [n, places, d]
    relative, cosine, place = shares(decoder.transpose(0, 1))
    return {"relative_norm": relative.numpy(), "place_cosine": cosine.numpy(), "place": place.numpy()}


def _threshold(sae: Any) -> torch.Tensor | None:
    threshold = getattr(sae, "threshold", None)
    return threshold.detach().clamp(min=0) if isinstance(threshold, torch.Tensor) and threshold.ndim == 1 else None
