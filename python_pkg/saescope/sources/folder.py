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
        from sae_lens import SAE

        try:
            sae = SAE.load_from_disk(path, device=device, dtype=dtype)
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
