"""The coders, trained by sae-lens on activations of the shipped model.

1. A forward hook takes what a coder reads and writes; separator positions, which include
   position 0 of each row, are left out.
2. A mixing buffer shuffles activations across rows.
3. Activations are scaled to a mean norm of ``sqrt(d_in)``; ``SAETrainer`` fits the coder;
   the scale is folded into its weights.
4. sae-lens writes it as JumpReLU; its weights are then stored as float16.

Source: Bussmann, Leask, Nanda, "BatchTopK Sparse Autoencoders" (2024).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from sae_lens import BatchTopKTrainingSAEConfig, SAETrainer
from sae_lens.config import LoggingConfig, SAETrainerConfig
from sae_lens.saes.sae import SAEMetadata
from sae_lens.training.mixing_buffer import mixing_buffer
from safetensors.torch import load_file, save_file
from transformers import LlamaForCausalLM

from batch_topk import FastBatchTopKTrainingSAE
from coders import Coder
from data import SEPARATOR_ID
from saescope import weights_probe
from site_hook import capture_site
from transcoder import BatchTopKTranscoder, beside

log = logging.getLogger(__name__)

SAE_CONTEXT = 128
LEARNING_RATE = 1e-3
BATCH_SAMPLES = 1_024
BUFFER_SAMPLES = 131_072
FORWARD_ROWS = 256


def activations(
    model: LlamaForCausalLM, coder: Coder, rows: torch.Tensor, *, is_endless: bool
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield what the coder reads and what it is to write, separators left out.

    Parameters
    ----------
    rows
        Token ids ``[n_rows, SAE_CONTEXT]``, int64.
    is_endless
        Start again at the first row after the last.

    Yields
    ------
    tuple of torch.Tensor
        Float32 ``[n_kept, d_model]`` each, some 32,000 positions at a time.
    """
    device = next(model.parameters()).device
    while True:
        for batch in rows.split(FORWARD_ROWS):
            tokens = batch.to(device)
            is_kept = tokens != SEPARATOR_ID
            read, written = capture_site(model, coder, tokens)
            yield read[is_kept], written[is_kept]
        if not is_endless:
            return


@dataclass(frozen=True)
class Scaling:
    """Factors to a mean norm of ``sqrt(d_model)`` of what is read and written, and the scaled target's mean."""

    read: float
    written: float
    mean: torch.Tensor

    @classmethod
    def of(cls, read: torch.Tensor, written: torch.Tensor) -> Scaling:
        """From activations ``[n, d_model]``."""
        factors = [(x.shape[1] ** 0.5 / x.norm(dim=1).mean()).item() for x in (read, written)]
        return cls(factors[0], factors[1], written.mean(dim=0) * factors[1])


def make_coder(coder: Coder, model: LlamaForCausalLM, mean: torch.Tensor) -> FastBatchTopKTrainingSAE:
    """Make the untrained coder, its decoder bias at the mean of the scaled target."""
    metadata = SAEMetadata(
        model_name="saescope-demo",
        model_class_name="AutoModelForCausalLM",
        hook_name=coder.hook_name,
        hook_name_out=coder.hook_name_out if coder.is_transcoder else None,
        context_size=SAE_CONTEXT,
        prepend_bos=True,
        exclude_special_tokens=True,
        model_weights=weights_probe(model),
    )
    device = str(next(model.parameters()).device)
    config = BatchTopKTrainingSAEConfig(
        d_in=len(mean),
        d_sae=coder.d_sae,
        k=coder.k,
        device=device,
        metadata=metadata,
        apply_b_dec_to_input=not coder.is_transcoder,
    )
    made = BatchTopKTranscoder(config) if coder.is_transcoder else FastBatchTopKTrainingSAE(config)
    made.b_dec.data.copy_(mean)
    return made


def fit_coder(model: LlamaForCausalLM, coder: Coder, rows: torch.Tensor, n_samples: int) -> FastBatchTopKTrainingSAE:
    """Train a coder on the model's activations over rows ``[n_rows, SAE_CONTEXT]``.

    Returns
    -------
    FastBatchTopKTrainingSAE
        The coder in the activations' own units; its metadata's ``l0`` is that of training.
    """
    device = str(next(model.parameters()).device)
    scaling = Scaling.of(*next(activations(model, coder, rows, is_endless=False)))
    sae = make_coder(coder, model, scaling.mean)
    n_steps = n_samples // BATCH_SAMPLES
    trainer = SAETrainer(
        cfg=SAETrainerConfig(
            total_training_samples=n_samples,
            train_batch_size_samples=BATCH_SAMPLES,
            lr=LEARNING_RATE,
            lr_end=0.0,
            lr_warm_up_steps=n_steps // 50,
            lr_decay_steps=n_steps // 2,
            device=device,
            dead_feature_window=min(200, max(n_steps // 4, 1)),
            feature_sampling_window=n_steps + 1,
            logger=LoggingConfig(log_to_wandb=False),
        ),
        sae=sae,
        data_provider=_batches(model, coder, rows, n_samples, scaling),
    )
    trainer.fit()
    if isinstance(sae, BatchTopKTranscoder):
        sae.fold_scales(scaling.read, scaling.written)
    else:
        sae.fold_activation_norm_scaling_factor(scaling.read)
    sae.cfg.device = "cpu"
    return sae.eval()


def _batches(
    model: LlamaForCausalLM, coder: Coder, rows: torch.Tensor, n_samples: int, scaling: Scaling
) -> Iterator[torch.Tensor]:
    """Mixed and scaled batches for the trainer, told in the log."""

    def scaled() -> Iterator[torch.Tensor]:
        for read, written in activations(model, coder, rows, is_endless=True):
            yield beside(read * scaling.read, written * scaling.written) if coder.is_transcoder else read * scaling.read

    buffer = min(BUFFER_SAMPLES, max(n_samples // 4, 2 * BATCH_SAMPLES))
    start = time.monotonic()
    n_done = 0
    for step, batch in enumerate(mixing_buffer(buffer, BATCH_SAMPLES, scaled())):
        yield batch
        n_done += len(batch)
        if step % 200 == 0:
            rate = n_done / (time.monotonic() - start)
            left = max(n_samples - n_done, 0) / rate / 60
            log.info("%s step %d  %.0f tokens/s  %.1f min left", coder.name, step, rate, left)


def save_half(sae: FastBatchTopKTrainingSAE, folder: Path) -> None:
    """Save for inference in sae-lens's format, the weights as float16.

    ``cfg.json`` keeps ``float32``, so that ``SAE.load_from_disk`` computes in it.
    """
    weights, _ = sae.save_inference_model(folder)
    tensors = {name: tensor.cpu().half() for name, tensor in load_file(weights).items()}
    save_file(tensors, weights)
