"""What writes to a feature and what reads it, by weights and on a text, of one model and SAE."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch

from saescope.effects.circuit import weights
from saescope.effects.circuit.blocks import Blocks
from saescope.effects.circuit.downstream import Aimed, Reach, Step, reach
from saescope.effects.circuit.place import Place, place_of
from saescope.effects.circuit.rows import ABLATION, DIRECT, LAST_STEP, LENS, WEIGHTS, Row, Side, largest
from saescope.effects.circuit.trace import Trace, Tracer
from saescope.effects.circuit.upstream import Decomposition, decompose
from saescope.effects.clean import CleanRun
from saescope.effects.prompt import Prompt
from saescope.effects.reading import Reading
from saescope.effects.writing import Writer
from saescope.engine.clone import is_dispatched, structural_clone
from saescope.engine.lens import N_TOKENS, read_lens
from saescope.errors import ComputeError, InputError
from saescope.types import Site

Check = Callable[[], None]
N_MOVED = 20


class Circuit:
    """One SAE's place in its model.

    Parameters
    ----------
    model, sae, site
        A transformers causal language model, a sae-lens SAE, and where it reads and writes.
    n_tokens
        Tokens of the tokenizer; rows of the embedding beyond are padding.

    Raises
    ------
    ComputeError
        The SAE's encoder or decoder is not linear, or its site is of another kind.
    """

    def __init__(self, model: Any, sae: Any, site: Site, n_tokens: int) -> None:
        self.model, self.sae, self.site = model, sae, site
        self.blocks = Blocks(model if is_dispatched(model) else structural_clone(model).eval())
        self.reading, self.writer = Reading(sae, site), Writer(sae)
        self.reads_at: Place = place_of(model, site.module, site.kind)
        self.writes_at: Place = place_of(model, *site.writes_to)
        self.n_tokens = min(n_tokens, len(model.get_input_embeddings().weight))
        self.n_features = int(sae.cfg.d_sae)
        self._traces: WeakKeyDictionary[CleanRun, Trace] = WeakKeyDictionary()

    def trace(self, prompt: Prompt, pos: int, check: Check) -> Trace:
        """The text's way to the site, kept as long as its clean run is."""
        found = self._traces.get(prompt.run)
        if found is None or found.row(pos) is None:
            found = Tracer(self.model, self.site, check).run(torch.from_numpy(prompt.tokens), pos)
            self._traces[prompt.run] = found
        return found

    def decomposition(self, prompt: Prompt, feature: int, pos: int, check: Check) -> Decomposition:
        """A feature's pre-activation at a position, part by part."""
        return decompose(self.trace(prompt, pos, check), self.reading, feature, pos)

    def writes_on_text(self, prompt: Prompt, feature: int, pos: int, check: Check) -> Side:
        """All parts of a feature's pre-activation, largest first."""
        found = self.decomposition(prompt, feature, pos, check)
        size = max(sum(abs(p.score) for p in found.parts), 1e-12)
        rows, shading = [], np.zeros(prompt.n_tokens, dtype=np.float32)
        for part in found.parts:
            at: int | None = pos
            if part.sources is not None:
                shading[: len(part.sources)] += part.sources
                at = int(np.abs(part.sources).argmax())
            elif part.kind in ("head", "attention", "block", "bias"):
                at = None
            row = Row(part.kind, part.score, DIRECT, True, part.layer, part.head, pos=at, sources=part.sources)
            rows.append(replace(row, share=abs(part.score) / size))
        rows = largest(rows, len(rows))
        rows.append(Row("error", found.rest, DIRECT, True, share=abs(found.rest) / size))
        notes = list(found.notes)
        if self.reads_at.stage == "attention":
            notes.append(
                f"This site is what attention of layer {self.reads_at.block} adds: only its heads write to it."
            )
        if self.reads_at.stage == "mlp":
            notes.append(f"This site is what the MLP of layer {self.reads_at.block} adds: it alone writes to it.")
        has_sources = any(row.sources is not None for row in rows)
        return Side(rows, found.total, found.preactivation, shading if has_sources else None, notes)

    def writes_by_weights(self, feature: int, k: int, check: Check) -> Side:
        """The heads and MLPs that can write to a feature most, and the tokens whose embedding does."""
        notes: list[str] = []
        rows: list[Row] = []
        try:
            found = weights.writers(self.blocks, self.reads_at, self.reading, feature, check)
            rows.extend(_tied(s) for s in found)
        except ComputeError as err:
            notes.append(err.message)
        rows = largest(rows, k)
        if self.reads_at.stage in ("attention", "mlp"):
            notes.append("Tokens reach this site through attention or an MLP alone: no direct path from the embedding.")
        else:
            (direction,) = weights.read_directions(self.blocks, self.reads_at, self.reading, [feature])
            rows += self._tokens(weights.token_scores(self.blocks, direction, self.n_tokens), k)
        return Side(rows, notes=notes)

    def reads_by_weights(self, feature: int, k: int, check: Check) -> Side:
        """The heads and MLPs that can read a feature most, and the tokens that it raises and lowers."""
        notes: list[str] = []
        rows: list[Row] = []
        try:
            found = weights.readers(self.blocks, self.writes_at, self.writer, feature, self.n_features, check)
            rows.extend(_tied(s) for s in found)
        except ComputeError as err:
            notes.append(err.message)
        if not rows and not notes:
            notes.append("No head and no MLP comes after this site.")
        return Side(largest(rows, k) + self.lens_rows(self.writer.directions([feature])[0], k), notes=notes)

    def lens_rows(self, direction: torch.Tensor, k: int) -> list[Row]:
        """The tokens whose logits a direction ``[d_model]`` raises and lowers most, per unit."""
        lens = read_lens(self.model, direction[None], self.n_tokens)
        n = min(k, N_TOKENS)
        high = zip(lens.promoted[0, :n], lens.promoted_weights[0, :n], strict=True)
        low = zip(lens.suppressed[0, :n], lens.suppressed_weights[0, :n], strict=True)
        return [Row("token", float(w), LENS, False, token=int(t)) for t, w in (*high, *low)]

    def _tokens(self, scores: torch.Tensor, k: int) -> list[Row]:
        mean = float(scores.abs().mean())
        found = scores.abs().topk(min(k, len(scores))).indices.tolist()
        return [Row("token", float(scores[t]), WEIGHTS, False, token=t, baseline=mean) for t in found]

    def reads_on_text(self, prompt: Prompt, feature: int, pos: int, aimed: Aimed) -> tuple[Side, Reach]:
        """How a feature's effect on a token reaches the output, and the tokens that it raises and lowers.

        Raises
        ------
        InputError
            It does not fire at the position.
        """
        found = reach(prompt.run, self.blocks, self.writes_at, self.removal(prompt, feature, pos), pos, aimed, N_MOVED)
        size = max(sum(abs(s.score) for s in found.steps), 1e-12)
        rows = sorted((_stepped(s, size, aimed.at) for s in found.steps), key=lambda row: -abs(row.score))
        rest = found.effect - found.total
        if found.steps:
            rows.append(Row("error", rest, LAST_STEP, False, share=abs(rest) / size))
        tokens: list[Row] = []
        for moved in (found.change.lowered, found.change.raised):
            if moved is None:
                continue
            ids, before, after = (t[0].tolist() for t in (moved.ids, moved.before, moved.after))
            for token, clean, changed in zip(ids, before, after, strict=True):
                tokens.append(
                    Row("token", clean - changed, ABLATION, True, token=token, baseline=changed, pos=aimed.at)
                )
        tokens.sort(key=lambda row: -abs(row.score))
        total = found.total if found.steps else None
        return Side(rows + tokens, total, found.effect, notes=found.notes), found

    def removal(self, prompt: Prompt, feature: int, pos: int) -> torch.Tensor:
        """What is added at the site to take a feature out at one position, ``[d]``."""
        activation = float(prompt.activations(feature)[pos])
        if activation == 0:
            raise InputError(
                f"feature {feature} does not fire at position {pos}: there is nothing to take out.",
                hint="Choose a token on which it fires.",
            )
        scale = float(self.writer.scales(prompt.run.seen)[pos])
        return -activation * scale * self.writer.directions([feature])[0].to(prompt.run.device)

    def head_tokens(self, feature: int, layer: int, head: int, side: str, k: int) -> list[Row]:
        """By weights: the tokens whose bare embedding a head copies into a feature, or what it makes of the feature.

        ``upstream``: what the feature gains when the head attends to the token alone and its stream is the
        embedding. ``downstream``: the tokens that the head's output raises and lowers when it attends to
        the feature alone.
        """
        heads = self.blocks.require_heads(layer)
        if not 0 <= head < heads.n_heads:
            raise InputError(f"layer {layer} has heads 0 to {heads.n_heads - 1}, and {head} was asked for.")
        if side == "downstream":
            written = weights.moved_to(self.blocks, layer, self.writer.directions([feature]))[head, 0]
            return self.lens_rows(written, k)
        target = weights.read_directions(self.blocks, self.reads_at, self.reading, [feature])
        is_raw = self.site.module == heads.path
        read = weights.moved_from(self.blocks, layer, target, is_raw=is_raw)[head, 0]
        scores = weights.token_scores(self.blocks, read, self.n_tokens, before=layer)
        ends = torch.cat([scores.topk(k).indices, scores.topk(k, largest=False).indices.flip(0)]).tolist()
        mean = float(scores.abs().mean())
        return [Row("token", float(scores[t]), WEIGHTS, False, layer, head, token=t, baseline=mean) for t in ends]


def _tied(s: weights.Strength) -> Row:
    method = WEIGHTS if s.role == "writes" else f"{WEIGHTS}: {s.role}"
    return Row(s.kind, s.score, method, False, s.layer, s.head, baseline=s.baseline)


def _stepped(s: Step, size: float, at: int) -> Row:
    return Row(s.kind, s.score, LAST_STEP, False, s.layer, s.head, pos=at, share=abs(s.score) / size)
