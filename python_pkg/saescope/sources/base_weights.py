"""Whether a model has the weights of another that is not loaded: of which some are in the hub's cache, or told.

Two weights are the same when they differ by at most 0.05 % of their length, as they are or both rounded to
bfloat16, so that a copy in another dtype is the same and a tuned one is not. Embeddings are left out: they
are resized, and tied.
"""

from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from saescope.sources.registry.caching import cached_files, cached_repos, hub_cache

PROBE = "model_weights"
"""Where an SAE's metadata has `weights_probe` of the model that it was trained on."""
N_COMPARED, N_ROWS = 48, 8
N_TOLD = 8
ALIKE = 5e-4
LARGE = 1e30


def same_weights(model: Any, named: str) -> bool | None:
    """Whether some rows of some weights are those of the named model in the hub's cache.

    ``None`` when it is not in the cache, or the model is quantised.
    """
    if getattr(model, "is_quantized", False):
        return None
    files = [
        path
        for repo in cached_repos(named, hub_cache())
        for name, path in cached_files(repo, hub_cache()).items()
        if name.endswith(".safetensors")
    ]
    own = _weights(model)
    n_compared = 0
    for path in files:
        try:
            with safe_open(path, framework="pt") as stored:
                for name in _some([n for n in stored.keys() if n in own]):  # noqa: SIM118
                    then = stored.get_slice(name)
                    if list(then.get_shape()) != list(own[name].shape):
                        return False
                    if not _are_alike(then[:N_ROWS].float(), own[name][:N_ROWS].float().cpu()):
                        return False
                    n_compared += 1
        except (OSError, SafetensorError):
            continue
    return True if n_compared else None


def weights_probe(model: Any) -> dict[str, list[float]]:
    """Eight numbers of each of up to 48 weights of a transformers model, to be told in an SAE's metadata."""
    own = _weights(model)
    return {name: [float(f"{x:.9g}") for x in _sample(own[name]).tolist()] for name in _some(sorted(own))}


def same_as_probe(model: Any, probe: Any) -> bool | None:
    """Whether a model's weights are those of which `weights_probe` told; ``None`` where it told nothing."""
    if not isinstance(probe, dict) or not probe or getattr(model, "is_quantized", False):
        return None
    own = _weights(model)
    for name, told in probe.items():
        if not isinstance(told, list) or not all(isinstance(x, int | float) and abs(x) < LARGE for x in told):
            return None
        if name not in own or len(told) != len(_sample(own[name])):
            return False
        if not _are_alike(torch.tensor(told, dtype=torch.float32), _sample(own[name])):
            return False
    return True


def _weights(model: Any) -> dict[str, Tensor]:
    return {n: w for n, w in model.state_dict().items() if w.ndim == 2 and "embed" not in n and "lm_head" not in n}


def _some(names: list[str]) -> list[str]:
    return names[:: -(-len(names) // N_COMPARED)] if names else []


def _sample(weight: Tensor) -> Tensor:
    flat = weight.detach().reshape(-1)
    return flat[:: -(-len(flat) // N_TOLD)].float().cpu()


def _are_alike(old: Tensor, new: Tensor) -> bool:
    return min(_apart(old, new), _apart(old.bfloat16().float(), new.bfloat16().float())) <= ALIKE


def _apart(old: Tensor, new: Tensor) -> float:
    """Length of the difference, as a share of the length."""
    return float((old - new).norm() / old.norm().clamp(min=1e-12))
