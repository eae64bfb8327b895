"""The tables of layers: labels that came from elsewhere, which nobody changes here."""

import hashlib
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from saescope.errors import UnknownNameError
from saescope.notes.changes import Stamp, add_event
from saescope.notes.database import has_marks


@dataclass(frozen=True)
class Layer:
    """Labels from one source.

    Parameters
    ----------
    source
        Where they came from, in words.
    labels
        By feature.
    """

    name: str
    source: str
    author: str = ""
    saved_us: int = 0
    labels: Mapping[int, str] = field(default_factory=lambda: MappingProxyType({}))


def id_of(name: str) -> int:
    """A layer's number: the same for the same name, in every file."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=6).digest(), "big")


def read_layers(db: sqlite3.Connection) -> tuple[Layer, ...]:
    """All layers with their labels, the one added first first."""
    if not has_marks(db):
        return ()
    rows = db.execute("SELECT id, name, source, author, saved_us FROM layers ORDER BY saved_us, id").fetchall()
    labels = "SELECT feature, label FROM layer_labels WHERE layer = ? ORDER BY feature"
    return tuple(
        Layer(name, source, author, saved_us, MappingProxyType(dict(db.execute(labels, (number,)))))
        for number, name, source, author, saved_us in rows
    )


def layers_with(db: sqlite3.Connection, feature: int) -> list[tuple[str, str, str]]:
    """Name, source and label of each layer that has one for a feature."""
    if not has_marks(db):
        return []
    rows = db.execute(
        "SELECT name, source, label FROM layer_labels JOIN layers ON id = layer WHERE feature = ? "
        "ORDER BY saved_us, id",
        (feature,),
    )
    return rows.fetchall()


def put_layer(db: sqlite3.Connection, layer: Layer, stamp: Stamp) -> None:
    """Add a layer, in the place of one of the same name."""
    number = id_of(layer.name)
    old = db.execute("SELECT name, source FROM layers WHERE id = ?", (number,)).fetchone()
    db.execute("DELETE FROM layer_labels WHERE layer = ?", (number,))
    db.execute(
        "INSERT OR REPLACE INTO layers VALUES (?, ?, ?, ?, ?)",
        (number, layer.name, layer.source, stamp.author, stamp.saved_us),
    )
    db.executemany("INSERT INTO layer_labels VALUES (?, ?, ?)", ((number, f, t) for f, t in layer.labels.items()))
    before = {"name": old and old[0], "source": old and old[1]}
    after = {"name": layer.name, "source": layer.source, "n_labels": len(layer.labels)}
    add_event(db, "layer", number, "set", before, after, 1, stamp)


def drop_layer(db: sqlite3.Connection, name: str, stamp: Stamp) -> None:
    """Take a layer away.

    Raises
    ------
    UnknownNameError
        There is none of this name.
    """
    number = id_of(name)
    old = db.execute("SELECT name, source FROM layers WHERE id = ?", (number,)).fetchone()
    if old is None:
        names = [n for (n,) in db.execute("SELECT name FROM layers ORDER BY name")]
        raise UnknownNameError(
            f"there is no layer {name!r}.", hint=f"Layers: {', '.join(names[:20]) or 'none yet'}.", names=names[:200]
        )
    db.execute("DELETE FROM layer_labels WHERE layer = ?", (number,))
    db.execute("DELETE FROM layers WHERE id = ?", (number,))
    add_event(db, "layer", number, "set", {"name": old[0], "source": old[1]}, {"name": None}, 1, stamp)
