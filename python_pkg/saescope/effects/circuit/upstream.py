"""What writes to a feature on a text: its pre-activation as a sum over what the residual stream is a sum of.

1. The pre-activation is linear in the site's activation (`effects.reading`), and that is the embedding plus
   what each block's attention and MLP added (`effects.circuit.trace`).
2. What attention adds is the sum over heads of ``z_h W_O^h``, plus a bias; ``z_h`` is the sum over source
   tokens of attention weight times value. Where a norm follows, its scale is held fixed at the token.
3. Each part's product with what the feature reads is its contribution; they sum to the pre-activation, and
   what rounding leaves is told.

Attention patterns and norms are taken as they were, so this is the direct path: what a head would have
written on another text, or what others made it write, is not in it.

Source: Elhage et al. (2021), "A Mathematical Framework for Transformer Circuits" (the stream as a sum, OV
circuits); for SAE features Kissane et al. (2024), "Interpreting attention layer outputs with sparse
autoencoders" (direct feature attribution by head and source), and Dunefsky et al. (2024), "Transcoders
find interpretable LLM feature circuits", section 4.
"""

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from saescope.effects.circuit.norms import Gain
from saescope.effects.circuit.trace import BlockTrace, Trace
from saescope.effects.reading import Reading
from saescope.errors import ComputeError

CLOSE = 1e-3


@dataclass(frozen=True)
class Part:
    """One part of a pre-activation.

    ``kind`` is ``embedding``, ``head``, ``attention`` (a whole module), ``mlp``, ``block`` (a whole block) or
    ``bias``. ``sources`` [seq] float32 are the shares of a head's source tokens, which sum to its score.
    """

    kind: str
    score: float
    layer: int | None = None
    head: int | None = None
    sources: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Decomposition:
    """A feature's pre-activation at a position, part by part; ``rest`` is what the parts leave."""

    feature: int
    pos: int
    preactivation: float
    parts: list[Part]
    notes: list[str] = field(default_factory=list)

    @property
    def total(self) -> float:
        """What the parts sum to."""
        return float(sum(part.score for part in self.parts))

    @property
    def rest(self) -> float:
        """The pre-activation less the sum."""
        return self.preactivation - self.total


def decompose(trace: Trace, reading: Reading, feature: int, pos: int) -> Decomposition:
    """A feature's pre-activation at a position that the trace has kept.

    Raises
    ------
    ComputeError
        The parts do not sum to it within 1e-3: the model does something that is not known here.
    """
    row = trace.row(pos)
    if row is None:
        raise ComputeError(f"position {pos} was not kept when the text was traced.")
    site = trace.site[row : row + 1]
    direction = reading.directions([feature])[0].to(site.device) * reading.scales(reading.seen(site))[0]
    preactivation = float(reading.preactivations(site, [feature])[0, 0])
    parts = _Parts(trace, row)
    constant = float(reading.biases([feature])[0])
    place = trace.place
    if place.stage == "mlp":
        parts.add("mlp", float(site[0] @ direction), layer=place.block)
    elif place.stage == "attention":
        parts.attention(trace.blocks[-1], direction, is_raw=_is_raw(trace, reading))
    else:
        if place.stage == "mlp_input":
            direction, offset = _before_norm(trace, row, direction)
            constant += offset
        parts.stream(direction, is_mlp_input=place.stage == "mlp_input")
    parts.bias += constant
    found = [*parts.found, Part("bias", parts.bias)]
    made = Decomposition(feature, pos, preactivation, found, parts.notes)
    size = max(sum(abs(p.score) for p in found), 1e-6)
    if abs(made.rest) > CLOSE * size:
        raise ComputeError(
            f"the parts of feature {feature} sum to {made.total:.4g} and its pre-activation is {preactivation:.4g}: "
            "this model's residual stream is not the plain sum that saescope takes it for."
        )
    return made


def _is_raw(trace: Trace, reading: Reading) -> bool:
    heads = trace.blocks[-1].heads
    return heads is not None and reading.site.module == heads.path


def _before_norm(trace: Trace, row: int, direction: Tensor) -> tuple[Tensor, float]:
    """What a direction after the MLP's norm reads before it, and what the norm's bias adds."""
    if trace.norm is None or trace.stream is None:
        raise ComputeError("the norm that this MLP reads through could not be found.")
    gain = Gain.of(trace.norm, trace.model.width)
    scale = gain.scales(trace.stream[row : row + 1], trace.site[row : row + 1])[0]
    return scale * gain.back(direction), float(gain.bias @ direction)


class _Parts:
    """Collects the parts at one kept position."""

    def __init__(self, trace: Trace, row: int) -> None:
        self._trace, self._row = trace, row
        self.found: list[Part] = []
        self.notes: list[str] = []
        self.bias = 0.0

    def add(self, kind: str, score: float, layer: int | None = None) -> None:
        self.found.append(Part(kind, score, layer))

    def stream(self, direction: Tensor, *, is_mlp_input: bool) -> None:
        """The embedding and all blocks; of the last one, where its MLP's input is read, attention alone."""
        trace, row = self._trace, self._row
        self.add("embedding", float(trace.start[row] @ direction))
        if trace.place.stage == "embedding":
            return
        for block in trace.blocks:
            is_last = is_mlp_input and block is trace.blocks[-1]
            if block.whole is not None:
                self.add("block", float(block.whole[row] @ direction), layer=block.number)
                self._note(f"block {block.number} is given whole: it is not a sum of what its attention and MLP add.")
                continue
            if not (is_last and trace.is_parallel):
                self.attention(block, direction, is_raw=False)
            if not is_last and block.mlp is not None:
                self.add("mlp", float(block.mlp[row] @ direction), layer=block.number)

    def attention(self, block: BlockTrace, direction: Tensor, *, is_raw: bool) -> None:
        """One attention module by its heads, or as a whole where they cannot be told apart."""
        added = block.raw if is_raw else block.attention
        if added is None:
            raise ComputeError(f"what attention of block {block.number} adds could not be read.")
        added = added[self._row]
        try:
            self._heads(block, direction, is_raw)
        except ComputeError as err:
            self._note(f"attention of layer {block.number} is given whole: {err.message}")
            self.add("attention", float(added @ direction), layer=block.number)

    def _heads(self, block: BlockTrace, direction: Tensor, is_raw: bool) -> None:
        heads, row, model = block.heads, self._row, self._trace.model
        if heads is None or block.z is None or block.raw is None or block.attention is None:
            raise ComputeError("its heads could not be found.")
        out, constant = model.out(heads), 0.0
        plain = torch.einsum("hd,hdm->m", block.z[row], out)
        offset = model.out_bias(heads)
        if not _are_close(plain if offset is None else plain + offset, block.raw[row]):
            raise ComputeError("its output is not the sum of its heads'.")
        if not is_raw:
            direction = direction * model.multiplier
            gain = model.gain_after_attention(heads)
            if gain is not None:
                raw, added = block.raw[row : row + 1], block.attention[row : row + 1] / model.multiplier
                constant = float(gain.bias @ direction)
                direction = gain.back(direction) * gain.scales(raw, added)[0]
        toward = out @ direction
        scores = (block.z[row] * toward).sum(-1)
        sources = self._sources(block, toward)
        for head, score in enumerate(scores.tolist()):
            own = None if sources is None else sources[head].cpu().numpy()
            self.found.append(Part("head", score, block.number, head, own))
        self.bias += constant + (0.0 if offset is None else float(offset @ direction))

    def _sources(self, block: BlockTrace, toward: Tensor) -> Tensor | None:
        """Each head's score by source token ``[n_heads, seq]``, if attention weights and values make its ``z``."""
        if block.weights is None or block.values is None or block.z is None:
            self._note(f"layer {block.number} gives no attention weights: its heads are not split over tokens.")
            return None
        weights, n_heads = block.weights[self._row], len(toward)
        values = block.values.repeat_interleave(n_heads // len(block.values), dim=0)
        weights = weights[:, : values.shape[1]]
        if not _are_close(torch.einsum("hs,hsd->hd", weights, values), block.z[self._row]):
            self._note(f"layer {block.number} does more than mix values: its heads are not split over tokens.")
            return None
        return weights * torch.einsum("hsd,hd->hs", values, toward)

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


def _are_close(made: Tensor, wanted: Tensor) -> bool:
    return made.shape == wanted.shape and float((made - wanted).norm()) <= CLOSE * float(wanted.norm()) + 1e-6
