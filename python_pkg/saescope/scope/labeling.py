"""Labels that a labeler makes of what features fire on, as a layer under a person's own."""

from collections.abc import Iterable, Iterator
from typing import Any

import polars as pl

from saescope._version import version
from saescope.errors import (
    OccupiedError,
    PluginError,
    UnfinishedIndexError,
    UnknownNameError,
)
from saescope.progress import Bar
from saescope.query.labelers import REGISTRY, Evidence, Label
from saescope.registries import blamed
from saescope.scope.exporting import Exporting
from saescope.types import Progress

SCHEMA: dict[str, Any] = {"feature": pl.UInt32, "label": pl.String, "reason": pl.String, "score": pl.Float64}
MADE_BY = "labeler "
"""How the source of a layer that a labeler made begins."""


class Labeling(Exporting):
    """Labelers."""

    def label_features(
        self,
        features: "Iterable[int] | str | None" = None,
        *,
        labeler: str = "context",
        saves: bool = True,
        progress: Progress | None = None,
    ) -> pl.DataFrame:
        """Name features by what they fire on.

        ``"context"`` looks for the token, or what stands before it, that explains where a feature fires strongest,
        and measures it on text it was not chosen on; where nothing explains a feature it says nothing. It is best with
        an index that has postings. Other labelers come by the entry points ``saescope.labelers``.

        The labels become a layer, ``"by <labeler>"``, each with its score in brackets. A person's own labels stand
        above it and stay as they are. What was labeled before a stop is kept.

        Parameters
        ----------
        features
            Feature numbers, or the name of a list; by default all. Labels of others in the layer stay.
        labeler
            A name in ``saescope.query.labelers.REGISTRY``.
        saves
            Whether the layer is written; ``scope.notes.remove_layer`` takes it away.
        progress
            Told how it goes; raising from ``advance`` stops it. By default a bar.

        Returns
        -------
        polars.DataFrame
            One row a feature, as asked: ``feature, label`` (null where nothing explains it)``, reason`` (what was
            measured)``, score`` (0 to 1; of ``"context"`` the F1 of precision and coverage).

        Raises
        ------
        UnknownNameError, UnknownFeatureError
            There is no such labeler, list or feature.
        UnfinishedIndexError
            The index is still being built.
        PluginError
            The labeler failed, or gave something else than labels.
        OccupiedError
            There is a layer of that name which no labeler made.

        Examples
        --------
        >>> scope.label_features([11, 12], saves=False).columns
        ['feature', 'label', 'reason', 'score']
        """
        name = layer_of(labeler)
        if saves:
            self._check_layer(name)
        found = self._labels(features, labeler, progress or Bar())
        made: dict[int, Label | None] = {}
        try:
            made.update(found)
        finally:
            if saves and made:
                self._save_labels(name, labeler, made)
        rows = [(f, a and a.label, a and a.reason, a and a.score) for f, a in made.items()]
        return pl.DataFrame(rows, schema=SCHEMA, orient="row")

    def _labels(
        self, features: "Iterable[int] | str | None", labeler: str, progress: Progress
    ) -> "Iterator[tuple[int, Label | None]]":
        index = self.require_index()
        if not index.is_complete:
            raise UnfinishedIndexError("the index is still being built.", hint="Wait for it, and label then.")
        numbers, run = self._numbers_of(features), REGISTRY.get(labeler)
        progress.start("Labeling", len(numbers), "feature")
        with blamed("labeler", labeler):
            labels = iter(run([Evidence(f, index) for f in numbers], lambda: progress.advance(0)))
        for feature in numbers:
            with blamed("labeler", labeler):
                label = next(labels, None)
            if label is not None and not isinstance(label, Label):
                raise PluginError(f"the labeler {labeler!r} failed: {label!r:.80} came, and a Label or None is wanted.")
            yield feature, label
            progress.advance(1)
        progress.finish()

    def _check_layer(self, name: str) -> None:
        sources = {row["name"]: row["source"] for row in self.notes.layers().iter_rows(named=True)}
        if not sources.get(name, MADE_BY).startswith(MADE_BY):
            raise OccupiedError(
                f"there is a layer {name!r} that no labeler made: its labels are from {sources[name]}.",
                hint=f"Remove it with scope.notes.remove_layer({name!r}), or give saves=False.",
            )

    def _save_labels(self, name: str, labeler: str, made: "dict[int, Label | None]") -> None:
        try:
            labels = dict(self.notes.layer(name).iter_rows())
        except UnknownNameError:
            labels = {}
        for feature, label in made.items():
            if label is None:
                labels.pop(feature, None)
            else:
                score = "" if label.score is None else f" ({label.score:.2f})"
                labels[feature] = f"{label.label}{score}"
        if labels:
            frame = pl.DataFrame({"feature": list(labels), "label": list(labels.values())})
            self.notes.add_layer(frame, name, source=source_of(labeler))
        elif name in self.notes.layers()["name"]:
            self.notes.remove_layer(name)


def layer_of(labeler: str) -> str:
    """The layer in which a labeler's labels are."""
    return f"by {labeler}"


def source_of(labeler: str) -> str:
    """Where a layer of a labeler's is from, in words."""
    package = next((e.package for e in REGISTRY.entries() if e.name == labeler), "unknown")
    of = f"{package} {version()}" if package == "saescope" else package
    return f"{MADE_BY}{labeler} ({of}), its score in brackets"
