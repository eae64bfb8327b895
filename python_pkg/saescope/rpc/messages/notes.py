"""What people write about features."""

from dataclasses import dataclass, field
from typing import Literal

from saescope.rpc.messages.page import FeatureParams
from saescope.rpc.messages.scopes import ScopeParams


@dataclass(frozen=True, kw_only=True)
class LayerLabel:
    """What a source elsewhere calls a feature: the layer's name, where it came from, and its label."""

    layer: str
    source: str
    label: str


@dataclass(frozen=True, kw_only=True)
class FeatureNote:
    """What is written about a feature, as it is on disk; ``version`` is 0 where nothing ever was.

    ``confidence`` is 0 to 1, ``saved_ms`` since 1970 UTC; ``lists`` are the names of those that
    hold the feature; ``place`` says where notes are kept, if not beside the index, and why; ``n_marks``
    is of its examples; ``layers`` are labels from elsewhere, which nobody changes here.
    """

    feature: int
    label: str
    remark: str
    tags: list[str]
    status: Literal["", "proposed", "checked", "rejected"]
    confidence: float | None
    author: str
    saved_ms: int
    version: int
    can_undo: bool
    can_redo: bool
    lists: list[str]
    place: str = ""
    n_marks: int = 0
    layers: list[LayerLabel] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class NoteChange:
    """Change a note; what is none stays as it is, and ``drops_confidence`` takes that away.

    ``version`` is the one that the change is based on: where another writer has changed the same
    field since, the answer is the error ``conflict``, with ``mine`` and ``theirs`` in its data.
    """

    scope: str
    feature: int
    label: str | None = None
    remark: str | None = None
    tags: list[str] | None = None
    status: Literal["", "proposed", "checked", "rejected"] | None = None
    confidence: float | None = None
    drops_confidence: bool = False
    version: int | None = None
    is_forced: bool = False


@dataclass(frozen=True, kw_only=True)
class NoteStep:
    """Take back the last change of a note, or make it again; ``version`` as in `NoteChange`."""

    scope: str
    feature: int
    version: int | None = None


@dataclass(frozen=True, kw_only=True)
class MarksParams:
    """Names a feature, and the rows of the corpus at the peaks of the examples that are shown, at most 200."""

    scope: str
    feature: int
    rows: list[int] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class ExampleMark:
    """An example that is marked, by its passage's key, with the passage's text: ``token`` is at the peak."""

    passage: str
    mark: Literal["typical", "counterexample"]
    before: str
    token: str
    after: str
    author: str
    saved_ms: int


@dataclass(frozen=True, kw_only=True)
class ShownMark:
    """A row among those asked for whose passage is marked."""

    row: int
    mark: Literal["typical", "counterexample"]


@dataclass(frozen=True, kw_only=True)
class FeatureMarks:
    """Answer of ``marks.get``: all marks of the feature, the one made last first, and which rows have one."""

    feature: int
    marks: list[ExampleMark]
    shown: list[ShownMark]


@dataclass(frozen=True, kw_only=True)
class MarkChange:
    """Mark an example, by the row of its peak or by its passage's key; an empty ``mark`` takes it away."""

    scope: str
    feature: int
    mark: Literal["", "typical", "counterexample"]
    row: int | None = None
    passage: str | None = None


@dataclass(frozen=True, kw_only=True)
class TagCount:
    """A tag, and how many features have it."""

    tag: str
    n_features: int


@dataclass(frozen=True, kw_only=True)
class TagCounts:
    """Answer of ``tags.get``: the tags there are, the most used first, at most 200."""

    tags: list[TagCount]


@dataclass(frozen=True, kw_only=True)
class FeatureList:
    """A named list of features; ``saved_ms`` tells when it was changed last."""

    name: str
    n_features: int
    author: str
    saved_ms: int
    version: int


@dataclass(frozen=True, kw_only=True)
class FeatureLists:
    """All lists, the one changed last first."""

    lists: list[FeatureList]


@dataclass(frozen=True, kw_only=True)
class ListParams:
    """Names one list of one scope."""

    scope: str
    name: str


@dataclass(frozen=True, kw_only=True)
class ListedFeatures:
    """Answer of ``list.get``; buffer 0 is the features in the list's order, u32 little-endian."""

    name: str
    n_features: int


@dataclass(frozen=True, kw_only=True)
class ListChange:
    """Take features out of a list and append others; one that is not there is made.

    ``new_name`` renames it, ``is_deleted`` takes it away.
    """

    scope: str
    name: str
    add: list[int] = field(default_factory=list)
    remove: list[int] = field(default_factory=list)
    new_name: str | None = None
    is_deleted: bool = False


@dataclass(frozen=True, kw_only=True)
class Noted:
    """Data of the ``notes`` topic: features whose notes changed, and lists; ``is_all`` when too many to name.

    ``has_kept`` when kept results came, went or got another title.
    """

    scope: str
    features: list[int]
    lists: list[str]
    is_all: bool = False
    has_kept: bool = False


METHODS: dict[str, tuple[type, type, type | None]] = {
    "note.get": (FeatureParams, FeatureNote, None),
    "note.set": (NoteChange, FeatureNote, None),
    "note.undo": (NoteStep, FeatureNote, None),
    "note.redo": (NoteStep, FeatureNote, None),
    "marks.get": (MarksParams, FeatureMarks, None),
    "mark.set": (MarkChange, FeatureNote, None),
    "tags.get": (ScopeParams, TagCounts, None),
    "lists.get": (ScopeParams, FeatureLists, None),
    "lists.change": (ListChange, FeatureLists, None),
    "list.get": (ListParams, ListedFeatures, None),
    "list.undo": (ListParams, FeatureLists, None),
    "list.redo": (ListParams, FeatureLists, None),
}
