"""Which features meet a filter, as masks over all of them."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from saescope.query.columns import NOTED, TableColumns
from saescope.query.filters import (
    DENSE_ABOVE,
    PLACES,
    SINGLE_TOKEN_FROM,
    FeatureFilter,
    Mask,
    in_range,
    matching,
)


class Masks:
    """Finds what meets a filter. Tokens are matched once each, by their text, and then by number.

    Parameters
    ----------
    columns
        What to go by.
    """

    def __init__(self, columns: TableColumns) -> None:
        self._columns = columns
        self._found = lru_cache(maxsize=32)(self._search)
        self._met = lru_cache(maxsize=8)(self._meet)

    def mask(self, where: FeatureFilter) -> Mask:
        """Whether each feature meets all conditions, ``[d_sae]``; not to be changed."""
        return self._met(where, self._columns.news())

    def _meet(self, where: FeatureFilter, n_news: int) -> Mask:
        columns = self._columns
        mask = np.ones(columns.n_features, dtype=bool)
        if where.only is not None:
            mask[:] = False
            numbers = np.array(where.only, dtype=np.int64)
            mask[numbers[(numbers >= 0) & (numbers < len(mask))]] = True
        if where.search:
            mask &= self._found(where.search, where.looks_in, where.is_regex, n_news)
        hits = columns.hits(where.fires_on)
        if hits is not None:
            mask &= hits.n_hits > 0
        for column, low, high in where.ranges:
            mask &= in_range(columns.numbers(column), low, high)
        if where.hides_dead:
            mask &= columns.numbers("n_fires") > 0
        if where.hides_dense:
            mask &= columns.numbers("density") <= DENSE_ABOVE
        if where.hides_single_token:
            mask &= columns.top_shares < SINGLE_TOKEN_FROM
        return self._noted(where, mask)

    def _noted(self, where: FeatureFilter, mask: Mask) -> Mask:
        """A mask with the conditions on what is written."""
        if where.words:
            mask &= ~np.isnan(self._columns.ranks(where.words))
        if where.statuses:
            mask &= self._has_status(where.statuses)
        if where.tags:
            mask &= self._has_tag(frozenset(where.tags))
        return mask

    def _has_status(self, statuses: Sequence[str]) -> Mask:
        given = self._columns.written.statuses
        mask = np.full(self._columns.n_features, "" in statuses)
        mask[list(given)] = [status in statuses for status in given.values()]
        return mask

    def _has_tag(self, tags: frozenset[str]) -> Mask:
        given = self._columns.written.tags
        mask = np.full(self._columns.n_features, "" in tags)
        mask[list(given)] = [not tags.isdisjoint(own) for own in given.values()]
        return mask

    def _search(self, search: str, looks_in: str, is_regex: bool, _n_news: int) -> Mask:
        columns = self._columns
        mask = np.zeros(columns.n_features, dtype=bool)
        for place in PLACES[1:] if looks_in == "everything" else (looks_in,):
            if place in NOTED:
                features, texts = columns.note_texts(place, is_folded=not is_regex)
                mask[features[matching(texts, search, is_regex=is_regex)]] = True
            else:
                texts = columns.texts if is_regex else columns.folded
                mask |= columns.lists(place).any_of(matching(texts, search, is_regex=is_regex))
        if looks_in == "everything" and not is_regex and search.isdecimal():
            first, width = int(search), 1
            mask[first : first + 1] = True
            while 0 < first * width < len(mask):
                mask[first * width : (first + 1) * width] = True
                width *= 10
        return mask
