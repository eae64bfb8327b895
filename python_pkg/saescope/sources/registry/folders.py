"""SAEs on this machine's disk, in sae-lens's format, as rows of the registry's table.

Looked for in the folders that ``SAESCOPE_SAES`` names, and below the working directory: four levels
deep, at most 2,000 folders, through no link and no hidden folder.
"""

import os
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import polars as pl

from saescope.sources.checking import read_object
from saescope.sources.registry.models import BASES, D_MODEL, hub_id
from saescope.sources.registry.table import SCHEMA

SETTING = "SAESCOPE_SAES"
CONFIG, WEIGHTS = "cfg.json", "sae_weights.safetensors"
MAX_DEPTH = 4
MAX_FOLDERS = 2000
MAX_SIZE = 1 << 31
SKIPPED = {"node_modules", "__pycache__", "site-packages", "venv"}
BYTES = {"float32": 4, "bfloat16": 2, "float16": 2, "float64": 8}


def named_folders() -> list[Path]:
    """The folders that ``SAESCOPE_SAES`` names, separated as in ``PATH``."""
    return [Path(p).expanduser() for p in os.environ.get(SETTING, "").split(os.pathsep) if p]


def find_folders(roots: Iterable[Path]) -> list[Path]:
    """Folders at or below ``roots`` that hold an SAE, each once, in the order found."""
    return list(dict.fromkeys(path for root in roots for path in _below(root)))


def _below(root: Path) -> Iterator[Path]:
    waiting = deque([(root.expanduser().absolute(), 0)])
    n_seen = 0
    while waiting and n_seen < MAX_FOLDERS:
        folder, depth = waiting.popleft()
        n_seen += 1
        try:
            entries = sorted(os.scandir(folder), key=lambda e: e.name)
        except OSError:
            continue
        names = {e.name for e in entries}
        if CONFIG in names and WEIGHTS in names:
            yield folder
            continue
        if depth < MAX_DEPTH:
            inner = (e for e in entries if e.is_dir(follow_symlinks=False) and not e.name.startswith("."))
            waiting.extend((Path(e.path), depth + 1) for e in inner if e.name not in SKIPPED)


def folder_table(roots: Iterable[Path]) -> pl.DataFrame:
    """The SAEs at or below ``roots``; one whose ``cfg.json`` cannot be read says so in ``notes``."""
    rows = [tuple(_row(path)[name] for name in SCHEMA) for path in find_folders(roots)]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _row(folder: Path) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(SCHEMA)
    row |= {
        "source": "folder",
        "release": "",
        "sae_id": folder.name,
        "model": "",
        "site": "",
        "architecture": "",
        "has_labels": False,
        "loader": "folder",
        "repo": "",
        "path": str(folder),
        "notes": [],
        "disk_bytes": (folder / WEIGHTS).stat().st_size,
    }
    try:
        return row | known_of(read_config(folder / CONFIG))
    except (OSError, ValueError, KeyError, TypeError) as err:
        return row | {"notes": [f"Its cfg.json could not be read: {err}."]}


def read_config(path: Path) -> dict[str, Any]:
    """A ``cfg.json`` as a flat dictionary: what newer ones keep in ``metadata`` beside the rest.

    Raises
    ------
    OSError, ValueError
        It cannot be read, or is refused by `read_object`.
    """
    config = read_object(path)
    metadata = config.get("metadata")
    return config | (metadata if isinstance(metadata, dict) else {})


def known_of(config: dict[str, Any]) -> dict[str, Any]:
    """The columns that a configuration tells."""
    hook = str(config.get("hook_name") or config.get("hook_point") or "")
    out = config.get("hook_name_out")
    architecture = str(config.get("architecture") or "standard")
    d_in, width = _size(config, "d_in"), _size(config, "d_sae")
    is_transcoder = "transcoder" in architecture
    d_out = _size({"d_out": d_in} | config, "d_out") if is_transcoder else None
    dtype = str(config.get("dtype") or "float32").removeprefix("torch.")
    model = hub_id(str(config.get("model_name") or ""))
    base = BASES.get(model)
    kwargs = config.get("model_from_pretrained_kwargs") or {}
    neuronpedia = config.get("neuronpedia_id")
    has_bos = config.get("prepend_bos")
    n = width * (d_in + (d_out or d_in) + 2)
    normalization = config.get("normalize_activations")
    return {
        "model": model,
        "site": "transcoder" if is_transcoder else hook.rpartition(".")[2].removeprefix("hook_"),
        "hook_name": hook or None,
        "hook_name_out": str(out) if out else None,
        "layer": int(hook.split(".")[1]) if hook.startswith("blocks.") else None,
        "width": width,
        "architecture": architecture,
        "neuronpedia": str(neuronpedia) if neuronpedia else None,
        "has_labels": bool(neuronpedia),
        "d_in": d_in,
        "d_out": d_out,
        "n_weights": n,
        "memory_bytes": n * 4,
        "n_model_params": None if base is None else base.n_params,
        "dtype": dtype if dtype in BYTES else None,
        "prepend_bos": True if has_bos is None else bool(has_bos),
        "normalization": _normalization(normalization),
        "is_centered": bool(isinstance(kwargs, dict) and kwargs.get("center_writing_weights")),
        "notes": _notes(hook, model, d_in, is_transcoder),
    }


def _size(config: dict[str, Any], name: str) -> int:
    value = config[name]
    if not isinstance(value, int) or not 0 < value < MAX_SIZE:
        raise ValueError(f"{name} is a whole number above 0, and {str(value)[:40]!r} came")
    return value


def _normalization(value: Any) -> str:
    if isinstance(value, bool):
        return "expected_average_only_in" if value else "none"
    return str(value or "none")


def _notes(hook: str, model: str, d_in: int, is_transcoder: bool) -> list[str]:
    if not hook:
        return ["Its cfg.json does not say which site it reads."]
    wanted = D_MODEL.get(model)
    if wanted is not None and d_in != wanted and not hook.endswith("hook_z") and not is_transcoder:
        return [f"It reads {d_in} numbers, and {model} has {wanted}: is the model in cfg.json the right one?"]
    return [] if model else ["Its cfg.json does not name the model it was trained on."]
