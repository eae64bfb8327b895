"""Results that are kept with the notes: the part of ``scope.notes`` that is about them."""

import builtins
from typing import Any

import polars as pl

from saescope.errors import InputError
from saescope.notes import texts
from saescope.notes.kept import MAX_TITLE, Kept
from saescope.notes.kept_rows import KeptLine, change_kept, nothing_kept, put_kept, read_kept, read_lines, step_kept
from saescope.notes.listing import TIME, Listing

KEPT_SCHEMA: dict[str, Any] = {
    "id": pl.String, "feature": pl.UInt32, "title": pl.String, "method": pl.String, "headline": pl.String,
    "author": pl.String, "time": TIME, "code": pl.String, "n_rows": pl.UInt32,
}  # fmt: skip


class Keeping(Listing):
    """Results of a scope's methods, with the calls that gave them."""

    def keep(self, kept: Kept) -> bool:
        """Keep a result that was made; returns whether it was not there.

        Raises
        ------
        NotesError
            The file cannot be written.
        """
        if kept.feature is not None:
            self._check(kept.feature)
        stamp = self._stamp()
        return self.book.write(lambda db: put_kept(db, kept, stamp))

    def kept(self, feature: int | None = None) -> tuple[Kept, ...]:
        """The results that are kept, of one feature or of all, the newest last.

        Raises
        ------
        UnknownFeatureError
            There is no such feature.
        """
        number = None if feature is None else self._check(feature)
        return tuple(self.book.read(lambda db: read_kept(db, number), []))

    def kept_lines(self, feature: int | None = None) -> builtins.list[KeptLine]:
        """As `kept`, without the tables."""
        number = None if feature is None else self._check(feature)
        return self.book.read(lambda db: read_lines(db, number), [])

    def kept_result(self, kept_id: str | Kept) -> Kept:
        """The kept result of an id.

        Raises
        ------
        UnknownNameError
            There is none, or it was taken away.
        """
        number = _number(kept_id)
        found = self.book.read(lambda db: read_kept(db, number=number), [])
        if not found:
            raise nothing_kept(number)
        return found[0]

    def unkeep(self, kept_id: str | Kept) -> None:
        """Take a kept result away; ``step_kept(id, "undo")`` brings it back.

        Raises
        ------
        UnknownNameError
            There is none of this id.
        """
        self._change(_number(kept_id), {"is_removed": True})

    def retitle(self, kept_id: str | Kept, title: str) -> Kept:
        """Give a kept result another title; an empty one is made from the call.

        Raises
        ------
        UnknownNameError, InputError
            There is none of this id, or the title is too long.
        """
        texts.line(title, "a title", MAX_TITLE)
        made = self.kept_result(kept_id).titled(title)
        self._change(made.number, {"title": made.title})
        return made

    def _change(self, number: int, changes: dict[str, Any]) -> None:
        stamp = self._stamp()
        self.book.write(lambda db: change_kept(db, number, changes, stamp, "set"))

    def step_kept(self, kept_id: str | Kept, action: str) -> None:
        """Undo the last change of a kept result (that it was kept, too), or redo it.

        Raises
        ------
        UnknownNameError, InputError
            There is none of this id, or nothing to take back.
        """
        if action not in ("undo", "redo"):
            raise InputError(f'a step is "undo" or "redo", and {action!r:.40} came.')
        number, stamp = _number(kept_id), self._stamp()
        self.book.write(lambda db: step_kept(db, number, action, stamp))

    def kept_table(self, feature: int | None = None) -> pl.DataFrame:
        """The results that are kept, as a table, the newest last.

        Returns
        -------
        polars.DataFrame
            ``id, feature`` (null for a prompt)``, title, method, headline, author, time`` (UTC)``, code`` (the
            Python call)``, n_rows``.
        """
        rows = [
            (k.id, k.feature, k.title, k.method, k.headline, k.author, k.time_us, k.code, k.n_rows)
            for k in self.kept(feature)
        ]
        return pl.DataFrame(rows, schema=KEPT_SCHEMA, orient="row")


def _number(kept_id: Any) -> int:
    if isinstance(kept_id, Kept):
        return kept_id.number
    try:
        found = int(kept_id, 16) if isinstance(kept_id, str) and len(kept_id) == 12 else -1
    except ValueError:
        found = -1
    if found < 0:
        raise InputError(f"a kept result has an id of 12 hexadecimal digits, and {kept_id!r:.40} came.")
    return found
