"""Labels from elsewhere, beside a person's own: the part of ``scope.notes`` that is about them."""

import builtins
import os
from typing import Any

import polars as pl

from saescope.errors import UnknownNameError
from saescope.notes import texts
from saescope.notes.layer_files import read_labels
from saescope.notes.layers import Layer, drop_layer, layers_with, put_layer
from saescope.notes.listing import TIME, Listing

LAYERS_SCHEMA: dict[str, Any] = {
    "name": pl.String, "source": pl.String, "n_labels": pl.UInt32, "author": pl.String, "saved": TIME,
}  # fmt: skip


class Layering(Listing):
    """Layers of labels that are read and never written; a person's own stand above them."""

    def add_layer(
        self, labels: "str | os.PathLike[str] | pl.DataFrame", name: str | None = None, *, source: str = ""
    ) -> pl.DataFrame:
        """Show labels from elsewhere under a person's own, in a quieter style and with their source.

        A layer of the same name is replaced; a person's own labels are never changed.

        Parameters
        ----------
        labels
            JSON lines (as Neuronpedia exports explanations), CSV or Parquet, also ``.gz``; or a frame. The
            feature is in a column ``feature``, ``index`` or ``latent``, its label in ``label``,
            ``description`` or ``explanation``. Of several for a feature the first one counts.
        name
            What to call it; by default the file's name, or ``"labels"``.
        source
            Where the labels came from; by default the file, and the model and layer that it names.

        Returns
        -------
        polars.DataFrame
            All layers, as `layers`.

        Raises
        ------
        InputError
            The file cannot be read, or a row is none: the message names it.
        NotesError
            The notes cannot be written.
        """
        found = read_labels(labels, self.n_features)
        given = found.name if name is None else name
        layer = Layer(
            texts.list_name(given, "the name of a layer"),
            texts.line(source or found.source, "a source", texts.MAX_LABEL),
            labels=found.labels,
        )
        stamp = self._stamp()
        self.book.write(lambda db: put_layer(db, layer, stamp))
        return self.layers()

    def layers(self) -> pl.DataFrame:
        """The layers there are, the one added first first: ``name, source, n_labels, author, saved`` (UTC)."""
        rows = [(a.name, a.source, len(a.labels), a.author, a.saved_us) for a in self.book.layers]
        return pl.DataFrame(rows, schema=LAYERS_SCHEMA, orient="row")

    def remove_layer(self, name: str) -> None:
        """Take a layer away.

        Raises
        ------
        UnknownNameError
            There is none of this name.
        """
        name, stamp = texts.list_name(name, "the name of a layer"), self._stamp()
        self.book.write(lambda db: drop_layer(db, name, stamp))

    def layer(self, name: str) -> pl.DataFrame:
        """A layer's labels: ``feature, label``, by feature.

        Raises
        ------
        UnknownNameError
            There is none of this name.
        """
        labels = dict(self._layer(texts.list_name(name, "the name of a layer")).labels)
        return pl.DataFrame(
            {"feature": list(labels), "label": list(labels.values())},
            schema={"feature": pl.UInt32, "label": pl.String},
        )

    def _layer(self, name: str) -> Layer:
        names = [a.name for a in self.book.layers]
        if name not in names:
            raise UnknownNameError(
                f"there is no layer {name!r}.", hint=f"Layers: {', '.join(names[:20]) or 'none yet'}.", names=names
            )
        return self.book.layers[names.index(name)]

    def layer_labels(self, feature: int) -> builtins.list[tuple[str, str, str]]:
        """Name, source and label of each layer that has one for a feature."""
        feature = self._check(feature)
        return self.book.read(lambda db: layers_with(db, feature), [])
