"""Files of JSON that are written piece by piece, and names that other tools take."""

import gzip
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saescope.errors import InputError
from saescope.export.digits import rounded, shortest

LEVEL = 6


def dumped(value: Any) -> bytes:
    """JSON in UTF-8, on one line."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8", "replace")


@contextmanager
def zipped_lines(path: Path) -> Iterator[Any]:
    """A gzip file of lines; the same lines give the same bytes."""
    with path.open("wb") as raw, gzip.GzipFile("", "wb", LEVEL, raw, mtime=0) as stream:
        yield stream


def write_line(path: Path, row: dict[str, Any]) -> None:
    """A file of one line."""
    path.write_bytes(dumped(row) + b"\n")


def floats(values: NDArray[np.floating], n_decimals: int | None) -> list[float]:
    """Numbers to be written: rounded, or with as few digits as keep float32."""
    return (shortest(values) if n_decimals is None else rounded(values, n_decimals)).tolist()


def one(value: float, n_decimals: int | None) -> float:
    """A number to be written."""
    return floats(np.array([value]), n_decimals)[0]


def slug(name: str) -> str:
    """A name of letters, digits and hyphens, as Neuronpedia takes it for a model or a source set."""
    return re.sub(r"[^a-z0-9_.-]+", "-", name.lower()).strip("-.")[:128] or "unnamed"


def plain_name(value: str, what: str) -> str:
    """A name given by the caller that becomes part of a path.

    Raises
    ------
    InputError
        It is empty, or would lead elsewhere.
    """
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", value):
        raise InputError(
            f"{what} is a name of letters, digits, '.', '-' and '_', and {value!r} came.", hint="As in gpt2-small."
        )
    return value
