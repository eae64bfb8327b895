"""Writing an index for other tools, and as a table."""

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from saescope.errors import InputError, OccupiedError, StoreError, UnfinishedIndexError
from saescope.index.manifest import sync_folder
from saescope.registries import registries
from saescope.scope.noting import Noting
from saescope.types import Progress


class Exporting(Noting):
    """Files for others."""

    def export(
        self,
        kind: str,
        target: "str | os.PathLike[str]",
        features: "Iterable[int] | str | None" = None,
        *,
        overwrite: bool = False,
        progress: Progress | None = None,
        **options: Any,
    ) -> Path:
        """Write features with their figures, examples and labels for another tool, or as a table.

        The file or folder appears whole, or not at all; an exception from ``progress`` stops the work.

        Parameters
        ----------
        kind
            ``"neuronpedia"`` (the bulk layout), ``"saedashboard"`` (``batch-N.json``), ``"csv"`` or
            ``"parquet"`` (the feature table with labels).
        target
            A folder for the first two, new or empty; a file for the others.
        features
            Feature numbers, or the name of a list; by default all.
        overwrite
            Replace a file that is there. A folder that holds something is never replaced.
        progress
            Told how it goes; by default a bar.
        **options
            Of the exporter: see `saescope.export.neuronpedia.write_neuronpedia`,
            `saescope.export.saedashboard.write_saedashboard` and `saescope.export.tables.write_csv`.

        Returns
        -------
        pathlib.Path
            The file or folder.

        Raises
        ------
        UnknownNameError, UnknownFeatureError
            There is no such exporter, list or feature.
        OccupiedError
            The target holds something.
        InputError
            An option is none of the exporter's, or lacks.

        Examples
        --------
        >>> written = scope.export("csv", folder / "features.csv", features=[11, 12])
        >>> pl.read_csv(folder / "features.csv")["feature"].to_list()
        [11, 12]
        """
        from saescope.progress import Bar

        exporter = registries()["exporters"].get(kind)
        if not self.require_index().is_complete:
            raise UnfinishedIndexError("the index is still being built.", hint="Wait for it, and export then.")
        numbers, path = self._numbers_of(features), Path(target).expanduser()
        is_folder = bool(getattr(exporter, "is_folder", False))
        with written_whole(path, is_folder=is_folder, overwrite=overwrite) as inside:
            try:
                exporter(self, inside, numbers, progress or Bar(), **options)
            except TypeError as err:
                if "keyword argument" not in str(err):
                    raise
                raise InputError(f"the export {kind!r} does not take these options: {err}.") from err
        return path

    def all_features(self) -> list[int]:
        """The numbers of all features that the index knows; an imported one may not know them all."""
        density = self.require_index().figures.column("density").to_numpy()
        return np.flatnonzero(~np.isnan(density)).tolist()

    def _numbers_of(self, features: "Iterable[int] | str | None") -> list[int]:
        if features is None:
            return self.all_features()
        given = self.notes.list(features) if isinstance(features, str) else features
        if not isinstance(given, Iterable):
            raise InputError(f"features are numbers or the name of a list, and {given!r} came.", hint="As in [5, 17].")
        numbers = [self.require_index().check_feature(f) for f in given]
        if not numbers:
            raise InputError("there are no features to export.", hint="Give their numbers, or the name of a list.")
        return list(dict.fromkeys(numbers))


@contextmanager
def written_whole(path: Path, *, is_folder: bool = False, overwrite: bool = False) -> Iterator[Path]:
    """Room for a file or a folder that appears at its place whole, or not at all.

    Raises
    ------
    OccupiedError
        Its place holds something.
    """
    _check_free(path, is_folder=is_folder, overwrite=overwrite)
    temporary = _room_beside(path)
    try:
        inside = temporary / path.name
        if is_folder:
            inside.mkdir()
        yield inside
        _check_free(path, is_folder=is_folder, overwrite=overwrite)  # others may have written there meanwhile
        if is_folder and path.is_dir():
            path.rmdir()
        inside.replace(path)
        sync_folder(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _check_free(path: Path, *, is_folder: bool, overwrite: bool) -> None:
    if is_folder and path.is_dir():
        if any(path.iterdir()):
            raise OccupiedError(f"{path} holds other files.", hint="Choose a new or an empty folder.")
    elif path.exists() and (is_folder or path.is_dir() or not overwrite):
        what = "a folder" if path.is_dir() else "a file"
        hint = "Choose another name." if is_folder or path.is_dir() else "Choose another name, or give overwrite=True."
        raise OccupiedError(f"{path} is {what} that is there already.", hint=hint)


def _room_beside(path: Path) -> Path:
    """A folder of its own beside the target, on the same disk, for what is not whole yet."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent))
    except OSError as err:
        raise StoreError(f"{path.parent} cannot be written: {err.strerror or err}.") from err
