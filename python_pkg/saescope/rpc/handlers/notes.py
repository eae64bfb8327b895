"""What people write about features. A change is answered when it is on disk."""

from collections.abc import Callable
from typing import Any, Literal, cast

import numpy as np

from saescope import live
from saescope.notes import Notes
from saescope.rpc.calls import Answer, Call
from saescope.rpc.messages.notes import (
    FeatureList,
    FeatureLists,
    FeatureNote,
    ListChange,
    ListedFeatures,
    ListParams,
    NoteChange,
    NoteStep,
)
from saescope.rpc.messages.page import FeatureParams
from saescope.rpc.messages.scopes import ScopeParams


def _notes_of(scope: str) -> Notes:
    return live.get(scope).notes


def _note_get(_call: Call, params: FeatureParams) -> FeatureNote:
    return feature_note(_notes_of(params.scope), params.feature)


def feature_note(notes: Notes, feature: int) -> FeatureNote:
    """A feature's note as the page shows it."""
    note = notes.get(feature)
    can_undo, can_redo = notes.can_step(feature)
    return FeatureNote(
        feature=note.feature,
        label=note.label,
        remark=note.remark,
        tags=list(note.tags),
        status=cast("Any", note.status),
        confidence=note.confidence,
        author=note.author,
        saved_ms=note.saved_us // 1000,
        version=note.version,
        can_undo=can_undo,
        can_redo=can_redo,
        lists=notes.lists_with(feature),
        place=f"{notes.path}: {notes.why}" if notes.why else "",
    )


def _note_set(_call: Call, params: NoteChange) -> FeatureNote:
    notes = _notes_of(params.scope)
    keeps = params.confidence is None and not params.drops_confidence
    notes.set(
        params.feature,
        label=params.label,
        remark=params.remark,
        tags=params.tags,
        status=params.status,
        confidence=... if keeps else params.confidence,
        version=params.version,
        is_forced=params.is_forced,
    )
    return feature_note(notes, params.feature)


def _note_step(action: Literal["undo", "redo"]) -> Callable[[Call, NoteStep], FeatureNote]:
    def step(_call: Call, params: NoteStep) -> FeatureNote:
        notes = _notes_of(params.scope)
        getattr(notes, action)(params.feature, version=params.version)
        return feature_note(notes, params.feature)

    return step


def _lists_get(_call: Call, params: ScopeParams) -> FeatureLists:
    return _lists(_notes_of(params.scope))


def _lists(notes: Notes) -> FeatureLists:
    rows = notes.lists().iter_rows(named=True)
    return FeatureLists(
        lists=[
            FeatureList(
                name=row["name"],
                n_features=row["n_features"],
                author=row["author"],
                saved_ms=int(row["saved"].timestamp() * 1000),
                version=row["version"],
            )
            for row in rows
        ]
    )


def _lists_change(_call: Call, params: ListChange) -> FeatureLists:
    notes = _notes_of(params.scope)
    if params.add or params.remove:
        notes.change_list(params.name, params.add, params.remove)
    if params.new_name is not None:
        notes.rename(params.name, params.new_name)
    if params.is_deleted:
        notes.delete(params.name if params.new_name is None else params.new_name)
    return _lists(notes)


def _list_get(_call: Call, params: ListParams) -> Answer:
    features = _notes_of(params.scope).list(params.name)
    return Answer(
        ListedFeatures(name=params.name, n_features=len(features)), [np.asarray(features, dtype="<u4").tobytes()]
    )


def _list_step(action: Literal["undo", "redo"]) -> Callable[[Call, ListParams], FeatureLists]:
    def step(_call: Call, params: ListParams) -> FeatureLists:
        notes = _notes_of(params.scope)
        getattr(notes, action)(params.name)
        return _lists(notes)

    return step


HANDLERS: dict[str, Callable[[Call, Any], Any]] = {
    "note.get": _note_get,
    "note.set": _note_set,
    "note.undo": _note_step("undo"),
    "note.redo": _note_step("redo"),
    "lists.get": _lists_get,
    "lists.change": _lists_change,
    "list.get": _list_get,
    "list.undo": _list_step("undo"),
    "list.redo": _list_step("redo"),
}
QUICK = {"note.get"}
