"""Who can write to a feature, and who can read it, by the weights alone.

1. Writing heads: the norm of ``W_V^h W_O^h e``, with ``e`` the unit direction that the feature reads: the most
   that a head can add per unit of what it reads, whatever it attends to. MLPs: the norm of ``W_out e``.
2. Reading heads: the norms of ``W_Q^h d``, ``W_K^h d`` and ``W_V^h W_O^h d``, with ``d`` the feature's unit
   decoder direction: how much of a query or key it makes, and what the head writes of it. A key that several
   heads share is told once, by the first of them. MLPs: the norm of ``W_in d`` (the gate's, if gated).
3. The gains of the norms between are folded in; their scales depend on the text and are left out.
4. Each score stands beside its mean over other features of the same SAE, drawn with a fixed seed: a head that
   reads everything strongly reads nothing in particular.

Source: Elhage et al. (2021), "A Mathematical Framework for Transformer Circuits" (OV and QK circuits, virtual
weights). Differs: norms over a head's space against a baseline of other features.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from saescope.effects.circuit.blocks import Blocks, Heads
from saescope.effects.circuit.place import Place
from saescope.effects.reading import Reading
from saescope.effects.writing import Writer
from saescope.errors import ComputeError

N_OTHERS = 128
CHUNK = 1 << 13
Check = Callable[[], None]


@dataclass(frozen=True)
class Strength:
    """How strongly a head or an MLP is tied to a feature; ``baseline`` is the mean over other features.

    ``role`` is ``writes``, or what a reader makes of it: ``query``, ``key``, ``value``, ``gate``.
    """

    kind: str
    layer: int
    head: int | None
    role: str
    score: float
    baseline: float


def others(feature: int, n_features: int, n: int = N_OTHERS) -> list[int]:
    """Other features to compare with: the same ones for the same feature."""
    draw = np.random.default_rng(0).permutation(n_features)[: n + 1]
    return [int(f) for f in draw if f != feature][:n]


def _units(rows: Tensor) -> Tensor:
    return rows / rows.norm(dim=-1, keepdim=True).clamp(min=1e-12)


def read_directions(blocks: Blocks, place: Place, reading: Reading, features: list[int] | None) -> Tensor:
    """What features read, ``[n, d_model]``, as directions of the residual stream."""
    found = reading.directions(features)
    if place.stage == "mlp_input":
        gain = blocks.gain_before_mlp(place.block)
        return gain.back(found) if gain is not None else found
    return found


def attention_blocks(place: Place, first: int = 0) -> range:
    """The blocks whose heads write what is read at a place."""
    if place.stage in ("embedding", "mlp"):
        return range(0)
    if place.stage == "attention":
        return range(place.block, place.block + 1) if first <= place.block else range(0)
    return range(first, place.block + (1 if place.stage == "mlp_input" else 0))


@torch.no_grad()
def writers(blocks: Blocks, place: Place, reading: Reading, feature: int, check: Check) -> Iterator[Strength]:
    """Heads and MLPs that can write to a feature.

    Raises
    ------
    ComputeError
        The family's heads or projections are not known.
    """
    features = [feature, *others(feature, reading.n_features)]
    units = _units(read_directions(blocks, place, reading, features))
    for n in attention_blocks(place):
        check()
        heads = blocks.require_heads(n)
        toward = out_toward(blocks, heads, units, is_raw=reading.site.module == heads.path)  # [heads, d_head, n]
        values = value_map(blocks, n, heads)
        gram = torch.einsum("dhe,dhf->hef", values, values)
        norms = torch.einsum("hen,hef,hfn->hn", toward, gram, toward).clamp(min=0).sqrt()
        for head, row in enumerate(norms):
            yield Strength("head", n, head, "writes", *_against(row))
    last = {"mlp": place.block + 1, "mlp_input": place.block, "stream": place.block}.get(place.stage, 0)
    for n in range(place.block if place.stage == "mlp" else 0, last):
        check()
        found = blocks.mlp_matrices(n)
        if found is not None:
            gain = None if reading.site.module == blocks.paths(n).path + ".mlp" else blocks.gain_after_mlp(n)
            directions = gain.back(units) if gain is not None else units
            yield Strength("mlp", n, None, "writes", *_against((found[1] @ directions.T).norm(dim=0)))


@torch.no_grad()
def readers(blocks: Blocks, place: Place, writer: Writer, feature: int, n_features: int, check: Check) -> Iterator:
    """Heads and MLPs that can read what a feature writes at a place; yields `Strength`.

    Raises
    ------
    ComputeError
        The family's heads or projections are not known.
    """
    units = _units(writer.directions([feature, *others(feature, n_features)]))
    for n in range(max(place.block, 0), len(blocks)):
        check()
        if n >= place.first_attention:
            heads, gain = blocks.require_heads(n), blocks.gain_before_attention(n)
            seen = gain.forth(units) if gain is not None else units
            for role, norms in _read_norms(blocks, heads, seen).items():
                for head, row in norms:
                    yield Strength("head", n, head, role, *_against(row))
        found = blocks.mlp_matrices(n) if n >= place.first_mlp else None
        if found is not None:
            gain = blocks.gain_before_mlp(n)
            seen = gain.forth(units) if gain is not None else units
            yield Strength("mlp", n, None, "gate", *_against((seen @ found[0]).norm(dim=-1)))


def _read_norms(blocks: Blocks, heads: Heads, seen: Tensor) -> dict[str, list[tuple[int, Tensor]]]:
    """Norms of what heads make of directions ``[n, d_model]``, by role: head and ``[n]``; a shared key's first head."""
    maps, out = blocks.reads(heads), blocks.out(heads)
    made = {role: torch.einsum("nd,dhe->hne", seen, weight) for role, weight in maps.items()}
    gram = torch.einsum("hem,hfm->hef", out, out)
    value = torch.einsum("hne,hef,hnf->hn", made["value"], gram, made["value"]).clamp(min=0).sqrt()
    key = made["key"].norm(dim=-1)
    own = [h for h in range(heads.n_heads) if not h or not torch.equal(key[h], key[h - 1])]
    return {
        "query": list(enumerate(made["query"].norm(dim=-1))),
        "key": [(h, key[h]) for h in own],
        "value": list(enumerate(value)),
    }


def _against(norms: Tensor) -> tuple[float, float]:
    """The first of some norms, and the mean of the rest."""
    return float(norms[0]), float(norms[1:].mean()) if len(norms) > 1 else float("nan")


def out_toward(blocks: Blocks, heads: Heads, directions: Tensor, *, is_raw: bool = False) -> Tensor:
    """What each head's space is worth along directions ``[n, d_model]``: ``[n_heads, d_head, n]``."""
    gain = None if is_raw else blocks.gain_after_attention(heads)
    seen = gain.back(directions) if gain is not None else directions
    return torch.einsum("hed,nd->hen", blocks.out(heads), seen) * (1.0 if is_raw else blocks.multiplier)


def value_map(blocks: Blocks, number: int, heads: Heads) -> Tensor:
    """``W_V`` of each head with the norm's gain before it, ``[d_model, n_heads, d_head]``."""
    values, gain = blocks.reads(heads)["value"], blocks.gain_before_attention(number)
    if gain is None:
        return values
    flat = values.flatten(1).T
    return gain.back(flat).T.reshape(values.shape)


def moved_to(blocks: Blocks, number: int, directions: Tensor) -> Tensor:
    """What heads of a block write of directions ``[n, d_model]`` that they attend to: ``[n_heads, n, d_model]``."""
    heads = blocks.require_heads(number)
    made = torch.einsum("nd,dhe,hem->hnm", directions, value_map(blocks, number, heads), blocks.out(heads))
    gain = blocks.gain_after_attention(heads)
    return blocks.multiplier * (made if gain is None else gain.forth(made))


def moved_from(blocks: Blocks, number: int, directions: Tensor, *, is_raw: bool = False) -> Tensor:
    """What heads of a block must attend to for writing along directions ``[n, d_model]``: ``[n_heads, n, d_model]``."""
    heads = blocks.require_heads(number)
    toward = out_toward(blocks, heads, directions, is_raw=is_raw)
    return torch.einsum("dhe,hen->hnd", value_map(blocks, number, heads), toward)


@torch.no_grad()
def token_scores(blocks: Blocks, direction: Tensor, n_tokens: int, *, before: int | None = None) -> Tensor:
    """Each token's embedding along a direction ``[d_model]``: ``[n_tokens]``.

    With ``before``, as the heads of that block would see it if nothing had been added to it: through their
    norm, without the gain, which the direction has.
    """
    embedding = blocks.model.get_input_embeddings()
    gain = None if before is None else blocks.gain_before_attention(before)
    found = []
    for low in range(0, n_tokens, CHUNK):
        ids = torch.arange(low, min(low + CHUNK, n_tokens), device=embedding.weight.device)
        rows = embedding(ids).float()
        scores = rows @ direction.to(rows.device)
        if before is not None:
            base = rows - rows.mean(-1, keepdim=True) if gain is not None and gain.is_centred else rows
            scores = scores / base.square().mean(-1).sqrt().clamp(min=1e-6)
        found.append(scores)
    return torch.cat(found)


def require_direction(place: Place) -> None:
    """Make sure that the embedding reaches a place directly.

    Raises
    ------
    ComputeError
        It goes through attention or an MLP first.
    """
    if place.stage in ("attention", "mlp"):
        raise ComputeError("tokens reach this site through attention or an MLP alone.")
