"""What the list does not say of an SAE, derived as sae-lens's loaders derive it from names and paths.

Each loader of ``sae_lens/loading/pretrained_sae_loaders.py`` has a rule here. What a loader
reads from a file of the hub is not known before that is fetched, and is ``None``.
"""

import re
from dataclasses import dataclass

from saescope.sources.registry.models import BASES, D_MODEL, hub_id
from saescope.sources.registry.reading import Listed

Hooks = tuple[str | None, str | None]

PER_CFG = "per cfg.json"
KILO = 1024
WIDTHS = (1, 2, 4, 8, 16, 32, 64, 65, 80, 128, 131, 262, 524)
WIDTH = re.compile(rf"(?:^|[^a-z0-9.])w?({'|'.join(map(str, WIDTHS))})k(?![a-z0-9])|width[_-](\d)m(?![a-z0-9])")
POWER = re.compile(r"width-2pow(\d+)")
LAYER = re.compile(r"(?:^|layer[_-]?|blocks\.)(\d+)")
HOOK = re.compile(r"^(?:blocks\.(\d+)\.)?(hook_(?:resid_pre|resid_mid|resid_post|attn_out|mlp_out|z|embed))")
ROUND = {131: 131_072, 128: 131_072, 65: 65_536, 262: 262_144, 524: 524_288}


@dataclass(frozen=True)
class Derived:
    """What is known of an SAE before anything is fetched; ``None`` where only its files say."""

    model: str
    site: str
    hook_name: str | None
    hook_name_out: str | None
    layer: int | None
    width: int | None
    d_in: int | None
    d_out: int | None
    architecture: str
    dtype: str | None
    prepend_bos: bool | None
    normalization: str | None
    is_centered: bool | None


def derive(one: Listed) -> Derived:
    """What a listed SAE is, as its loader will load it."""
    hook, out = _hooks(one)
    model = _model(one)
    is_native = one.loader == "sae_lens"
    kwargs = one.overrides.get("model_from_pretrained_kwargs") or {}
    centered = bool(kwargs.get("center_writing_weights")) if kwargs or not is_native else None
    return Derived(
        model=model,
        site="transcoder" if out or hook is None else hook.rpartition(".")[2].removeprefix("hook_"),
        hook_name=hook,
        hook_name_out=out,
        layer=_layer(one.path if hook is None else hook) if hook != "hook_embed" else None,
        width=_width(one),
        d_in=_d_in(model, hook),
        d_out=D_MODEL.get(model) if out or hook is None else None,
        architecture=_architecture(one),
        dtype=_dtype(one),
        prepend_bos=None if is_native else True,
        normalization=_normalization(one),
        is_centered=centered,
    )


def _layer(text: str) -> int:
    found = LAYER.search(text.lower())
    return int(found.group(1)) if found else 0


def _hooks(one: Listed) -> Hooks:
    """The hook an SAE reads, and the one it writes to where that is another."""
    if one.loader in _RULES:
        return _RULES[one.loader](one)
    match = HOOK.match(one.sae_id)
    if match is None:
        return f"blocks.{_layer(one.path)}.hook_resid_post", None
    return match.group(0), None


def _gemma_2(one: Listed) -> Hooks:
    if "embedding" in one.path:
        return "hook_embed", None
    tail = "hook_resid_post" if "res" in one.repo else "hook_mlp_out" if "mlp" in one.repo else "attn.hook_z"
    return f"blocks.{_layer(one.path)}.{tail}", None


def _gemma_3(one: Listed) -> Hooks:
    start = f"blocks.{_layer(one.path)}."
    if "transcoder" in one.path or "clt" in one.path:
        return f"{start}hook_mlp_in", f"{start}hook_mlp_out"
    tail = {"resid_post": "hook_resid_post", "attn_out": "attn.hook_z", "mlp_out": "hook_mlp_out"}
    return start + next(hook for name, hook in tail.items() if name in one.path), None


def _gemma_2_transcoder(one: Listed) -> Hooks:
    start = f"blocks.{_layer(one.path)}."
    return f"{start}ln2.hook_normalized", f"{start}hook_mlp_out"


def _mwhanna(one: Listed) -> Hooks:
    start = f"blocks.{_layer(one.path)}."
    return f"{start}mlp.hook_in", f"{start}hook_mlp_out"


def _clt_layer(_one: Listed) -> Hooks:
    return None, None


def _llama_scope(one: Listed) -> Hooks:
    match = re.search(r"L(\d+)([RAM])(?:-|$)", one.path)
    layer, kind = match.groups() if match else ("0", "R")
    tail = {"R": "hook_resid_post", "A": "hook_attn_out", "M": "hook_mlp_out"}[kind]
    return f"blocks.{layer}.{tail}", None


def _resid_post(one: Listed) -> Hooks:
    return f"blocks.{_layer(one.sae_id)}.hook_resid_post", None


def _hook_z(one: Listed) -> Hooks:
    return f"blocks.{_layer(one.sae_id)}.attn.hook_z", None


_RULES = {
    "gemma_2": _gemma_2,
    "gemma_3": _gemma_3,
    "gemma_2_transcoder": _gemma_2_transcoder,
    "mwhanna_transcoder": _mwhanna,
    "mntss_clt_layer_transcoder": _clt_layer,
    "llama_scope": _llama_scope,
    "llama_scope_r1_distill": _llama_scope,
    "dictionary_learning_1": _resid_post,
    "qwen_scope": _resid_post,
    "temporal": _resid_post,
    "goodfire": _resid_post,
    "deepseek_r1": _resid_post,
    "connor_rob_hook_z": _hook_z,
}


def _model(one: Listed) -> str:
    """The base model: as the loader names it where the list names another."""
    if one.loader == "gemma_2":
        size = re.search(r"gemma-scope-(\d+b)-(pt|it)", one.repo)
        if size:
            return f"google/gemma-2-{size.group(1)}" + ("-it" if size.group(2) == "it" else "")
    return hub_id(one.model)


def _width(one: Listed) -> int | None:
    """Number of features, where a name or a path says it."""
    if one.loader in ("goodfire", "deepseek_r1"):
        return 65_536
    if one.loader == "connor_rob_hook_z":
        found = re.search(r"_ds(\d+)_", one.path)
        return int(found.group(1)) if found else None
    if one.loader == "llama_scope":
        found = re.search(r"-(\d+)x$", one.path)
        return 4096 * int(found.group(1)) if found else None
    if power := POWER.search(one.path + one.release):
        return 2 ** int(power.group(1))
    for text in (one.path, one.sae_id, one.repo, one.neuronpedia or "", one.release):
        if found := WIDTH.findall(text.lower()):
            return _features(*found[-1])
        if plain := re.search(r"hook_[a-z_]+_(\d{3,6})(?!\d)", text):
            return int(plain.group(1))
    return None


def _features(kilo: str, mega: str) -> int:
    return int(mega) * KILO * KILO if mega else ROUND.get(int(kilo), int(kilo) * KILO)


def _d_in(model: str, hook: str | None) -> int | None:
    if hook is None or not hook.endswith("hook_z"):
        return D_MODEL.get(model)
    base = BASES.get(model)
    return None if base is None else base.d_heads


_ARCHITECTURES = {
    "gemma_2": "jumprelu",
    "gemma_2_transcoder": "jumprelu_transcoder",
    "llama_scope": "jumprelu",
    "llama_scope_r1_distill": "jumprelu",
    "mwhanna_transcoder": "transcoder",
    "mntss_clt_layer_transcoder": "transcoder",
    "qwen_scope": "topk",
    "temporal": "temporal",
    "goodfire": "standard",
    "deepseek_r1": "standard",
    "connor_rob_hook_z": "standard",
}
_DICTIONARIES = (
    (r"matryoshka|batch_?top_?k", "jumprelu"),
    (r"topk", "topk"),
    (r"gated", "gated"),
    (r"vanilla|standard|panneal", "standard"),
)


def _architecture(one: Listed) -> str:
    if one.loader == "gemma_3":
        if "transcoder" not in one.path and "clt" not in one.path:
            return "jumprelu"
        return "jumprelu_skip_transcoder" if "affine" in one.path else "jumprelu_transcoder"
    if one.loader == "dictionary_learning_1":
        named = one.path.lower()
        return next((kind for pattern, kind in _DICTIONARIES if re.search(pattern, named)), PER_CFG)
    return _ARCHITECTURES.get(one.loader, PER_CFG)


def _dtype(one: Listed) -> str | None:
    if one.loader in ("llama_scope", "deepseek_r1"):
        return "bfloat16"
    return None if one.loader in ("sae_lens", "temporal") else "float32"


def _normalization(one: Listed) -> str | None:
    if "normalize_activations" in one.overrides:
        return str(one.overrides["normalize_activations"])
    if one.loader in ("llama_scope", "llama_scope_r1_distill"):
        return "expected_average_only_in"
    if one.loader == "temporal":
        return "constant_scalar_rescale"
    return None if one.loader == "sae_lens" else "none"
