"""The recipe's fixed sizes and its command line."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import torch

VOCAB_SIZE = 4_096
CONTEXT = 256
BATCH_ROWS = 16
MUON_RATE = 0.01
ADAM_RATE = 1e-2
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
    n_steps: int
    sae_samples: int
    eval_tokens: int
    threads: int
    minutes_between: float
    is_compiled: bool
    is_resumed: bool
    is_model_only: bool


def parse_settings(argv: list[str] | None = None) -> Settings:
    """Read the command line; ``--smoke`` overrides every size with a tiny one."""
    parser = argparse.ArgumentParser(description="Train the demo's language model, its SAEs and its transcoder.")
    parser.add_argument("--corpus", type=Path, default=REPO_ROOT / "../shared/corpus")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--resume", action="store_true", help="go on with what is in OUT")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, ...")
    parser.add_argument("--steps", type=int, default=5_200, help="steps of the language model")
    parser.add_argument(
        "--sae-samples", type=int, default=2_500_000, help="activations for the main SAE; others take a share"
    )
    parser.add_argument("--eval-tokens", type=int, default=400_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--checkpoint-minutes", type=float, default=5.0)
    parser.add_argument("--compile", action="store_true", help="a fifth less time a step; needs a C++ compiler")
    parser.add_argument("--model-only", action="store_true", help="end when the language model is trained")
    parser.add_argument("--smoke", action="store_true", help="the whole recipe in a minute or two")
    args = parser.parse_args(argv)
    device = args.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    return Settings(
        corpus=args.corpus,
        out=args.out,
        device=device,
        n_steps=10 if args.smoke else args.steps,
        sae_samples=60_000 if args.smoke else args.sae_samples,
        eval_tokens=10_000 if args.smoke else args.eval_tokens,
        threads=args.threads,
        minutes_between=args.checkpoint_minutes,
        is_compiled=args.compile,
        is_resumed=args.resume,
        is_model_only=args.model_only,
    )
