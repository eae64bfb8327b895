"""Arrays in files, mapped into memory instead of read."""

import errno
import json
import math
import mmap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from saescope.errors import DamagedIndexError

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

DTYPES = {
    "U8": "u1",
    "U16": "<u2",
    "U32": "<u4",
    "U64": "<u8",
    "I32": "<i4",
    "I64": "<i8",
    "F16": "<f2",
    "F32": "<f4",
    "F64": "<f8",
}
MAX_HEADER_BYTES = 1 << 20
MOST_FILES = 10_240


def map_arrays(path: Path, *, at_random: bool = False) -> dict[str, NDArray[Any]]:
    """Map all arrays of a safetensors file; pages are read when touched.

    Parameters
    ----------
    path
        The file.
    at_random
        The file is read at single places: nothing is read ahead (``MADV_RANDOM``), which
        makes the first touch of a place much cheaper.

    Raises
    ------
    DamagedIndexError
        The file is no whole safetensors file.
    """
    try:
        data = _mapped(path, at_random=at_random)
        size = int(data[:8].view("<u8")[0])
        if not 0 < size <= MAX_HEADER_BYTES:
            raise ValueError(f"header of {size} bytes")
        header = json.loads(bytes(data[8 : 8 + size]))
        header.pop("__metadata__", None)
        return {name: _view(data[8 + size :], spec) for name, spec in header.items()}
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError, OSError) as err:
        raise DamagedIndexError(f"{path} is no whole safetensors file: {err}.", hint="Build the index again.") from err


def map_numbers(path: Path, dtype: Any) -> NDArray[Any]:
    """Map a file that holds nothing but numbers, to be read at single places."""
    return _mapped(path, at_random=True).view(dtype)


def numbers_of(column: "pa.Array") -> NDArray[Any]:
    """Arrow's numbers, in place; without nulls. Their own ``to_numpy`` imports pandas, which takes half a second."""
    dtype, buffer = np.dtype(column.type.to_pandas_dtype()), column.buffers()[1]
    if not len(column) or buffer is None:
        return np.zeros(0, dtype)
    return np.frombuffer(buffer, dtype, len(column), column.offset * dtype.itemsize)


def series_of(column: "pa.Array | pa.ChunkedArray") -> "pl.Series":
    """Arrow's column as that of polars, which would import pyarrow.compute to take it outside of a table."""
    import polars as pl
    import pyarrow as pa

    return pl.DataFrame(pl.from_arrow(pa.Table.from_arrays([column], ["values"])))["values"]


def _mapped(path: Path, *, at_random: bool) -> NDArray[np.uint8]:
    try:
        whole = _opened(path)
    except OSError as err:
        if err.errno != errno.EMFILE or not _allow_more_files():
            raise
        whole = _opened(path)
    if at_random and hasattr(mmap, "MADV_RANDOM"):
        whole.madvise(mmap.MADV_RANDOM)
    return np.frombuffer(whole, dtype=np.uint8)


def _opened(path: Path) -> mmap.mmap:
    with path.open("rb") as stream:
        return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)


def _allow_more_files() -> bool:
    """Raise the limit of open files as far as this process may: each mapping holds one."""
    try:
        import resource
    except ImportError:
        return False
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else hard
    if soft == resource.RLIM_INFINITY or wanted <= soft:
        return False
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return True


def _view(body: NDArray[np.uint8], spec: dict[str, Any]) -> NDArray[Any]:
    dtype, shape, (start, end) = np.dtype(DTYPES[spec["dtype"]]), spec["shape"], spec["data_offsets"]
    if not 0 <= start <= end <= len(body) or end - start != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"an array of {end - start} bytes at {start} does not fit")
    return np.ndarray(shape, dtype, buffer=body.data, offset=start)
