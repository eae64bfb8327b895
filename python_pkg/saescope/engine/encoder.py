"""The SAE's encoder, from activations to nonzeros.

1. Rows and features are taken in tiles, so that the dense buffer stays small however
   wide the SAE is; the encoder's product goes into one reused buffer.
2. What exceeds the threshold, or is among the k largest, is taken out of the buffer, and
   nothing dense is kept.
3. On a GPU nothing waits for the host: nonzeros go to a buffer of fixed size, travel to
   pinned memory while the next batch runs, and are read when they have come.

ReLU, JumpReLU (as which BatchTopK and Matryoshka SAEs load) and TopK take this way, as do transcoders
of these; every other architecture goes through its own ``sae.encode``, context by context where its
features look back. Values equal ``sae.encode``'s.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from saescope.engine.architectures import JUMP, RANKED, RELU, dense, reads_contexts

CHUNK = 256
TILE_BYTES = 64 << 20
FIRST_ROOM = 128
BITS = np.uint64(32)

Collect = Callable[[], "Nonzeros"]


@dataclass(frozen=True)
class Nonzeros:
    """Nonzero activations, sorted by row and then by feature.

    ``rows`` [n] int64 count from the first row encoded, ``features`` [n] uint32,
    ``values`` [n] float32.
    """

    rows: NDArray[np.int64]
    features: NDArray[np.uint32]
    values: NDArray[np.float32]

    def in_order(self) -> "Nonzeros":
        """The same, sorted by row and then by feature."""
        keys = (self.rows.astype(np.uint64) << BITS) | self.features.astype(np.uint64)
        order = np.argsort(keys)
        return Nonzeros(self.rows[order], self.features[order], self.values[order])


class Encoder:
    """Encodes activations with one SAE.

    Parameters
    ----------
    sae
        A sae-lens SAE.
    tile_bytes
        Most bytes of the dense buffer.
    """

    def __init__(self, sae: Any, tile_bytes: int = TILE_BYTES) -> None:
        self._sae = sae
        self.d_sae = int(sae.cfg.d_sae)
        self.device: torch.device = sae.W_dec.device
        self._kind = sae.cfg.architecture()
        self.needs_contexts = reads_contexts(sae)
        """Whether rows must be given as whole contexts."""
        self._threshold = self._find_threshold()
        self._scale = (
            sae.W_dec.detach().norm(dim=-1) if getattr(sae.cfg, "rescale_acts_by_decoder_norm", False) else None
        )
        size = sae.W_dec.element_size()
        self._tile = max(min(self.d_sae, tile_bytes // (size * CHUNK)), 1)
        self._chunk = max(min(CHUNK, tile_bytes // (size * self.d_sae)), 1) if self._is_slow else CHUNK
        self._buffer: Tensor | None = None
        self._mask: Tensor | None = None
        self._room = FIRST_ROOM

    @property
    def _is_slow(self) -> bool:
        return self._kind not in RELU | JUMP | RANKED

    def _find_threshold(self) -> Tensor:
        """The value that each pre-activation must exceed; empty where another rule holds."""
        if self._kind in JUMP:
            return self._sae.threshold.detach().clamp(min=0)
        if self._kind in RELU:
            return torch.zeros(1, dtype=self._sae.W_enc.dtype, device=self.device).expand(self.d_sae)
        return torch.empty(0)

    @torch.inference_mode()
    def encode(self, x: Tensor, first: int = 0) -> Nonzeros:
        """Nonzero activations of one context ``x`` ``[n_rows, d_in]`` from row ``first`` on, which is counted as 0."""
        if not self.needs_contexts:
            return self.submit(x[first:])()
        found = self.submit(x)()
        is_wanted = found.rows >= first
        return Nonzeros(found.rows[is_wanted] - first, found.features[is_wanted], found.values[is_wanted])

    @torch.inference_mode()
    def submit(self, x: Tensor, lengths: Sequence[int] = ()) -> Collect:
        """Begin to encode ``x`` ``[n_rows, d_in]``; the result is what the returned function returns.

        On a CPU the work is done at once; on a GPU it is only begun.

        Parameters
        ----------
        x
            Rows.
        lengths
            Of the contexts that they are, one after the other; one by default.
        """
        x = x.to(self.device)
        if self.needs_contexts:
            contexts = x.split([int(n) for n in lengths] or len(x))
            starts = np.cumsum([0, *(len(c) for c in contexts)]).tolist()
            found = joined([_ready(self._by_sae(c[None]), s)() for c, s in zip(contexts, starts, strict=False)])
            return lambda: found
        parts = [self._submit_chunk(x[s : s + self._chunk], s) for s in range(0, len(x), self._chunk)]
        return lambda: joined([part() for part in parts])

    def _submit_chunk(self, x: Tensor, start: int) -> Collect:
        if self._is_slow:
            return _ready(self._by_sae(x), start)
        x = self._sae.process_sae_in(x)
        if self._kind == "topk":
            return _ready(self._by_rank(x), start)
        tiles = [
            self._on_host(x, low) if self.device.type == "cpu" else self._on_device(x, low)
            for low in range(0, self.d_sae, self._tile)
        ]
        return lambda: _shifted(joined_tiles([t() for t in tiles]), start)

    def _by_sae(self, x: Tensor) -> Nonzeros:
        acts = dense(self._sae.encode(x)).view(-1, self.d_sae)
        rows, features = (acts != 0).nonzero(as_tuple=True)
        return _to_host(rows, features, acts[rows, features])

    def _by_rank(self, x: Tensor) -> Nonzeros:
        """The k largest preactivations of each row, tile by tile, without the dense rest."""
        k = self._sae.cfg.k
        values = torch.empty(len(x), 0, dtype=x.dtype, device=x.device)
        features = torch.empty(len(x), 0, dtype=torch.int64, device=x.device)
        for low in range(0, self.d_sae, self._tile):
            pre = self._preactivations(x, low)
            if self._scale is not None:
                pre = pre * self._scale[low : low + self._tile]
            best = pre.topk(min(k, pre.shape[1]), dim=-1, sorted=False)
            values, features = torch.cat([values, best.values], 1), torch.cat([features, best.indices + low], 1)
        if values.shape[1] > k:
            best = values.topk(k, dim=-1, sorted=False)
            values, features = best.values, features.gather(1, best.indices)
        rows, columns = (values > 0).nonzero(as_tuple=True)
        return _to_host(rows, features[rows, columns], values[rows, columns]).in_order()

    def _on_host(self, x: Tensor, low: int) -> Collect:
        pre, mask = self._over_threshold(x, low)
        flat = np.flatnonzero(mask.numpy())
        values = pre.reshape(-1).numpy()[flat] if pre.dtype == torch.float32 else _picked(pre, flat)
        rows = flat // pre.shape[1]
        features = (flat - rows * pre.shape[1] + low).astype(np.uint32)
        found = Nonzeros(rows, features, values)
        return lambda: found

    def _on_device(self, x: Tensor, low: int) -> Collect:
        """Compact on the device into a buffer of fixed size, and send it; the host does not wait here."""
        pre, mask = self._over_threshold(x, low)
        width, room = pre.shape[1], self._room * len(x)
        flat = mask.reshape(-1).nonzero_static(size=room, fill_value=0).squeeze(1)
        values = pre.reshape(-1)[flat].float()
        sent = [_send(t) for t in (mask.sum(), flat, values)]
        arrived = torch.cuda.Event() if self.device.type == "cuda" else None
        if arrived is not None:
            arrived.record()

        def collect() -> Nonzeros:
            if arrived is not None:
                arrived.synchronize()
            n = int(sent[0])
            if n > room:
                self._room = 2 * n // len(x) + 1
                with torch.inference_mode():
                    return self._on_device(x, low)()
            at = sent[1][:n].numpy()
            rows = at // width
            return Nonzeros(rows, (at - rows * width + low).astype(np.uint32), np.array(sent[2][:n].numpy()))

        return collect

    def _over_threshold(self, x: Tensor, low: int) -> tuple[Tensor, Tensor]:
        pre = self._preactivations(x, low)
        if self._mask is None:
            self._mask = torch.empty(CHUNK * self._tile, dtype=torch.bool, device=self.device)
        mask = self._mask[: pre.numel()].view(pre.shape)
        return pre, torch.gt(pre, self._threshold[low : low + self._tile], out=mask)

    def _preactivations(self, x: Tensor, low: int) -> Tensor:
        """``[n_rows, tile]``, in the reused buffer."""
        sae, high = self._sae, min(low + self._tile, self.d_sae)
        if self._buffer is None:
            self._buffer = torch.empty(CHUNK * self._tile, dtype=sae.W_enc.dtype, device=self.device)
        out = self._buffer[: len(x) * (high - low)].view(len(x), high - low)
        return torch.addmm(sae.b_enc[low:high], x, sae.W_enc[:, low:high], out=out)


def reconstructed(sae: Any, x: Tensor, tile_bytes: int = TILE_BYTES) -> Tensor:
    """``sae.decode(sae.encode(x))``, ``[n_rows, d_in]``, some rows at a time: both are dense in ``d_sae``."""
    n_rows = max(tile_bytes // (x.element_size() * int(sae.cfg.d_sae)), 1)
    return torch.cat([sae.decode(sae.encode(part)) for part in x.split(n_rows)])


def _ready(found: Nonzeros, start: int) -> Collect:
    return lambda: _shifted(found, start)


def _shifted(found: Nonzeros, start: int) -> Nonzeros:
    return Nonzeros(found.rows + start, found.features, found.values)


def _picked(pre: Tensor, flat: NDArray[np.int64]) -> NDArray[np.float32]:
    return pre.reshape(-1)[torch.from_numpy(flat)].float().numpy()


def _to_host(rows: Tensor, features: Tensor, values: Tensor) -> Nonzeros:
    return Nonzeros(rows.cpu().numpy(), features.cpu().numpy().astype(np.uint32), values.float().cpu().numpy())


def _send(tensor: Tensor) -> Tensor:
    if tensor.device.type != "cuda":
        return tensor.cpu()
    there = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
    return there.copy_(tensor, non_blocking=True)


def joined(parts: list[Nonzeros]) -> Nonzeros:
    """Nonzeros of successive rows as one."""
    if len(parts) == 1:
        return parts[0]
    return Nonzeros(
        np.concatenate([p.rows for p in parts]),
        np.concatenate([p.features for p in parts]),
        np.concatenate([p.values for p in parts]),
    )


def joined_tiles(tiles: list[Nonzeros]) -> Nonzeros:
    """Nonzeros of the same rows over successive features as one."""
    return tiles[0] if len(tiles) == 1 else joined(tiles).in_order()
