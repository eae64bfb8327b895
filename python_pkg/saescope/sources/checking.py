"""Files that strangers made, looked at before anything is built of them; nothing in them is run.

1. A configuration is small, is one JSON object, says nothing twice and names no code.
2. A safetensors file holds what its header declares, in floating point, before a tensor is allocated.
3. A zip of arrays is no larger unpacked than it may be, and each array is in it whole.
4. No file is a link that leads out of its folder, but into the blobs of a hub cache.
"""

import json
import math
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from tokenize import TokenError
from typing import Any, NamedTuple
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.typing import NDArray

from saescope.errors import SaeSourceError

MAX_CONFIG_BYTES = 1 << 20
MAX_HEADER_BYTES = 1 << 23
MAX_ARRAY_BYTES = 4 << 30
FLOATS = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}
NUMBERS = FLOATS | {"I64": 8, "I32": 4, "I16": 2, "I8": 1, "U64": 8, "U32": 4, "U16": 2, "U8": 1, "BOOL": 1}
CODE_KEYS = ("auto_map", "_target_", "custom_pipelines", "py/object", "py/reduce", "py/function", "py/type")
"""By these names transformers, hydra and jsonpickle are told which code to run."""
UNREADABLE = (
    ValueError, TypeError, LookupError, AttributeError, EOFError, SyntaxError, ArithmeticError, RuntimeError,
    MemoryError, BadZipFile, TokenError, zlib.error, struct.error,
)  # fmt: skip
"""What numpy and zipfile raise at files that are none of theirs."""
NOT_CODE = (
    "saescope runs no code of a downloaded file. If you trust it, load it yourself and give the object in its place."
)


class Declared(NamedTuple):
    """A tensor by the header of its file: a dtype of safetensors, and its shape."""

    dtype: str
    shape: tuple[int, ...]


def read_object(path: Path) -> dict[str, Any]:
    """A JSON file's one object.

    Raises
    ------
    SaeSourceError
        It is too large, nested too deeply, no JSON object, has a name twice, or names code to run.
    OSError
        It cannot be read.
    """
    size = path.stat().st_size
    if size > MAX_CONFIG_BYTES:
        raise SaeSourceError(f"{path.name} has {size:,} bytes, and at most {MAX_CONFIG_BYTES:,} were expected.")
    try:
        found = json.loads(path.read_bytes(), object_pairs_hook=_once)
        if isinstance(found, dict):
            _check_code(found, path.name)
    except RecursionError as err:
        raise SaeSourceError(f"{path.name} is nested too deeply.") from err
    except SaeSourceError:
        raise
    except ValueError as err:
        raise SaeSourceError(f"{path.name} is not JSON: {str(err)[:200]}.") from err
    if not isinstance(found, dict):
        raise SaeSourceError(f"{path.name} is no JSON object, but a {type(found).__name__}.")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))
        raise ValueError(f"{twice[:60]!r} is in it twice")
    return found


def _check_code(value: Any, name: str) -> None:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key in CODE_KEYS or (key.startswith("__") and key.endswith("__")):
                raise SaeSourceError(f"{name} names code to run, by {key[:60]!r}.", hint=NOT_CODE)
            _check_code(inner, name)
    elif isinstance(value, list):
        for inner in value:
            _check_code(inner, name)


def check_inside(folder: Path, *names: str) -> None:
    """Refuse links that lead out of a folder; the hub cache's own, into its blobs, are no such.

    Raises
    ------
    SaeSourceError
        One does.
    """
    home = folder.resolve()
    for name in names:
        real = (folder / name).resolve()
        blobs = next((p.parent / "blobs" for p in home.parents if p.name == "snapshots"), home)
        if not real.is_relative_to(home) and not real.is_relative_to(blobs):
            raise SaeSourceError(
                f"{name} in {folder} is a link that leads out of the folder.",
                hint="Copy the file there, or give the folder that it lies in.",
            )


def read_header(path: Path, *, floats_only: bool = True) -> dict[str, Declared]:
    """What a safetensors file declares, checked against what it holds; no tensor is read.

    Parameters
    ----------
    path
        The file.
    floats_only
        Whether weights are wanted: tensors of whole numbers are refused.

    Raises
    ------
    SaeSourceError
        It is cut off, its header lies about its size, or a tensor is no floating-point one.
    OSError
        It cannot be read.
    """
    size = path.stat().st_size
    try:
        with path.open("rb") as stream:
            n_header = int.from_bytes(stream.read(8), "little")
            if not 0 < n_header <= min(MAX_HEADER_BYTES, size - 8):
                raise ValueError(f"its header would have {n_header:,} bytes")
            raw = json.loads(stream.read(n_header), object_pairs_hook=_once)
        raw.pop("__metadata__", None)
        found = {name: _declared(name, spec, size - 8 - n_header) for name, spec in raw.items()}
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as err:
        raise SaeSourceError(
            f"{path.name} is no whole safetensors file: {str(err)[:200]}.", hint="Was the download cut off?"
        ) from err
    wrong = next((name for name, t in found.items() if floats_only and t.dtype not in FLOATS), None)
    if wrong is not None:
        raise SaeSourceError(
            f"{wrong[:60]!r} in {path.name} is of the dtype {found[wrong].dtype}: weights are floating-point numbers.",
            hint="Quantised SAEs are not read: save it in float32, bfloat16 or float16.",
        )
    return found


def _declared(name: str, spec: dict[str, Any], n_bytes: int) -> Declared:
    dtype, shape, (start, end) = spec["dtype"], spec["shape"], spec["data_offsets"]
    if dtype not in NUMBERS:
        raise ValueError(f"{name[:60]!r} is of the unknown dtype {str(dtype)[:40]!r}")
    if any(type(n) is not int or n < 0 for n in (*shape, start, end)):
        raise ValueError(f"{name[:60]!r} is declared with what is no whole number")
    if not start <= end <= n_bytes or end - start != math.prod(shape) * NUMBERS[dtype]:
        raise ValueError(f"{name[:60]!r} {list(shape)} does not lie in its {n_bytes:,} bytes")
    return Declared(dtype, tuple(shape))


def load_tensors(path: Path, *, floats_only: bool = True) -> dict[str, Any]:
    """The tensors of a safetensors file, read once its header has been checked.

    Raises
    ------
    SaeSourceError
        As of `read_header`.
    OSError
        It cannot be read.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    read_header(path, floats_only=floats_only)
    try:
        return load_file(path)
    except (SafetensorError, ValueError, RuntimeError, UnicodeError) as err:
        raise SaeSourceError(f"{path.name} is no whole safetensors file: {str(err)[:200]}.") from err


def load_arrays(path: Path) -> "NDArray[Any] | dict[str, NDArray[Any]]":
    """What a ``.npy`` file holds, or the arrays of a ``.npz`` by name; objects are refused.

    Raises
    ------
    SaeSourceError
        It holds objects, is cut off, or its header lies.
    OSError
        It cannot be read.
    """
    try:
        if path.suffix == ".npy":
            _check_shape(path.name, path, path.stat().st_size)
            return np.load(path, allow_pickle=False)
        with ZipFile(path) as files:
            for info in files.infolist():
                if info.file_size > MAX_ARRAY_BYTES:
                    raise ValueError(f"{info.filename[:60]!r} would be {info.file_size:,} bytes unpacked")
                _check_shape(info.filename, (files, info), info.file_size)
        with np.load(path, allow_pickle=False) as found:
            return {name: found[name] for name in found.files}
    except OSError:
        raise
    except UNREADABLE as err:
        raise SaeSourceError(
            f"{path.name} could not be read: {str(err)[:200]}.", hint="Is the file whole? Save it with numpy.save."
        ) from err


def _check_shape(name: str, source: Any, size: int) -> None:
    """Refuse an array whose header declares other than ``size`` bytes, or objects."""
    with source[0].open(source[1]) if isinstance(source, tuple) else source.open("rb") as stream:
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(stream)
    if dtype.hasobject:
        raise ValueError(f"{name[:60]!r} holds Python objects, which can run code when they are read")
    if any(n < 0 for n in shape) or math.prod(shape) * dtype.itemsize > size:
        raise ValueError(f"{name[:60]!r} declares {list(shape)} of {dtype} in {size:,} bytes")
