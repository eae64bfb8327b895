"""Files of other tools, made an index that can be browsed without the model.

An importer is a function ``(source, workspace, progress, **options) -> list[Label]``: it reads the file or
folder ``source``, writes the parts of an index into the workspace and commits them, and returns the
labels that came along. Others add theirs with the entry-point group ``saescope.importers``.
"""

import os
from pathlib import Path
from typing import Any

from saescope.errors import ForeignFileError, OtherBuildError
from saescope.imports.labels import add_labels
from saescope.index import Index
from saescope.indexing.workspace import Workspace
from saescope.progress import Bar
from saescope.registries import Registry
from saescope.types import Progress

REGISTRY = Registry(
    "importers",
    {
        "delphi": "saescope.imports.delphi:read_delphi",
        "neuronpedia": "saescope.imports.neuronpedia:read_neuronpedia",
        "saedashboard": "saescope.imports.saedashboard:read_saedashboard",
    },
)

__all__ = ["REGISTRY", "import_index"]


def import_index(
    kind: str,
    source: "str | os.PathLike[str]",
    out: "str | os.PathLike[str]",
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
    **options: Any,
) -> Index:
    """Make an index of what another tool has written.

    What the source does not hold is not in the index: ``index.manifest.origin.told()`` says what is missing,
    and so do the panels. Nothing is filled in.

    Parameters
    ----------
    kind
        ``"saedashboard"`` (``batch-N.json``), ``"neuronpedia"`` (a bulk export) or ``"delphi"`` (a cache of latents).
    source
        The file or folder.
    out
        Folder of the index; new or empty. It appears whole, or not at all.
    overwrite
        Replace an index that is in ``out``, or an unfinished one.
    progress
        Told how it goes; by default a bar. An exception from it stops the import.
    **options
        Of the importer: ``d_sae`` (how many features the SAE has), ``model``, ``sae``, ``site`` (names, where
        the source has none); for ``"delphi"`` also ``tokenizer``, ``tokens``, ``hookpoint`` and ``rule``.

    Returns
    -------
    Index
        The index, opened. ``saescope.open_index(out).browse()`` shows it.

    Raises
    ------
    UnknownNameError
        There is no such importer.
    ForeignFileError
        The source cannot be read; the message names file and line.
    OccupiedError, BusyIndexError, OtherBuildError, DiskFullError
        The folder cannot take the index.
    """
    importer = REGISTRY.get(kind)
    path, target = Path(source).expanduser(), Path(out).expanduser()
    if not path.exists():
        raise ForeignFileError(f"there is nothing at {path}.", hint="Check the path of the source.")
    workspace = Workspace(target, overwrite=overwrite)
    try:
        if workspace.unfinished is not None:
            if not overwrite:
                raise OtherBuildError(
                    f"the folder {target} holds an unfinished index.",
                    hint="Choose another folder, or give overwrite=True (--overwrite) to throw it away.",
                )
            workspace.start_anew()
        labels = importer(path, workspace, progress or Bar(), **options)
    finally:
        workspace.abandon()
    made = Index(target)
    add_labels(made, kind, labels)
    return made
