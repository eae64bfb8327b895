"""Loading a scope, or opening an index alone."""

import logging
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from saescope.errors import InputError, MismatchError
from saescope.index import Index
from saescope.scope.scope import Scope
from saescope.scope.warming import is_in_kernel, warmed
from saescope.types import Recipe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from saescope.sources.model import LoadedModel
    from saescope.sources.sae import LoadedSae

log = logging.getLogger("saescope.sources")


def load(
    model: Any = None,
    sae: Any = None,
    index: "str | os.PathLike[str] | None" = None,
    device: str = "auto",
    dtype: Any = None,
    *,
    correct: "Mapping[str, Any] | None" = None,
    check: bool = True,
) -> Scope:
    """Load a model and an SAE, and an index of theirs if there is one.

    Parameters
    ----------
    model
        A hub id, a folder, a GGUF file, a transformers causal language model, or ``(model, tokenizer)``; without
        one, that which the SAE was trained on. For a crosscoder of models several of these, by the names it has for
        them.
    sae
        ``"release/sae_id"`` of the sae-lens registry (`saescope.registry` lists them, `saescope.pick` lets you
        choose), a folder in sae-lens's format, a sae-lens object, `saescope.directions` or `saescope.crosscoder`.
    index
        Folder of an index that `Scope.build_index` made.
    device
        ``"auto"`` takes CUDA, then Apple's GPU, then the CPU.
    dtype
        Of the model; by default float32 on a CPU and the model's own elsewhere.
    correct
        What of the SAE is other than its configuration says, as `Scope.check` finds it; for example
        ``{"hook_name": "blocks.9.hook_resid_post"}``, ``{"prepend_bos": True}`` or ``{"scale": 0.17}``. See
        `saescope.sources.correcting.corrected`.
    check
        Measure in the background, in a Jupyter kernel, whether SAE and model fit: see `Scope.check`.

    Raises
    ------
    InputError
        No SAE was given, or there is no such correction.
    ModelSourceError, SaeSourceError, MemoryShortError
        One of them cannot be loaded.
    SiteError, MismatchError
        They do not belong together.
    """
    from saescope.sources.model import load_model
    from saescope.sources.sae import load_sae
    from saescope.sources.side_by_side import load_side_by_side
    from saescope.sources.site import find_site

    if sae is None:
        raise InputError(
            "no SAE was given.",
            hint='Give sae="release/sae_id", a folder or a sae-lens object; saescope.pick() lets you choose.',
        )
    opened = Index(index) if index is not None else None
    model = base_of(sae) if model is None else model
    if isinstance(model, Mapping):
        model = _in_order(model, sae)
        loaded = load_side_by_side(model, device=device, dtype=dtype)
    else:
        loaded = load_model(model, device=device, dtype=dtype)
    loaded_sae = load_sae(sae, device=str(loaded.device), correct=correct)
    loaded_sae = _with_remark(loaded, loaded_sae, sae)
    site = find_site(loaded, loaded_sae)
    if opened is not None:
        _check_index(opened, loaded, loaded_sae)
    recipe = None
    if isinstance(model, str | os.PathLike) and isinstance(sae, str | os.PathLike):
        kind = None if dtype is None else str(dtype).removeprefix("torch.")
        recipe = Recipe(os.fspath(model), os.fspath(sae), str(loaded.device), kind, loaded_sae.correct)
    scope = warmed(Scope(model=loaded, sae=loaded_sae, site=site, index=opened, recipe=recipe))
    if check and is_in_kernel():
        scope.start_check()
    return scope


def _with_remark(model: "LoadedModel", loaded: "LoadedSae", given: Any) -> "LoadedSae":
    """The SAE, with a remark where the model is by its name another than the one it was trained on."""
    from saescope.sources.base import id_of, remark_on_base
    from saescope.sources.registry.naming import listed_row

    row = listed_row(given)
    remark = remark_on_base(loaded.model_name if row is None else row["model"], id_of(model), loaded.name)
    if not remark:
        return loaded
    log.warning("%s", remark)
    return replace(loaded, remarks=(*loaded.remarks, remark))


def _in_order(models: Mapping[str, Any], sae: Any) -> dict[str, Any]:
    """Models in the order in which a crosscoder has them."""
    places = tuple(getattr(sae, "places", ()))
    if not getattr(sae, "site", "") or set(models) != set(places):
        raise InputError(
            f"models by name are for a crosscoder of models, and the names {', '.join(map(str, models))} are not its "
            f"places{': ' + ', '.join(places) if places else ''}.",
            hint="saescope.crosscoder(…, models=[…], site=…) names them; any other SAE takes one model.",
        )
    return {place: models[place] for place in places}


def base_of(sae: Any) -> str:
    """The model that an SAE was trained on, by its hub id; read from the registry or from its configuration.

    Raises
    ------
    InputError
        Neither says.
    """
    from saescope.sources.registry.naming import model_of

    found = model_of(sae)
    if found is None:
        raise InputError(
            "no model was given, and the SAE does not say which one it was trained on.",
            hint="Give it: saescope.load(model, sae=…).",
        )
    return found


def _check_index(index: Index, model: "LoadedModel", sae: "LoadedSae") -> None:
    from saescope.sources.fingerprint import fingerprint

    origin = index.manifest.origin
    if origin is not None:
        raise MismatchError(
            f"the index at {index.path} was imported from {origin.kind}, which does not say of which model and SAE.",
            hint="Open it alone: saescope.open_index(); or build an index with this model.",
        )
    made_with = index.manifest.sae
    if made_with["fingerprint"] != sae.fingerprint():
        raise MismatchError(
            f"the index at {index.path} was made with another SAE: {made_with['name']} ({made_with['hook_name']}, "
            f"{index.manifest.d_sae} features), and {sae.name} ({sae.hook_name}, {sae.d_sae} features) came.",
            hint="Give that SAE, or build an index for this one; saescope.open_index() opens it alone.",
        )
    recorded = index.manifest.model
    is_same_type = recorded["dtype"] == str(model.model.dtype).removeprefix("torch.")
    if is_same_type and recorded["fingerprint"] != fingerprint(model.model, type(model.model).__name__):
        raise MismatchError(
            f"the index at {index.path} was made with another model: {recorded['name']}, and {model.name} came.",
            hint="Give that model, or build an index for this one; saescope.open_index() opens it alone.",
        )


def open_index(path: "str | os.PathLike[str]") -> Scope:
    """Open an index alone: its features, examples and neighbors, without model and torch.

    Raises
    ------
    NoIndexError, UnfinishedIndexError, DamagedIndexError
        There is no whole index at ``path``.
    """
    return warmed(Scope(index=Index(path)))
