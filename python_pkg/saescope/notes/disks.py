"""On which disks SQLite's locks can be trusted, and where to keep logs and their caches elsewhere.

SQLite's write-ahead log needs memory that all its users share, and locks that hold for all of them: on
network file systems there is no such memory, and locks fail (https://sqlite.org/wal.html,
https://sqlite.org/howtocorrupt.html, section 2).
"""

import contextlib
import ctypes
import hashlib
import os
import re
import socket
import sqlite3
import subprocess
import sys
import tempfile
from functools import lru_cache
from pathlib import Path

NETWORK = {
    "nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "afpfs", "webdav", "9p", "lustre", "gpfs", "beegfs", "ceph",
    "glusterfs", "afs", "orangefs", "pvfs2", "panfs", "wekafs", "fuse", "virtiofs", "vboxsf", "vmhgfs", "prl_fs",
    "remote",
}  # fmt: skip
"""File systems on which SQLite's locks, or its shared memory, do not hold between machines; and ``fuse.…``."""
LOCAL = {"ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "zfs", "overlay", "tmpfs", "apfs", "hfs", "fuseblk", "fixed"}
MOUNTS = Path("/proc/self/mounts")
DRIVE_REMOTE, DRIVE_FIXED = 4, 3


def uses_logs(path: Path) -> bool:
    """Whether notes for a file are kept as logs in a folder beside it.

    ``SAESCOPE_NOTES_STORE`` decides, if it is ``log`` or ``sqlite``. Else it is so where there are such logs
    already, on a network file system, and on a disk of unknown kind that has no write-ahead log.
    """
    given = os.environ.get("SAESCOPE_NOTES_STORE", "").strip().lower()
    if given in ("log", "sqlite"):
        return given == "log"
    folder = logs_beside(path)
    if folder.is_dir() and any(folder.glob("*.jsonl")):
        return True
    kind = file_system(path.parent)
    if is_network(kind):
        return True
    return kind not in LOCAL and not has_write_ahead(_existing(path.parent))


def logs_beside(path: Path) -> Path:
    """The folder of logs in the place of a file of notes."""
    return path.with_name(f"{path.stem}-log")


def is_network(kind: str) -> bool:
    """Whether a kind of file system is one over a network."""
    return kind in NETWORK or kind.startswith("fuse.")


def _existing(folder: Path) -> Path:
    return next((p for p in (folder, *folder.parents) if p.is_dir()), folder)


def file_system(path: Path) -> str:
    """The kind of file system that a path lies on; empty where that is not known."""
    if sys.platform == "win32":
        return _drive_kind(path)
    path = path.absolute()
    best, kind = -1, ""
    for point, found in _mounts():
        if path.is_relative_to(point) and len(point) >= best:
            best, kind = len(point), found
    return kind


def _mounts() -> list[tuple[str, str]]:
    with contextlib.suppress(OSError):
        return mounts_of_linux(MOUNTS.read_text(encoding="utf-8", errors="replace"))
    if sys.platform == "darwin":
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            told = subprocess.run(["/sbin/mount"], capture_output=True, timeout=5, check=True)
            return mounts_of_mac(told.stdout.decode(errors="replace"))
    return []


def mounts_of_linux(told: str) -> list[tuple[str, str]]:
    """Where what is mounted, and its kind, as ``/proc/self/mounts`` says."""
    fields = [line.split(" ") for line in told.splitlines()]
    return [(re.sub(r"\\(\d{3})", lambda m: chr(int(m[1], 8)), f[1]), f[2]) for f in fields if len(f) > 2]


def mounts_of_mac(told: str) -> list[tuple[str, str]]:
    """The same as ``mount`` says on a Mac: ``//a@b/c on /Volumes/c (smbfs, nodev)``."""
    return re.findall(r"^.*? on (/.*) \(([\w.]+)", told, re.MULTILINE)


def _drive_kind(path: Path) -> str:
    drive = path.absolute().drive
    if drive.startswith("\\\\"):
        return "remote"
    kind = ctypes.windll.kernel32.GetDriveTypeW(f"{drive}\\")  # type: ignore[attr-defined]
    return {DRIVE_REMOTE: "remote", DRIVE_FIXED: "fixed"}.get(kind, "")


@lru_cache(maxsize=64)
def has_write_ahead(folder: Path) -> bool:
    """Whether SQLite gives a write-ahead log in a folder; true too where nothing can be written."""
    try:
        with tempfile.TemporaryDirectory(prefix=".saescope-", dir=folder, ignore_cleanup_errors=True) as probe:
            made = sqlite3.connect(Path(probe) / "probe.sqlite")
            try:
                return made.execute("PRAGMA journal_mode = WAL").fetchone()[0] == "wal"
            finally:
                made.close()
    except OSError:
        return True
    except sqlite3.Error:
        return False


def host_name() -> str:
    """What to call this machine in a file's name."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", socket.gethostname()).strip("-")[:40] or "host"


def cache_file(logs: Path) -> Path:
    """The cache of a folder of logs: on a disk of this machine, and no other machine's."""
    name = hashlib.blake2b(str(logs.resolve()).encode(), digest_size=8).hexdigest()
    return cache_folder() / f"{host_name()}-{name}.sqlite"


def cache_folder() -> Path:
    """Where caches of logs are; ``SAESCOPE_CACHE_DIR`` moves it.

    The user's own cache folder, or, where that lies on a network file system, one for temporary files.
    """
    given = os.environ.get("SAESCOPE_CACHE_DIR")
    if given:
        return Path(given).expanduser().absolute() / "notes"
    import platformdirs

    own = platformdirs.user_cache_path("saescope") / "notes"
    if not is_network(file_system(_existing(own))):
        return own
    return _private(Path(tempfile.gettempdir()) / f"saescope-{os.getuid() if hasattr(os, 'getuid') else 'cache'}")


def _private(folder: Path) -> Path:
    """A folder among everybody's temporary files that only this user can have made."""
    folder.mkdir(mode=0o700, exist_ok=True)
    is_own = not hasattr(os, "getuid") or (folder.lstat().st_uid == os.getuid() and not folder.is_symlink())
    return folder / "notes" if is_own else Path(tempfile.mkdtemp(prefix="saescope-"))
