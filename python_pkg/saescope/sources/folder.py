"""SAEs in a folder, in sae-lens's own format."""

import os
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from saescope.errors import SaeSourceError
from saescope.sources.checking import check_inside, read_header, read_object
from saescope.sources.facts import FOLDED_SCALE

FILES = ("cfg.json", "sae_weights.safetensors")
SCALER = "activation_scaler.json"
MOST_LAYERS = 128
BROKEN = (
    RuntimeError, LookupError, ValueError, TypeError, AttributeError, ArithmeticError, NotImplementedError,
    AssertionError, MemoryError, SafetensorError,
)  # fmt: skip
"""What sae-lens raises where a configuration is none of its own."""


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
        for name in FILES:
            if not (path / name).is_file():
                raise SaeSourceError(
                    f"no SAE could be read from {path}: there is no {name}.",
                    hint="Give a folder that sae-lens wrote with sae.save_model(), or convert it with sae-lens first.",
                )
        check_inside(path, *FILES, SCALER)
        try:
            config = read_object(path / FILES[0])
            read_header(path / FILES[1])
            _check_sizes(config)
            sae = _load(path, config, device, dtype)
        except SaeSourceError:
            raise
        except OSError as err:
            raise SaeSourceError(f"the SAE in {path} could not be read: {err}.") from err
        except BROKEN as err:
            raise SaeSourceError(
                f"the SAE in {path} does not match its cfg.json: {str(err)[:500]}.",
                hint="Do d_in, d_sae and architecture agree with the weights?",
            ) from err
        return sae, path.name


def _check_sizes(config: dict[str, Any]) -> None:
    """Refuse a configuration by which very many modules would be made before its weights are compared."""
    for key, value in config.items():
        if key.startswith("n_") and isinstance(value, int | float) and not -1 <= value <= MOST_LAYERS:
            raise SaeSourceError(f"cfg.json says {key} {str(value)[:40]}; at most {MOST_LAYERS:,} were expected.")


def _load(path: Path, config: dict[str, Any], device: str, dtype: str) -> Any:
    """What sae-lens makes of the folder, with the scale that it keeps beside checkpoints folded in."""
    from sae_lens import SAE, TrainingSAE
    from sae_lens.registry import SAE_CLASS_REGISTRY, SAE_TRAINING_CLASS_REGISTRY

    kind = config.get("architecture", "standard")
    in_training = kind in SAE_TRAINING_CLASS_REGISTRY and kind not in SAE_CLASS_REGISTRY
    loader: Any = TrainingSAE if in_training else SAE
    sae = loader.load_from_disk(path, device=device, dtype=dtype)
    scaler = path / SCALER
    if sae.cfg.normalize_activations == "expected_average_only_in" and scaler.is_file():
        factor = read_object(scaler).get("scaling_factor")
        if not isinstance(factor, int | float) or not 0 < factor < float("inf"):
            raise ValueError(f"activation_scaler.json holds no scaling_factor above 0, but {factor!r}")
        sae.fold_activation_norm_scaling_factor(float(factor))
        sae.cfg.metadata[FOLDED_SCALE] = float(factor)
    return sae
