"""Where notes are kept: beside the index if that can be, else with the user's own data."""

import contextlib
import os
import re
import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path

NAME = "notes.sqlite"
PACKAGE = Path(__file__).parents[1]
NETWORK = {
    "nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "lustre", "gpfs", "beegfs", "ceph", "afs", "fuse.sshfs",
    "fuse.glusterfs", "fuse.s3fs", "fuse.gcsfuse", "fuse.rclone",
}  # fmt: skip
"""File systems on which SQLite's locks, or its shared memory, do not hold between machines."""
MOUNTS = Path("/proc/self/mounts")


@dataclass(frozen=True)
class Place:
    """A file for notes, and why it is not beside the index (empty when it is)."""

    path: Path
    why: str = ""


def find_place(index: Path | None, key: str) -> Place:
    """Where the notes on an SAE are kept.

    Parameters
    ----------
    index
        Folder of the open index, if any.
    key
        The same for the same SAE and model.
    """
    own = user_folder() / f"{key}.sqlite"
    if index is None:
        return Place(own, "there is no index yet")
    beside = index.resolve() / NAME
    why = _obstacle(beside)
    if why:
        if beside.exists() and not own.exists():
            copy(beside, own)
        return Place(own, why)
    if not beside.exists() and own.exists():
        copy(own, beside)
    return Place(beside)


def user_folder() -> Path:
    """Where the notes lie that are kept beside no index; ``SAESCOPE_NOTES_DIR`` moves it."""
    given = os.environ.get("SAESCOPE_NOTES_DIR")
    if given:
        return Path(given).expanduser().absolute()
    import platformdirs

    return platformdirs.user_data_path("saescope") / "notes"


def key_of(sae: str, model: str) -> str:
    """A name for the file of an SAE's notes: the model's, and the SAE's fingerprint."""
    name = re.sub(r"[^a-z0-9._-]+", "-", Path(model).name.lower()).strip("-.")[:60]
    return f"{name or 'model'}-{sae[:16]}"


def _obstacle(beside: Path) -> str:
    folder = beside.parent
    if folder.is_relative_to(PACKAGE):
        return "the index is part of saescope itself"
    files = [f for f in (beside, Path(f"{beside}-wal"), Path(f"{beside}-shm")) if f.exists()]
    if not all(os.access(f, os.W_OK) for f in (folder, *files)):
        return "the index's folder cannot be written"
    kind = file_system(folder)
    if kind in NETWORK:
        return f"the index lies on a network file system ({kind}), whose locks cannot be trusted"
    return ""


def file_system(path: Path) -> str:
    """The kind of file system that a path lies on; empty where that is not known."""
    try:
        lines = MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    best, kind = -1, ""
    for fields in (line.split(" ") for line in lines):
        point = re.sub(r"\\(\d{3})", lambda m: chr(int(m[1], 8)), fields[1]) if len(fields) > 2 else None
        if point and path.is_relative_to(point) and len(point) >= best:
            best, kind = len(point), fields[2]
    return kind


def copy(source: Path, target: Path) -> bool:
    """Copy notes with all their history to where there are none; returns whether there was something to copy."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f"{target.name}.{os.getpid()}.tmp")
    try:
        for options in ("mode=ro", "mode=ro&immutable=1"):  # the second where no lock can be made
            with contextlib.suppress(sqlite3.Error):
                if _copied(source, temporary, options) and not target.exists():
                    os.link(temporary, target)
                    return True
                break
    except FileExistsError:
        return False
    except OSError:
        if not target.exists():
            shutil.move(temporary, target)
            return True
    finally:
        temporary.unlink(missing_ok=True)
    return False


def _copied(source: Path, target: Path, options: str) -> bool:
    target.unlink(missing_ok=True)
    given = sqlite3.connect(f"{source.resolve().as_uri()}?{options}", uri=True, timeout=5)
    made = sqlite3.connect(target)
    try:
        if not given.execute("SELECT count(*) FROM (SELECT 1 FROM events LIMIT 1)").fetchone()[0]:
            return False
        given.backup(made)
        made.execute("PRAGMA journal_mode = DELETE")
        return True
    finally:
        given.close()
        made.close()


def with_key(path: Path, key: str) -> Path:
    """Another name beside a file, for the notes on another SAE."""
    return path.with_name(f"{path.stem}-{key}{path.suffix}")
