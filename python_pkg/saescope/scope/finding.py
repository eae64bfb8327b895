"""Features by what they are: the same rows in the same order as the feature table shows."""

import weakref
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Literal

import polars as pl

from saescope.errors import StoreError
from saescope.query.columns import Written, nothing_written
from saescope.query.features import FeatureTable
from saescope.query.filters import FeatureFilter
from saescope.scope.noting import Noting

Place = Literal["everything", "label", "remark", "tags", "layer", "top_tokens", "promoted", "suppressed"]


class Finding(Noting):
    """Features sorted and filtered, by what is written about them too."""

    @cached_property
    def _table(self) -> FeatureTable:
        held = weakref.ref(self)

        def written() -> Written:
            scope = held()
            if scope is None:
                return nothing_written()
            try:
                notes = scope.notes
                revision = notes.revision
                layers = [(layer.name, layer.labels) for layer in notes.book.layers]
                return Written(
                    notes.labels(), notes.statuses(), revision, notes.tags(), layers, notes.remarks, notes.rank
                )
            except StoreError:
                return nothing_written()

        return FeatureTable(self.require_index(), written)

    def find_features(
        self,
        search: str = "",
        *,
        looks_in: Place = "everything",
        is_regex: bool = False,
        fires_on: str = "",
        words: str = "",
        ranges: Mapping[str, Sequence[float | None]] | None = None,
        statuses: Iterable[str] = (),
        tags: Iterable[str] = (),
        hides_dead: bool = False,
        hides_dense: bool = False,
        hides_single_token: bool = False,
        only: Iterable[int] | None = None,
        sort: str | None = None,
        descending: bool = True,
    ) -> pl.DataFrame:
        """Features that meet all of some conditions.

        Parameters
        ----------
        search
            Text in a label, a remark, a tag, a layer or a token, whatever its case and without the spaces
            around it; a number also finds the features whose number begins with it.
        looks_in
            Where to look for it: in everything, or in one column (``"layer"``: labels from elsewhere).
        is_regex
            ``search`` is a regular expression (RE2's syntax), taken as it is, whatever the case:
            ``"^ (ham|jam)$"``.
        fires_on
            Text that a stored example of the feature holds. Case and spaces count. While an index is
            built, which stores no examples: text on which the feature fires.
        words
            Words that are all in the label, the tags, the remark or the layers of the feature, whatever
            their case and accents; their ends may be missing, and those in quotes stand together.
        ranges
            Least and most by column, both included, ``None`` for no bound: ``{"density": (0.001, None)}``. Columns
            are ``feature, n_fires, density`` (share of counted tokens)``, max, mean, std, q50``.
        statuses
            Any of ``"proposed", "checked", "rejected"``, and ``""`` for features without a status.
        tags
            Any of these, and ``""`` for features without tags.
        hides_dead
            Leave out features that never fire.
        hides_dense
            Leave out features that fire on more than 10 % of the tokens.
        hides_single_token
            Leave out features of which one token carries 95 % of the summed activation or more.
        only
            These features, as far as they meet the rest.
        sort
            A column of numbers, ``"label", "status", "layer", "tags", "top_tokens", "promoted", "suppressed"``
            (by the first), ``"n_hits"``, or ``"rank"`` (how well the notes match ``words``). By default ``"n_hits"``
            with ``fires_on``, ``"rank"`` with ``words``, else ``"max"``. Equal ones are sorted by number; features
            without a value come last.
        descending
            The largest, or the end of the alphabet, first.

        Returns
        -------
        polars.DataFrame
            The columns of `features`, ``label, status, tags, layer`` (empty for none), and with ``fires_on``
            ``n_hits`` (u32): how many distinct stored examples of the feature hold the text.

        Raises
        ------
        InputError, UnknownNameError
            A regular expression cannot be read, a range is none, or there is no such column.
        NoIndexError
            Nothing has been indexed yet.

        Examples
        --------
        >>> scope.find_features(fires_on=" ship", ranges={"density": (0, 0.01)}).height > 0
        True
        """
        where = FeatureFilter.make(
            search,
            looks_in=looks_in,
            is_regex=is_regex,
            fires_on=fires_on,
            words=words,
            ranges=ranges,
            statuses=statuses,
            tags=tags,
            hides_dead=hides_dead,
            hides_dense=hides_dense,
            hides_single_token=hides_single_token,
            only=only,
        )
        table = self.table
        usual = "n_hits" if fires_on else "rank" if words.strip() else "max"
        rows = table.rows(sort or usual, descending=descending, where=where)
        return table.whole_rows(rows, where)
