"""Results that are kept with the notes."""

from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, kw_only=True)
class KeepParams:
    """Run a call of the scope and keep what it gives; arguments as in `saescope.notes.kept_calls`.

    An empty title is made from the call. ``panel`` is the name and state of the panel it comes from.
    """

    scope: str
    method: str
    args: dict[str, Any]
    feature: int | None = None
    title: str = ""
    panel: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class KeepStage:
    """The model is in use elsewhere, or runs: so many texts so far."""

    stage: Literal["waiting", "running"]
    n_texts: int


@dataclass(frozen=True, kw_only=True)
class KeptLine:
    """A kept result in a list: its foremost figure is in ``headline``; ``time_ms`` since 1970 UTC."""

    id: str
    feature: int | None
    title: str
    method: str
    headline: str
    author: str
    time_ms: int


@dataclass(frozen=True, kw_only=True)
class KeptLinesParams:
    """Of which feature; none for those of no feature, and ``is_all`` for all."""

    scope: str
    feature: int | None = None
    is_all: bool = False


@dataclass(frozen=True, kw_only=True)
class KeptLines:
    """Answer of ``kept.list``: the newest last, at most 500 of ``n``."""

    lines: list[KeptLine]
    n: int


@dataclass(frozen=True, kw_only=True)
class KeptParams:
    """Names one kept result."""

    scope: str
    id: str


@dataclass(frozen=True, kw_only=True)
class KeptTitle:
    """Another title of a kept result; an empty one is made from the call."""

    scope: str
    id: str
    title: str


@dataclass(frozen=True, kw_only=True)
class KeptResult:
    """A kept result without its table: the call, how to open it, and of how many rows which were cut."""

    line: KeptLine
    code: str
    panel: dict[str, Any]
    cut: str


@dataclass(frozen=True, kw_only=True)
class KeptDone:
    """A kept result was taken away, or a change of it taken back."""

    id: str


@dataclass(frozen=True, kw_only=True)
class KeptAgain:
    """What came of running a kept call again: where it differs, what is another now, and why it failed."""

    is_same: bool
    differences: list[str]
    changed: list[str]
    failure: str


METHODS: dict[str, tuple[type, type, type | None]] = {
    "kept.keep": (KeepParams, KeptResult, KeepStage),
    "kept.list": (KeptLinesParams, KeptLines, None),
    "kept.get": (KeptParams, KeptResult, None),
    "kept.title": (KeptTitle, KeptResult, None),
    "kept.remove": (KeptParams, KeptDone, None),
    "kept.undo": (KeptParams, KeptDone, None),
    "kept.redo": (KeptParams, KeptDone, None),
    "kept.rerun": (KeptParams, KeptAgain, KeepStage),
}
