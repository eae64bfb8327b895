"""What is taken in from files: notes as text, and layers of labels."""

from dataclasses import dataclass
from typing import Literal

from saescope.rpc.messages.scopes import ScopeParams
from saescope.rpc.messages.sharing import Progressing


@dataclass(frozen=True, kw_only=True)
class NotesParams:
    """A file of notes; ``is_forced`` takes those on another SAE."""

    scope: str
    path: str
    is_forced: bool = False


@dataclass(frozen=True, kw_only=True)
class NotesChange:
    """One field, list or mark that would be other than now; long texts are cut."""

    what: str
    feature: int | None
    name: str
    field: str
    old: str
    new: str
    change: Literal["add", "change", "remove", "merge", "conflict"]


@dataclass(frozen=True, kw_only=True)
class NotesPreview:
    """Answer of ``import.preview``: the first changes, conflicts before others, and how many there are in all.

    ``n_own`` were made here only, and stay. ``digest`` says of which file.
    """

    path: str
    changes: list[NotesChange]
    n_changes: int
    n_conflicts: int
    n_own: int
    digest: str


@dataclass(frozen=True, kw_only=True)
class NotesImport:
    """Take in a file of notes as it was shown; ``conflicts`` says whose side counts where both changed the same."""

    scope: str
    path: str
    digest: str
    conflicts: Literal["refuse", "mine", "file"] = "refuse"
    is_forced: bool = False


@dataclass(frozen=True, kw_only=True)
class NotesTaken:
    """Answer of ``import.notes``: how many notes and lists changed; ``undo`` names it, and is empty if nothing did."""

    n_changed: int
    undo: str


@dataclass(frozen=True, kw_only=True)
class UndoParams:
    """Names what was taken in."""

    scope: str
    undo: str


@dataclass(frozen=True, kw_only=True)
class NotesUndone:
    """Answer of ``import.undo``; ``n_kept`` were changed again since, and stay as they are."""

    n_undone: int
    n_kept: int


@dataclass(frozen=True, kw_only=True)
class LayerParams:
    """A file of labels, and what to call them; by default as it does itself."""

    scope: str
    path: str
    name: str = ""
    source: str = ""
    replaces: bool = False


@dataclass(frozen=True, kw_only=True)
class LayerName:
    """Names a layer."""

    scope: str
    name: str


@dataclass(frozen=True, kw_only=True)
class LayerRow:
    """A label from elsewhere, beside a person's own."""

    feature: int
    label: str
    own: str


@dataclass(frozen=True, kw_only=True)
class LayerPreview:
    """Answer of ``layers.preview``: the first labels; ``n_replaced`` are in a layer of the same name."""

    name: str
    source: str
    n_labels: int
    n_own: int
    n_replaced: int
    rows: list[LayerRow]


@dataclass(frozen=True, kw_only=True)
class LayerInfo:
    """A layer."""

    name: str
    source: str
    n_labels: int
    author: str
    saved_ms: int


@dataclass(frozen=True, kw_only=True)
class LayerList:
    """Answer of the methods of layers; ``undo`` says what of this session's changes can be taken back, if any."""

    layers: list[LayerInfo]
    undo: str


METHODS: dict[str, tuple[type, type, type | None]] = {
    "import.preview": (NotesParams, NotesPreview, None),
    "import.notes": (NotesImport, NotesTaken, None),
    "import.undo": (UndoParams, NotesUndone, Progressing),
    "layers.get": (ScopeParams, LayerList, None),
    "layers.preview": (LayerParams, LayerPreview, None),
    "layers.add": (LayerParams, LayerList, None),
    "layers.remove": (LayerName, LayerList, None),
    "layers.undo": (ScopeParams, LayerList, None),
}
