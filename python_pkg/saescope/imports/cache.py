"""The files of delphi's cache: where they are, which latents each holds, and that they are what they should be."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from saescope.errors import DamagedIndexError, ForeignFileError
from saescope.index.arrays import map_arrays

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Split:
    """A file of a cache: the latents ``start`` to ``end - 1``."""

    start: int
    end: int
    path: Path

    def arrays(self) -> Arrays:
        """What it holds, mapped, its shapes and types checked."""
        found = mapped(self.path)
        lacks = [name for name in ("locations", "activations") if name not in found]
        if lacks:
            raise ForeignFileError(f"{self.path.name} holds no {' and no '.join(lacks)}.")
        locations, activations = found["locations"], found["activations"]
        if locations.dtype.kind not in "iu" or locations.ndim != 2 or locations.shape[1] != 3:
            raise ForeignFileError(
                f"{self.path.name}: wanted locations [n, 3] of whole numbers, and got "
                f"{list(locations.shape)} of {locations.dtype}."
            )
        if activations.shape != locations.shape[:1] or activations.dtype.kind != "f":
            raise ForeignFileError(
                f"{self.path.name}: wanted {len(locations)} activations, and got {list(activations.shape)} of "
                f"{activations.dtype}."
            )
        return found


def find_cache(source: Path, hookpoint: str) -> Path:
    """The folder of one hookpoint.

    Raises
    ------
    ForeignFileError
        There is none, or there are several.
    """
    if not source.is_dir():
        raise ForeignFileError(f"{source} is no folder.", hint="Give the folder of a hookpoint's *.safetensors.")
    folders = [f for f in [source, *sorted(source.rglob("*"))] if f.is_dir() and any(_named(f))]
    names = [f.relative_to(source).as_posix() for f in folders]
    if hookpoint:
        folders = [f for f, name in zip(folders, names, strict=True) if hookpoint in (name, f.name)]
    if len(folders) == 1:
        return folders[0]
    if not names:
        raise ForeignFileError(
            f"{source} is no cache of delphi's: there is no file such as 0_4095.safetensors in it.",
        )
    raise ForeignFileError(
        f"{source} holds {len(names)} hookpoints: {', '.join(names[:10])}.", hint="Give hookpoint=…, one of them."
    )


def _named(folder: Path) -> Iterator[Split]:
    for path in folder.glob("*_*.safetensors"):
        start, _, last = path.stem.partition("_")
        if all(part.isascii() and part.isdecimal() and len(part) < 10 for part in (start, last)):
            yield Split(int(start), int(last) + 1, path)


def splits_of(folder: Path) -> list[Split]:
    """The files of a hookpoint, by their latents, none of which is in two.

    Raises
    ------
    ForeignFileError
        A latent is in two files.
    """
    found = sorted(_named(folder), key=lambda split: (split.start, split.end))
    for before, split in pairwise(found):
        if split.start < before.end:
            raise ForeignFileError(f"{before.path.name} and {split.path.name} both hold latent {split.start}.")
    for split in found:
        if split.end <= split.start:
            raise ForeignFileError(f"{split.path.name} ends before it begins.")
    return found


def mapped(path: Path) -> Arrays:
    """The arrays of a safetensors file.

    Raises
    ------
    ForeignFileError
        It is none.
    """
    try:
        return map_arrays(path)
    except DamagedIndexError as err:
        raise ForeignFileError(err.message, hint="Get the file again.") from err
