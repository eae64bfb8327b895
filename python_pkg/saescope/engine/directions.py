"""An SAE's directions as unit rows."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray


def weights_by_name(sae: Any) -> dict[str, torch.Tensor]:
    """Decoder and, where there is one, encoder directions of a sae-lens SAE: ``[d_sae, d_in]`` each."""
    found = {"decoder": sae.W_dec.detach()}
    encoder = getattr(sae, "W_enc", None)
    if encoder is not None:
        found["encoder"] = encoder.detach().T
    return found


def unit_rows(sae: Any) -> dict[str, NDArray[np.float16]]:
    """The directions scaled to length 1, float16; a row of zeros stays so."""
    return {
        name: (rows.float().cpu() / rows.float().cpu().norm(dim=1, keepdim=True).clamp(min=1e-12))
        .half()
        .contiguous()
        .numpy()
        for name, rows in weights_by_name(sae).items()
    }
