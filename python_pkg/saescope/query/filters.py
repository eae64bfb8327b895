"""Which features a table shows: conditions that all have to hold."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from saescope.errors import InputError, UnknownNameError

WEIGHED = ("relative_norm", "place_cosine")
"""Columns from a crosscoder's weights; without a value in other indexes."""
NUMBERS = ("feature", "n_fires", "density", "max", "mean", "std", "q50", *WEIGHED)
PLACES = ("everything", "label", "remark", "tags", "layer", "top_tokens", "promoted", "suppressed")
DENSE_ABOVE = 0.1
SINGLE_TOKEN_FROM = 0.95
MAX_REGEX = 1000

Mask = NDArray[np.bool_]
Range = tuple[str, float | None, float | None]


@dataclass(frozen=True)
class FeatureFilter:
    """Conditions on features; see `make` for what they mean."""

    search: str = ""
    looks_in: str = "everything"
    is_regex: bool = False
    fires_on: str = ""
    words: str = ""
    ranges: tuple[Range, ...] = ()
    statuses: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    hides_dead: bool = False
    hides_dense: bool = False
    hides_single_token: bool = False
    only: tuple[int, ...] | None = None

    @classmethod
    def make(
        cls,
        search: str = "",
        *,
        looks_in: str = "everything",
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
    ) -> "FeatureFilter":
        """Check conditions.

        Parameters
        ----------
        search
            Text that is sought whatever its case, without the spaces around it; a number also
            finds the features whose number begins with it.
        looks_in
            Where: a name of ``PLACES``.
        is_regex
            ``search`` is a regular expression (RE2's syntax), taken as it is, whatever the case.
        fires_on
            Text that a stored example of the feature holds, as it is: case and spaces count.
        words
            Words that are all in the feature's label, tags, remark or layers, whatever their case and
            accents; their ends may be missing, and those in quotes stand together.
        ranges
            By column of ``NUMBERS``, the least and the most, both included; ``None`` for no bound.
        statuses
            Any of these; ``""`` is that of a feature without one. None at all: whichever.
        tags
            Any of these, as they are written; ``""`` is a feature without tags. None at all: whichever.
        hides_dead
            Leave out what never fires.
        hides_dense
            Leave out what fires on more than 10 % of the tokens.
        hides_single_token
            Leave out what has one token that carries 95 % of the summed activation or more.
        only
            These features, whatever their order.

        Raises
        ------
        InputError, UnknownNameError
            A range is none, a regular expression cannot be read, or there is no such column or place.
        """
        if looks_in not in PLACES:
            raise UnknownNameError(
                f"a search cannot look in {looks_in!r}.", hint=f"It looks in one of: {', '.join(PLACES)}."
            )
        if is_regex and search:
            check_regex(search)
        return cls(
            search if is_regex else search.strip(),
            looks_in if search.strip() else "everything",
            is_regex and bool(search),
            fires_on,
            words.strip(),
            tuple(_range(name, bounds) for name, bounds in sorted((ranges or {}).items())),
            tuple(sorted(set(statuses))),
            tuple(sorted(set(tags))),
            hides_dead,
            hides_dense,
            hides_single_token,
            None if only is None else tuple(only),
        )


def _range(column: str, bounds: Sequence[float | None]) -> Range:
    if column not in NUMBERS:
        raise UnknownNameError(f"there is no range of {column!r}.", hint=f"Columns of numbers: {', '.join(NUMBERS)}.")
    is_pair = isinstance(bounds, list | tuple) and len(bounds) == 2
    if not is_pair or not all(b is None or (_is_number(b) and not math.isnan(b)) for b in bounds):
        raise InputError(f"a range of {column} is its least and its most, a number or None each; {bounds!r} came.")
    low, high = bounds
    return column, low, high


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def check_regex(pattern: str) -> None:
    """Raise `InputError` with the reason if a pattern is no regular expression."""
    if len(pattern) > MAX_REGEX:
        raise InputError(f"a regular expression has at most {MAX_REGEX:,} characters, and {len(pattern):,} came.")
    matching(pl.Series([""]), pattern, is_regex=True)


def matching(texts: pl.Series, search: str, *, is_regex: bool) -> Mask:
    """Which texts hold what is sought, whatever the case; plain text is sought in folded texts.

    Raises
    ------
    InputError
        The regular expression cannot be read.
    """
    if not is_regex:
        return texts.str.contains(search.casefold(), literal=True).to_numpy()
    try:
        return texts.str.contains(f"(?i){search}", strict=True).to_numpy()
    except pl.exceptions.ComputeError as err:
        told = re.search(r"^error: (.*)$", str(err), re.MULTILINE)
        why = told[1] if told else "it is too large" if "size limit" in str(err) else "it cannot be read"
        raise InputError(
            f"“{search}” is no regular expression: {why}.",
            hint="A backslash before a sign takes it as it is.",
            what="regex",
        ) from err


def in_range(values: NDArray[Any], low: float | None, high: float | None) -> Mask:
    """Which numbers lie between two, both included; what is no number lies nowhere."""
    # bounds of the values' own kind: 0.1 as float32 is not below itself
    kind = values.dtype.type if values.dtype.kind == "f" else np.float64
    mask = ~np.isnan(values) if values.dtype.kind == "f" else np.ones(len(values), dtype=bool)
    if low is not None:
        mask &= values >= kind(low)
    if high is not None:
        mask &= values <= kind(high)
    return mask
