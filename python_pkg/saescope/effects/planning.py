"""What is changed on a text: at which positions, and to which activations."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from saescope.effects.ablation import ValueChange
from saescope.effects.kinds.kind import Chosen, Subject
from saescope.effects.prompt import Prompt
from saescope.errors import InputError
from saescope.index.store import Index

Where = int | Sequence[int] | Literal["fires", "all"] | None
"""Positions by number (from the end when negative), where the feature fires, all that count, or as the kind says."""


def positions_of(prompt: Prompt, feature: int, where: Where, default: Literal["fires", "all"]) -> NDArray[np.int64]:
    """The positions to change, rising.

    Positions that do not count by the index's rule are left alone unless they are named by number.

    Raises
    ------
    InputError
        A position lies outside of the text.
    """
    chosen = default if where is None else where
    if isinstance(chosen, str):
        if chosen not in ("fires", "all"):
            raise InputError(f'positions are numbers, "fires" or "all", and {chosen!r} came.')
        wanted = prompt.counted if chosen == "all" else prompt.counted & (prompt.activations(feature) != 0)
        return np.flatnonzero(wanted)
    numbers = [chosen] if isinstance(chosen, int | np.integer) else list(chosen)
    n = prompt.n_tokens
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, int | np.integer) or not -n <= number < n:
            raise InputError(f"there is no position {number!r}: the text has {n} tokens, 0 to {n - 1}.")
    return np.unique(np.array([int(number) % n for number in numbers], dtype=np.int64))


def planned(
    prompt: Prompt,
    feature: int,
    kind: Chosen,
    where: Where = None,
    *,
    index: Index | None = None,
    other: NDArray[np.float32] | None = None,
    seed: int = 0,
) -> ValueChange:
    """The change of one feature on a text; without positions where the kind changes nothing, as where it does not fire.

    Parameters
    ----------
    other
        Its activations on another text ``[n_other]``, for kinds that take them from there.

    Raises
    ------
    InputError
        A position lies outside of the text.
    NoIndexError
        The kind needs an index, and there is none.
    """
    positions = positions_of(prompt, feature, where, kind.about.where)
    old = prompt.activations(feature)[positions]
    new = kind.values(Subject(feature, positions, old, prompt.n_tokens, index, other, seed))
    moves = new != old
    return ValueChange(feature, positions[moves], old[moves], new[moves])


def along(change: ValueChange, control: int) -> ValueChange:
    """The same change, carried by the direction of another feature."""
    return ValueChange(change.feature, change.positions, change.old, change.new, along=control)
