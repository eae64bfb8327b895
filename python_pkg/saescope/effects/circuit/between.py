"""Features of one SAE that act on features of another, later one of the same model.

By weights:

1. Directly: an upstream feature's decoder direction times what the downstream one reads.
2. Through a head between: ``d W_V^h W_O^h e``, the OV circuit, with the norms' gains and whatever it attends to.

On a text:

3. One run between the two sites with gradients gives, for every feature that fires upstream, its activation
   times the gradient of the downstream pre-activation along its decoder direction: an estimate.
4. Those that lead are taken out one by one, the layers between run again, and the pre-activation is read
   again: exact.
5. Downstream features: the one feature is taken out, and everything is encoded again at the later site: exact.

Source: Marks et al. (2024), "Sparse feature circuits" (attribution between features, error term kept);
Dunefsky et al. (2024), "Transcoders find interpretable LLM feature circuits" (weights times activations);
Elhage et al. (2021) for virtual weights and OV circuits.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from saescope.effects.circuit.blocks import Blocks
from saescope.effects.circuit.place import Place
from saescope.effects.circuit.trace import Reached
from saescope.effects.circuit.weights import attention_blocks, moved_from, moved_to, read_directions
from saescope.effects.clean import CleanRun
from saescope.effects.reading import Reading
from saescope.effects.writing import Writer
from saescope.engine.encoder import Encoder, Nonzeros
from saescope.engine.hooking import hook_at
from saescope.errors import ComputeError, InputError
from saescope.types import Site

MOST_TOKENS = 512
Check = Callable[[], None]


@dataclass(frozen=True)
class Tie:
    """Two features tied by weights: directly, or through one head; ``baseline`` is the mean size on that path."""

    feature: int
    score: float
    baseline: float
    layer: int | None = None
    head: int | None = None


def check_order(first: Place, later: Place, names: tuple[str, str]) -> None:
    """Make sure that one place comes before another.

    Raises
    ------
    InputError
        There is nothing between them.
    """
    if first.order >= later.order:
        raise InputError(
            f"nothing lies between {names[0]} and {names[1]}: features of one act on those of the other only where "
            "its site comes later.",
            hint="Give an SAE of an earlier layer as upstream=, of a later one as downstream=.",
        )


@torch.no_grad()
def ties_upstream(
    blocks: Blocks, places: tuple[Place, Place], writer: Writer, reading: Reading, feature: int, n_up: int, check: Check
) -> list[tuple[Tensor, int | None, int | None]]:
    """What every upstream feature is worth to one downstream, by path: scores ``[n_up]``, layer, head."""
    up, down = places
    target = read_directions(blocks, down, reading, [feature])
    rows: list[tuple[Tensor, int | None, int | None]] = []
    if down.stage in ("stream", "mlp_input"):
        rows.append((target[0], None, None))
    for n in attention_blocks(down, up.first_attention):
        check()
        is_raw = reading.site.module == blocks.require_heads(n).path
        rows += [(r[0], n, h) for h, r in enumerate(moved_from(blocks, n, target, is_raw=is_raw))]
    if not rows:
        return []
    stacked = torch.stack([row for row, _, _ in rows]).T
    every = _in_chunks(lambda part: writer.directions(part) @ stacked, n_up)
    return [(every[:, i], layer, head) for i, (_, layer, head) in enumerate(rows)]


@torch.no_grad()
def ties_downstream(
    blocks: Blocks, places: tuple[Place, Place], writer: Writer, reading: Reading, feature: int, check: Check
) -> list[tuple[Tensor, int | None, int | None]]:
    """What one upstream feature is worth to every downstream one, by path: scores ``[n_down]``, layer, head."""
    up, down = places
    source = writer.directions([feature])
    rows: list[tuple[Tensor, int | None, int | None]] = []
    if down.stage in ("stream", "mlp_input"):
        rows.append((source[0], None, None))
    for n in attention_blocks(down, up.first_attention):
        check()
        rows += [(r[0], n, h) for h, r in enumerate(moved_to(blocks, n, source))]
    if not rows:
        return []
    stacked = torch.stack([row for row, _, _ in rows]).T
    every = _in_chunks(lambda part: read_directions(blocks, down, reading, list(part)) @ stacked, reading.n_features)
    return [(every[:, i], layer, head) for i, (_, layer, head) in enumerate(rows)]


def _in_chunks(scores: Callable[[range], Tensor], n: int, size: int = 1 << 14) -> Tensor:
    return torch.cat([scores(range(low, min(low + size, n))) for low in range(0, n, size)])


def leading_ties(paths: Sequence[tuple[Tensor, int | None, int | None]], k: int) -> list[Tie]:
    """The ``k`` strongest of all paths, by size."""
    ties: list[Tie] = []
    for scores, layer, head in paths:
        size = scores.abs()
        mean = float(size.mean())
        leading = size.topk(min(k, len(size))).indices.tolist()
        ties += [Tie(feature, float(scores[feature]), mean, layer, head) for feature in leading]
    return sorted(ties, key=lambda tie: -abs(tie.score))[:k]


def activations_at(run: CleanRun, site: Site, deltas: Tensor | None, start: int) -> Tensor:
    """A later site's activation ``[n_rows, seq - start, d]`` with the run's own site changed; no layer after runs."""
    found: list[Tensor] = []

    def take(tensor: Tensor) -> None:
        found.append(tensor)
        raise Reached

    handle = hook_at(run.module, site.module, site.kind, take)
    try:
        run.changed(deltas, start, 1)
    except Reached:
        pass
    finally:
        handle.remove()
    return found[0][:, -(run.n_tokens - start) :]


@dataclass(frozen=True)
class Pull:
    """An upstream feature's part in a downstream pre-activation; exact where it has been taken out."""

    feature: int
    pos: int
    activation: float
    score: float
    is_exact: bool


class Between:
    """The layers between an SAE and a later one, on one text.

    Parameters
    ----------
    run, nonzeros, writer
        The text's clean run at the earlier site, what fires there, and what it writes.
    reading
        The later SAE's encoder.
    """

    def __init__(self, run: CleanRun, nonzeros: Nonzeros, writer: Writer, reading: Reading) -> None:
        self.run, self.nonzeros, self.reading = run, nonzeros, reading
        self._writer = writer
        self._scales = writer.scales(run.seen)

    def pulls(self, feature: int, pos: int) -> list[Pull]:
        """Every upstream feature's part in a downstream feature's pre-activation at ``pos``, estimated."""
        gradient = self._gradient(feature, pos)
        found = self.nonzeros
        is_before = found.rows <= pos
        rows, features, values = (a[is_before] for a in (found.rows, found.features, found.values))
        at = torch.from_numpy(rows)
        directions = self._writer.directions(features.tolist())
        along = (directions * gradient[at].to(directions.device)).sum(-1) * self._scales[at].to(directions.device)
        scores = values * along.cpu().numpy()
        order = np.argsort(-np.abs(scores))
        return [Pull(int(features[i]), int(rows[i]), float(values[i]), float(scores[i]), False) for i in order]

    def verified(self, pulls: Sequence[Pull], feature: int, pos: int, check: Check) -> list[Pull]:
        """The same with each feature taken out in turn: clean less changed pre-activation."""
        made: dict[int, float] = {}
        clean = self._preactivations(None, 0, feature, pos)[0]
        order = sorted(range(len(pulls)), key=lambda i: pulls[i].pos)
        while order:
            start = pulls[order[0]].pos
            n = max(MOST_TOKENS // (self.run.n_tokens - start), 1)
            batch, order = order[:n], order[n:]
            check()
            deltas = torch.zeros(len(batch), self.run.n_tokens - start, self.run.seen.shape[-1])
            directions = self._writer.directions([pulls[i].feature for i in batch]).cpu()
            for row, (i, direction) in enumerate(zip(batch, directions, strict=True)):
                step = pulls[i].activation * float(self._scales[pulls[i].pos])
                deltas[row, pulls[i].pos - start] = -step * direction
            changed = self._preactivations(deltas.to(self.run.device), start, feature, pos)
            made |= {i: float(clean - value) for i, value in zip(batch, changed, strict=True)}
        return [Pull(p.feature, p.pos, p.activation, made[i], True) for i, p in enumerate(pulls)]

    def preactivation(self, feature: int, pos: int) -> float:
        """The downstream feature's, with nothing changed."""
        return float(self._preactivations(None, 0, feature, pos)[0])

    def _gradient(self, feature: int, pos: int) -> Tensor:
        """Of the pre-activation along the earlier site's activation, ``[seq, d]``."""
        with torch.enable_grad():
            deltas = torch.zeros(
                1, self.run.n_tokens, self._writer.directions([0]).shape[1], device=self.run.device, requires_grad=True
            )
            x = activations_at(self.run, self.reading.site, deltas, 0)[0, pos]
            scale = self.reading.scales(self.reading.seen(x.detach()[None]))[0]
            value = scale * (x.float() @ self.reading.directions([feature])[0].to(x.device))
            (gradient,) = torch.autograd.grad(value, deltas)
        return gradient[0].float()

    @torch.no_grad()
    def _preactivations(self, deltas: Tensor | None, start: int, feature: int, pos: int) -> Tensor:
        x = activations_at(self.run, self.reading.site, deltas, start)[:, pos - start]
        return self.reading.preactivations(x, [feature])[:, 0]


@dataclass(frozen=True)
class Followed:
    """Later features whose activations one feature changes: with it, and without.

    ``positions`` [n] int64, ``features`` [n] uint32, ``clean`` and ``changed`` [n] float32; most moved first.
    """

    positions: NDArray[np.int64]
    features: NDArray[np.uint32]
    clean: NDArray[np.float32]
    changed: NDArray[np.float32]


@torch.no_grad()
def followed(run: CleanRun, delta: Tensor, pos: int, sae: Any, site: Site) -> Followed:
    """What a change ``[d]`` at a position does to the features of a later SAE."""
    deltas = torch.zeros(2, run.n_tokens - pos, len(delta), device=run.device)
    deltas[1, 0] = delta
    x = activations_at(run, site, deltas, pos)
    x = site.seen(x)
    encoder = Encoder(sae)
    if encoder.needs_contexts:
        raise ComputeError("what a change does to a temporal SAE's features cannot be told from the change on alone.")
    clean, changed = (encoder.encode(row) for row in x)
    width = int(sae.cfg.d_sae)
    keys = [n.rows.astype(np.int64) * width + n.features.astype(np.int64) for n in (clean, changed)]
    every = np.unique(np.concatenate(keys))
    values = np.zeros((2, len(every)), dtype=np.float32)
    for line, key, found in zip(values, keys, (clean, changed), strict=True):
        line[np.searchsorted(every, key)] = found.values
    order = np.argsort(-np.abs(values[0] - values[1]), kind="stable")
    order = order[values[0][order] != values[1][order]]
    every, values = every[order], values[:, order]
    return Followed(every // width + pos, (every % width).astype(np.uint32), values[0], values[1])
