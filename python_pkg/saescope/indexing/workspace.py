"""The folder of an index while it is built: parts appear whole or not at all.

1. A part is written under a temporary name, hashed, synced, and renamed.
2. A marker tells readers that a build is under way; the manifest replaces it.
3. A build that fails takes its parts away again.
"""

import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from saescope.errors import DiskFullError, OccupiedError, SaescopeError, StoreError
from saescope.index.manifest import BUILDING, Manifest, Part, manifest_numbers, sync_folder, write_manifest

READ_BYTES = 1 << 22
OURS = re.compile(
    r"(tokens\.bin|(docs|vocabulary|features)\.parquet|examples\.arrow|directions\.safetensors|shard-\d+\.safetensors)(\.new\.tmp)?|manifest-\d+\.json\.tmp-\d+"
)
"""The names that a build may take away; whatever else lies in the folder stays."""


class Workspace:
    """A folder that is being made into an index.

    Parameters
    ----------
    path
        A new folder, an empty one, or one with the leavings of an unfinished build.
    overwrite
        Replace an index that is there.

    Raises
    ------
    OccupiedError
        The folder holds an index, or something that is none of ours.
    """

    def __init__(self, path: Path, *, overwrite: bool = False) -> None:
        self.path = path
        self.parts: list[Part] = []
        self._replaces = self._check(overwrite)
        self._made_folder = not path.exists()
        try:
            with self._disk_errors("the folder"):
                path.mkdir(parents=True, exist_ok=True)
                if not self._replaces:
                    self._sweep()
                    self._mark()
        except StoreError:
            if path.is_dir():
                self.abandon()
            raise

    def _mark(self) -> None:
        (self.path / BUILDING).write_text(json.dumps({"pid": os.getpid()}), encoding="utf-8")

    def _check(self, overwrite: bool) -> bool:
        if self.path.exists() and not self.path.is_dir():
            raise OccupiedError(f"{self.path} is a file; an index is a folder.", hint="Choose another `out`.")
        has_index = self.path.is_dir() and bool(manifest_numbers(self.path))
        if has_index and not overwrite:
            raise OccupiedError(
                f"there is an index at {self.path} already.",
                hint="Choose another `out`, or give overwrite=True (--overwrite).",
            )
        if self.path.is_dir() and not has_index and not (self.path / BUILDING).exists() and any(self.path.iterdir()):
            raise OccupiedError(f"{self.path} holds other files.", hint="Choose a new or an empty folder as `out`.")
        return has_index

    @contextmanager
    def part(self, name: str) -> Iterator[Path]:
        """Write one part: yields a path to write to; the part has its name when the block ends well."""
        temporary = self.path / f"{name}.new.tmp"
        with self._disk_errors(name):
            temporary.touch()
            mode = temporary.stat().st_mode
            yield temporary
            temporary.chmod(mode)
            digest, n_bytes = _sync_and_hash(temporary)
        self.parts.append(Part(name, n_bytes, digest))
        if not self._replaces:
            temporary.rename(self.path / name)

    def place(self, name: str) -> Path:
        """Where a part that was written can be read, before and after the commit."""
        return self.path / (f"{name}.new.tmp" if self._replaces else name)

    def discard(self, names: Iterable[str]) -> None:
        """Take parts away again before the commit."""
        gone = set(names)
        for name in gone:
            self.place(name).unlink()
        self.parts = [p for p in self.parts if p.name not in gone]

    def commit(self, manifest: Manifest) -> None:
        """Make the parts an index."""
        with self._disk_errors("the manifest"):
            if self._replaces:
                self._mark()
                for number in manifest_numbers(self.path):
                    (self.path / f"manifest-{number}.json").unlink()
                for part in self.parts:
                    (self.path / f"{part.name}.new.tmp").replace(self.path / part.name)
            sync_folder(self.path)
            write_manifest(self.path, manifest)
            (self.path / BUILDING).unlink(missing_ok=True)
        kept = {p.name for p in self.parts}
        for file in self._ours():
            if file.name not in kept:
                file.unlink(missing_ok=True)

    def abandon(self) -> None:
        """Take away what this build wrote; an index that was to be replaced, or that was just made, stays."""
        if not self._replaces and self.path.is_dir() and manifest_numbers(self.path):
            return
        if self._replaces:
            for file in self.path.glob("*.new.tmp"):
                file.unlink(missing_ok=True)
            return
        self._sweep()
        (self.path / BUILDING).unlink(missing_ok=True)
        if self._made_folder and not any(self.path.iterdir()):
            self.path.rmdir()

    def check_room(self, n_bytes: int) -> None:
        """Fail early when the disk has less room than is still wanted."""
        free = shutil.disk_usage(self.path).free
        if n_bytes > free:
            raise DiskFullError(
                f"the index at {self.path} needs about {n_bytes / 1e6:,.0f} MB more, "
                f"and the disk has {free / 1e6:,.0f} MB.",
                hint="Free some space, choose another `out`, or lower max_tokens.",
                wanted=n_bytes,
                free=free,
            )

    def _ours(self) -> list[Path]:
        return [f for f in self.path.iterdir() if OURS.fullmatch(f.name)]

    def _sweep(self) -> None:
        for file in self._ours():
            file.unlink(missing_ok=True)

    @contextmanager
    def _disk_errors(self, what: str) -> Iterator[None]:
        try:
            yield
        except SaescopeError:
            raise
        except (OSError, SafetensorError) as err:
            if getattr(err, "errno", None) == errno.ENOSPC or "No space left" in str(err):
                raise DiskFullError(
                    f"{what} of the index at {self.path} could not be written: the disk is full.",
                    hint="Free some space, choose another `out`, or lower max_tokens.",
                ) from err
            raise StoreError(f"{what} of the index at {self.path} could not be written: {err}.") from err


def _sync_and_hash(path: Path) -> tuple[str, int]:
    digest, n_bytes = hashlib.blake2b(digest_size=16), 0
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())
        while chunk := stream.read(READ_BYTES):
            digest.update(chunk)
            n_bytes += len(chunk)
    return digest.hexdigest(), n_bytes
