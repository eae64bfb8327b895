"""The language model: its shape, its training loop, and its half-precision copy."""

from __future__ import annotations

import copy
import logging
import math
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

from muon import Muon

log = logging.getLogger(__name__)

WARMUP_SHARE = 0.02
DECAY_SHARE = 0.5


@dataclass(frozen=True)
class Budget:
    """How long to train: a number of steps, else minutes of wall clock.

    With ``n_steps`` the run repeats exactly on one machine. With ``minutes`` the
    learning rate follows the elapsed share, so the number of steps varies.
    """

    n_steps: int | None
    minutes: float

    def progress(self, step: int, elapsed_s: float, epoch_steps: int) -> float:
        """Share of the run that is done, in ``[0, 1]``."""
        if self.n_steps is not None:
            return step / self.n_steps
        return max(elapsed_s / (60 * self.minutes), step / epoch_steps)


@dataclass(frozen=True)
class Rates:
    """Learning rates on the plateau."""

    muon: float
    adam: float


@dataclass(frozen=True)
class TrainingRecord:
    """What a training run used."""

    n_steps: int
    n_tokens: int
    wall_s: float


def build_model(vocab_size: int, context: int) -> LlamaForCausalLM:
    """Make the untrained model: 4 layers of width 256, 4.2 M parameters."""
    config = LlamaConfig(
        vocab_size=vocab_size,
        hidden_size=256,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=4,
        intermediate_size=688,
        max_position_embeddings=context,
        tie_word_embeddings=True,
        bos_token_id=0,
        eos_token_id=0,
        pad_token_id=None,
        use_cache=True,
    )
    return LlamaForCausalLM(config)


def lr_factor(progress: float) -> float:
    """Learning-rate factor: warm-up, plateau, then linear decay to 0."""
    warm = min(1.0, (progress + 1e-3) / WARMUP_SHARE)
    return warm * min(1.0, max(0.0, (1 - progress) / DECAY_SHARE))


def build_optimizers(model: LlamaForCausalLM, rates: Rates) -> list[torch.optim.Optimizer]:
    """Give the hidden matrices to Muon and the embedding and the norms to AdamW."""
    hidden, rest = [], []
    for name, param in model.named_parameters():
        (hidden if param.ndim == 2 and "embed" not in name else rest).append(param)
    optimizers = [
        Muon(hidden, lr=rates.muon),
        torch.optim.AdamW(rest, lr=rates.adam, betas=(0.9, 0.95), weight_decay=0.0),
    ]
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["base_lr"] = group["lr"]
    return optimizers


def row_loss(model: LlamaForCausalLM, rows: torch.Tensor) -> torch.Tensor:
    """Mean next-token loss over rows ``[n_rows, context + 1]``, in nats."""
    logits = model(input_ids=rows[:, :-1], use_cache=False).logits
    return cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten())


def train_model(
    model: LlamaForCausalLM,
    rows: torch.Tensor,
    budget: Budget,
    *,
    batch_rows: int,
    rates: Rates,
) -> TrainingRecord:
    """Train on rows in order; they are shuffled already.

    A budget of minutes reads each row once at most; a larger number of steps starts again.

    Parameters
    ----------
    rows
        Token ids ``[n_rows, context + 1]``, int64.

    Raises
    ------
    FloatingPointError
        The loss stopped being finite.
    """
    optimizers = build_optimizers(model, rates)
    batches = rows[: len(rows) // batch_rows * batch_rows].split(batch_rows)
    device = next(model.parameters()).device
    model.train()
    start = time.monotonic()
    smooth = math.nan
    step = 0
    while (progress := budget.progress(step, time.monotonic() - start, len(batches))) < 1:
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["base_lr"] * lr_factor(progress)
        loss = row_loss(model, batches[step % len(batches)].to(device))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        step += 1
        smooth = loss.item() if math.isnan(smooth) else 0.95 * smooth + 0.05 * loss.item()
        if not math.isfinite(smooth):
            message = f"the loss is {smooth} after {step} steps: lower the learning rates"
            raise FloatingPointError(message)
        if step % 20 == 0:
            _log_progress(step, smooth, step * batches[0][:, 1:].numel(), start, progress)
    wall_s = time.monotonic() - start
    return TrainingRecord(step, step * batch_rows * (rows.shape[1] - 1), wall_s)


def _log_progress(step: int, loss: float, n_tokens: int, start: float, progress: float) -> None:
    elapsed = time.monotonic() - start
    left = elapsed * (1 - progress) / max(progress, 1e-3)
    log.info(
        "model step %d  loss %.3f  %.0f tokens/s  %.1f min left",
        step,
        loss,
        n_tokens / elapsed,
        left / 60,
    )


def save_half(model: LlamaForCausalLM, folder: Path) -> None:
    """Save a float16 copy of the model as safetensors."""
    copy.deepcopy(model).to(device="cpu", dtype=torch.float16).save_pretrained(folder)


def load_shipped(folder: Path, device: str) -> LlamaForCausalLM:
    """Load the saved half-precision weights as float32, ready for inference."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return model.to(device).eval().requires_grad_(requires_grad=False)
