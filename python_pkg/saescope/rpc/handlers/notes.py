"""What people write about features. A change is answered when it is on disk."""

from collections import Counter
from collections.abc import Callable
from typing import Any, Literal, cast

import numpy as np

from saescope import live
from saescope.errors import InputError
from saescope.notes import Notes
from saescope.query.passages import keys_at
from saescope.rpc.calls import Answer, Call
from saescope.rpc.messages.notes import (
    ExampleMark,
    FeatureList,
    FeatureLists,
    FeatureMarks,
    FeatureNote,
    LayerLabel,
    ListChange,
    ListedFeatures,
    ListParams,
    MarkChange,
    MarksParams,
    NoteChange,
    NoteStep,
    ShownMark,
    TagCount,
    TagCounts,
)
from saescope.rpc.messages.page import FeatureParams
from saescope.rpc.messages.scopes import ScopeParams

MAX_ROWS, MAX_TAGS = 200, 200


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
        n_marks=notes.n_marked(feature),
        layers=[
            LayerLabel(layer=name, source=source, label=text) for name, source, text in notes.layer_labels(feature)
        ],
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


def _marks_get(_call: Call, params: MarksParams) -> FeatureMarks:
    if len(params.rows) > MAX_ROWS:
        raise InputError(f"the marks of at most {MAX_ROWS} examples are told at once, and {len(params.rows):,} came.")
    scope = live.get(params.scope)
    found = scope.notes.marked(params.feature)
    marks = {m.passage.key: cast("Any", m.mark) for m in found}
    keys = keys_at(scope.require_index(), params.rows) if found else []
    return FeatureMarks(
        feature=params.feature,
        marks=[
            ExampleMark(
                passage=m.passage.key,
                mark=cast("Any", m.mark),
                before=m.passage.before,
                token=m.passage.token,
                after=m.passage.after,
                author=m.author,
                saved_ms=m.saved_us // 1000,
            )
            for m in found
        ],
        shown=[
            ShownMark(row=row, mark=marks[key]) for row, key in zip(params.rows, keys, strict=False) if key in marks
        ],
    )


def _mark_set(_call: Call, params: MarkChange) -> FeatureNote:
    notes = _notes_of(params.scope)
    example = params.row if params.passage is None else params.passage
    if example is None:
        raise InputError("an example is named by its row or its passage, and neither came.")
    notes.mark(params.feature, example, params.mark)
    return feature_note(notes, params.feature)


def _tags_get(_call: Call, params: ScopeParams) -> TagCounts:
    counts = Counter(tag for tags in _notes_of(params.scope).tags().values() for tag in tags)
    most = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:MAX_TAGS]
    return TagCounts(tags=[TagCount(tag=tag, n_features=n) for tag, n in most])


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
    "marks.get": _marks_get,
    "mark.set": _mark_set,
    "tags.get": _tags_get,
    "lists.get": _lists_get,
    "lists.change": _lists_change,
    "list.get": _list_get,
    "list.undo": _list_step("undo"),
    "list.redo": _list_step("redo"),
}
QUICK = {"note.get", "marks.get"}
