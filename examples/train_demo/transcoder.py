"""A BatchTopK transcoder, trained by sae-lens's trainer, which itself trains SAEs only.

A batch is ``[n_tokens, 2 * d_model]``: what the MLP reads beside what it writes. The features
are coded from the first half and the loss is taken on the second.

Source: Dunefsky, Chlenski, Nanda, "Transcoders find interpretable LLM feature circuits"
(2024), with the activation of Bussmann, Leask, Nanda, "BatchTopK Sparse Autoencoders" (2024).
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from sae_lens import JumpReLUTranscoderConfig
from sae_lens.saes.sae import TrainStepInput, TrainStepOutput
from torch import Tensor

from batch_topk import FastBatchTopKTrainingSAE


class BatchTopKTranscoder(FastBatchTopKTrainingSAE):
    """sae-lens's BatchTopK SAE whose target is another activation of the same width."""

    def training_forward_pass(self, step_input: TrainStepInput) -> TrainStepOutput:
        """Code the first half of ``sae_in``; the loss is against the second."""
        read, written = step_input.sae_in.chunk(2, dim=-1)
        acts, pre = self.encode_with_hidden_pre(read)
        made = self.decode(acts)
        mse = self.mse_loss_fn(made, written).sum(dim=-1).mean()
        auxiliary = self.calculate_topk_aux_loss(
            sae_in=written, sae_out=made, hidden_pre=pre, dead_neuron_mask=step_input.dead_neuron_mask
        )
        self.update_topk_threshold(acts)
        return TrainStepOutput(
            sae_in=written,
            sae_out=made,
            feature_acts=acts,
            hidden_pre=pre,
            loss=mse + auxiliary,
            losses={"mse_loss": mse, "auxiliary_reconstruction_loss": auxiliary},
        )

    @torch.no_grad()
    def fold_scales(self, read: float, written: float) -> None:
        """Take up the factors by which both halves were scaled in training."""
        self.W_enc.mul_(read)
        self.W_dec.div_(written)
        self.b_dec.div_(written)
        self.topk_threshold.div_(written)

    def save_inference_model(self, path: str | Path) -> tuple[Path, Path]:
        """Write sae-lens's JumpReLU transcoder."""
        weights, config = super().save_inference_model(path)
        written = JumpReLUTranscoderConfig(
            d_in=self.cfg.d_in,
            d_sae=self.cfg.d_sae,
            d_out=self.cfg.d_in,
            dtype="float32",
            device="cpu",
            apply_b_dec_to_input=False,
            metadata=self.cfg.metadata,
        )
        config.write_text(json.dumps(written.to_dict()), encoding="utf-8")
        return weights, config


def beside(read: Tensor, written: Tensor) -> Tensor:
    """A batch of the transcoder, ``[n_tokens, 2 * d_model]``."""
    return torch.cat([read, written], dim=-1)
