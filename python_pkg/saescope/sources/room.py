"""Whether a model's weights go into the memory that is free, told before one of them is read."""

from collections.abc import Iterator
from pathlib import Path

import torch

from saescope.errors import MemoryShortError, SaescopeError
from saescope.sources.checking import read_header, read_object
from saescope.sources.registry.caching import cached_files, hub_cache
from saescope.sources.registry.memory import free_bytes

GB = 1e9
SIZES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}


def check_room(where: "str | Path", dtype: "torch.dtype | str", device: str) -> int | None:
    """Bytes of a model's weights in a dtype, by the headers of its files; ``None`` where they do not tell.

    Parameters
    ----------
    where
        A folder, or an id of the hub; what is not in the hub's cache yet is not known.
    dtype
        What it is to be loaded in; ``"auto"`` is that of the files.
    device
        Where it is to go.

    Raises
    ------
    MemoryShortError
        That is more than is free there.
    """
    n_bytes = weight_bytes(where, dtype)
    free = _free(device)
    if n_bytes is None or free is None or n_bytes <= free:
        return n_bytes
    kind = "its own dtype" if dtype == "auto" else str(dtype).removeprefix("torch.")
    raise MemoryShortError(
        f"the weights of {where} take {n_bytes / GB:.2g} GB in {kind}, and {free / GB:.2g} GB are free on {device}.",
        hint='Give dtype="bfloat16" or another device, release what else is loaded, or load a quantised copy of it '
        "yourself and give the model: saescope.load((model, tokenizer), sae=…).",
        wanted=n_bytes,
        free=free,
    )


def weight_bytes(where: "str | Path", dtype: "torch.dtype | str") -> int | None:
    """Bytes of the weights in a dtype; ``None`` for a quantised model, or one whose files are not here."""
    folder = Path(where)
    files = (
        {path.name: path for path in folder.iterdir() if path.is_file()}
        if folder.is_dir()
        else {name: path for name, path in cached_files(str(where), hub_cache()).items() if "/" not in name}
    )
    try:
        if "config.json" not in files or "quantization_config" in read_object(files["config.json"]):
            return None
        sizes = [_size(path, dtype) for path in _weight_files(files)]
    except (SaescopeError, OSError):
        return None
    return sum(sizes) or None


def _weight_files(files: dict[str, Path]) -> Iterator[Path]:
    """Those that transformers reads: one file, or its shards; never a second copy under another name."""
    if "model.safetensors" in files:
        yield files["model.safetensors"]
    elif "model.safetensors.index.json" in files:
        yield from (path for name, path in files.items() if name.startswith("model-") and name.endswith(".safetensors"))


def _size(path: Path, dtype: "torch.dtype | str") -> int:
    total = 0
    for declared in read_header(path, floats_only=False).values():
        n = 1
        for side in declared.shape:
            n *= side
        total += n * (dtype.itemsize if isinstance(dtype, torch.dtype) else SIZES.get(declared.dtype, 1))
    return total


def _free(device: str) -> int | None:
    kind = torch.device(device)
    if kind.type == "cpu":
        return free_bytes()
    return int(torch.cuda.mem_get_info(kind)[0]) if kind.type == "cuda" else None
