"""What a note is."""

from dataclasses import asdict, dataclass
from typing import Any

STATUSES = ("", "proposed", "checked", "rejected")
FIELDS = ("label", "remark", "tags", "status", "confidence")
"""What a person writes; all else is told by the store."""


@dataclass(frozen=True)
class Note:
    """What a person wrote about a feature.

    Parameters
    ----------
    label
        One line of at most 1,000 characters.
    remark
        Markdown of at most 100,000 characters.
    tags
        At most 50, each once.
    status
        One of ``STATUSES``; empty for none.
    confidence
        0 to 1, or ``None``.
    author
        Who wrote last.
    saved_us
        When, in microseconds since 1970 UTC; 0 when nothing was ever written.
    version
        How often it was changed.
    """

    feature: int
    label: str = ""
    remark: str = ""
    tags: tuple[str, ...] = ()
    status: str = ""
    confidence: float | None = None
    author: str = ""
    saved_us: int = 0
    version: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing."""
        return not (self.label or self.remark or self.tags or self.status) and self.confidence is None

    def as_json(self) -> dict[str, Any]:
        """The note as a JSON object."""
        return asdict(self) | {"tags": list(self.tags)}


@dataclass(frozen=True)
class Change:
    """News of a store: the features whose notes or lists changed, and the names of the lists.

    ``is_all`` says that they were too many to name.
    """

    features: tuple[int, ...] = ()
    lists: tuple[str, ...] = ()
    is_all: bool = False
