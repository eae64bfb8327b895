"""Measures of the shipped model and coders, in plain torch from the files on disk."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import LlamaForCausalLM

from coders import Coder
from data import SEPARATOR_ID
from model import row_loss
from site_hook import capture_site, replaced_site

log = logging.getLogger(__name__)

EVAL_ROWS = 32


@dataclass(frozen=True)
class JumpRelu:
    """A JumpReLU coder: ``W_enc`` is ``[d_in, d_sae]``, ``W_dec`` is ``[d_sae, d_in]``.

    ``subtracted`` is taken from the input first: an SAE's decoder bias, a transcoder's zeros.
    """

    w_enc: Tensor
    b_enc: Tensor
    w_dec: Tensor
    b_dec: Tensor
    threshold: Tensor
    subtracted: Tensor

    @classmethod
    def load(cls, folder: Path, device: str) -> JumpRelu:
        """Read the shipped weights as float32."""
        stored = load_file(folder / "sae_weights.safetensors")
        names = ("W_enc", "b_enc", "W_dec", "b_dec", "threshold")
        weights = [stored[name].float().to(device) for name in names]
        subtracts = json.loads((folder / "cfg.json").read_text(encoding="utf-8"))["apply_b_dec_to_input"]
        return cls(*weights, subtracted=weights[3] if subtracts else torch.zeros_like(weights[3]))

    def encode(self, x: Tensor) -> Tensor:
        """Feature activations ``[..., d_sae]`` of activations ``[..., d_in]``."""
        pre = (x - self.subtracted) @ self.w_enc + self.b_enc
        return torch.where(pre > self.threshold, pre, 0).relu()

    def decode(self, acts: Tensor) -> Tensor:
        """What it writes, ``[..., d_in]``."""
        return acts @ self.w_dec + self.b_dec


@dataclass(frozen=True)
class CodeStatistics:
    """How a coder does on a set of positions; ``mean`` is that of what it is to write."""

    n_tokens: int
    l0: float
    explained_variance: float
    firing_rate: Tensor
    mean: Tensor


@torch.no_grad()
def model_loss(model: LlamaForCausalLM, rows: Tensor) -> float:
    """Mean loss over rows ``[n_rows, context + 1]``, in nats a token."""
    device = next(model.parameters()).device
    total = 0.0
    for batch in rows.split(EVAL_ROWS):
        total += row_loss(model, batch.to(device)).item() * len(batch)
    return total / len(rows)


@torch.no_grad()
def code_statistics(model: LlamaForCausalLM, coder: Coder, weights: JumpRelu, rows: Tensor) -> CodeStatistics:
    """L0, explained variance ``1 - FVU`` and firing rates, separators left out.

    Parameters
    ----------
    rows
        Token ids ``[n_rows, seq]``, int64.
    """
    device = next(model.parameters()).device
    fired = torch.zeros(len(weights.b_enc), device=device)
    total = torch.zeros(len(weights.b_dec), dtype=torch.float64, device=device)
    squares = residual = 0.0
    n_tokens = 0
    for batch in rows.split(EVAL_ROWS):
        tokens = batch.to(device)
        is_kept = tokens != SEPARATOR_ID
        read, written = (x[is_kept] for x in capture_site(model, coder, tokens))
        acts = weights.encode(read)
        fired += (acts > 0).sum(dim=0)
        residual += (written - weights.decode(acts)).double().pow(2).sum().item()
        squares += written.double().pow(2).sum().item()
        total += written.double().sum(dim=0)
        n_tokens += len(written)
    mean = total / n_tokens
    variance = squares - n_tokens * mean.pow(2).sum().item()
    return CodeStatistics(
        n_tokens=n_tokens,
        l0=fired.sum().item() / n_tokens,
        explained_variance=1 - residual / variance,
        firing_rate=fired / n_tokens,
        mean=mean.float(),
    )


@torch.no_grad()
def spliced_losses(
    model: LlamaForCausalLM, coder: Coder, weights: JumpRelu, rows: Tensor, mean: Tensor
) -> dict[str, float]:
    """Loss with the site left alone, written by the coder, set to its mean, set to zero.

    Separator positions, which the coder was not trained on, keep their own activations.

    Parameters
    ----------
    rows
        Token ids ``[n_rows, context + 1]``, int64.
    mean
        Mean of what the coder is to write, ``[d_in]``, float32.

    Returns
    -------
    dict of str to float
        Nats a token by the names ``clean``, ``sae``, ``mean``, ``zero``.
    """
    device = next(model.parameters()).device
    changes: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
        "clean": lambda _read, written: written,
        "sae": lambda read, _written: weights.decode(weights.encode(read)),
        "mean": lambda _read, written: mean.expand_as(written),
        "zero": lambda _read, written: torch.zeros_like(written),
    }
    totals = dict.fromkeys(changes, 0.0)
    for batch in rows.split(EVAL_ROWS):
        tokens = batch.to(device)
        is_separator = (tokens[:, :-1] == SEPARATOR_ID).unsqueeze(-1)
        for name, change in changes.items():

            def replace(read: Tensor, written: Tensor, change: Callable[[Tensor, Tensor], Tensor] = change) -> Tensor:
                return torch.where(is_separator, written, change(read, written))  # noqa: B023

            with replaced_site(model, coder, replace):
                totals[name] += row_loss(model, tokens).item() * len(tokens)
    return {name: total / len(rows) for name, total in totals.items()}
