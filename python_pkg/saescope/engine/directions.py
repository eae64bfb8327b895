"""An SAE's directions as unit rows."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

BLOCK = 1 << 14


def weights_by_name(sae: Any) -> dict[str, torch.Tensor]:
    """Decoder and, where there is one, encoder directions of a sae-lens SAE: ``[d_sae, d_in]`` each."""
    found = {"decoder": sae.W_dec.detach()}
    encoder = getattr(sae, "W_enc", None)
    if encoder is not None:
        found["encoder"] = encoder.detach().T
    return found


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
