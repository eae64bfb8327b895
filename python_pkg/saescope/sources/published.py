"""What was published of an SAE, and whether the model is the one that it names."""

import re
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor

from saescope.errors import SaescopeError
from saescope.sources.model import LoadedModel
from saescope.sources.registry.caching import cached_files, cached_repos, hub_cache
from saescope.sources.registry.models import hub_id
from saescope.sources.registry.naming import listed_row
from saescope.sources.sae import LoadedSae

N_COMPARED, N_ROWS = 6, 8
ALIKE = 5e-4


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

    1. Where the named model lies in the hub's cache, some of its weights are compared.
    2. Else, where both have a name of the hub, the names are.
    """
    if not sae.model_name:
        return ""
    named = hub_id(sae.model_name)
    is_same = same_weights(model.model, named)
    if is_same is not None:
        return "" if is_same else f"The SAE names {named}, and its weights in the cache are not those of {model.name}."
    if not _is_named(model, named) or _plain(model.name) == _plain(named):
        return ""
    return f"The SAE names {named}, and {model.name} was loaded."


def _apart(old: Tensor, new: Tensor) -> float:
    """Length of the difference, as a share of the length."""
    return float((old - new).norm() / old.norm().clamp(min=1e-12))


def untold_base(model: LoadedModel, sae: LoadedSae) -> str:
    """A sentence where nothing tells whether the model is the one that the SAE names."""
    named = hub_id(sae.model_name) if sae.model_name else ""
    if named and (_plain(model.name) == _plain(named) or _is_named(model, named)):
        return ""
    if named and same_weights(model.model, named) is not None:
        return ""
    which = f"is {named}, which the SAE names," if named else "is the one that the SAE was trained on"
    return f"Whether {model.name} {which} could not be told: a model tuned a little measures the same."


def _is_named(model: LoadedModel, named: str) -> bool:
    """Whether both names are of the hub, so that they can be compared."""
    return not Path(model.name).exists() and "/" in model.name and "/" in named


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.rpartition("/")[2].lower())


def same_weights(model: Any, named: str) -> bool | None:
    """Whether some rows of some weights equal those of the named model in the hub's cache.

    Equal to 0.05 % of their length, as they are or both rounded to bfloat16, so that a copy in another dtype is
    the same and a tuned one is not. ``None`` when it is not in the cache, or the model is quantised.
    """
    if getattr(model, "is_quantized", False):
        return None
    files = [
        path
        for repo in cached_repos(named, hub_cache())
        for name, path in cached_files(repo, hub_cache()).items()
        if name.endswith(".safetensors")
    ]
    own = model.state_dict()
    n_compared = 0
    for path in files:
        try:
            with safe_open(path, framework="pt") as stored:
                shared = [n for n in stored.keys() if n in own and own[n].ndim == 2 and "embed" not in n]  # noqa: SIM118
                for name in shared[:: max(1, len(shared) // N_COMPARED)]:
                    then = stored.get_slice(name)
                    if list(then.get_shape()) != list(own[name].shape):
                        return False
                    old, new = then[:N_ROWS].float(), own[name][:N_ROWS].float().cpu()
                    if min(_apart(old, new), _apart(old.bfloat16().float(), new.bfloat16().float())) > ALIKE:
                        return False
                    n_compared += 1
        except (OSError, SafetensorError):
            continue
    return True if n_compared else None
