"""Notes on the features of one SAE, as a person holds them: ``scope.notes``."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from types import EllipsisType
from typing import Any, Literal

import polars as pl

from saescope.errors import InputError, UnknownNameError
from saescope.notes import lists, texts
from saescope.notes.book import Book
from saescope.notes.changes import read_columns, read_note, set_note, set_notes, step_note, steps
from saescope.notes.keeping import Keeping
from saescope.notes.kept import Kept
from saescope.notes.layering import Layering
from saescope.notes.listing import TIME
from saescope.notes.marking import Marking
from saescope.notes.note import FIELDS, MARK, Note, Passage
from saescope.notes.sharing import Sharing
from saescope.notes.words import Ranked, Words

TABLE_SCHEMA: dict[str, Any] = {
    "feature": pl.UInt32, "label": pl.String, "remark": pl.String, "tags": pl.List(pl.String), "status": pl.String,
    "confidence": pl.Float64, "author": pl.String, "saved": TIME, "version": pl.UInt32,
}  # fmt: skip
HISTORY_SCHEMA: dict[str, Any] = {
    "saved": TIME, "author": pl.String, "action": pl.String, "field": pl.String, "old": pl.String, "new": pl.String,
    "version": pl.UInt32,
}  # fmt: skip


class Notes(Sharing, Marking, Layering, Keeping):
    """Labels, remarks, tags, status, marks and lists of features, with their history.

    Every change is on disk when its call returns, and is shown within a second by every open
    panel, in other notebooks too.

    Parameters
    ----------
    book
        The file.
    n_features
        Features are ``[0, n_features)``.
    why
        Why they are not kept beside the index, if they are not.
    sae_name
        What to call the SAE where they are exported.
    passage_of
        Finds the passage at a row of the corpus, for marks on examples; ``None`` without an index.
    """

    def __init__(
        self,
        book: Book,
        n_features: int,
        why: str = "",
        *,
        sae_name: str = "",
        passage_of: Callable[[int], Passage] | None = None,
    ) -> None:
        super().__init__(book, n_features)
        self.why = why
        self.sae_name = sae_name
        self.passage_of = passage_of

    def __repr__(self) -> str:
        why = f"; not beside an index: {self.why}" if self.why else ""
        return f"Notes({len(self.labels()):,} labels, {len(self.lists()):,} lists in {str(self.path)!r}{why})"

    @property
    def path(self) -> Path:
        """The file that holds them; it is made by the first change."""
        return self.book.path

    @property
    def revision(self) -> int:
        """A number that changes whenever a note or a list does, by whomever; for caches."""
        return self.book.revision

    def get(self, feature: int) -> Note:
        """The note on a feature.

        Returns
        -------
        Note
            An empty one, of version 0, when nothing was written.

        Raises
        ------
        UnknownFeatureError
            There is no such feature.
        NotesError
            The file cannot be read.
        """
        feature = self._check(feature)
        return self.book.read(lambda db: read_note(db, feature), Note(feature))

    def set(
        self,
        feature: int,
        *,
        label: str | None = None,
        remark: str | None = None,
        tags: Iterable[str] | None = None,
        status: str | None = None,
        confidence: float | EllipsisType | None = ...,
        version: int | None = None,
        is_forced: bool = False,
    ) -> Note:
        """Change a note; what is not given stays as it is, and an empty text takes the old one away.

        Parameters
        ----------
        label
            At most 1,000 characters; line breaks become spaces.
        remark
            Markdown, at most 100,000 characters.
        tags
            At most 50, without commas.
        status
            ``""``, ``"proposed"``, ``"checked"`` or ``"rejected"``.
        confidence
            0 to 1; ``None`` takes it away.
        version
            The version that the change is based on: `Note.version` of what was read before. By
            default the change is made on whatever is there.
        is_forced
            Change it even where another writer came between.

        Returns
        -------
        Note
            As it is now on disk.

        Raises
        ------
        UnknownFeatureError, InputError
            There is no such feature, or something cannot be stored.
        ConflictError
            Since ``version``, another writer changed one of the same fields; ``data`` has both versions.
        NotesError
            The file cannot be written.

        Examples
        --------
        >>> note = scope.notes.set(11, label="film titles", status="checked")
        >>> scope.notes.labels()[11]
        'film titles'
        >>> scope.notes.undo(11).label
        ''
        """
        given = {"label": label, "remark": remark, "tags": tags, "status": status}
        wanted: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        if confidence is not ...:
            wanted["confidence"] = confidence
        return self._set(self._check(feature), _cleaned(wanted), version, is_forced)

    def _set(self, feature: int, wanted: dict[str, Any], version: int | None, is_forced: bool) -> Note:
        stamp = self._stamp()
        return self.book.write(
            lambda db: set_note(db, feature, wanted, stamp, base=version, is_forced=is_forced),
        )

    def set_many(self, changes: Mapping[int, Mapping[str, Any]]) -> int:
        """Change many notes at once: all of them, or none.

        Parameters
        ----------
        changes
            For each feature the fields to change, as `set` takes them.

        Returns
        -------
        int
            How many notes are now other than before.

        Raises
        ------
        UnknownFeatureError, InputError
            As `set`.
        """
        wanted = {self._check(feature): _cleaned(dict(given)) for feature, given in changes.items()}
        stamp = self._stamp()
        return self.book.write(lambda db: set_notes(db, wanted, stamp))

    def undo(self, target: int | str | Kept, *, version: int | None = None) -> Note | None:
        """Take back the last change of a feature's note, of a list, or of a kept result.

        Parameters
        ----------
        target
            A feature, the name of a list, or what `Scope.keep` gave.
        version
            Of the note, as far as the caller knows.

        Returns
        -------
        Note or None
            The note as it is now; ``None`` for all else.

        Raises
        ------
        InputError
            There is nothing to take back.
        ConflictError
            The note is not of that version any more.
        """
        return self._step(target, "undo", version)

    def redo(self, target: int | str | Kept, *, version: int | None = None) -> Note | None:
        """Make again what was taken back last; see `undo`."""
        return self._step(target, "redo", version)

    def _step(self, target: int | str | Kept, action: Literal["undo", "redo"], version: int | None) -> Note | None:
        if isinstance(target, Kept):
            self.step_kept(target, action)
            return None
        stamp = self._stamp()
        if isinstance(target, str):
            self.book.write(lambda db: lists.step_list(db, texts.list_name(target), action, stamp))
            return None
        feature = self._check(target)
        return self.book.write(lambda db: step_note(db, feature, action, stamp, version))

    def can_step(self, feature: int) -> tuple[bool, bool]:
        """Whether a feature's note has something to undo, and to redo."""
        done, undone = self.book.read(lambda db: steps(db, "note", feature), ([], []))
        return bool(done), bool(undone)

    def labels(self) -> Mapping[int, str]:
        """The label of each feature that has one; kept in memory, so it costs nothing to ask often.

        Returns
        -------
        Mapping
            Read-only, and as it is now: it does not change afterwards.
        """
        return self.book.labels

    def statuses(self) -> Mapping[int, str]:
        """The status of each feature that has one; see `labels`."""
        return self.book.statuses

    def tags(self) -> Mapping[int, tuple[str, ...]]:
        """The tags of each feature that has some; see `labels`."""
        return self.book.tags

    def remarks(self) -> dict[int, str]:
        """The remark of each feature that has one; read from the file."""
        query = "SELECT feature, remark FROM notes WHERE remark <> '' ORDER BY feature"
        return self.book.read(lambda db: dict(db.execute(query)), {})

    @cached_property
    def _words(self) -> Words:
        return Words(self.book)

    def rank(self, words: str) -> Ranked:
        """Features in whose label, tags, remark or layers all words are, those that say them most first.

        Parameters
        ----------
        words
            Whatever their case and accents; their ends may be missing. Those in quotes stand together.

        Returns
        -------
        Ranked
            ``features`` and their ``scores`` (BM25, a word in a label counting most; larger is better).
        """
        return self._words.rank(words)

    def table(self) -> pl.DataFrame:
        """All notes that say something, one row a feature.

        Returns
        -------
        polars.DataFrame
            ``feature, label, remark, tags, status, confidence, author, saved`` (UTC), ``version``,
            sorted by feature.
        """
        found = self.book.read(read_columns, []) or [()] * len(TABLE_SCHEMA)
        columns = dict(zip(TABLE_SCHEMA, found, strict=True))
        frame = pl.DataFrame(columns, schema=TABLE_SCHEMA | {"tags": pl.String})
        return frame.with_columns(pl.col("tags").str.json_decode(TABLE_SCHEMA["tags"]))

    def history(self, target: int | str | Kept) -> pl.DataFrame:
        """Every change of a feature's note, of a list, or of a kept result, the first one first.

        Parameters
        ----------
        target
            A feature, the name of a list (of a deleted one too), or a kept result.

        Returns
        -------
        polars.DataFrame
            One row for each field of each change: ``saved`` (UTC), ``author, action`` (``set``,
            ``undo``, ``redo``, ``import``), ``field, old, new`` (texts as they are, all else as JSON; for
            the members of a list those taken out and those put in; of a marked example, whose field is
            ``mark``, the mark and the text), and the ``version`` after it.
        """
        if isinstance(target, Kept):
            kind, number = "kept", target.number
        elif isinstance(target, str):
            name = texts.list_name(target)
            kind, number = "list", self.book.read(lambda db: lists.find_list(db, name, deleted_too=True).id, 0)
            if not number:
                raise UnknownNameError(f"there is no list {name!r}.", hint="Lists: none yet.", names=[])
        else:
            kind, number = "note", self._check(target)
        query = (
            "SELECT saved_us, author, action, old, new, version FROM events WHERE kind = ? AND target = ? ORDER BY id"
        )
        events = self.book.read(lambda db: db.execute(query, (kind, number)).fetchall(), [])
        rows = [row for event in events for row in _history_rows(event)]
        return pl.DataFrame(rows, schema=HISTORY_SCHEMA, orient="row")


def _cleaned(given: Mapping[str, Any]) -> dict[str, Any]:
    unknown = sorted(set(given) - set(FIELDS))
    if unknown:
        raise InputError(f"a note has no {', '.join(unknown)}.", hint=f"It has {', '.join(FIELDS)}.")
    return {name: texts.CLEAN[name](value) for name, value in given.items()}


def _history_rows(event: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    saved_us, author, action, old, new, version = event
    before, after = json.loads(old), json.loads(new)
    for field in after:
        name = "mark" if field.startswith(MARK) else field
        yield saved_us, author, action, name, _told(before.get(field), name), _told(after[field], name), version


def _told(value: Any, name: str) -> str:
    if name == "mark":
        return f"{value['mark']}: {value['before']}{value['token']}{value['after']}" if value else ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
