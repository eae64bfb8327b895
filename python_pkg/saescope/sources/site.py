"""Finding the module of a transformers model that an SAE's hook name means.

Supported so far: the embedding, the residual stream before and after each block, what
attention and MLP add to it and what the MLP reads, for models whose blocks stand in one
list (GPT-2, GPT-NeoX, Llama, Mistral, Qwen, Gemma, Phi, OPT and their like), and SAEs that
name the transformers module themselves.
"""

import re
from dataclasses import replace
from typing import Any

import torch

from saescope.errors import MismatchError, SiteError
from saescope.sources.model import LoadedModel
from saescope.sources.sae import LoadedSae
from saescope.types import Site, SiteKind

BLOCK_LISTS = ("layers", "h", "decoder.layers", "blocks", "language_model.layers", "text_model.layers")
HOOK = re.compile(r"^blocks\.(\d+)\.(hook_resid_pre|hook_resid_post|hook_attn_out|hook_mlp_out|mlp\.hook_in)$")
READABLE = "hook_embed, and blocks.N. with hook_resid_pre, hook_resid_post, hook_attn_out, hook_mlp_out or mlp.hook_in"
MODULES = {
    "hook_attn_out": ("post_self_attn_layernorm", "self_attn", "attn", "attention", "self_attention"),
    "hook_mlp_out": ("post_feedforward_layernorm", "post_mlp_layernorm", "mlp", "block_sparse_moe", "fc2"),
    "mlp.hook_in": ("mlp", "block_sparse_moe", "fc1"),
}
"""Names of a block's modules, the first that there is: a norm after attention or MLP belongs to what they add."""
ADDS_RESIDUAL = ("bloom", "falcon")
"""Model types whose attention or MLP modules add the residual stream themselves."""


def find_blocks(model: Any) -> tuple[str, Any]:
    """Return the path and the list of a model's transformer blocks."""
    base = model.base_model
    prefix = f"{model.base_model_prefix}." if base is not model else ""
    for path in BLOCK_LISTS:
        try:
            found = base.get_submodule(path)
        except AttributeError:
            continue
        if isinstance(found, torch.nn.ModuleList) and len(found):
            return prefix + path, found
    raise SiteError(
        f"the blocks of {type(model).__name__} could not be found (looked for {', '.join(BLOCK_LISTS)}).",
        hint="Residual sites of this architecture are not supported yet.",
    )


def find_site(model: LoadedModel, sae: LoadedSae) -> Site:
    """Find where in the model the SAE reads, and check that the widths agree.

    Raises
    ------
    SiteError
        The model has no such block, or saescope cannot read such a site yet.
    MismatchError
        The site has another width than the SAE.
    """
    site = _named_site(model.model, sae, sae.hf_hook_name) or _hook_site(model.model, sae, sae.hook_name)
    if sae.hook_name_out and sae.hook_name_out != sae.hook_name:
        out = _named_site(model.model, sae, sae.hf_hook_name_out) or _hook_site(model.model, sae, sae.hook_name_out)
        if out.kind == "input":
            raise SiteError(f"the SAE writes to {sae.hook_name_out}, and saescope writes to outputs of modules only.")
        site = replace(site, written=out.module)
    width = int(model.model.get_input_embeddings().weight.shape[1])
    if width != sae.d_in:
        raise MismatchError(
            f"the SAE reads {sae.d_in} numbers and {site.name} of {model.name} has {width}: "
            "was it trained on another model?",
            hint=f"Its configuration names {sae.model_name!r}." if sae.model_name else "",
            wanted=sae.d_in,
            came=width,
        )
    return site


def _named_site(model: Any, sae: LoadedSae, wanted: str | None) -> Site | None:
    """The site by the transformers name in the SAE's metadata, which wins where it exists."""
    if not wanted:
        return None
    name, _, end = wanted.rpartition(".")
    path, kind = (name, end) if end in ("input", "output") else (wanted, "output")
    for candidate in (path, path.replace("model.", "model.language_model.", 1)):
        try:
            model.get_submodule(candidate)
        except AttributeError:
            continue
        numbers = re.findall(r"\.(\d+)(?:\.|$)", candidate)
        layer = int(numbers[0]) if numbers else -1
        return Site(sae.hook_name, candidate, "input" if kind == "input" else "output", layer)
    return None


def _hook_site(model: Any, sae: LoadedSae, name: str) -> Site:
    is_centered = sae.wants_centering and has_layer_norm(model)
    if name == "hook_embed":
        path = next(n for n, m in model.named_modules() if m is model.get_input_embeddings())
        return Site(name, path, "output", -1, is_centered)
    match = HOOK.match(name)
    if match is None:
        raise SiteError(
            f"saescope cannot read the site {name} yet.",
            hint=f"It reads {READABLE}, and sites whose transformers module the SAE names itself.",
        )
    layer, kind = int(match[1]), match[2]
    path, blocks = find_blocks(model)
    if layer >= len(blocks):
        raise SiteError(
            f"the SAE reads {name}, and {type(model).__name__} has blocks 0 to {len(blocks) - 1} only.",
            hint=f"Was the SAE trained on another model ({sae.model_name!r})?" if sae.model_name else "",
        )
    if kind in ("hook_resid_pre", "hook_resid_post"):
        return Site(name, f"{path}.{layer}", "input" if kind == "hook_resid_pre" else "output", layer, is_centered)
    module = module_of(model, blocks[layer], kind)
    end: SiteKind = "input" if kind == "mlp.hook_in" else "output"
    return Site(name, f"{path}.{layer}.{module}", end, layer, is_centered and end == "output")


def module_of(model: Any, block: Any, kind: str) -> str:
    """Name of the block's module whose input or output a hook name means.

    Raises
    ------
    SiteError
        There is none, or it adds the residual stream itself.
    """
    has = [name for name, child in block.named_children() if isinstance(child, torch.nn.Module)]
    names = MODULES[kind]
    if kind == "hook_attn_out" and "post_feedforward_layernorm" in has:
        names = ("post_attention_layernorm", *names)
    found = next((name for name in names if name in has), None)
    if found is None or model.config.get_text_config().model_type in ADDS_RESIDUAL:
        raise SiteError(
            f"saescope cannot read {kind} of {type(model).__name__}.",
            hint=f"Its blocks are made of {', '.join(has)}; sites of the residual stream can be read.",
        )
    return found


def final_norm_path(model: Any) -> str:
    """Where the norm between the last block and the unembedding stands in the model."""
    path, _ = find_blocks(model)
    parent = path.rpartition(".")[0]
    for name in ("norm", "ln_f", "final_layer_norm", "final_layernorm", "norm_f"):
        if isinstance(getattr(model.get_submodule(parent), name, None), torch.nn.Module):
            return f"{parent}.{name}" if parent else name
    raise SiteError(f"the final norm of {type(model).__name__} could not be found.")


def final_norm(model: Any) -> Any:
    """The norm between the last block and the unembedding."""
    return model.get_submodule(final_norm_path(model))


def has_layer_norm(model: Any) -> bool:
    """Whether the model subtracts the mean in its norms, as LayerNorm does and RMSNorm does not."""
    return isinstance(final_norm(model), torch.nn.LayerNorm)
