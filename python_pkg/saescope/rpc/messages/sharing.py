"""What is taken out to files."""

from dataclasses import dataclass, field
from typing import Any, Literal

from saescope.rpc.messages.scopes import ScopeParams
from saescope.rpc.messages.table import TableFilter

OptionType = Literal["switch", "choice", "whole", "number", "text", "long", "parts"]


@dataclass(frozen=True, kw_only=True)
class ExportOption:
    """One thing that an exporter can be told: ``parts`` are any of ``choices``, ``long`` a text of many lines."""

    name: str
    meaning: str
    type: OptionType
    choices: list[str]
    is_needed: bool


@dataclass(frozen=True, kw_only=True)
class ExportKind:
    """A way to take features out.

    ``name`` is what its file or folder is called if nothing else is said, ``defaults`` the options as they are
    then; ``others`` are options for Python only. ``problem`` says why a plug-in's cannot be had.
    """

    kind: str
    title: str
    meaning: str
    group: Literal["findings", "tables", "tools", "notes"]
    is_folder: bool
    name: str
    takes_features: bool
    options: list[ExportOption]
    defaults: dict[str, Any]
    others: list[str]
    package: str
    problem: str


@dataclass(frozen=True, kw_only=True)
class ExportKinds:
    """Answer of ``share.kinds``; ``folder`` is the kernel's own, from which paths go."""

    kinds: list[ExportKind]
    folder: str


@dataclass(frozen=True, kw_only=True)
class WhichFeatures:
    """Which features: ``these``, those of the table's ``filter`` in its order, a list's, those labelled, all."""

    by: Literal["these", "filter", "list", "labelled", "all"]
    features: list[int] = field(default_factory=list)
    name: str = ""
    filter: TableFilter | None = None
    sort: str = "max"
    descending: bool = True


@dataclass(frozen=True, kw_only=True)
class PlanParams:
    """What would be written, and where."""

    scope: str
    kind: str
    path: str
    which: WhichFeatures


@dataclass(frozen=True, kw_only=True)
class ExportPlan:
    """Answer of ``share.plan``: how many features, and what is at the path.

    ``there``: nothing (or an empty folder), a file, ``own`` notes that the file lacks nothing of,
    ``foreign`` changes in a file of notes, a folder with something in it. ``free`` is a name that nothing has.
    ``problem`` says why it cannot be written, ``unmet`` why no features are chosen; ``n_labelled`` have a label.
    """

    n_features: int
    n_labelled: int
    path: str
    shown: str
    there: Literal["nothing", "file", "own", "foreign", "folder"]
    n_bytes: int
    changed_ms: int
    free: str
    problem: str
    hint: str
    unmet: str


@dataclass(frozen=True, kw_only=True)
class EstimateParams:
    """What would be written; a few features are, where nobody sees it."""

    scope: str
    kind: str
    which: WhichFeatures
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ExportEstimate:
    """Answer of ``share.estimate``, from ``n_sampled`` features that were written; 0 where it is not known.

    ``each_ms`` is of one more.
    """

    n_features: int
    seconds: float
    n_bytes: int
    n_sampled: int
    each_ms: float


@dataclass(frozen=True, kw_only=True)
class ExportRun:
    """Write features; a file that is there is replaced only with ``overwrite``."""

    scope: str
    kind: str
    path: str
    which: WhichFeatures
    options: dict[str, Any] = field(default_factory=dict)
    overwrite: bool = False


@dataclass(frozen=True, kw_only=True)
class Progressing:
    """Event of a long task: ``done`` of ``total`` units of a stage; 0 in all when nobody knows how many."""

    stage: str
    unit: str
    done: int
    total: int
    seconds_left: float | None


@dataclass(frozen=True, kw_only=True)
class ExportDone:
    """Answer of ``share.export``."""

    path: str
    shown: str
    is_folder: bool
    n_features: int
    n_files: int
    n_bytes: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class FileParams:
    """Names a file by its path."""

    scope: str
    path: str


@dataclass(frozen=True, kw_only=True)
class FileContent:
    """Answer of ``share.file``; buffer 0 is a file that this scope has written."""

    name: str


@dataclass(frozen=True, kw_only=True)
class FolderParams:
    """The beginning of a path, for which files with one of the endings, and folders, are sought."""

    scope: str
    path: str
    endings: list[str] = field(default_factory=list)
    wants_files: bool = True


@dataclass(frozen=True, kw_only=True)
class FolderEntry:
    """One of them; ``path`` is how to write it."""

    path: str
    name: str
    is_folder: bool
    n_bytes: int
    changed_ms: int


@dataclass(frozen=True, kw_only=True)
class FolderEntries:
    """Answer of ``share.files``: the first entries of ``folder``, by name, and how many more there are."""

    folder: str
    entries: list[FolderEntry]
    n_more: int


METHODS: dict[str, tuple[type, type, type | None]] = {
    "share.kinds": (ScopeParams, ExportKinds, None),
    "share.plan": (PlanParams, ExportPlan, None),
    "share.estimate": (EstimateParams, ExportEstimate, None),
    "share.export": (ExportRun, ExportDone, Progressing),
    "share.file": (FileParams, FileContent, None),
    "share.files": (FolderParams, FolderEntries, None),
}
