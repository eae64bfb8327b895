"""Notes on the features of a scope: where they are, and who is told of changes."""

import logging
import os
import threading
import weakref
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from saescope import live
from saescope.errors import MismatchError, NoIndexError, StoreError
from saescope.index import Index
from saescope.notes import Change, Notes, Passage, open_book
from saescope.notes.places import Place, find_place, key_of, with_key
from saescope.query.passages import passage_at
from saescope.scope.state import State

log = logging.getLogger("saescope.notes")


class Noting(State):
    """What people write about the features."""

    def __init__(self, **parts: Any) -> None:
        self._notes_lock = threading.Lock()
        self._notes: Notes | None = None
        self._has_own_notes = False
        super().__init__(**parts)

    @property
    def notes(self) -> Notes:
        """Labels, remarks, tags, status and lists of features.

        They are kept in ``notes.sqlite`` beside the index; where that cannot be, or before there is an
        index, in the user's own data folder (``SAESCOPE_NOTES_DIR`` moves it), from which the first
        index takes them over. ``repr(scope.notes)`` says where.
        """
        with self._notes_lock:
            if self._notes is None:
                self._notes = self._find_notes()
            return self._notes

    def open_notes(self, path: "str | os.PathLike[str]") -> Notes:
        """Keep this scope's notes in a file of one's own choice.

        Parameters
        ----------
        path
            A file of notes, or one that is to be made.

        Raises
        ------
        MismatchError
            It holds notes on another SAE.
        NotesError
            It cannot be read.
        """
        made = self._notes_at(Place(Path(path)))
        made.get(0)
        with self._notes_lock:
            if self._notes is not None and self._notes.book is not made.book:
                self._notes.book.forget(self)
            self._notes, self._has_own_notes = made, True
        _tell(self, Change(is_all=True))
        return made

    @cached_property
    def _sae_fingerprint(self) -> str:
        if self._index is not None or self._sae is None:
            return self.require_index().manifest.sae["fingerprint"]
        return self._sae.fingerprint()

    def _find_notes(self) -> Notes:
        key = key_of(self._sae_fingerprint, self.model_name)
        place = find_place(self._index.path if self._index else None, key)
        made = self._notes_at(place)
        try:
            made.get(0)
        except MismatchError:  # the folder once held an index of another SAE
            return self._notes_at(Place(with_key(place.path, key), place.why))
        except StoreError:
            log.warning("the notes at %s cannot be read", place.path, exc_info=True)
        return made

    def _notes_at(self, place: Place) -> Notes:
        book = open_book(place.path, {"sae": self._sae_fingerprint}, place.older)
        book.listen(self, _tell)
        held = weakref.ref(self)

        def passage_of(row: int) -> Passage:
            scope = held()
            if scope is None:
                raise NoIndexError("the scope of these notes is gone.", hint="Open it again.")
            return passage_at(scope.require_index(), row)

        return Notes(book, self.n_features, place.why, sae_name=self.sae_name, passage_of=passage_of)

    def labels_of(self, features: Sequence[int]) -> dict[int, str]:
        """The label of each of some features that has one; none when the notes cannot be read."""
        try:
            labels = self.notes.labels()
        except StoreError:
            return {}
        return _of(labels, features)

    def statuses_of(self, features: Sequence[int]) -> dict[int, str]:
        """The status of each of some features that has one; none when the notes cannot be read."""
        try:
            statuses = self.notes.statuses()
        except StoreError:
            return {}
        return _of(statuses, features)

    def attach(self, index: Index) -> None:
        """Make an index this scope's own, and keep the notes beside it from now on."""
        with self._notes_lock:
            if self._notes is not None and not self._has_own_notes:
                self._notes.book.forget(self)
                self._notes = None
        super().attach(index)


def _of(texts: Mapping[int, str], features: Sequence[int]) -> dict[int, str]:
    if len(features) <= len(texts):
        return {f: texts[f] for f in features if f in texts}
    wanted = features if isinstance(features, range) else frozenset(features)
    return {f: text for f, text in texts.items() if f in wanted}


def _tell(scope: State, change: Change) -> None:
    """Tell all pages what has changed in a scope's notes."""
    data = {"features": list(change.features), "lists": list(change.lists), "is_all": change.is_all}
    data |= {"has_kept": change.has_kept}
    live.tell("notes", {"scope": scope.id, **data})
