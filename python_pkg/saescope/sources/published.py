"""What was published of an SAE, and whether the model is the one that it names."""

import re
from pathlib import Path
from typing import Any

from saescope.errors import SaescopeError
from saescope.sources.base_weights import PROBE, same_as_probe, same_weights
from saescope.sources.model import LoadedModel
from saescope.sources.registry.models import hub_id
from saescope.sources.registry.naming import listed_row
from saescope.sources.sae import LoadedSae


def published(sae: LoadedSae) -> dict[str, Any]:
    """``l0`` and ``explained_variance`` as far as the registry or the SAE's configuration has them, and ``source``."""
    found: dict[str, Any] = {}
    try:
        row = listed_row(sae.name)
    except SaescopeError:
        row = None
    metadata = sae.sae.cfg.metadata
    for name in ("l0", "explained_variance"):
        for source, value in (("registry", row and row[name]), ("cfg.json", metadata.get(name))):
            if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
                found |= {name: float(value), "source": source}
                break
    return found


def base_remark(model: LoadedModel, sae: LoadedSae) -> str:
    """A sentence where the model is not the one that the SAE names; empty where it is, or nothing tells.

    1. Where the SAE's configuration has numbers of its model's weights, these are compared.
    2. Else, where the named model lies in the hub's cache, some of its weights are.
    3. Else, where both have a name of the hub, the names are.
    """
    is_same = same_as_probe(model.model, sae.sae.cfg.metadata.get(PROBE))
    if is_same is not None:
        return "" if is_same else f"The SAE tells some weights of its model, and those of {model.name} are others."
    if not sae.model_name:
        return ""
    named = hub_id(sae.model_name)
    is_same = same_weights(model.model, named)
    if is_same is not None:
        return "" if is_same else f"The SAE names {named}, and its weights in the cache are not those of {model.name}."
    if not _is_named(model, named) or _plain(model.name) == _plain(named):
        return ""
    return f"The SAE names {named}, and {model.name} was loaded."


def untold_base(model: LoadedModel, sae: LoadedSae) -> str:
    """A sentence where nothing tells whether the model is the one that the SAE names.

    A folder's name tells nothing: a tuned model is kept under any.
    """
    named = hub_id(sae.model_name) if sae.model_name else ""
    if named and _is_named(model, named):
        return ""
    if same_as_probe(model.model, sae.sae.cfg.metadata.get(PROBE)) is not None:
        return ""
    if named and same_weights(model.model, named) is not None:
        return ""
    which = f"is {named}, which the SAE names," if named else "is the one that the SAE was trained on"
    return (
        f"Whether {model.name} {which} could not be told: a model tuned a little measures the same. Loaded by its name "
        "of the hub, or with that model in the hub's cache, it can be."
    )


def _is_named(model: LoadedModel, named: str) -> bool:
    """Whether both names are of the hub, so that they can be compared."""
    return not Path(model.name).exists() and "/" in model.name and "/" in named


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.rpartition("/")[2].lower())
