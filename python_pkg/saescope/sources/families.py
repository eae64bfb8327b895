"""How the blocks of transformers' models are made: which module each hook of TransformerLens is in each family.

A family is known by its model types; a type that is in none is taken for the family whose modules and
norms its blocks have, name by name. Names are paths inside a block; a path may be missing in some
models or blocks of a family (the hidden layer of a mixture of experts), and such a site is refused.
"""

from dataclasses import dataclass
from typing import Any

ADDS_RESIDUAL = ("bloom", "falcon")
"""Model types whose attention or MLP modules add the residual stream themselves."""


@dataclass(frozen=True)
class Family:
    """Modules of a block.

    Parameters
    ----------
    name
        For people.
    types
        Names of the model types, as a configuration gives them, which the tests run.
    norms
        The block's norms.
    attn_out, mlp_out
        Modules whose outputs attention and MLP add to the residual stream.
    z
        Module whose input are the heads' outputs side by side: attention's last matrix.
    mlp_in
        Module whose input the MLP reads.
    pre, pre_linear, post
        Module whose output goes into the activation function, whose output it is multiplied by (gated MLPs),
        and whose input is the product.
    mid
        Module whose input is the residual stream between attention and MLP; empty where both read the same.
    ln2
        The norm before the MLP, where it is the MLP's own.
    """

    name: str
    types: tuple[str, ...]
    norms: frozenset[str]
    attn_out: str
    z: str
    mlp_out: str
    mlp_in: str
    post: str
    pre: str = ""
    pre_linear: str = ""
    mid: str = ""
    ln2: str = ""


def _llama(name: str, types: tuple[str, ...], norms: set[str], **other: str) -> Family:
    usual = {
        "attn_out": "self_attn", "z": "self_attn.o_proj", "mlp_out": "mlp", "mlp_in": "mlp", "post": "mlp.down_proj",
        "pre": "mlp.gate_proj", "pre_linear": "mlp.up_proj",
        "mid": "post_attention_layernorm", "ln2": "post_attention_layernorm",
    }  # fmt: skip
    return Family(name, types, frozenset(norms), **(usual | other))


FAMILIES = (
    Family(
        "GPT-2", ("gpt2",), frozenset({"ln_1", "ln_2"}),
        attn_out="attn", z="attn.c_proj", mlp_out="mlp", mlp_in="mlp", pre="mlp.c_fc", post="mlp.c_proj",
        mid="ln_2", ln2="ln_2",
    ),
    Family(
        "GPT-Neo", ("gpt_neo",), frozenset({"ln_1", "ln_2"}),
        attn_out="attn", z="attn.attention.out_proj", mlp_out="mlp", mlp_in="mlp", pre="mlp.c_fc", post="mlp.c_proj",
        mid="ln_2", ln2="ln_2",
    ),
    Family(
        "GPT-J", ("gptj",), frozenset({"ln_1"}),
        attn_out="attn", z="attn.out_proj", mlp_out="mlp", mlp_in="mlp", pre="mlp.fc_in", post="mlp.fc_out",
    ),
    Family(
        "GPT-NeoX, Pythia", ("gpt_neox",), frozenset({"input_layernorm", "post_attention_layernorm"}),
        attn_out="attention", z="attention.dense", mlp_out="mlp", mlp_in="mlp", pre="mlp.dense_h_to_4h",
        post="mlp.dense_4h_to_h", mid="post_attention_layernorm", ln2="post_attention_layernorm",
    ),
    Family(
        "OPT", ("opt",), frozenset({"self_attn_layer_norm", "final_layer_norm"}),
        attn_out="self_attn", z="self_attn.out_proj", mlp_out="fc2", mlp_in="fc1", pre="fc1", post="fc2",
        mid="final_layer_norm", ln2="final_layer_norm",
    ),
    Family(
        "Phi", ("phi",), frozenset({"input_layernorm"}),
        attn_out="self_attn", z="self_attn.dense", mlp_out="mlp", mlp_in="mlp", pre="mlp.fc1", post="mlp.fc2",
    ),
    _llama(
        "Llama, Mistral, Qwen, Gemma-1",
        ("llama", "mistral", "qwen2", "qwen3", "gemma", "smollm3", "granite"),
        {"input_layernorm", "post_attention_layernorm"},
    ),
    _llama("Phi-3", ("phi3",), {"input_layernorm", "post_attention_layernorm"}, pre="", pre_linear=""),
    _llama(
        "mixtures of experts",
        ("mixtral", "qwen2_moe", "qwen3_moe", "olmoe"),
        {"input_layernorm", "post_attention_layernorm"},
    ),
    _llama(
        "Gemma-2 and -3",
        ("gemma2", "gemma3_text"),
        {"input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm", "post_feedforward_layernorm"},
        attn_out="post_attention_layernorm", mlp_out="post_feedforward_layernorm",
        mid="pre_feedforward_layernorm", ln2="pre_feedforward_layernorm",
    ),
    _llama(
        "OLMo-2 and -3",
        ("olmo2", "olmo3"),
        {"post_attention_layernorm", "post_feedforward_layernorm"},
        attn_out="post_attention_layernorm", mlp_out="post_feedforward_layernorm", mid="mlp", ln2="",
    ),
)  # fmt: skip

LOOSE = {
    "hook_attn_out": ("post_self_attn_layernorm", "self_attn", "attn", "attention", "self_attention"),
    "hook_mlp_out": ("post_feedforward_layernorm", "post_mlp_layernorm", "mlp", "block_sparse_moe", "fc2"),
    "mlp.hook_in": ("mlp", "block_sparse_moe", "fc1"),
}
"""Modules of blocks of no known family, the first that there is: a norm after attention or MLP belongs to what they
add."""


def has(module: Any, path: str) -> bool:
    """Whether there is a submodule of that path."""
    try:
        module.get_submodule(path)
    except AttributeError:
        return False
    return True


def family_of(model: Any, block: Any) -> Family | None:
    """The family of a model with such blocks, or ``None``."""
    kind = model.config.get_text_config().model_type
    known = next((f for f in FAMILIES if kind in f.types), None)
    if known is not None or kind in ADDS_RESIDUAL:
        return known
    norms = {name for name, _ in block.named_children() if "norm" in name or name.startswith("ln")}
    return next((f for f in FAMILIES if f.norms == norms and _is_made_so(block, f)), None)


def _is_made_so(block: Any, family: Family) -> bool:
    wanted = {family.attn_out, family.z, family.mlp_out, family.mlp_in, family.post, family.pre, family.mid}
    return all(has(block, path) for path in wanted - {""})


def is_parallel(model: Any, family: Family) -> bool:
    """Whether attention and MLP of a block read the same, so that there is no stream between them."""
    config = model.config.get_text_config()
    flags = ("use_parallel_residual", "parallel_attn")
    return not family.mid or any(bool(getattr(config, flag, False)) for flag in flags)


def has_late_norms(model: Any) -> bool:
    """Whether the norms stand behind attention and MLP on the stream itself (OPT-350m)."""
    return getattr(model.config.get_text_config(), "do_layer_norm_before", True) is False
