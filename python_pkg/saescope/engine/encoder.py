"""The SAE's encoder, from activations to nonzeros.

1. Rows are taken in chunks; the encoder's product goes into one reused buffer.
2. What exceeds the threshold is taken out of the buffer, and nothing dense is kept.

ReLU and JumpReLU (as which BatchTopK and Matryoshka SAEs load) take this way; every
other architecture goes through its own ``sae.encode``. Values equal ``sae.encode``'s.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

CHUNK = 256


@dataclass(frozen=True)
class Nonzeros:
    """Nonzero activations, sorted by row and then by feature.

    ``rows`` [n] int64 count from the first row encoded, ``features`` [n] uint32,
    ``values`` [n] float32.
    """

    rows: NDArray[np.int64]
    features: NDArray[np.uint32]
    values: NDArray[np.float32]


class Encoder:
    """Encodes activations with one SAE.

    Parameters
    ----------
    sae
        A sae-lens SAE.
    """

    def __init__(self, sae: Any) -> None:
        self._sae = sae
        self.d_sae = int(sae.cfg.d_sae)
        self._threshold = self._find_threshold()
        self._buffer: Tensor | None = None

    def _find_threshold(self) -> Tensor | None:
        """The value that a pre-activation must exceed, or ``None`` for the slow way."""
        kind = self._sae.cfg.architecture()
        if kind == "jumprelu":
            return self._sae.threshold.detach().clamp(min=0)
        if kind == "standard":
            return torch.zeros((), dtype=self._sae.W_enc.dtype, device=self._sae.W_enc.device)
        return None

    @torch.inference_mode()
    def encode(self, x: Tensor) -> Nonzeros:
        """Nonzero activations of ``x`` ``[n_rows, d_in]``."""
        parts = [self._encode_chunk(x[start : start + CHUNK], start) for start in range(0, len(x), CHUNK)]
        return Nonzeros(
            np.concatenate([p.rows for p in parts]),
            np.concatenate([p.features for p in parts]),
            np.concatenate([p.values for p in parts]),
        )

    def _encode_chunk(self, x: Tensor, start: int) -> Nonzeros:
        x = x.to(device=self._sae.W_dec.device)
        if self._threshold is None:
            dense = self._sae.encode(x)
            dense = dense.to_dense() if dense.layout != torch.strided else dense
            mask = dense != 0
        else:
            dense = self._preactivations(x)
            mask = dense > self._threshold
        if dense.device.type == "cpu":
            flat = np.flatnonzero(mask.numpy())
            values = dense.reshape(-1).float().numpy()[flat]
        else:
            found = mask.reshape(-1).nonzero().squeeze(1)
            values = dense.reshape(-1)[found].float().cpu().numpy()
            flat = found.cpu().numpy()
        rows, features = np.divmod(flat, self.d_sae)
        return Nonzeros(rows + start, features.astype(np.uint32), values)

    def _preactivations(self, x: Tensor) -> Tensor:
        sae = self._sae
        if self._buffer is None:
            self._buffer = torch.empty(CHUNK, self.d_sae, dtype=sae.W_enc.dtype, device=sae.W_enc.device)
        out = self._buffer[: len(x)]
        return torch.addmm(sae.b_enc, sae.process_sae_in(x), sae.W_enc, out=out)
