"""Taking in what others wrote: notes as text, and layers of labels; shown before, and taken back at will."""

import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import polars as pl

from saescope import live
from saescope.errors import ConflictError, InputError, OccupiedError, UnknownNameError
from saescope.notes import Notes
from saescope.notes.layer_files import FoundLabels, read_labels
from saescope.rpc.calls import Call
from saescope.rpc.handlers import paths
from saescope.rpc.handlers.sharing import Told
from saescope.rpc.messages.importing import (
    LayerInfo,
    LayerList,
    LayerName,
    LayerParams,
    LayerPreview,
    LayerRow,
    NotesChange,
    NotesImport,
    NotesParams,
    NotesPreview,
    NotesTaken,
    NotesUndone,
    UndoParams,
)
from saescope.rpc.messages.scopes import ScopeParams
from saescope.scope import Scope

MAX_ROWS, MAX_CUT, N_LABELS, MAX_STEPS = 300, 1000, 12, 20
LABEL_SCHEMA = {"feature": pl.UInt32, "label": pl.String}


@dataclass
class Taken:
    """What an import changed: the version of each note and list after it."""

    notes: dict[int, int] = field(default_factory=dict)
    lists: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class LayerStep:
    """A layer as it was before a change; without labels there was none."""

    name: str
    source: str
    labels: pl.DataFrame | None
    told: str


_taken: WeakKeyDictionary[Scope, dict[str, Taken]] = WeakKeyDictionary()
_steps: WeakKeyDictionary[Scope, list[LayerStep]] = WeakKeyDictionary()


def _file(typed: str) -> Path:
    path = paths.place(typed)
    if not path.exists():
        raise InputError(f"there is no file {paths.shown(path)}.", hint="Check its name.")
    if not path.is_file():
        raise InputError(f"{paths.shown(path)} is a folder, and a file is wanted.")
    return path


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _preview(call: Call, params: NotesParams) -> NotesPreview:
    notes, path = live.get(params.scope).notes, _file(params.path)
    digest = _digest(path)
    found = notes.preview(path, is_forced=params.is_forced)
    call.check()
    is_conflict = found["change"] == "conflict"
    shown = pl.concat([found.filter(is_conflict), found.filter(~is_conflict)]).head(MAX_ROWS)
    return NotesPreview(
        path=paths.shown(path),
        changes=[_change(row) for row in shown.iter_rows(named=True)],
        n_changes=len(found),
        n_conflicts=int(is_conflict.sum()),
        n_own=notes.n_unexported(path, is_forced=params.is_forced),
        digest=digest,
    )


def _change(row: dict[str, Any]) -> NotesChange:
    return NotesChange(**{**row, "old": _cut(row["old"]), "new": _cut(row["new"])})


def _cut(text: str) -> str:
    return text if len(text) <= MAX_CUT else f"{text[:MAX_CUT]}…"


def _take(call: Call, params: NotesImport) -> NotesTaken:
    scope, path = live.get(params.scope), _file(params.path)
    notes = scope.notes
    if _digest(path) != params.digest:
        raise ConflictError(
            f"{path.name} was changed since it was shown.", hint="Look at what it would change now, then take it in."
        )
    found = notes.preview(path, is_forced=params.is_forced)
    if params.conflicts == "mine":
        found = found.filter(pl.col("change") != "conflict")
    call.check()
    before = _versions(notes, found)
    n_changed = notes.import_from(path, conflicts=params.conflicts, is_forced=params.is_forced)
    after = _versions(notes, found)
    made = Taken(
        {f: v for f, v in after.notes.items() if v != before.notes[f]},
        {name: v for name, v in after.lists.items() if v != before.lists[name]},
    )
    if not made.notes and not made.lists:
        return NotesTaken(n_changed=n_changed, undo="")
    number = uuid.uuid4().hex[:12]
    known = _taken.setdefault(scope, {})
    known[number] = made
    while len(known) > MAX_STEPS:
        known.pop(next(iter(known)))
    return NotesTaken(n_changed=n_changed, undo=number)


def _versions(notes: Notes, found: pl.DataFrame) -> Taken:
    features = found["feature"].drop_nulls().unique().to_list()
    names = found.filter(pl.col("what") == "list")["name"].unique().to_list()
    known = dict(notes.lists().select("name", "version").iter_rows())
    return Taken({f: notes.get(f).version for f in features}, {name: known.get(name, 0) for name in names})


def _undo(call: Call, params: UndoParams) -> NotesUndone:
    scope = live.get(params.scope)
    notes, made = scope.notes, _taken.get(scope, {}).get(params.undo)
    if made is None:
        raise InputError("what was taken in is not known any more.", hint="Undo it feature by feature, on its page.")
    told = Told(call)
    told.start("Taking back", len(made.notes) + len(made.lists), "note")
    n_undone = n_kept = 0
    lists = dict(notes.lists().select("name", "version").iter_rows())
    for target in [*made.notes, *made.lists]:
        told.advance(1)
        if _is_undone(notes, made, lists, target):
            n_undone += 1
        else:
            n_kept += 1
    _taken[scope].pop(params.undo, None)
    return NotesUndone(n_undone=n_undone, n_kept=n_kept)


def _is_undone(notes: Notes, made: Taken, lists: dict[str, int], target: int | str) -> bool:
    """Take one back, unless it was changed since; it is not tried again."""
    try:
        if isinstance(target, str):
            if lists.get(target, 0) != made.lists.pop(target):
                return False
            notes.undo(target)
        else:
            notes.undo(target, version=made.notes.pop(target))
    except (ConflictError, InputError):
        return False
    return True


def list_layers(scope: Scope) -> LayerList:
    """All layers, and what can be taken back."""
    rows = scope.notes.layers().iter_rows(named=True)
    steps = _steps.get(scope, [])
    return LayerList(
        layers=[
            LayerInfo(
                name=row["name"],
                source=row["source"],
                n_labels=row["n_labels"],
                author=row["author"],
                saved_ms=int(row["saved"].timestamp() * 1000),
            )
            for row in rows
        ],
        undo=steps[-1].told if steps else "",
    )


def _layers_get(_call: Call, params: ScopeParams) -> LayerList:
    return list_layers(live.get(params.scope))


def _named(params: LayerParams, found: FoundLabels) -> tuple[str, str]:
    return params.name.strip() or found.name, params.source.strip() or found.source


def _layers_preview(call: Call, params: LayerParams) -> LayerPreview:
    scope = live.get(params.scope)
    found = read_labels(_file(params.path), scope.n_features)
    call.check()
    name, source = _named(params, found)
    own = scope.notes.labels()
    there = {row["name"]: row["n_labels"] for row in scope.notes.layers().iter_rows(named=True)}
    first = list(found.labels.items())[:N_LABELS]
    return LayerPreview(
        name=name,
        source=source,
        n_labels=len(found.labels),
        n_own=sum(f in own for f in found.labels),
        n_replaced=there.get(name, 0),
        rows=[LayerRow(feature=f, label=_cut(label), own=own.get(f, "")) for f, label in first],
    )


def _layers_add(_call: Call, params: LayerParams) -> LayerList:
    scope = live.get(params.scope)
    found = read_labels(_file(params.path), scope.n_features)
    name, source = _named(params, found)
    before = step_of(scope.notes, name, f"added “{name}”")
    if before.labels is not None and not params.replaces:
        raise OccupiedError(
            f"there is a layer {name!r} with {len(before.labels):,} labels already.",
            hint="Call it something else, or replace that one.",
        )
    frame = pl.DataFrame({"feature": list(found.labels), "label": list(found.labels.values())}, schema=LABEL_SCHEMA)
    scope.notes.add_layer(frame, name, source=source)
    remember(scope, before)
    return list_layers(scope)


def _layers_remove(_call: Call, params: LayerName) -> LayerList:
    scope = live.get(params.scope)
    before = step_of(scope.notes, params.name, f"removed “{params.name}”")
    scope.notes.remove_layer(params.name)
    remember(scope, before)
    return list_layers(scope)


def _layers_undo(_call: Call, params: ScopeParams) -> LayerList:
    scope = live.get(params.scope)
    steps = _steps.get(scope)
    if not steps:
        raise InputError("there is nothing to take back.")
    step = steps[-1]
    if step.labels is None:
        scope.notes.remove_layer(step.name)
    else:
        scope.notes.add_layer(step.labels, step.name, source=step.source)
    steps.pop()
    return list_layers(scope)


def step_of(notes: Notes, name: str, told: str) -> LayerStep:
    """A layer as it is, before a change that is ``told``."""
    sources = {row["name"]: row["source"] for row in notes.layers().iter_rows(named=True)}
    try:
        return LayerStep(name, sources.get(name, ""), notes.layer(name), told)
    except UnknownNameError:
        return LayerStep(name, "", None, told)


def remember(scope: Scope, step: LayerStep) -> None:
    """Make a change of layers one that can be taken back."""
    steps = _steps.setdefault(scope, [])
    steps.append(step)
    del steps[:-MAX_STEPS]


HANDLERS: dict[str, Callable[[Call, Any], Any]] = {
    "import.preview": _preview,
    "import.notes": _take,
    "import.undo": _undo,
    "layers.get": _layers_get,
    "layers.preview": _layers_preview,
    "layers.add": _layers_add,
    "layers.remove": _layers_remove,
    "layers.undo": _layers_undo,
}
ASIDE = {"import.preview", "import.notes", "import.undo", "layers.preview", "layers.add"}
