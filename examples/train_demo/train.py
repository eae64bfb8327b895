"""Train the demo's language model and SAE, measure both, and write what ships.

1. Split the documents and train a byte-level BPE on the training side.
2. Train a 4.2 M parameter Llama and save its float16 copy.
3. Load that copy and train a BatchTopK SAE on its third block's output.
4. Measure both on the held-out documents; write ``metrics.json`` and the model card.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import time
from dataclasses import dataclass
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import LlamaForCausalLM

import sae as sparse
from baselines import ngram_losses
from card import write_card
from data import Split, encode_stream, pack_rows, read_corpus, read_stdlib, split_documents
from measure import CodeStatistics, JumpRelu, code_statistics, model_loss, spliced_losses
from model import TrainingRecord, build_model, load_shipped, save_half, train_model
from settings import (
    BATCH_ROWS,
    CONTEXT,
    RATES,
    SEED,
    STDLIB_CHARS,
    VALID_SHARE,
    VOCAB_SIZE,
    Settings,
    parse_settings,
)
from tokenizer import save_tokenizer, train_tokenizer

log = logging.getLogger("train_demo")

PROBE_ROWS = 256


@dataclass(frozen=True)
class Streams:
    """Token ids ``[n_tokens]`` of both sides of the split."""

    train: torch.Tensor
    valid: torch.Tensor


def prepare_text(settings: Settings) -> tuple[Tokenizer, Split, Streams]:
    """Read, split and encode the documents; train the tokenizer unless it is reused."""
    documents = read_corpus(settings.corpus) + read_stdlib(STDLIB_CHARS)
    split = split_documents(documents, VALID_SHARE, SEED)
    if settings.is_model_reused:
        tokenizer = Tokenizer.from_file(str(settings.out / "saescope-demo" / "tokenizer.json"))
    else:
        tokenizer = train_tokenizer((document.text for document in split.train), VOCAB_SIZE)
    streams = Streams(encode_stream(tokenizer, split.train), encode_stream(tokenizer, split.valid))
    log.info(
        "text: %d + %d documents, %d + %d tokens",
        len(split.train),
        len(split.valid),
        len(streams.train),
        len(streams.valid),
    )
    return tokenizer, split, streams


def shuffled_rows(stream: torch.Tensor, context: int) -> torch.Tensor:
    """Pack the training stream to rows ``[n_rows, context + 1]`` and shuffle them."""
    rows = pack_rows(stream, context)
    return rows[torch.randperm(len(rows), generator=torch.Generator().manual_seed(SEED))]


def make_model(settings: Settings, tokenizer: Tokenizer, rows: torch.Tensor) -> TrainingRecord:
    """Train and save the language model, or read the record of the one that is kept."""
    record_path = settings.out / "training.json"
    if settings.is_model_reused:
        return TrainingRecord(**json.loads(record_path.read_text()))
    model = build_model(VOCAB_SIZE, CONTEXT).to(settings.device)
    record = train_model(
        model,
        rows,
        settings.budget,
        batch_rows=BATCH_ROWS,
        rates=RATES,
    )
    save_half(model, settings.out / "saescope-demo")
    save_tokenizer(tokenizer, settings.out / "saescope-demo", CONTEXT)
    record_path.write_text(json.dumps(dataclasses.asdict(record)))
    return record


def make_sae(settings: Settings, model: LlamaForCausalLM, rows: torch.Tensor) -> dict[str, float]:
    """Train and save the SAE; return its wall clock and its L0 before and after halving.

    ``cfg.json`` states the L0 of the float16 weights, so these are written twice.
    """
    folder = settings.out / "saescope-demo-l2"
    torch.manual_seed(SEED)
    start = time.monotonic()
    sae = sparse.fit_sae(model, rows, settings.sae_samples)
    wall_minutes = (time.monotonic() - start) / 60

    def probe_l0() -> float:
        shipped = JumpRelu.load(folder, settings.device)
        return code_statistics(model, shipped, rows[-PROBE_ROWS:]).l0

    sae.save_inference_model(folder)
    l0_float32 = probe_l0()
    sparse.save_half(sae, folder)
    l0_float16 = probe_l0()
    sae.cfg.metadata.l0 = round(l0_float16, 2)
    sparse.save_half(sae, folder)
    return {
        "wall_minutes": wall_minutes,
        "probe_l0_float32": l0_float32,
        "probe_l0_float16": l0_float16,
    }


def measure_model(
    model: LlamaForCausalLM, record: TrainingRecord, rows: torch.Tensor, valid_rows: torch.Tensor
) -> dict[str, Any]:
    """Loss of the model and of the count-based models trained on the rows it saw."""
    seen = rows[: record.n_steps * BATCH_ROWS]
    losses = ngram_losses(seen.numpy(), valid_rows.numpy(), VOCAB_SIZE)
    return {
        "n_parameters": sum(param.numel() for param in model.parameters()),
        "n_steps": record.n_steps,
        "n_tokens": record.n_tokens,
        "wall_minutes": record.wall_s / 60,
        "loss": {"model": model_loss(model, valid_rows), **losses},
    }


def measure_sae(
    settings: Settings, model: LlamaForCausalLM, rows: torch.Tensor, valid_rows: torch.Tensor
) -> dict[str, Any]:
    """Fidelity on the held-out rows; dead features on held-out and training rows."""
    sae = JumpRelu.load(settings.out / "saescope-demo-l2", settings.device)
    inputs = valid_rows[:, :-1]
    valid = code_statistics(model, sae, inputs)
    n_extra = max(settings.eval_tokens - valid.n_tokens, 0) // sparse.SAE_CONTEXT + 1
    extra = code_statistics(model, sae, rows[:n_extra])
    losses = spliced_losses(model, sae, valid_rows, extra.mean)
    return {
        "d_sae": sparse.D_SAE,
        "k": sparse.K,
        "n_samples": settings.sae_samples,
        "l0": valid.l0,
        "explained_variance": valid.explained_variance,
        "loss": losses,
        "recovered": {
            name: (losses[name] - losses["sae"]) / (losses[name] - losses["clean"]) for name in ("mean", "zero")
        },
        **_dead_features(valid, extra),
    }


def _dead_features(*parts: CodeStatistics) -> dict[str, int]:
    never = torch.stack([part.firing_rate == 0 for part in parts]).all(dim=0)
    return {
        "n_dead": int(never.sum()),
        "n_firing_tokens": sum(part.n_tokens for part in parts),
    }


def run(settings: Settings) -> None:
    """Run the recipe from text to model card."""
    torch.manual_seed(SEED)
    torch.set_num_threads(settings.threads)
    settings.out.mkdir(parents=True, exist_ok=True)
    tokenizer, split, streams = prepare_text(settings)
    rows = shuffled_rows(streams.train, CONTEXT)
    record = make_model(settings, tokenizer, rows)
    log.info("model: %d steps, %d tokens, %.0f s", *dataclasses.astuple(record))
    model = load_shipped(settings.out / "saescope-demo", settings.device)
    metrics = {
        "text": {
            "n_train_documents": len(split.train),
            "n_valid_documents": len(split.valid),
            "n_train_tokens": len(streams.train),
            "n_valid_tokens": len(streams.valid),
        },
        "model": measure_model(model, record, rows, pack_rows(streams.valid, CONTEXT)),
    }
    log.info("model: %s", json.dumps(metrics["model"]))
    sae_rows = shuffled_rows(streams.train, sparse.SAE_CONTEXT)[:, :-1]
    sae_record = make_sae(settings, model, sae_rows)
    sae_valid = pack_rows(streams.valid, sparse.SAE_CONTEXT)
    metrics["sae"] = measure_sae(settings, model, sae_rows, sae_valid) | sae_record
    log.info("SAE: %s", json.dumps(metrics["sae"]))
    (settings.out / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
    write_card(metrics, settings.out / "MODEL_CARD.md")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    run(parse_settings())
