"""The recipe's fixed sizes and its command line."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import torch

from model import Budget, Rates

VOCAB_SIZE = 4_096
CONTEXT = 256
BATCH_ROWS = 16
RATES = Rates(muon=0.02, adam=3e-3)
VALID_SHARE = 0.02
STDLIB_CHARS = 5_000_000
SEED = 0

REPO_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Settings:
    """One run's choices, as read from the command line."""

    corpus: Path
    out: Path
    device: str
    budget: Budget
    sae_samples: int
    eval_tokens: int
    threads: int
    is_model_reused: bool


def parse_settings(argv: list[str] | None = None) -> Settings:
    """Read the command line; ``--smoke`` overrides every size with a tiny one."""
    parser = argparse.ArgumentParser(description="Train the demo model and its SAE.")
    parser.add_argument("--corpus", type=Path, default=REPO_ROOT / "../shared/corpus")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, ...")
    parser.add_argument("--model-minutes", type=float, default=25.0)
    parser.add_argument("--steps", type=int, help="model steps; overrides --model-minutes")
    parser.add_argument("--sae-samples", type=int, default=2_500_000)
    parser.add_argument("--eval-tokens", type=int, default=200_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--reuse-model", action="store_true", help="keep OUT/model")
    parser.add_argument("--smoke", action="store_true", help="the whole recipe in a minute or two")
    args = parser.parse_args(argv)
    device = args.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    budget = Budget(10 if args.smoke else args.steps, args.model_minutes)
    return Settings(
        corpus=args.corpus,
        out=args.out,
        device=device,
        budget=budget,
        sae_samples=60_000 if args.smoke else args.sae_samples,
        eval_tokens=10_000 if args.smoke else args.eval_tokens,
        threads=args.threads,
        is_model_reused=args.reuse_model,
    )
