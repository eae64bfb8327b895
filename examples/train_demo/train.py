"""Train the demo's language model, SAEs and transcoder, measure all, and write what ships.

1. Split the documents and train a byte-level BPE on the training side.
2. Train a 4.2 M parameter Llama and save its float16 copy.
3. Load that copy and train each coder of ``coders.py`` on its activations.
4. Measure all on the held-out documents; write ``metrics.json`` and the model card.

Each finished part leaves a record in ``OUT/records``; ``--resume`` goes on after the last of
them, and within the model's training from its checkpoint.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import LlamaForCausalLM

import sae as sparse
from baselines import ngram_losses
from card import write_card
from checkpoint import Plan, stream_digest
from coders import CODERS, MAIN, Coder
from data import pack_rows
from measure import CodeStatistics, JumpRelu, code_statistics, model_loss, spliced_losses
from model import build_model, load_shipped, save_half
from settings import ADAM_RATE, BATCH_ROWS, CONTEXT, MUON_RATE, SEED, VOCAB_SIZE, Settings, parse_settings
from text import Streams, prepare_text
from training import train_model

log = logging.getLogger("train_demo")

MODEL = "saescope-demo"
PROBE_ROWS = 256


def recorded(settings: Settings, name: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return a part's record, made now unless an earlier run left it."""
    path = settings.out / "records" / f"{name}.json"
    if not path.is_file():
        record = make()
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    record = json.loads(path.read_text(encoding="utf-8"))
    log.info("%s: %s", name, json.dumps(record))
    return record


def shuffled_rows(stream: torch.Tensor, context: int) -> torch.Tensor:
    """Pack the training stream to rows ``[n_rows, context + 1]`` and shuffle them."""
    rows = pack_rows(stream, context)
    return rows[torch.randperm(len(rows), generator=torch.Generator().manual_seed(SEED))]


def held_out_rows(settings: Settings, streams: Streams, context: int) -> torch.Tensor:
    """The held-out rows ``[n_rows, context + 1]``, as many as are measured on."""
    return pack_rows(streams.valid, context)[: max(settings.eval_tokens // context, 1)]


def make_model(settings: Settings, streams: Streams) -> dict[str, Any]:
    """Train and save the language model."""
    torch.manual_seed(SEED)
    model = build_model(VOCAB_SIZE, CONTEXT).to(settings.device)
    plan = Plan(
        n_steps=settings.n_steps,
        batch_rows=BATCH_ROWS,
        context=CONTEXT,
        muon_rate=MUON_RATE,
        adam_rate=ADAM_RATE,
        seed=SEED,
        text=stream_digest(streams.train),
    )
    record = train_model(
        model,
        streams.train,
        plan,
        settings.out / "checkpoint.pt",
        minutes_between=settings.minutes_between,
        is_compiled=settings.is_compiled,
    )
    save_half(model, settings.out / MODEL)
    return dataclasses.asdict(record)


def measure_model(settings: Settings, streams: Streams, training: dict[str, Any]) -> dict[str, Any]:
    """Loss of the model and of count-based models that read every training token once."""
    model = load_shipped(settings.out / MODEL, settings.device)
    train = pack_rows(streams.train, CONTEXT)
    valid = held_out_rows(settings, streams, CONTEXT)
    losses = {"model": model_loss(model, valid), **ngram_losses(train.numpy(), valid.numpy(), VOCAB_SIZE)}
    return {
        "n_parameters": sum(param.numel() for param in model.parameters()),
        "n_steps": training["n_steps"],
        "n_tokens": training["n_tokens"],
        "n_passes": training["n_tokens"] / len(streams.train),
        "wall_minutes": training["wall_s"] / 60,
        "loss": losses,
        "below_trigram": losses["trigram"] - losses["model"],
    }


def make_coder(settings: Settings, model: LlamaForCausalLM, coder: Coder, rows: torch.Tensor) -> dict[str, Any]:
    """Train and save a coder; its wall clock and its L0 before and after halving.

    ``cfg.json`` states the L0 of the float16 weights, so these are written twice.
    """
    folder = settings.out / coder.name
    torch.manual_seed(SEED)
    start = time.monotonic()
    sae = sparse.fit_coder(model, coder, rows, samples(settings, coder))
    wall_minutes = (time.monotonic() - start) / 60

    def probe_l0() -> float:
        return code_statistics(model, coder, JumpRelu.load(folder, settings.device), rows[-PROBE_ROWS:]).l0

    sae.save_inference_model(folder)
    l0_float32 = probe_l0()
    sparse.save_half(sae, folder)
    l0_float16 = probe_l0()
    sae.cfg.metadata.l0 = round(l0_float16, 2)
    sparse.save_half(sae, folder)
    return {"wall_minutes": wall_minutes, "probe_l0_float32": l0_float32, "probe_l0_float16": l0_float16}


def samples(settings: Settings, coder: Coder) -> int:
    """Activations that a coder is trained on."""
    return round(coder.share * settings.sae_samples)


def measure_coder(settings: Settings, model: LlamaForCausalLM, coder: Coder, streams: Streams) -> dict[str, Any]:
    """Fidelity on the held-out rows; dead features on held-out and training rows."""
    rows = shuffled_rows(streams.train, sparse.SAE_CONTEXT)[:, :-1]
    valid_rows = held_out_rows(settings, streams, sparse.SAE_CONTEXT)
    weights = JumpRelu.load(settings.out / coder.name, settings.device)
    valid = code_statistics(model, coder, weights, valid_rows[:, :-1])
    n_extra = max(settings.eval_tokens - valid.n_tokens, 0) // sparse.SAE_CONTEXT + 1
    extra = code_statistics(model, coder, weights, rows[:n_extra])
    losses = spliced_losses(model, coder, weights, valid_rows, extra.mean)
    return {
        "hook_name": coder.hook_name,
        "d_sae": coder.d_sae,
        "k": coder.k,
        "n_samples": samples(settings, coder),
        "l0": valid.l0,
        "explained_variance": valid.explained_variance,
        "loss": losses,
        "recovered": {
            name: (losses[name] - losses["sae"]) / (losses[name] - losses["clean"]) for name in ("mean", "zero")
        },
        **_dead_features(valid, extra),
    }


def _dead_features(*parts: CodeStatistics) -> dict[str, float]:
    never = torch.stack([part.firing_rate == 0 for part in parts]).all(dim=0)
    return {
        "n_dead": int(never.sum()),
        "dead_share": never.float().mean().item(),
        "n_firing_tokens": sum(part.n_tokens for part in parts),
    }


def check_out(folder: Path, *, is_resumed: bool) -> None:
    """Make the folder; one that holds a run already must be meant.

    Raises
    ------
    FileExistsError
        It holds a run and ``--resume`` was not given.
    """
    if not is_resumed and (folder / "text.json").exists():
        message = f"{folder} holds a run already: give --resume to go on with it, or another --out"
        raise FileExistsError(message)
    folder.mkdir(parents=True, exist_ok=True)


def run(settings: Settings) -> None:
    """Run the recipe from text to model card."""
    torch.set_num_threads(settings.threads)
    check_out(settings.out, is_resumed=settings.is_resumed)
    streams = prepare_text(settings.corpus, settings.out, settings.out / MODEL)
    training = recorded(settings, "training", lambda: make_model(settings, streams))
    metrics: dict[str, Any] = {
        "text": streams.counts,
        "model": recorded(settings, "model", lambda: measure_model(settings, streams, training)),
    }
    if settings.is_model_only:
        return
    model = load_shipped(settings.out / MODEL, settings.device)
    rows = shuffled_rows(streams.train, sparse.SAE_CONTEXT)[:, :-1]
    for coder in CODERS:
        made = recorded(settings, f"{coder.name}-training", lambda: make_coder(settings, model, coder, rows))  # noqa: B023
        found = recorded(settings, coder.name, lambda: measure_coder(settings, model, coder, streams))  # noqa: B023
        metrics["sae" if coder is MAIN else coder.name.rpartition("-")[2]] = made | found
    (settings.out / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    write_card(metrics, settings.out / "MODEL_CARD.md")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    run(parse_settings())
