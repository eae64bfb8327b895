"""Labels that come along with another tool's features: layers of their own, never a person's notes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from saescope.index import Index
from saescope.scope import Scope

MAX_LABEL, MAX_NAME, MAX_SOURCE = 10_000, 200, 1_000
SPACES = re.compile(r"[\s\0]+")


@dataclass(frozen=True)
class Label:
    """What another tool says that a feature is about.

    Parameters
    ----------
    author
        Who or what wrote it, such as a method and a model: each has a layer of its own.
    score
        How well it does, by the source's own measure; of several labels the best stands.
    """

    feature: int
    label: str
    author: str = ""
    score: float | None = None


def add_labels(index: Index, kind: str, labels: Sequence[Label]) -> None:
    """Keep labels in read-only layers beside an index, one for each author."""
    origin = index.manifest.origin
    if not labels or origin is None:
        return
    notes = Scope(index=index).notes
    by_author: dict[str, list[Label]] = {}
    for label in labels:
        by_author.setdefault(label.author, []).append(label)
    for author, found in by_author.items():
        found.sort(key=lambda label: (label.feature, -(label.score or 0.0)))
        texts = [_line(label.label, MAX_LABEL) for label in found]
        frame = pl.DataFrame(
            {"feature": [label.feature for label in found], "label": texts},
            schema={"feature": pl.UInt32, "label": pl.String},
        )
        name = _line(f"{kind}: {author}" if author else kind, MAX_NAME)
        notes.add_layer(frame, name, source=_line(f"{origin.name}, imported from {kind}", MAX_SOURCE))


def _line(text: str, limit: int) -> str:
    whole = SPACES.sub(" ", text.encode("utf-8", "replace").decode()).strip()
    return whole if len(whole) <= limit else f"{whole[: limit - 1]}…"
