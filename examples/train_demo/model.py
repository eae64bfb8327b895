"""The language model: its shape, its loss, and its half-precision copy."""

from __future__ import annotations

import copy
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM


def build_model(vocab_size: int, context: int) -> LlamaForCausalLM:
    """Make the untrained model: 4 layers of width 256, 4.2 M parameters.

    What a block adds to the residual stream is 0 to begin with.
    """
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
    model = LlamaForCausalLM(config)
    for block in model.model.layers:
        torch.nn.init.zeros_(block.self_attn.o_proj.weight)
        torch.nn.init.zeros_(block.mlp.down_proj.weight)
    return model


def row_loss(model: LlamaForCausalLM, rows: torch.Tensor) -> torch.Tensor:
    """Mean next-token loss over rows ``[n_rows, context + 1]``, in nats."""
    logits = model(input_ids=rows[:, :-1], use_cache=False).logits
    return cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten())


def save_half(model: LlamaForCausalLM, folder: Path) -> None:
    """Save a float16 copy of the model as safetensors."""
    copy.deepcopy(model).to(device="cpu", dtype=torch.float16).save_pretrained(folder)


def load_shipped(folder: Path, device: str) -> LlamaForCausalLM:
    """Load the saved half-precision weights as float32, ready for inference."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return model.to(device).eval().requires_grad_(requires_grad=False)
