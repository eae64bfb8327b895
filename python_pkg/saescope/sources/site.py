"""Finding the module of a transformers model that an SAE's hook name means.

A hook name of TransformerLens is a row of `HOOKS`; which module it is in a model's blocks is told
by `sources.families`. SAEs that name the transformers module themselves are read there.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch

from saescope.errors import MismatchError, SiteError
from saescope.sources.families import ADDS_RESIDUAL, LOOSE, Family, family_of, has, has_late_norms, is_parallel
from saescope.sources.model import LoadedModel
from saescope.sources.sae import LoadedSae
from saescope.sources.side_by_side import SideBySide
from saescope.types import Norm, Site, SiteKind

BLOCK_LISTS = ("layers", "h", "decoder.layers", "blocks", "language_model.layers", "text_model.layers")
IN_BLOCK = re.compile(r"^blocks\.(\d+)\.(.+)$")


@dataclass(frozen=True)
class Hook:
    """One hook name: whose input, output or stream it is, and whether centred weights change it."""

    module: Callable[[Family], str]
    kind: SiteKind
    is_on_stream: bool = False
    is_normed: bool = False
    is_heads: bool = False


HOOKS = {
    "hook_resid_mid": Hook(lambda f: f.mid, "stream", is_on_stream=True),
    "hook_attn_out": Hook(lambda f: f.attn_out, "output", is_on_stream=True),
    "hook_mlp_out": Hook(lambda f: f.mlp_out, "output", is_on_stream=True),
    "hook_mlp_in": Hook(lambda f: f.ln2, "input", is_on_stream=True),
    "attn.hook_z": Hook(lambda f: f.z, "input", is_heads=True),
    "mlp.hook_in": Hook(lambda f: f.mlp_in, "input"),
    "mlp.hook_pre": Hook(lambda f: f.pre, "output"),
    "mlp.hook_pre_linear": Hook(lambda f: f.pre_linear, "output"),
    "mlp.hook_post": Hook(lambda f: f.post, "input"),
    "ln2.hook_normalized": Hook(lambda f: f.ln2, "input", is_normed=True),
}
"""Hooks within a block, besides the stream before and after it."""
ENDS: dict[str, SiteKind] = {"hook_resid_pre": "input", "hook_resid_post": "output"}
NOT_HELD = "the norm's weight comes after it, and no module makes it alone: an SAE of mlp.hook_in can be written"


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
        The model has no such site; the hint names those it has.
    MismatchError
        The site has another width than the SAE.
    """
    if sae.hook_names:
        return _side_by_side(model, sae)
    site = _named_site(model.model, sae, sae.hf_hook_name) or _hook_site(model.model, sae, sae.hook_name)
    if sae.hook_head_index is not None:
        site = _head_of(model.model, site, sae.hook_head_index)
    _check_width(model, sae, site, sae.d_in, "reads")
    if sae.hook_name_out and sae.hook_name_out != sae.hook_name:
        out = _named_site(model.model, sae, sae.hf_hook_name_out) or _hook_site(model.model, sae, sae.hook_name_out)
        if out.kind != "output":
            raise SiteError(f"the SAE writes to {sae.hook_name_out}, and saescope writes to outputs of modules only.")
        _check_width(model, sae, out, sae.d_out, "writes")
        site = replace(site, written=out.module)
    return site


def _side_by_side(model: LoadedModel, sae: LoadedSae) -> Site:
    """All sites of a crosscoder, each of the same share of what it reads."""
    inner = list(getattr(model.model, "models", ())) if isinstance(model.model, SideBySide) else []
    if sae.places and len(inner) != len(sae.places):
        raise MismatchError(
            f"the crosscoder reads the models {' and '.join(sae.places)}, and {len(inner) or 1} came.",
            hint="Give them by name: saescope.load({"
            + ", ".join(f'"{place}": …' for place in sae.places)
            + "}, sae=…).",
        )
    each = inner if sae.places else [model.model] * len(sae.hook_names)
    sites = [_hook_site(one, sae, name) for one, name in zip(each, sae.hook_names, strict=True)]
    for one, site in zip(each, sites, strict=True):
        _check_width(LoadedModel(one, None, model.name), sae, site, sae.d_in // len(sites), "reads")
    if sae.places:
        sites = [replace(site, model=f"models.{n}") for n, site in enumerate(sites)]
    return replace(sites[0], also=tuple(sites[1:]), refusal="a crosscoder writes at several sites at once")


def _check_width(model: LoadedModel, sae: LoadedSae, site: Site, wanted: int, does: str) -> None:
    width = width_of(model.model, site)
    if width != wanted:
        raise MismatchError(
            f"the SAE {does} {wanted} numbers and {site.name} of {model.name} has {width}: "
            "was it trained on another model?",
            hint=f"Its configuration names {sae.model_name!r}." if sae.model_name else "",
            wanted=wanted,
            came=width,
        )


def _named_site(model: Any, sae: LoadedSae, wanted: str | None) -> Site | None:
    """The site by the transformers name in the SAE's metadata, which wins where it exists."""
    if not wanted:
        return None
    name, _, end = wanted.rpartition(".")
    path, kind = (name, end) if end in ("input", "output") else (wanted, "output")
    for candidate in (path, path.replace("model.", "model.language_model.", 1)):
        if not has(model, candidate):
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
    match = IN_BLOCK.match(name)
    path, blocks = find_blocks(model)
    if match is None or match[2] not in (*HOOKS, *ENDS):
        raise SiteError(
            f"saescope cannot read the site {name} yet.",
            hint=f"Of this model it reads {_listed(model, blocks[0])}; and sites whose transformers module the SAE "
            "names itself.",
        )
    layer, hook = int(match[1]), match[2]
    if layer >= len(blocks):
        raise SiteError(
            f"the SAE reads {name}, and {type(model).__name__} has blocks 0 to {len(blocks) - 1} only.",
            hint=f"Was the SAE trained on another model ({sae.model_name!r})?" if sae.model_name else "",
        )
    if hook in ENDS:
        return Site(name, f"{path}.{layer}", ENDS[hook], layer, is_centered)
    row, block = HOOKS[hook], blocks[layer]
    module = module_of(model, block, hook)
    norm = norm_of(block.get_submodule(module)) if row.is_normed else None
    return Site(
        name,
        f"{path}.{layer}.{module}",
        row.kind,
        layer,
        is_centered and row.is_on_stream,
        norm=norm,
        refusal=NOT_HELD if row.is_normed else "",
    )


def module_of(model: Any, block: Any, hook: str) -> str:
    """Path of the block's module whose input, output or stream a hook name means.

    Raises
    ------
    SiteError
        There is none, or it adds the residual stream itself; the hint names the hooks that there are.
    """
    reason = _lack(model, block, hook)
    if reason:
        raise SiteError(f"{type(model).__name__} has no {hook}: {reason}.", hint=f"It has {_listed(model, block)}.")
    return _path(model, block, hook)


def _path(model: Any, block: Any, hook: str) -> str:
    family = family_of(model, block)
    if family is not None:
        return HOOKS[hook].module(family)
    return next((name for name in LOOSE.get(hook, ()) if has(block, name)), "")


def _lack(model: Any, block: Any, hook: str) -> str:
    """Why a block has no such hook; empty where it has."""
    kind, path, family = model.config.get_text_config().model_type, _path(model, block, hook), family_of(model, block)
    if kind in ADDS_RESIDUAL:
        return "its modules add the residual stream themselves"
    if hook == "hook_resid_mid" and family is not None and is_parallel(model, family):
        return "attention and MLP read the same residual stream, and nothing lies between them"
    if hook in ("hook_resid_mid", "hook_mlp_in", "ln2.hook_normalized") and has_late_norms(model):
        return "its norms come after attention and MLP"
    if path and has(block, path):
        return ""
    if "mlp." in path and has(block, "mlp.experts"):
        return "its MLP is a mixture of experts, with a hidden layer each"
    if hook in ("ln2.hook_normalized", "hook_mlp_in") and family is not None:
        return "its MLP has no norm of its own before it"
    if hook.startswith("mlp.hook_pre") and family is not None:
        return "its MLP makes it in one with something else, or not at all"
    return (
        f"blocks made of {', '.join(name for name, _ in block.named_children())} are of no family that saescope knows"
    )


def hooks_of(model: Any, block: Any) -> list[str]:
    """The hooks within a block that there are, and of the stream before and after it."""
    return [*ENDS, *(hook for hook in HOOKS if not _lack(model, block, hook))]


def _listed(model: Any, block: Any) -> str:
    return f"hook_embed, and blocks.N. with {', '.join(hooks_of(model, block))}"


def norm_of(module: Any) -> Norm:
    """How a norm module scales what it reads.

    Raises
    ------
    SiteError
        It does not say what it adds to the mean square.
    """
    eps = next((e for e in (getattr(module, n, None) for n in ("eps", "variance_epsilon")) if e is not None), None)
    if eps is None:
        raise SiteError(f"{type(module).__name__} does not say what it adds before the root.")
    return Norm(isinstance(module, torch.nn.LayerNorm), float(eps))


def _head_of(model: Any, site: Site, head: int) -> Site:
    """The part of a site that is one head's."""
    match = IN_BLOCK.match(site.name)
    if match is None or match[2] not in HOOKS or not HOOKS[match[2]].is_heads:
        raise SiteError(
            f"the SAE names head {head} of {site.name}, and saescope reads single heads at attn.hook_z only."
        )
    width, n_heads = width_of(model, site), int(model.config.get_text_config().num_attention_heads)
    if not 0 <= head < n_heads:
        raise SiteError(f"the SAE reads head {head}, and {type(model).__name__} has heads 0 to {n_heads - 1}.")
    size = width // n_heads
    return replace(site, part=(head * size, (head + 1) * size, width))


def width_of(model: Any, site: Site) -> int:
    """How many numbers an SAE reads at a site."""
    if site.part is not None:
        return site.part[1] - site.part[0]
    embedding = model.get_input_embeddings()
    module = model.get_submodule(site.module)
    if module is embedding:
        return int(embedding.weight.shape[1])
    name = "in_features" if site.kind == "input" else "out_features"
    if isinstance(getattr(module, name, None), int):
        return int(getattr(module, name))
    if type(module).__name__ == "Conv1D":
        return int(module.weight.shape[0 if site.kind == "input" else 1])
    return int(getattr(model.config.get_text_config(), "hidden_size", 0) or embedding.weight.shape[1])


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
