"""What reads a feature on a text: how its effect on a target's log-probability reaches the output.

1. The feature is taken out at one position, in one run beside a clean row; the SAE's error stays. The change
   of the output is exact.
2. At the position where the target is predicted, what enters the final norm changed by what the feature
   wrote there itself, plus the change of each later head's output, plus that of each later MLP's. Heads
   followed by a norm are taken with that run's own scale, so that the sum is exact.
3. The log-probability's gradient, averaged along the straight line between the two activations, times each of
   these changes is its part: the parts sum to the whole effect, and what the quadrature leaves is told.

A part says by which last step the effect reaches the output: what a head passed on through a later MLP
is counted to the MLP. Changes and sum are exact; that the line is straight is a choice.

Source: direct logit attribution, Elhage et al. (2021), "A Mathematical Framework for Transformer Circuits";
the average along the line is integrated gradients, Sundararajan et al. (2017), eq. 1, on the last layer alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from saescope.effects.circuit.blocks import Blocks
from saescope.effects.circuit.place import Place
from saescope.effects.circuit.trace import CLOSE
from saescope.effects.clean import CleanRun
from saescope.effects.quantities import Change, Output, change_of
from saescope.errors import ComputeError
from saescope.sources.site import final_norm, final_norm_path

N_NODES = 12


@dataclass(frozen=True)
class Aimed:
    """What is looked at: the log-probability of a token expected after position ``at``, maybe less another's."""

    at: int
    target: int
    contrast: int | None = None


@dataclass(frozen=True)
class Step:
    """One last step of an effect: ``kind`` is ``direct``, ``head``, ``attention``, ``mlp`` or ``block``; nats."""

    kind: str
    score: float
    layer: int | None = None
    head: int | None = None


@dataclass(frozen=True)
class Reach:
    """A feature's effect on a target: clean less changed log-probability, and the steps that it is made of."""

    effect: float
    steps: list[Step]
    change: Change
    clean: Output
    notes: list[str] = field(default_factory=list)

    @property
    def total(self) -> float:
        """What the steps sum to."""
        return float(sum(step.score for step in self.steps))


def reach(
    run: CleanRun, blocks: Blocks, place: Place, delta: Tensor, pos: int, aimed: Aimed, n_moved: int = 0
) -> Reach:
    """Take a feature out and see how its effect reaches the output.

    Parameters
    ----------
    run, blocks
        The text's clean run, and the model that it runs.
    place
        Where the change is made.
    delta
        The change ``[d]`` at position ``pos``.
    aimed
        What is looked at.
    n_moved
        So many raised and lowered tokens.
    """
    deltas = torch.zeros(2, aimed.at + 1 - pos, len(delta), device=run.device)
    deltas[1, 0] = delta.to(run.device)
    keep = _Keep(run, blocks, place)
    try:
        with torch.no_grad():
            logits = run.changed(deltas, pos, 1, end=aimed.at + 1)[:, -1].float()
    finally:
        keep.close()
    clean = Output.of(logits[:1])
    ids = torch.tensor([aimed.target], device=logits.device)
    other = None if aimed.contrast is None else torch.tensor([aimed.contrast], device=logits.device)
    change = change_of(clean, logits[1:, None].clone(), ids, other, n_moved=n_moved)
    moved = change.delta_logprob if change.delta_contrast is None else change.delta_contrast
    effect = -float(moved[0, 0])
    notes: list[str] = []
    try:
        gradient = _mean_gradient(run.module, keep.final, logits, aimed)
    except ComputeError as err:
        return Reach(effect, [], change, clean, [err.message])
    steps = keep.steps(gradient, notes)
    return Reach(effect, steps, change, clean, notes)


def _mean_gradient(model: Any, final: Tensor, logits: Tensor, aimed: Aimed) -> Tensor:
    """Of what is looked at, averaged along the line between the two rows of ``final`` [2, d]: ``[d]``."""
    norm, head, config = final_norm(model), model.get_output_embeddings(), model.config.get_text_config()

    def output(x: Tensor) -> Tensor:
        found = head(norm(x)).float()
        found = found * float(getattr(config, "logit_scale", None) or 1.0)
        found = found / float(getattr(config, "logits_scaling", None) or 1.0)
        cap = getattr(config, "final_logit_softcapping", None)
        return found if not cap else torch.tanh(found / cap) * cap

    nodes, weights = np.polynomial.legendre.leggauss(N_NODES)
    with torch.enable_grad():
        ends = output(final).detach()
        if float((ends - logits).abs().max()) > CLOSE * max(1.0, float(logits.abs().max())):
            raise ComputeError("this family makes its logits in a way that is not known: the effect is not split.")
        places = torch.tensor((nodes + 1) / 2, dtype=final.dtype, device=final.device)[:, None]
        x = (final[:1] + places * (final[1:] - final[:1])).detach().requires_grad_()
        share = torch.tensor(weights / 2, dtype=torch.float32, device=final.device)
        found = output(x).log_softmax(-1)
        looked_at = found[:, aimed.target] - (0 if aimed.contrast is None else found[:, aimed.contrast])
        value = (looked_at * share).sum()
        (gradient,) = torch.autograd.grad(value, x)
    return gradient.float().sum(0)


class _Keep:
    """What every later block adds at the last position, in both rows of one changed run."""

    def __init__(self, run: CleanRun, blocks: Blocks, place: Place) -> None:
        self._model, self._all, self._place = run.module, blocks, place
        self._numbers = range(max(place.block, 0), len(blocks))
        self._found: dict[Any, Tensor] = {}
        self._handles: list[Any] = []
        self._paths = {n: blocks.paths(n) for n in self._numbers}
        self._handles.append(self._model.register_forward_pre_hook(lambda *_: self._watch()))

    def _watch(self) -> None:
        """Hook in when the run begins: after the hooks that change the site, so that the change is seen."""
        for n in self._numbers:
            paths, place = self._paths[n], self._place
            self._hook(paths.path, "input", (n, "in"))
            self._hook(paths.path, "output", (n, "out"))
            if paths.heads and n >= place.first_attention:
                self._hook(paths.heads.out_path, "input", (n, "z"))
                self._hook(paths.heads.path, "output", (n, "raw"))
                self._hook(paths.heads.added_path, "output", (n, "attention"))
            if paths.mlp and n >= place.first_mlp:
                self._hook(paths.mlp, "output", (n, "mlp"))
        self._hook(final_norm_path(self._model), "input", "final")

    def close(self) -> None:
        for handle in self._handles:
            handle.remove()

    def _hook(self, path: str, kind: str, name: Any) -> None:
        module = self._model.get_submodule(path)

        def take(found: Any) -> None:
            tensor = found[0] if isinstance(found, tuple) else found
            rows = tensor if tensor.ndim == 3 else tensor.reshape(2, -1, tensor.shape[-1])
            self._found[name] = rows[:, -1].detach()

        if kind == "input":
            hook = module.register_forward_pre_hook(
                lambda _m, args, kwargs: take(args[0] if args else kwargs["hidden_states"]), with_kwargs=True
            )
        else:
            hook = module.register_forward_hook(lambda _m, _a, output: take(output))
        self._handles.append(hook)

    @property
    def final(self) -> Tensor:
        """What enters the final norm, ``[2, d]``: clean and changed."""
        return self._found["final"]

    def _step(self, name: Any) -> Tensor:
        """Clean less changed, ``[d]`` float32."""
        found = self._found[name].float()
        return found[0] - found[1]

    def steps(self, gradient: Tensor, notes: list[str]) -> list[Step]:
        """Each change times the gradient; what none of them makes is what the feature wrote itself."""
        steps: list[Step] = []
        rest = self._step("final")
        for n in self._numbers:
            grown = self._step((n, "out")) - self._step((n, "in"))
            own, taken = self._block(n, gradient)
            outside = grown - taken
            is_own = n == max(self._place.block, 0) and self._place.stage not in ("stream", "embedding")
            if not is_own and float(outside.norm()) > CLOSE * float(grown.norm()) + 1e-5:
                notes.append(f"block {n} is given whole: it is not a sum of what its attention and MLP add.")
                own, taken = [Step("block", float(grown @ gradient), n)], grown
            steps += own
            rest = rest - taken
        return [Step("direct", float(rest @ gradient)), *steps]

    def _block(self, n: int, gradient: Tensor) -> tuple[list[Step], Tensor]:
        steps: list[Step] = []
        factor = self._all.multiplier
        taken = torch.zeros_like(gradient)
        if (n, "attention") in self._found:
            added = factor * self._step((n, "attention"))
            taken = taken + added
            steps += self._heads(n, gradient, added)
        if (n, "mlp") in self._found:
            added = factor * self._step((n, "mlp"))
            taken = taken + added
            steps.append(Step("mlp", float(added @ gradient), n))
        return steps, taken

    def _heads(self, n: int, gradient: Tensor, added: Tensor) -> list[Step]:
        heads = self._paths[n].heads
        if heads is None:
            return [Step("attention", float(added @ gradient), n)]
        z = self._found[n, "z"].float().reshape(2, heads.n_heads, heads.d_head)
        out = self._all.out(heads)
        gain = self._all.gain_after_attention(heads)
        scale = torch.ones(2, device=z.device)
        if gain is not None:
            gradient = gain.back(gradient)
            scale = gain.scales(self._found[n, "raw"].float(), self._found[n, "attention"].float())
        toward = out @ gradient
        scores = self._all.multiplier * ((z * scale[:, None, None]) * toward).sum(-1)
        offset = self._all.out_bias(heads)
        step = scores[0] - scores[1]
        rest = 0.0 if offset is None else self._all.multiplier * float((scale[0] - scale[1]) * (offset @ gradient))
        made = [Step("head", value, n, head) for head, value in enumerate(step.tolist())]
        return [*made, Step("attention", rest, n)] if abs(rest) > 1e-9 else made


def ranked(steps: Sequence[Step]) -> list[Step]:
    """Largest first, by size."""
    return sorted(steps, key=lambda step: -abs(step.score))
