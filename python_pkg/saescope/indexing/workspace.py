"""The folder of an index while it is built: parts appear whole or not at all.

1. One process at a time builds in a folder; a lock says so, and dies with the process.
2. Parts go into a subfolder of their own, ``data-N``: each is written under a temporary
   name, synced and renamed.
3. ``building.json`` is the ledger: what is being built. Which shards are done is told by
   the files that are there.
4. The manifest is linked in last. An index that is replaced stays whole until then.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from saescope.errors import BusyIndexError, DamagedIndexError, DiskFullError, OccupiedError
from saescope.index.manifest import (
    BUILDING,
    Manifest,
    Part,
    manifest_numbers,
    read_manifest,
    read_unfinished,
    sync_folder,
    write_manifest,
)
from saescope.index.store import shards_done
from saescope.indexing.disk import disk_errors
from saescope.indexing.heartbeat import HEARTBEAT, STOP

READ_BYTES = 1 << 22
LOCK = "building.lock"
LOCK_WAIT_S = 0.5
"""Longer than `is_being_built` holds a lock that a killed build has left."""
DATA = re.compile(r"data-(\d+)")
OURS = re.compile(
    r"((tokens\.bin|(docs|vocabulary)\.parquet|(features|examples)\.arrow|extras\.json"
    r"|(contexts|token-rows|example-spans|postings|directions|maps|lens|(shard|rows)-\d+)\.safetensors)(\.tmp(-\d+)?)?)"
)
"""The names that a build may take away; whatever else lies in the folder stays."""


class Workspace:
    """A folder that is being made into an index.

    Parameters
    ----------
    path
        A new folder, an empty one, or one that holds an unfinished build.
    overwrite
        Replace an index that is there, or an unfinished build of something else.

    Raises
    ------
    OccupiedError
        The folder holds an index, or something that is none of ours.
    BusyIndexError
        Another process is building there.
    """

    def __init__(self, path: Path, *, overwrite: bool = False) -> None:
        self.path = path
        self.overwrite = overwrite
        self._made_folder = not path.exists()
        self._digests: dict[str, Part] = {}
        self._check_kind()
        with self._disk_errors("the folder"):
            path.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(path / LOCK, timeout=0)
        self._take_lock()
        try:
            self._check_index()
            self.unfinished = self._find_unfinished()
            self.folder = path / (self.unfinished.folder if self.unfinished else self._next_folder())
            with self._disk_errors("the folder"):
                if self.unfinished is None:
                    (path / BUILDING).write_bytes(b"")
                self.folder.mkdir(exist_ok=True)
                (path / STOP).unlink(missing_ok=True)
        except BaseException:
            self.abandon()
            raise

    def _check_kind(self) -> None:
        if self.path.exists() and not self.path.is_dir():
            raise OccupiedError(f"{self.path} is a file; an index is a folder.", hint="Choose another `out`.")

    def _take_lock(self) -> None:
        try:
            with self._disk_errors("the folder"):
                self._acquire()
        except BaseException:
            if self._made_folder and not any(self.path.iterdir()):
                self.path.rmdir()
            raise

    def _acquire(self) -> None:
        try:
            self._lock.acquire(timeout=LOCK_WAIT_S, poll_interval=0.01)
        except Timeout as err:
            raise BusyIndexError(
                f"another process is building an index at {self.path}.",
                hint="Wait for it, stop it, or choose another `out`. Panels can open the folder meanwhile.",
            ) from err

    def _check_index(self) -> None:
        self._has_index = bool(manifest_numbers(self.path))
        if self._has_index and not self.overwrite:
            raise OccupiedError(
                f"there is an index at {self.path} already.",
                hint="Choose another `out`, or give overwrite=True (--overwrite).",
            )
        is_ours = self._has_index or (self.path / BUILDING).exists()
        if not is_ours and any(f.name != LOCK for f in self.path.iterdir()):
            raise OccupiedError(f"{self.path} holds other files.", hint="Choose a new or an empty folder as `out`.")

    def _find_unfinished(self) -> Manifest | None:
        file = self.path / BUILDING
        if not file.exists() or not file.stat().st_size:
            return None
        try:
            found = read_unfinished(self.path)
        except DamagedIndexError:
            if self.overwrite:
                return None
            raise
        is_free = (self.path / found.folder).is_dir() and found.folder not in self._folders_of_index()
        return found if is_free else None

    def _folders_of_index(self) -> set[str]:
        """Where the parts of the index lie that is there; anywhere when it is damaged."""
        if not self._has_index:
            return set()
        try:
            return {read_manifest(self.path).folder}
        except DamagedIndexError:
            return {f.name for f in self.path.iterdir() if DATA.fullmatch(f.name)}

    def _next_folder(self) -> str:
        taken = [int(m[1]) for f in self.path.iterdir() if (m := DATA.fullmatch(f.name))]
        for name in {f"data-{n}" for n in taken} - self._folders_of_index():
            self._sweep(self.path / name)
        return f"data-{max(taken, default=0) + 1}"

    def start_anew(self) -> None:
        """Give up what an earlier build has left, and begin in a folder of our own."""
        self._sweep(self.folder)
        self.unfinished = None
        self._digests.clear()
        with self._disk_errors("the folder"):
            self.folder = self.path / self._next_folder()
            self.folder.mkdir()
            (self.path / BUILDING).write_bytes(b"")

    def begin(self, manifest: Manifest) -> None:
        """Say what is being built; from now on readers can open what is done."""
        self._write_json(BUILDING, json.dumps(asdict(manifest), ensure_ascii=False))
        self.unfinished = manifest

    def _write_json(self, name: str, text: str) -> None:
        temporary = self.path / f"{name}.tmp"
        with self._disk_errors(name):
            with temporary.open("w", encoding="utf-8") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(self.path / name)
            sync_folder(self.path)

    def has(self, name: str) -> bool:
        """Whether a part is there, whole."""
        return (self.folder / name).exists()

    def missing_shards(self, manifest: Manifest) -> list[int]:
        """Numbers of the shards that are still to be made."""
        done = set(shards_done(self.folder, manifest.n_shards))
        return [n for n in range(manifest.n_shards) if n not in done]

    def write_extras(self, name: str, facts: dict[str, Any]) -> None:
        """Write a small part of facts."""
        with self.part(name) as path:
            path.write_text(json.dumps(facts), encoding="utf-8")

    def read_extras(self, name: str) -> dict[str, Any] | None:
        """The facts of such a part, if it is there."""
        return json.loads((self.folder / name).read_text(encoding="utf-8")) if self.has(name) else None

    @contextmanager
    def part(self, name: str) -> Iterator[Path]:
        """Write one part: yields a path to write to; the part has its name when the block ends well."""
        temporary = self.folder / f"{name}.tmp"
        with self._disk_errors(name):
            temporary.touch()
            mode = temporary.stat().st_mode
            yield temporary
            temporary.chmod(mode)
            self._digests[name] = hashed(temporary, name, sync=True)
            temporary.replace(self.folder / name)

    def parts(self, names: Iterable[str]) -> list[Part]:
        """Names, sizes and checksums of some parts."""
        with self._disk_errors("a part"):
            return [self._digests.get(n) or hashed(self.folder / n, n, sync=False) for n in names]

    def commit(self, manifest: Manifest) -> None:
        """Make the parts an index, and take away what is no longer needed."""
        with self._disk_errors("the manifest"):
            sync_folder(self.folder)
            older = manifest_numbers(self.path)
            write_manifest(self.path, manifest)
            for number in older:
                (self.path / f"manifest-{number}.json").unlink(missing_ok=True)
        kept = {p.name for p in manifest.parts}
        for folder in self.path.iterdir():
            if DATA.fullmatch(folder.name):
                self._sweep(folder, kept if folder == self.folder else set())
        self._clear_marks()
        (self.path / BUILDING).unlink(missing_ok=True)
        self._release()

    def abandon(self) -> None:
        """Leave the folder as another build can go on from it, or as it was when nothing is worth keeping."""
        if not self._lock.is_locked:
            return
        folder, file = getattr(self, "folder", None), self.path / BUILDING
        if folder is not None:
            if file.exists() and not file.stat().st_size:
                self._sweep(folder)
                file.unlink()
            self._clear_marks()
        self._release()
        if self._made_folder and self.path.is_dir() and not any(self.path.iterdir()):
            self.path.rmdir()

    def check_room(self, n_bytes: int) -> None:
        """Fail early when the disk has less room than is still wanted."""
        free = shutil.disk_usage(self.path).free
        if n_bytes > free:
            raise DiskFullError(
                f"the index at {self.path} needs about {n_bytes / 1e6:,.0f} MB more, "
                f"and the disk has {free / 1e6:,.0f} MB.",
                hint="Free some space and build again with the same `out` to go on, or lower max_tokens.",
                wanted=n_bytes,
                free=free,
            )

    def _clear_marks(self) -> None:
        leavings = (file.name for file in self.path.glob("manifest-*.json.tmp-*"))
        for name in (f"{BUILDING}.tmp", HEARTBEAT, f"{HEARTBEAT}.tmp", STOP, *leavings):
            (self.path / name).unlink(missing_ok=True)

    def _release(self) -> None:
        _remove_lock(self.path)
        self._lock.release()

    def _sweep(self, folder: Path, kept: "set[str] | None" = None) -> None:
        if not folder.is_dir():
            return
        for file in folder.iterdir():
            if OURS.fullmatch(file.name) and file.name not in (kept or set()):
                file.unlink(missing_ok=True)
        if not any(folder.iterdir()):
            folder.rmdir()

    def _disk_errors(self, what: str) -> AbstractContextManager[None]:
        return disk_errors(what, self.path)


def is_being_built(path: Path) -> bool:
    """Whether a process is building in this folder now."""
    if not (path / LOCK).exists():
        return False
    lock = FileLock(path / LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        return True
    if not (path / BUILDING).exists():
        _remove_lock(path)  # its build ended since the look above, and asking made the file anew
    lock.release()
    return False


def _remove_lock(path: Path) -> None:
    with suppress(PermissionError):  # an open file stays on Windows
        (path / LOCK).unlink(missing_ok=True)


def hashed(path: Path, name: str, *, sync: bool) -> Part:
    """A part's size and checksum; with ``sync`` its content is on the disk afterwards."""
    digest, n_bytes = hashlib.blake2b(digest_size=16), 0
    with path.open("rb+" if sync else "rb") as stream:
        if sync:
            os.fsync(stream.fileno())
        while chunk := stream.read(READ_BYTES):
            digest.update(chunk)
            n_bytes += len(chunk)
    return Part(name, n_bytes, digest.hexdigest())
