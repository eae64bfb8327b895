"""SAEs in a folder, in sae-lens's own format."""

import json
import os
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from saescope.errors import SaeSourceError


class FolderSource:
    """A folder with ``cfg.json`` and ``sae_weights.safetensors``."""

    def can_load(self, spec: Any) -> bool:
        """Whether ``spec`` is a path that exists, or looks like nothing but a path."""
        if not isinstance(spec, str | os.PathLike):
            return False
        text = os.fspath(spec)
        return Path(text).expanduser().exists() or text.startswith((".", "/", "~"))

    def load(self, spec: Any, *, device: str, dtype: str) -> tuple[Any, str]:
        """Load with sae-lens; weights are read from safetensors only."""
        path = Path(spec).expanduser()
        for name in ("cfg.json", "sae_weights.safetensors"):
            if not (path / name).is_file():
                raise SaeSourceError(
                    f"no SAE could be read from {path}: there is no {name}.",
                    hint="Give a folder that sae-lens wrote with sae.save_model(), or convert it with sae-lens first.",
                )
        try:
            sae = _load(path, device, dtype)
        except json.JSONDecodeError as err:
            raise SaeSourceError(f"{path / 'cfg.json'} is not JSON: {err}.") from err
        except SafetensorError as err:
            raise SaeSourceError(
                f"{path / 'sae_weights.safetensors'} is no whole safetensors file: {err}.",
                hint="Was the download cut off?",
            ) from err
        except (RuntimeError, KeyError, ValueError, TypeError) as err:
            raise SaeSourceError(
                f"the SAE in {path} does not match its cfg.json: {err}.",
                hint="Do d_in, d_sae and architecture agree with the weights?",
            ) from err
        return sae, path.name


def _load(path: Path, device: str, dtype: str) -> Any:
    """What sae-lens makes of the folder, with the scale that it keeps beside checkpoints folded in."""
    from sae_lens import SAE, TrainingSAE
    from sae_lens.registry import SAE_CLASS_REGISTRY, SAE_TRAINING_CLASS_REGISTRY

    config = json.loads((path / "cfg.json").read_text())
    kind = config.get("architecture", "standard") if isinstance(config, dict) else None
    in_training = kind in SAE_TRAINING_CLASS_REGISTRY and kind not in SAE_CLASS_REGISTRY
    loader: Any = TrainingSAE if in_training else SAE
    sae = loader.load_from_disk(path, device=device, dtype=dtype)
    scaler = path / "activation_scaler.json"
    if sae.cfg.normalize_activations == "expected_average_only_in" and scaler.is_file():
        factor = json.loads(scaler.read_text()).get("scaling_factor")
        if not isinstance(factor, int | float) or not 0 < factor < float("inf"):
            raise ValueError(f"activation_scaler.json holds no scaling_factor above 0, but {factor!r}")
        sae.fold_activation_norm_scaling_factor(float(factor))
    return sae
