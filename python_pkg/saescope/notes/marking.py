"""Marks on single examples: the part of ``scope.notes`` that is about them."""

import builtins
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

import polars as pl

from saescope.errors import InputError, NoIndexError
from saescope.notes.changes import set_note
from saescope.notes.listing import TIME, Listing
from saescope.notes.marks import count_marks, read_marks
from saescope.notes.note import MARK, MARKS, Mark, Note, Passage

MARKS_SCHEMA: dict[str, Any] = {
    "feature": pl.UInt32, "mark": pl.String, "before": pl.String, "token": pl.String, "after": pl.String,
    "text": pl.String, "doc": pl.UInt32, "source": pl.String, "row": pl.UInt64, "passage": pl.String,
    "author": pl.String, "saved": TIME,
}  # fmt: skip
KEY = re.compile(r"[0-9a-f]{24}")


class Marking(Listing):
    """Examples that are marked as typical of a feature, or as speaking against what it is called."""

    passage_of: Callable[[int], Passage] | None = None
    """Finds the passage at a row of the corpus; none without an index."""

    def mark(
        self,
        feature: int,
        example: "int | str | Mapping[str, Any] | pl.DataFrame | Passage",
        mark: str | None,
        *,
        version: int | None = None,
    ) -> Note:
        """Mark an example of a feature, or take its mark away.

        A mark is of the passage: the last 32 tokens of its document up to the example's peak. So it is
        there in another index of the same text too, and on every place that has the same passage.

        Parameters
        ----------
        example
            A row of ``scope.examples(feature)``: as a frame of that row, its mapping (``row(0,
            named=True)``) or its number in the corpus (``row``); or the ``passage`` of a row of `marks`.
        mark
            ``"typical"``, ``"counterexample"``, or ``""`` for none.
        version
            As in `set`.

        Returns
        -------
        Note
            The feature's note as it is now; its version counts marks too.

        Raises
        ------
        UnknownFeatureError, InputError
            There is no such feature, example or mark.
        NoIndexError
            The scope has no index in which to find the example.
        """
        feature = self._check(feature)
        mark = mark or ""
        if mark and mark not in MARKS:
            raise InputError(f"there is no mark {mark!r}.", hint=f"One of {', '.join(map(repr, (*MARKS, '')))}.")
        passage = self._passage(feature, example)
        wanted = {MARK + passage.key: Mark(feature, passage, mark).as_json() if mark else None}
        stamp = self._stamp()
        return self.book.write(lambda db: set_note(db, feature, wanted, stamp, base=version))

    def _passage(self, feature: int, example: Any) -> Passage:
        if isinstance(example, Passage):
            return example
        if isinstance(example, str):
            found = [m.passage for m in self.marked(feature) if m.passage.key == example]
            if not found:
                raise InputError(f"no example of feature {feature} that is marked has the passage {example!r:.80}.")
            return found[0]
        row = _row_of(example)
        if self.passage_of is None:
            raise NoIndexError("an example is marked in an index, and this scope has none.", hint="Open one with it.")
        return self.passage_of(row)

    def marked(self, feature: int | None = None) -> builtins.list[Mark]:
        """The marks of a feature, or of all, as they are on disk; see `marks`."""
        number = None if feature is None else self._check(feature)
        return self.book.read(lambda db: read_marks(db, number), [])

    def n_marked(self, feature: int) -> int:
        """How many of a feature's examples are marked."""
        feature = self._check(feature)
        return self.book.read(lambda db: count_marks(db, feature), 0)

    def marks(self, feature: int | None = None) -> pl.DataFrame:
        """The examples that are marked, of one feature or of all; there without an index too.

        Returns
        -------
        polars.DataFrame
            ``feature, mark`` (``"typical"`` or ``"counterexample"``)``, before, token, after`` (the passage's
            text, ``token`` at the peak)``, text`` (all of it)``, doc, source, row`` (of the peak, in the corpus
            of the index where it was marked; null when not known)``, passage`` (its key)``, author, saved`` (UTC).
            By feature, the one made last first.

        Raises
        ------
        UnknownFeatureError
            There is no such feature.
        """
        rows = [
            (m.feature, m.mark, p.before, p.token, p.after, p.text, p.doc, p.source, p.place, p.key, *who)
            for m, p, who in ((m, m.passage, (m.author, m.saved_us)) for m in self.marked(feature))
        ]
        return pl.DataFrame(rows, schema=MARKS_SCHEMA, orient="row")


def _row_of(example: Any) -> int:
    """The row of an example's peak in the corpus."""
    if isinstance(example, pl.DataFrame):
        if example.height != 1:
            raise InputError(f"one example is marked at a time, and a frame of {example.height} came.")
        example = example.row(0, named=True)
    if isinstance(example, Mapping):
        if "row" not in example:
            raise InputError('an example has a "row", and this one has none.', hint="Take it from scope.examples(…).")
        example = example["row"]
    try:
        return -1 if isinstance(example, bool) else operator.index(example)
    except TypeError as err:
        raise InputError(
            f"an example is a row of scope.examples(…), and {type(example).__name__} came.", hint="Give its row."
        ) from err
