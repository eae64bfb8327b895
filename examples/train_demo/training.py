"""The language model's training loop.

1. Muon moves the hidden matrices, AdamW the embedding and the norms.
2. The learning rate warms up, stays, and falls linearly to 0 over the last half.
3. A checkpoint is written every few minutes and when the run is asked to stop.
"""

from __future__ import annotations

import logging
import math
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import LlamaForCausalLM

from checkpoint import Plan, Progress, load_checkpoint, save_checkpoint, stopping
from model import row_loss
from muon import Muon
from rows import Batches

log = logging.getLogger(__name__)

LOGGED_STEPS = 50


@dataclass(frozen=True)
class TrainingRecord:
    """What a training run used; the wall clock is that of all its parts."""

    n_steps: int
    n_tokens: int
    wall_s: float


def build_optimizers(model: LlamaForCausalLM, plan: Plan) -> list[torch.optim.Optimizer]:
    """Give the hidden matrices to Muon and the embedding and the norms to AdamW."""
    hidden, rest = [], []
    for name, param in model.named_parameters():
        (hidden if param.ndim == 2 and "embed" not in name else rest).append(param)
    optimizers = [
        Muon(hidden, lr=plan.muon_rate),
        torch.optim.AdamW(rest, lr=plan.adam_rate, betas=(0.9, 0.95), weight_decay=0.0),
    ]
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["base_lr"] = group["lr"]
    return optimizers


def train_model(
    model: LlamaForCausalLM,
    stream: torch.Tensor,
    plan: Plan,
    checkpoint: Path,
    *,
    minutes_between: float,
    is_compiled: bool,
) -> TrainingRecord:
    """Train to the plan's last step, from the checkpoint where there is one.

    Parameters
    ----------
    stream
        Token ids ``[n_tokens]``, int64.
    minutes_between
        Wall clock from one checkpoint to the next.
    is_compiled
        Let ``torch.compile`` make the forward and backward pass; needs a C++ compiler.

    Raises
    ------
    ValueError
        The checkpoint is of another run.
    FloatingPointError
        The loss stopped being finite.
    SystemExit
        The run was asked to stop; its checkpoint is written.
    """
    optimizers = build_optimizers(model, plan)
    progress = Progress()
    if checkpoint.is_file():
        progress = load_checkpoint(checkpoint, plan, model, optimizers)
        log.info("model: goes on from step %d of %d", progress.step, plan.n_steps)
    batches = Batches(stream, plan.context, plan.batch_rows, plan.seed)
    loss_of = torch.compile(row_loss) if is_compiled else row_loss
    device = next(model.parameters()).device
    model.train()
    clock = _Clock(plan, progress)
    saved = time.monotonic()
    with stopping() as request:
        while progress.step < plan.n_steps:
            loss = loss_of(model, batches[progress.step].to(device))
            loss.backward()
            _update(model, optimizers, plan.rate_factor(progress.step))
            clock.tick(loss.item())
            is_due = time.monotonic() - saved > 60 * minutes_between
            if is_due or request.is_made or progress.step == plan.n_steps:
                save_checkpoint(checkpoint, plan, progress, model, optimizers)
                saved = time.monotonic()
            if request.is_made:
                message = f"stopped after step {progress.step} of {plan.n_steps}; --resume goes on"
                raise SystemExit(message)
    return TrainingRecord(progress.step, progress.step * plan.batch_rows * plan.context, progress.wall_s)


def _update(model: LlamaForCausalLM, optimizers: list[torch.optim.Optimizer], factor: float) -> None:
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["base_lr"] * factor
        optimizer.step()
        optimizer.zero_grad()


class _Clock:
    """Counts steps, smooths the loss, and logs speed and time left."""

    def __init__(self, plan: Plan, progress: Progress) -> None:
        self.plan, self.progress = plan, progress
        self.last = self.logged = time.monotonic()

    def tick(self, loss: float) -> None:
        progress, now = self.progress, time.monotonic()
        progress.wall_s += now - self.last
        self.last = now
        progress.step += 1
        progress.loss = loss if math.isnan(progress.loss) else 0.98 * progress.loss + 0.02 * loss
        if not math.isfinite(progress.loss):
            message = f"the loss is {progress.loss} after {progress.step} steps: lower the learning rates"
            raise FloatingPointError(message)
        if progress.step % LOGGED_STEPS == 0:
            step_s = (now - self.logged) / LOGGED_STEPS
            self.logged = now
            log.info(
                "model step %d  loss %.3f  %.0f tokens/s  %.0f min left",
                progress.step,
                progress.loss,
                self.plan.batch_rows * self.plan.context / step_s,
                step_s * (self.plan.n_steps - progress.step) / 60,
            )
