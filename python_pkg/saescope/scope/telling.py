"""Writing what was found for others: a notebook that runs again, or one page."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from saescope.errors import InputError, UnfinishedIndexError
from saescope.progress import Bar
from saescope.registries import registries
from saescope.scope.exporting import Exporting, written_whole
from saescope.types import Progress

PARTS = ("statistics", "examples", "neighbors", "map", "kept", "panel")
"""What is told of features beside label and remark; of a page, all but ``panel``."""


class Telling(Exporting):
    """Findings, written for others."""

    def export_notebook(
        self,
        target: "str | os.PathLike[str]",
        features: "Iterable[int] | str | None" = None,
        include: Sequence[str] = PARTS,
        *,
        title: str = "",
        question: str = "",
        conclusion: str = "",
        overwrite: bool = False,
        progress: Progress | None = None,
    ) -> Path:
        """Write a notebook that tells what was found, reads without a kernel, and runs again with one.

        Its last cell compares what a run gives with what was written, and says what of model, SAE, corpus and
        index is another. The file appears whole, or not at all.

        Parameters
        ----------
        target
            The file, as in ``"findings.ipynb"``. Paths in it go from its folder to what is near.
        features
            Feature numbers, or the name of a list; by default all that have a label.
        include
            Of ``"statistics"`` (with histogram), ``"examples"``, ``"neighbors"``, ``"map"``, ``"kept"`` (results that
            were kept), ``"panel"`` (the browser and the panels from which results were kept).
        title
            On the top.
        question
            What was asked, in Markdown.
        conclusion
            What was found, in Markdown.
        overwrite
            Replace a file that is there.
        progress
            Told how it goes; by default a bar. An exception from it stops the work.

        Returns
        -------
        pathlib.Path
            The file.

        Raises
        ------
        InputError, UnknownNameError, UnknownFeatureError
            No feature is labelled or given, or there is no such list, feature or part.
        OccupiedError
            The file is there already.
        """
        return self.export_findings(
            "notebook", target, features, overwrite=overwrite, progress=progress,
            include=include, title=title, question=question, conclusion=conclusion,
        )  # fmt: skip

    def export_report(
        self,
        target: "str | os.PathLike[str]",
        features: "Iterable[int] | str | None" = None,
        include: Sequence[str] = PARTS[:-1],
        *,
        title: str = "",
        question: str = "",
        conclusion: str = "",
        overwrite: bool = False,
        progress: Progress | None = None,
    ) -> Path:
        """Write one page of HTML that tells what was found, loads nothing and opens from disk.

        Parameters
        ----------
        target
            The file, as in ``"findings.html"``.
        features, include, title, question, conclusion, overwrite, progress
            See `export_notebook`.

        Returns
        -------
        pathlib.Path
            The file.

        Raises
        ------
        InputError, UnknownNameError, UnknownFeatureError, OccupiedError
            See `export_notebook`.

        Examples
        --------
        >>> page = scope.export_report(folder / "findings.html", features=[11])
        >>> (folder / "findings.html").read_text().startswith("<!")
        True
        """
        return self.export_findings(
            "report", target, features, overwrite=overwrite, progress=progress,
            include=include, title=title, question=question, conclusion=conclusion,
        )  # fmt: skip

    @property
    def has_own_notes(self) -> bool:
        """Whether the notes are in a file that was chosen by `open_notes`."""
        return self._has_own_notes

    def export_findings(
        self,
        kind: str,
        target: "str | os.PathLike[str]",
        features: "Iterable[int] | str | None" = None,
        *,
        overwrite: bool = False,
        progress: Progress | None = None,
        **options: Any,
    ) -> Path:
        """Write findings by the writer of this name: ``"notebook"``, ``"report"``, or one that a plug-in brings.

        Parameters
        ----------
        target, features, overwrite, progress
            See `export_notebook`.
        **options
            The writer's: ``include, title, question, conclusion``.

        Returns
        -------
        pathlib.Path
            The file.

        Raises
        ------
        UnknownNameError, InputError, UnknownFeatureError, OccupiedError
            There is no such writer or option; and as `export_notebook`.
        """
        if features is None:
            features = sorted(self.notes.labels())
            if not features:
                raise InputError(
                    "there are no features to export: none has a label.",
                    hint="Give their numbers, or the name of a list.",
                )
        if not self.require_index().is_complete:
            raise UnfinishedIndexError("the index is still being built.", hint="Wait for it, and export then.")
        writer, path = registries()["findings"].get(kind), Path(target).expanduser()
        numbers = self._numbers_of(features)
        with written_whole(path, overwrite=overwrite) as inside:
            try:
                writer(self, inside, numbers, progress or Bar(), folder=path.parent, **options)
            except TypeError as err:
                if "keyword argument" not in str(err):
                    raise
                raise InputError(f"the export {kind!r} does not take these options: {err}.") from err
        return path
