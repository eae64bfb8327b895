"""How many rows each value of a filter would leave, the other filters being as they are."""

from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from saescope.sources.registry.listing import Filters, conditions

FACETS = ("source", "model", "site", "layer", "width", "architecture", "has_labels", "is_cached")


@dataclass(frozen=True)
class Facet:
    """A column, and for each of its values the number of rows; ``None`` is what is not known."""

    name: str
    counts: dict[Any, int]


def facets(table: pl.DataFrame, fits: pl.DataFrame, filters: Filters) -> list[Facet]:
    """The facets of a search.

    Parameters
    ----------
    table
        All that can be loaded.
    fits
        The rows that have the words of the search, whatever the filters.
    filters
        What is wanted beside.
    """
    return [_facet(table, fits, filters, name) for name in FACETS]


def _facet(table: pl.DataFrame, fits: pl.DataFrame, filters: Filters, name: str) -> Facet:
    others = conditions(table, replace(filters, **{name: None}))
    found = fits.lazy().filter(*others).select(name) if others else fits.lazy().select(name)
    counted = found.group_by(name).len().collect()
    return Facet(name, dict(counted.sort(name, nulls_last=True).rows()))
