"""Finding the module of a transformers model that an SAE's hook name means.

Supported so far: the embedding and the residual stream before and after each block,
for models whose blocks stand in one list (GPT-2, GPT-NeoX, Llama, Mistral, Qwen, Gemma,
Phi, OPT and their like), and SAEs that name the transformers module themselves.
"""

import re
from typing import Any

import torch

from saescope.errors import MismatchError, SiteError
from saescope.sources.model import LoadedModel
from saescope.sources.sae import LoadedSae
from saescope.types import Site

BLOCK_LISTS = ("layers", "h", "decoder.layers", "blocks", "language_model.layers", "text_model.layers")
RESIDUAL = re.compile(r"^blocks\.(\d+)\.hook_resid_(pre|post)$")
READABLE = "hook_embed, blocks.N.hook_resid_pre, blocks.N.hook_resid_post"


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
    site = _named_site(model.model, sae) or _hook_site(model.model, sae)
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


def _named_site(model: Any, sae: LoadedSae) -> Site | None:
    """The site by the transformers name in the SAE's metadata, which wins where it exists."""
    if not sae.hf_hook_name:
        return None
    name, _, end = sae.hf_hook_name.rpartition(".")
    path, kind = (name, end) if end in ("input", "output") else (sae.hf_hook_name, "output")
    for candidate in (path, path.replace("model.", "model.language_model.", 1)):
        try:
            model.get_submodule(candidate)
        except AttributeError:
            continue
        numbers = re.findall(r"\.(\d+)(?:\.|$)", candidate)
        layer = int(numbers[0]) if numbers else -1
        return Site(sae.hook_name, candidate, "input" if kind == "input" else "output", layer)
    return None


def _hook_site(model: Any, sae: LoadedSae) -> Site:
    name = sae.hook_name
    is_centered = sae.wants_centering and has_layer_norm(model)
    if name == "hook_embed":
        path = next(n for n, m in model.named_modules() if m is model.get_input_embeddings())
        return Site(name, path, "output", -1, is_centered)
    match = RESIDUAL.match(name)
    if match is None:
        raise SiteError(
            f"saescope cannot read the site {name} yet.",
            hint=f"It reads {READABLE}, and sites whose transformers module the SAE names itself.",
        )
    layer = int(match[1])
    path, blocks = find_blocks(model)
    if layer >= len(blocks):
        raise SiteError(
            f"the SAE reads {name}, and {type(model).__name__} has blocks 0 to {len(blocks) - 1} only.",
            hint=f"Was the SAE trained on another model ({sae.model_name!r})?" if sae.model_name else "",
        )
    return Site(name, f"{path}.{layer}", "input" if match[2] == "pre" else "output", layer, is_centered)


def final_norm(model: Any) -> Any:
    """The norm between the last block and the unembedding."""
    path, _ = find_blocks(model)
    parent = model.get_submodule(path.rpartition(".")[0])
    for name in ("norm", "ln_f", "final_layer_norm", "final_layernorm", "norm_f"):
        if isinstance(getattr(parent, name, None), torch.nn.Module):
            return getattr(parent, name)
    raise SiteError(f"the final norm of {type(model).__name__} could not be found.")


def has_layer_norm(model: Any) -> bool:
    """Whether the model subtracts the mean in its norms, as LayerNorm does and RMSNorm does not."""
    return isinstance(final_norm(model), torch.nn.LayerNorm)
