"""Paths that a page names: below the kernel's folder and the home folder, and nowhere else.

Python writes wherever a person says; a page has to be content with less.
"""

import contextlib
import os
from itertools import islice
from pathlib import Path

from saescope.errors import InputError, StoreError

Found = list[tuple[str, "os.DirEntry[str]"]]

MAX_SCANNED, MAX_ENTRIES = 20_000, 40


def roots() -> list[Path]:
    """The folders below which a page may name paths: the kernel's, and home."""
    found = [Path.cwd().resolve()]
    with contextlib.suppress(RuntimeError):  # there is no home
        found.append(Path.home().resolve())
    return found


def place(typed: str) -> Path:
    """The path that a person means, absolute and without links.

    Raises
    ------
    InputError
        It is none, or leads elsewhere.
    """
    if not typed.strip() or "\0" in typed:
        raise InputError("there is no path.", hint="Type the name of a file or folder.")
    try:
        path = Path(typed.strip()).expanduser().resolve()
        path.exists()
    except (OSError, RuntimeError, ValueError) as err:
        why = getattr(err, "strerror", None) or err
        raise InputError(f"{typed:.200} is no path: {why}.") from err
    allowed = roots()
    if not any(path.is_relative_to(root) for root in allowed):
        raise InputError(
            f"{path} lies outside the folders that a panel may use: {' and '.join(map(told, dict.fromkeys(allowed)))}.",
            hint="Choose a place below one of them, or do it in Python, which knows no such bounds.",
        )
    return path


def shown(path: Path) -> str:
    """A path as a person would write it here: from the kernel's folder, else from home."""
    for root, head in zip(roots(), ("", "~/"), strict=False):
        if path.is_relative_to(root):
            return head + path.relative_to(root).as_posix()
    return str(path)


def told(folder: Path) -> str:
    """A folder with home shortened."""
    home = roots()[-1]
    return str(folder) if folder == home or not folder.is_relative_to(home) else f"~/{folder.relative_to(home)}"


def free_name(path: Path) -> Path:
    """The same name with a number after it, so that nothing is there."""
    stem, ending = path.name.removesuffix("".join(path.suffixes[-1:])), "".join(path.suffixes[-1:])
    numbered = (path.with_name(f"{stem}-{n}{ending}") for n in range(2, 1000))
    return next((p for p in numbered if not p.exists()), path)


def why_not(path: Path) -> str:
    """Why nothing can be written to a path; nothing if it can, as far as can be told."""
    above = path.parent
    while not above.exists() and above != above.parent:
        above = above.parent
    if not above.is_dir():
        return f"{shown(above)} is a file, and no folder."
    if not os.access(above, os.W_OK | os.X_OK):
        return f"The folder {shown(above) or told(above)} cannot be written to."
    return ""


def entries(typed: str, endings: list[str], *, wants_files: bool) -> tuple[Path, Found, int]:
    """The folder of the beginning of a path, its entries with how to write them, and how many more.

    Raises
    ------
    InputError, StoreError
        The folder lies elsewhere, or cannot be read.
    """
    head, _, beginning = typed.lstrip().rpartition("/")
    written = head + "/" if head or typed.startswith("/") else ""
    folder = place(written or ".")
    if not folder.is_dir():
        raise InputError(f"there is no folder {shown(folder)}.")
    wanted = beginning.casefold()

    def fits(entry: os.DirEntry[str]) -> bool:
        name = entry.name.casefold()
        if entry.name.startswith(".") > beginning.startswith(".") or wanted not in name:
            return False
        try:
            is_folder = entry.is_dir()
        except OSError:
            return False
        return is_folder or (wants_files and (not endings or name.endswith(tuple(endings))))

    try:
        with os.scandir(folder) as scan:
            found = [entry for entry in islice(scan, MAX_SCANNED) if fits(entry)]
    except OSError as err:
        raise StoreError(f"the folder {shown(folder)} cannot be read: {err.strerror or err}.") from err
    found.sort(key=lambda e: (not e.name.casefold().startswith(wanted), e.is_dir(), e.name.casefold(), e.name))
    first = [(written + e.name + ("/" if e.is_dir() else ""), e) for e in found[:MAX_ENTRIES]]
    return folder, first, len(found) - len(first)
