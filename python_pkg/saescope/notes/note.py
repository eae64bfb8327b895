"""What a note is."""

from dataclasses import asdict, dataclass
from typing import Any

STATUSES = ("", "proposed", "checked", "rejected")
FIELDS = ("label", "remark", "tags", "status", "confidence")
"""What a person writes; all else is told by the store."""
MARKS = ("typical", "counterexample")
MARK = "mark:"
"""Begins the name under which the change of a mark stands in a note's history; the passage's key follows."""


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
class Passage:
    """A place in a corpus, by the text before it, so that it is found in another index too.

    Parameters
    ----------
    key
        A digest of the tokens of its document up to its own, at most 32 and none of them special: the
        same wherever a corpus holds that text, whatever else it holds and however long contexts are.
    before, token, after
        Its text, with the token that it is about.
    doc, source
        Number and source of its document where it was found; ``None`` and empty when not known.
    place
        Its row in the corpus where it was found; ``None`` when not known.
    """

    key: str
    before: str = ""
    token: str = ""
    after: str = ""
    doc: int | None = None
    source: str = ""
    place: int | None = None

    @property
    def text(self) -> str:
        """All of its text."""
        return self.before + self.token + self.after


@dataclass(frozen=True)
class Mark:
    """What a person thinks of one example of a feature: one of ``MARKS``."""

    feature: int
    passage: Passage
    mark: str
    author: str = ""
    saved_us: int = 0

    def as_json(self) -> dict[str, Any]:
        """What an event tells of it."""
        return {"mark": self.mark} | asdict(self.passage)


@dataclass(frozen=True)
class Change:
    """News of a store: the features whose notes or lists changed, and the names of the lists.

    ``is_all`` says that they were too many to name, ``has_kept`` that kept results came, went or got a title.
    """

    features: tuple[int, ...] = ()
    lists: tuple[str, ...] = ()
    is_all: bool = False
    has_kept: bool = False
