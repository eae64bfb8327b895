"""Notes as one file to put under git: the part of ``scope.notes`` that writes and reads it."""

import contextlib
import json
import os
import sqlite3
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeVar

import polars as pl

from saescope.errors import ConflictError, InputError, MismatchError, OccupiedError, StoreError
from saescope.notes import lists, textform
from saescope.notes.changes import Stamp, read_columns, set_notes
from saescope.notes.database import has_marks
from saescope.notes.kept_rows import change_kept, put_kept, read_kept
from saescope.notes.listing import Listing
from saescope.notes.marks import read_marks
from saescope.notes.merging import Difference, Merge, merge
from saescope.notes.note import FIELDS, MARK, Mark
from saescope.notes.textform import SAYS_NOTHING, TextNotes

PREVIEW_SCHEMA: dict[str, Any] = {
    "what": pl.String, "feature": pl.UInt32, "name": pl.String, "field": pl.String, "old": pl.String,
    "new": pl.String, "change": pl.String,
}  # fmt: skip
T = TypeVar("T")
Settled = Literal["refuse", "mine", "file"]


class Sharing(Listing):
    """Export to, and import from, a file of sorted JSON lines."""

    sae_name = ""
    """What to call the SAE in the file."""

    def export(self, path: "str | os.PathLike[str]", *, overwrites: bool = False) -> Path:
        """Write all notes, lists, marks and kept results to a file to put under git.

        JSON lines: one that says what it is, one a feature by number, one a list, one a marked example, one
        a kept result; sorted, and the same bytes for the same content. Without times and authors, which
        git has; without history and layers, which stay here.

        Parameters
        ----------
        overwrites
            Write over what the file holds and these notes do not.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        OccupiedError
            The file holds changes that were not imported, or something else.
        StoreError
            It cannot be written.
        """
        path = _absolute(path)
        content = textform.dump(self._state())
        if not path.exists() or path.read_bytes() != content:
            if path.exists() and not overwrites:
                self._check_over(path)
            _write_whole(path, content)
        self._remember(path, content)
        return path

    def _check_over(self, path: Path) -> None:
        try:
            found = self._compared(path, is_forced=False).differences
        except (InputError, MismatchError) as err:
            raise OccupiedError(
                f"{path} is there, and is no export of these notes: {err.message}",
                hint="Give another path, or overwrites=True.",
            ) from err
        if found:
            raise OccupiedError(
                f"{path} holds {len(found):,} change{'s' * (len(found) > 1)} that these notes have not.",
                hint="Take them in first (import_from), or give overwrites=True.",
                n=len(found),
            )

    def preview(self, path: "str | os.PathLike[str]", *, is_forced: bool = False) -> pl.DataFrame:
        """What `import_from` would change, without changing it.

        Returns
        -------
        polars.DataFrame
            One row for each field, list, mark and kept result that would be other than now: ``what`` (``note``,
            ``list``, ``mark``, ``kept``), ``feature, name`` (of a list, a passage's key, or an id)``, field,
            old, new`` (texts as they are, all else as JSON), and ``change``: ``add, change, remove``; ``merge`` where
            both sides added to tags or to a list; ``conflict`` where both changed the same to something else.

        Raises
        ------
        InputError
            A line of the file is none: the message says which, and why.
        MismatchError
            It is about another SAE.
        """
        found = self._compared(_absolute(path), is_forced=is_forced)
        rows = [(d.what, d.feature, d.name, d.field, _told(d.old), _told(d.new), d.change) for d in found.differences]
        return pl.DataFrame(rows, schema=PREVIEW_SCHEMA, orient="row")

    def import_from(
        self, path: "str | os.PathLike[str]", *, conflicts: Settled = "refuse", is_forced: bool = False
    ) -> int:
        """Take in a file that `export` wrote, and git or a person changed since; all of it, or nothing.

        What was changed only here stays; what was changed only in the file becomes as it is there;
        `preview` tells it before. Doing it again changes nothing. Each change is in the history, as
        ``import``, and can be undone.

        Parameters
        ----------
        conflicts
            Where both sides changed the same: ``"refuse"`` changes nothing at all and raises,
            ``"mine"`` keeps what is here, ``"file"`` takes what is in the file.
        is_forced
            Take in notes on another SAE.

        Returns
        -------
        int
            How many notes, lists and kept results are now other than before.

        Raises
        ------
        InputError
            A line of the file is none, or ``conflicts`` is not one of these.
        MismatchError
            It is about another SAE.
        ConflictError
            Both sides changed the same; ``data`` tells which.
        """
        if conflicts not in ("refuse", "mine", "file"):
            raise InputError(f"conflicts are settled by refuse, mine or file, and {conflicts!r} came.")
        path, stamp = _absolute(path), self._stamp()
        content = self._read(path, is_forced=is_forced)
        sides = self._sides(path, content)

        def work(db: sqlite3.Connection) -> int:
            last = _last_content(db, path)
            base, theirs = sides[1:] if last == sides[0] else self._parsed(path, last, content)
            found = merge(base, state_of(db), theirs)
            if found.conflicts and conflicts == "refuse":
                raise _refusal(path, found.conflicts)
            taken = [d for d in found.differences if d.change != "conflict" or conflicts == "file"]
            _remember(db, path, content)
            return _apply(db, found, taken, stamp)

        return self.book.write(work)

    def _state(self) -> TextNotes:
        found = self.book.read(state_of, TextNotes())
        found.sae = {"fingerprint": self.book.identity["sae"], "name": self.sae_name}
        return found

    def _read(self, path: Path, *, is_forced: bool) -> bytes:
        content = textform.read(path)
        found, own = _told_of(path, lambda: textform.head_of(content)), self.book.identity["sae"]
        if found["fingerprint"] != own and not is_forced:
            raise MismatchError(
                f"{path} holds notes on another SAE: {found.get('name', '')!r:.80} "
                f"({found['fingerprint']:.12}), and these are on {self.sae_name!r:.80} ({own:.12}).",
                hint="Open that SAE's index, or force it: is_forced=True.",
            )
        return content

    def _compared(self, path: Path, *, is_forced: bool) -> Merge:
        """What taking in a file would change."""
        _, base, theirs = self._sides(path, self._read(path, is_forced=is_forced))
        return merge(base, self.book.read(state_of, TextNotes()), theirs)

    def _sides(self, path: Path, content: bytes) -> tuple[bytes, TextNotes, TextNotes]:
        """What the file held when it was exported or imported last, as bytes and read, and what it holds now."""
        last = self.book.read(lambda db: _last_content(db, path), b"")
        return last, *self._parsed(path, last, content)

    def _parsed(self, path: Path, last: bytes, content: bytes) -> tuple[TextNotes, TextNotes]:
        try:
            base = textform.parse(last, self.n_features) if last else TextNotes()
        except InputError:  # then the file is taken as one that was never seen
            return TextNotes(), _told_of(path, lambda: textform.parse(content, self.n_features))
        return base, base if content == last else _told_of(path, lambda: textform.parse(content, self.n_features))

    def _remember(self, path: Path, content: bytes) -> None:
        with contextlib.suppress(StoreError):  # the file is written; where notes cannot be, merges go without a base
            self.book.write(lambda db: _remember(db, path, content))

    def n_unexported(self, path: "str | os.PathLike[str]", *, is_forced: bool = False) -> int:
        """How many fields, lists, marks and kept results changed here, and not in the file, since they were alike."""
        return self._compared(_absolute(path), is_forced=is_forced).n_own


def state_of(db: sqlite3.Connection) -> TextNotes:
    """What a file of notes says now."""
    made = TextNotes()
    for feature, *values in zip(*read_columns(db)[: 1 + len(FIELDS)], strict=True):
        said = dict(zip(FIELDS, values, strict=True))
        said["tags"] = tuple(json.loads(said["tags"]))
        made.notes[feature] = {name: value for name, value in said.items() if value != SAYS_NOTHING[name]}
    for listed, _ in lists.read_lists(db):
        made.lists[listed.name] = tuple(lists.read_members(db, listed))
    for found in read_marks(db):
        made.marks[found.feature, found.passage.key] = (found.mark, found.passage)
    made.kept = {kept.id: kept for kept in read_kept(db)}
    return made


def _last_content(db: sqlite3.Connection, path: Path) -> bytes:
    """What a file held when it was exported or imported last; nothing if it never was."""
    row = db.execute("SELECT content FROM texts WHERE path = ?", (str(path),)).fetchone() if has_marks(db) else None
    with contextlib.suppress(zlib.error):
        return zlib.decompress(row[0]) if row else b""
    return b""


def _apply(db: sqlite3.Connection, found: Merge, taken: list[Difference], stamp: Stamp) -> int:
    wanted: dict[int, dict[str, Any]] = {}
    n_others = 0
    for what, feature, name, field, _, new, _ in taken:
        if what == "list":
            lists.put_list(db, name, new, stamp, "import")
            n_others += 1
        elif what == "kept":
            if new is None:
                change_kept(db, int(name, 16), {"is_removed": True}, stamp, "import")
            else:
                put_kept(db, found.kept[name].titled(new), stamp, "import")
            n_others += 1
        elif feature is not None and what == "mark":
            mark = Mark(feature, found.passages[name], new) if new else None
            wanted.setdefault(feature, {})[MARK + name] = mark and mark.as_json()
        elif feature is not None:
            wanted.setdefault(feature, {})[field] = new
    return set_notes(db, wanted, stamp, "import") + n_others


def _remember(db: sqlite3.Connection, path: Path, content: bytes) -> None:
    row = (str(path), zlib.compress(content, 1), time.time_ns() // 1000)
    db.execute("INSERT OR REPLACE INTO texts VALUES (?, ?, ?)", row)


def _refusal(path: Path, found: list[Difference]) -> ConflictError:
    first = found[0]
    where = f"the {first.field} of feature {first.feature}"
    if first.what in ("list", "kept"):
        where = f"the list {first.name!r}" if first.what == "list" else f"the kept result {first.name}"
    more = f", and {len(found) - 1:,} more" if len(found) > 1 else ""
    return ConflictError(
        f"nothing was imported: {where} was changed both here and in {path.name}{more}.",
        hint='Look at preview(path), then keep your own (conflicts="mine") or take the file\'s (conflicts="file").',
        n=len(found),
        conflicts=[{**d._asdict(), "old": _told(d.old), "new": _told(d.new)} for d in found[:100]],
    )


def _told(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)


def _told_of(path: Path, work: Callable[[], T]) -> T:
    """Do something with what a file holds; an error names the file."""
    try:
        return work()
    except InputError as err:
        raise type(err)(f"{path}, {err.message}", hint=err.hint, **err.data) from err


def _absolute(path: "str | os.PathLike[str]") -> Path:
    return Path(path).expanduser().absolute()


def _write_whole(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as err:
        raise StoreError(f"the notes were not exported to {path}: {err.strerror or err}.") from err
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
