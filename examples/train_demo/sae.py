"""The BatchTopK SAE, trained by sae-lens on activations of the shipped model.

1. A forward hook takes the residual stream after block 2; separator positions, which
   include position 0 of each row, are left out.
2. A mixing buffer shuffles activations across rows.
3. Activations are scaled to a mean norm of ``sqrt(d_in)``; ``SAETrainer`` fits the SAE;
   the scale is folded into its weights.
4. sae-lens writes it as a JumpReLU SAE; its weights are then stored as float16.

Source: Bussmann, Leask, Nanda, "BatchTopK Sparse Autoencoders" (2024).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from sae_lens import BatchTopKTrainingSAEConfig, SAETrainer
from sae_lens.config import LoggingConfig, SAETrainerConfig
from sae_lens.saes.sae import SAEMetadata
from sae_lens.training.mixing_buffer import mixing_buffer
from safetensors.torch import load_file, save_file
from transformers import LlamaForCausalLM

from batch_topk import FastBatchTopKTrainingSAE
from data import SEPARATOR_ID
from site_hook import SITE, capture_site

log = logging.getLogger(__name__)

D_SAE = 2_048
K = 24
SAE_CONTEXT = 128
LEARNING_RATE = 1e-3
BATCH_SAMPLES = 1_024
BUFFER_SAMPLES = 131_072
FORWARD_ROWS = 256


def activations(model: LlamaForCausalLM, rows: torch.Tensor, *, is_endless: bool) -> Iterator[torch.Tensor]:
    """Yield the site's activations, separators left out.

    Parameters
    ----------
    rows
        Token ids ``[n_rows, SAE_CONTEXT]``, int64.
    is_endless
        Start again at the first row after the last.

    Yields
    ------
    torch.Tensor
        Float32 ``[n_kept, d_in]``, some 32,000 positions at a time.
    """
    device = next(model.parameters()).device
    while True:
        for batch in rows.split(FORWARD_ROWS):
            tokens = batch.to(device)
            yield capture_site(model, tokens)[tokens != SEPARATOR_ID]
        if not is_endless:
            return


def make_sae(d_in: int, mean: torch.Tensor, device: str) -> FastBatchTopKTrainingSAE:
    """Make the untrained SAE, its decoder bias at the mean of the scaled activations."""
    metadata = SAEMetadata(
        model_name="saescope-demo",
        model_class_name="AutoModelForCausalLM",
        hook_name=SITE,
        context_size=SAE_CONTEXT,
        prepend_bos=True,
        exclude_special_tokens=True,
    )
    sae = FastBatchTopKTrainingSAE(
        BatchTopKTrainingSAEConfig(d_in=d_in, d_sae=D_SAE, k=K, device=device, metadata=metadata)
    )
    sae.b_dec.data.copy_(mean)
    return sae


def fit_sae(model: LlamaForCausalLM, rows: torch.Tensor, n_samples: int) -> FastBatchTopKTrainingSAE:
    """Train an SAE on the site's activations over rows ``[n_rows, SAE_CONTEXT]``.

    Returns
    -------
    FastBatchTopKTrainingSAE
        The SAE in the activations' own units; its metadata lack ``l0``.
    """
    device = str(next(model.parameters()).device)
    first = next(activations(model, rows, is_endless=False))
    scale = (first.shape[1] ** 0.5 / first.norm(dim=1).mean()).item()
    sae = make_sae(first.shape[1], first.mean(dim=0) * scale, device)
    buffer = min(BUFFER_SAMPLES, max(n_samples // 4, 2 * BATCH_SAMPLES))
    mixed = mixing_buffer(buffer, BATCH_SAMPLES, activations(model, rows, is_endless=True))
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
        data_provider=_logged(mixed, n_samples, scale),
    )
    trainer.fit()
    sae.fold_activation_norm_scaling_factor(scale)
    sae.cfg.device = "cpu"
    return sae.eval()


def _logged(batches: Iterator[torch.Tensor], n_samples: int, scale: float) -> Iterator[torch.Tensor]:
    start = time.monotonic()
    n_done = 0
    for step, batch in enumerate(batches):
        yield batch * scale
        n_done += len(batch)
        if step % 50 == 0:
            rate = n_done / (time.monotonic() - start)
            left = max(n_samples - n_done, 0) / rate / 60
            log.info("SAE step %d  %.0f tokens/s  %.1f min left", step, rate, left)


def save_half(sae: FastBatchTopKTrainingSAE, folder: Path) -> None:
    """Save as a JumpReLU SAE in sae-lens's format, its weights as float16.

    ``cfg.json`` keeps ``float32``, so that ``SAE.load_from_disk`` computes in it.
    """
    weights, _ = sae.save_inference_model(folder)
    tensors = {name: tensor.cpu().half() for name, tensor in load_file(weights).items()}
    save_file(tensors, weights)
