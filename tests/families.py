"""Small random models of every family whose sites are tested, and TransformerLens's view of them."""

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM

import tiny

GPT = {"vocab_size": 320, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 128}
FULL = {
    "vocab_size": 320, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
    "max_position_embeddings": 128,
}  # fmt: skip
GROUPED = {**FULL, "num_key_value_heads": 2, "head_dim": 12}
"""Heads of 12 numbers, four of which are wider than the stream: what confuses the two fails."""
CONFIGS: dict[str, dict[str, Any]] = {
    "gpt2": GPT,
    "gpt_neo": {"vocab_size": 320, "hidden_size": 32, "num_layers": 2, "num_heads": 4, "max_position_embeddings": 128,
                "attention_types": [[["global", "local"], 1]]},
    "gptj": {**GPT, "rotary_dim": 4},
    "gpt_neox": FULL,
    "gpt_neox, sequential": {**FULL, "use_parallel_residual": False},
    "opt": {"vocab_size": 320, "hidden_size": 32, "ffn_dim": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
            "max_position_embeddings": 128, "word_embed_proj_dim": 32},
    "phi": FULL,
    "phi3": {**FULL, "num_key_value_heads": 2},
    "llama": GROUPED,
    "mistral": GROUPED,
    "qwen2": {**FULL, "num_key_value_heads": 2},
    "qwen3": GROUPED,
    "gemma": GROUPED,
    "gemma2": {**GROUPED, "sliding_window": 8},
    "gemma3_text": {**GROUPED, "sliding_window": 8},
    "olmo2": {**FULL, "num_key_value_heads": 2},
    "mixtral": {**FULL, "num_key_value_heads": 2, "num_local_experts": 4},
    "qwen2_moe": {**FULL, "num_key_value_heads": 2, "moe_intermediate_size": 16, "num_experts": 4,
                  "shared_expert_intermediate_size": 16, "num_experts_per_tok": 2},
    "qwen3_moe": {**GROUPED, "moe_intermediate_size": 16, "num_experts": 4, "num_experts_per_tok": 2},
}  # fmt: skip
SHOWN = {
    "gpt2": "GPT-2", "gpt_neo": "GPT-Neo", "gptj": "GPT-J", "gpt_neox": "GPT-NeoX (Pythia)",
    "gpt_neox, sequential": "GPT-NeoX, sequential", "opt": "OPT", "phi": "Phi", "phi3": "Phi-3", "llama": "Llama",
    "mistral": "Mistral", "qwen2": "Qwen2", "qwen3": "Qwen3", "gemma": "Gemma-1", "gemma2": "Gemma-2",
    "gemma3_text": "Gemma-3", "olmo2": "OLMo-2", "mixtral": "Mixtral (MoE)", "qwen2_moe": "Qwen2-MoE",
    "qwen3_moe": "Qwen3-MoE",
}  # fmt: skip
IDS = torch.randint(1, 300, (2, 20), generator=torch.Generator().manual_seed(5))


@cache
def folder(family: str) -> Path:
    """A folder with a random model of a family, its norms and biases unlike 1 and 0."""
    torch.manual_seed(0)
    special = {"bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 0}
    config = AutoConfig.for_model(family.partition(",")[0], **CONFIGS[family], **special, initializer_range=0.2)
    made = AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for weight in made.parameters():
            if weight.ndim == 1:
                weight.add_(torch.randn_like(weight) * 0.2)
    path = Path(tempfile.mkdtemp(prefix="saescope-small-"))
    made.save_pretrained(path)
    tiny.tokenizer().save_pretrained(path)
    return path


def model(family: str) -> Any:
    """A fresh model of that folder."""
    return AutoModelForCausalLM.from_pretrained(folder(family), attn_implementation="eager").eval()


@cache
def lens(family: str) -> Any:
    """TransformerLens's bridge to another copy of the model."""
    from transformer_lens.model_bridge import TransformerBridge

    return TransformerBridge.boot_transformers(str(folder(family)), device="cpu")


@cache
def caught(family: str) -> dict[str, torch.Tensor]:
    """What TransformerLens catches at each of its hooks on `IDS`."""
    with torch.no_grad():
        return dict(lens(family).run_with_cache(IDS)[1])


CONVERTED = {
    "gpt_neo": "neo", "gptj": "gptj", "gpt_neox": "neox", "opt": "opt", "phi3": "phi3", "mistral": "mistral",
    "qwen2": "qwen2", "qwen3": "qwen3", "mixtral": "mixtral",
}  # fmt: skip
"""Families that HookedTransformer runs by itself at any size, and its converters of their weights."""


@cache
def hooked(family: str) -> Any:
    """A HookedSAETransformer of the model, unprocessed: TransformerLens's own forward pass."""
    from sae_lens import HookedSAETransformer
    from transformer_lens import HookedTransformerConfig, loading_from_pretrained
    from transformer_lens.pretrained import weight_conversions

    plain = model(family)
    settings = loading_from_pretrained.convert_hf_model_config(str(folder(family)))
    settings |= {"dtype": torch.float32, "device": "cpu", "original_architecture": plain.config.architectures[0]}
    config = HookedTransformerConfig.from_dict(settings)
    made = HookedSAETransformer(config, tokenizer=None)
    weights = getattr(weight_conversions, f"convert_{CONVERTED[family]}_weights")(plain, config)
    made.load_and_process_state_dict(
        weights, fold_ln=False, center_writing_weights=False, center_unembed=False, fold_value_biases=False
    )
    made.set_use_hook_mlp_in(True)
    return made.eval()
