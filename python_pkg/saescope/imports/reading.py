"""Files that other tools made, read line by line or whole, with errors that name file and place."""

import gzip
import json
import math
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from saescope.errors import ForeignFileError

MAX_LINE_BYTES = 256 << 20
MAX_FILE_BYTES = 8 << 30
MAX_WHOLE = 1 << 53


class Record:
    """A JSON object of a foreign file, and where it stands.

    Parameters
    ----------
    data
        What was read.
    where
        File and line or place, for errors.
    """

    def __init__(self, data: Any, where: str) -> None:
        if not isinstance(data, dict):
            raise ForeignFileError(f"{where}: wanted an object, and got {type(data).__name__}.")
        self.data: dict[str, Any] = data
        self.where = where

    def fail(self, wanted: str, came: Any) -> NoReturn:
        """Say what was wanted and what came."""
        raise ForeignFileError(f"{self.where}: wanted {wanted}, and got {_told(came)}.")

    def text(self, key: str, default: str | None = None) -> str:
        """A text; null counts as absent where there is a default, and half a surrogate pair becomes U+FFFD."""
        value = self.data.get(key)
        if value is None and default is not None:
            return default
        if not isinstance(value, str):
            self.fail(f"a text as {key!r}", value)
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def texts(self, key: str) -> list[str]:
        """A list of texts; none at all when it is absent or null."""
        value = self.data.get(key)
        if value is None:
            return []
        if not isinstance(value, list) or not set(map(type, value)) <= {str}:
            self.fail(f"a list of texts as {key!r}", value)
        return value

    def number(self, key: str) -> float | None:
        """A finite number, or ``None`` when it is absent or null."""
        value = self.data.get(key)
        if value is None:
            return None
        if type(value) not in (int, float) or not _is_finite(value):
            self.fail(f"a finite number as {key!r}", value)
        return float(value)

    def whole(self, key: str) -> int | None:
        """A whole number from 0 on, or ``None`` when it is absent or null; also written as a text."""
        value = self.data.get(key)
        if value is None:
            return None
        if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 16:
            return int(value)
        if type(value) is not int or not 0 <= value < MAX_WHOLE:
            self.fail(f"a whole number from 0 on as {key!r}", value)
        return value

    def numbers(self, key: str) -> NDArray[np.float64]:
        """A list of finite numbers; none at all when it is absent or null."""
        value = self.data.get(key)
        if value is None:
            return np.zeros(0)
        if not isinstance(value, list) or not set(map(type, value)) <= {int, float}:
            self.fail(f"a list of numbers as {key!r}", value)
        try:
            found = np.array(value, dtype=np.float64)
        except OverflowError:
            found = np.array([np.inf])
        if not np.isfinite(found).all():
            self.fail(f"finite numbers as {key!r}", value)
        return found

    def records(self, key: str) -> Iterator["Record"]:
        """The objects of a list, each with its place."""
        value = self.data.get(key)
        if not isinstance(value, list):
            self.fail(f"a list as {key!r}", value)
        for n, item in enumerate(value):
            yield Record(item, f"{self.where}, {key}[{n}]")


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _told(value: Any) -> str:
    if value is None:
        return "nothing"
    text = repr(value) if not isinstance(value, list | dict) else json.dumps(value, default=str)[:200]
    return text if len(text) <= 60 else f"{text[:57]}…"


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")


def parsed(text: str | bytes, where: str) -> Any:
    """JSON, without NaN and infinities.

    Raises
    ------
    ForeignFileError
        It is none.
    """
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError as err:
        raise ForeignFileError(f"{where}: the JSON is nested too deeply.") from err
    except ValueError as err:
        raise ForeignFileError(f"{where}: no JSON: {err}.") from err


def read_object(path: Path) -> Record:
    """One JSON object that is a whole file, also gzipped."""
    return Record(parsed(b"".join(_pieces(path)), path.name), path.name)


def _pieces(path: Path) -> Iterator[bytes]:
    n_bytes = 0
    with _opened(path) as stream:
        while piece := _checked(path, lambda: stream.read(1 << 24)):
            n_bytes += len(piece)
            if n_bytes > MAX_FILE_BYTES:
                raise ForeignFileError(f"{path.name} is larger than {MAX_FILE_BYTES >> 30} GB when unpacked.")
            yield piece


def read_lines(path: Path, folder: Path) -> Iterator[Record]:
    """The objects of a file of JSON lines, also gzipped; empty lines are passed over.

    Parameters
    ----------
    folder
        The file is named relative to it in errors.
    """
    name = path.relative_to(folder).as_posix()
    with _opened(path) as stream:
        number = 0
        while line := _checked(path, lambda: stream.readline(MAX_LINE_BYTES)):
            number += 1
            where = f"{name}, line {number}"
            if len(line) >= MAX_LINE_BYTES:
                raise ForeignFileError(f"{where}: the line is longer than {MAX_LINE_BYTES >> 20} MB.")
            if line.strip():
                yield Record(parsed(line, where), where)


def _opened(path: Path) -> Any:
    try:
        return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")
    except OSError as err:
        raise ForeignFileError(f"{path} cannot be opened: {err.strerror or err}.") from err


def _checked(path: Path, read: Any) -> bytes:
    try:
        return read()
    except EOFError as err:
        raise ForeignFileError(f"{path.name} is cut off: the gzip stream has no end.", hint="Get it again.") from err
    except (zlib.error, gzip.BadGzipFile) as err:
        raise ForeignFileError(f"{path.name} is no whole gzip file: {err}.", hint="Get it again.") from err
    except OSError as err:
        raise ForeignFileError(f"{path} cannot be read: {err}.") from err


def numbered(folder: Path, pattern: str) -> list[Path]:
    """Files such as ``batch-12.json``, in the order of their numbers."""
    return sorted(folder.glob(pattern), key=_number)


def _number(path: Path) -> tuple[int, str]:
    digits = path.name.partition("-")[2].partition(".")[0]
    return (int(digits) if digits.isascii() and digits.isdecimal() else 1 << 60, path.name)
