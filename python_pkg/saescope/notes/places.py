"""Where notes are kept: beside the index if that can be, else with the user's own data."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from saescope.notes.copying import copy, has_notes
from saescope.notes.disks import logs_beside, uses_logs

NAME = "notes.sqlite"
PACKAGE = Path(__file__).parents[1]


@dataclass(frozen=True)
class Place:
    """A file for notes, and why it is not beside the index (empty when it is).

    ``older`` is one that was used before, and whose notes are taken along where there are none yet.
    """

    path: Path
    why: str = ""
    older: Path | None = None


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
    target, other = (own, beside) if why else (beside, own)
    older = other if has_notes(other) and not has_notes(target) else None
    if older is not None and not uses_logs(target):
        copy(older, target)
    return Place(target, why, older)


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
    beside_it = (beside, Path(f"{beside}-wal"), Path(f"{beside}-shm"), logs_beside(beside))
    files = [f for f in beside_it if f.exists()]
    if not all(os.access(f, os.W_OK) for f in (folder, *files)):
        return "the index's folder cannot be written"
    return ""


def with_key(path: Path, key: str) -> Path:
    """Another name beside a file, for the notes on another SAE."""
    return path.with_name(f"{path.stem}-{key}{path.suffix}")
