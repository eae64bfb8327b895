"""A tiny random model, a tokenizer trained on a few lines, and SAEs for it."""

from functools import cache
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

WORDS = "the a of to sea ship star sky Vienna navy emperor flotilla was sailed over under green <b>bold</b> ünïcode 日本 🚢".split()  # noqa: SIM905
D_MODEL, N_LAYERS, D_SAE, CONTEXT = 32, 4, 256, 32
DEAD_STEP = 16
"""Every so many features, one never fires."""


def texts(n: int, seed: int = 0) -> list[str]:
    """Some reproducible documents of random words."""
    draw = torch.Generator().manual_seed(seed)
    lengths = torch.randint(3, 60, (n,), generator=draw).tolist()
    return [" ".join(WORDS[i] for i in torch.randint(0, len(WORDS), (k,), generator=draw).tolist()) for k in lengths]


@cache
def tokenizer() -> PreTrainedTokenizerFast:
    """A byte-level tokenizer of 320 pieces."""
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    raw.train_from_iterator(texts(200, seed=1), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=raw, bos_token="<|endoftext|>", eos_token="<|endoftext|>", pad_token="<|endoftext|>"
    )


def model() -> LlamaForCausalLM:
    """A random Llama of four small layers."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer()),
        hidden_size=D_MODEL,
        intermediate_size=64,
        num_hidden_layers=N_LAYERS,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=128,
        initializer_range=0.2,
    )
    return LlamaForCausalLM(config).eval()


def sae(
    kind: str = "jumprelu", *, d_in: int = D_MODEL, hook_name: str = "blocks.2.hook_resid_post", **metadata: Any
) -> Any:
    """A random SAE that fires on some tokens in twenty."""
    from sae_lens import SAE

    torch.manual_seed(1)
    extra = {"topk": {"k": 8}, "transcoder": {"d_out": d_in}}.get(kind, {})
    config = {
        "architecture": kind, "d_in": d_in, "d_sae": D_SAE, "dtype": "float32", "device": "cpu",
        "apply_b_dec_to_input": kind != "transcoder", "normalize_activations": "none", "reshape_activations": "none",
        "metadata": {"hook_name": hook_name, "context_size": CONTEXT, "prepend_bos": True, "model_name": "tiny", **metadata},
        **extra,
    }  # fmt: skip
    made = SAE.from_dict(config)
    bias = torch.randn(D_SAE) * 0.1 - 1.2 - 2 * torch.rand(D_SAE)
    bias[::DEAD_STEP] = -1e4
    with torch.no_grad():
        made.W_enc.copy_(torch.randn(d_in, D_SAE) / d_in**0.5)
        made.W_dec.copy_(torch.randn(D_SAE, d_in))
        made.b_dec.copy_(torch.randn(d_in) * 0.1)
        for name in ("b_enc", "b_gate", "b_mag"):
            if getattr(made, name, None) is not None:
                getattr(made, name).copy_(bias)
        if kind == "gated":
            made.b_mag.add_(1.0)
            made.r_mag.copy_(torch.randn(D_SAE) * 0.1)
        if kind == "jumprelu":
            made.threshold.copy_(torch.rand(D_SAE))
    return made


def save(folder: Path) -> tuple[Path, Path]:
    """Write model, tokenizer and SAE to disk; returns the two folders."""
    model_path, sae_path = folder / "tiny-model", folder / "tiny-sae"
    model().save_pretrained(model_path)
    tokenizer().save_pretrained(model_path)
    sae().save_model(sae_path)
    return model_path, sae_path
