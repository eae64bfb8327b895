"""What steering does to a feature, and to one text that is written.

Each kind makes of an activation ``a`` the activation ``(1 + slope) a + step``, on every steered token:

- amplify: ``a + strength``, whether or not it fires.
- clamp: ``strength``, whether or not it fires.
- scale: ``strength a``.
- zero: ``0``.

Strengths of amplify and clamp are in units of the feature's largest activation in the index, or of
activation. Source: amplify as in Turner et al. (2023), "Activation addition"; clamp as in Templeton et
al. (2024), "Scaling monosemanticity", with the SAE's error kept as there.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from saescope.errors import InputError, UnknownFeatureError, UnknownNameError

KindName = Literal["amplify", "clamp", "scale", "zero"]


@dataclass(frozen=True)
class Kind:
    """A kind of change: its ``slope`` and ``step`` of a strength and a unit."""

    meaning: str
    affine: Callable[[float, float], tuple[float, float]]
    has_strength: bool = True
    has_unit: bool = True


KINDS: dict[str, Kind] = {
    "amplify": Kind("Adds so much activation on every token.", lambda s, unit: (0.0, s * unit)),
    "clamp": Kind("Sets the activation to a value on every token.", lambda s, unit: (-1.0, s * unit)),
    "scale": Kind(
        "Multiplies the activation where the feature fires.", lambda s, _unit: (s - 1.0, 0.0), has_unit=False
    ),
    "zero": Kind(
        "Sets the activation to 0 where the feature fires.",
        lambda _s, _unit: (-1.0, 0.0),
        has_strength=False,
        has_unit=False,
    ),
}


@dataclass(frozen=True)
class Change:
    """One feature's change. ``strength`` is in the feature's unit, or a factor; zero has none."""

    feature: int
    kind: KindName = "amplify"
    strength: float = 1.0

    def times(self, factor: float) -> "Change":
        """The same at another strength."""
        return Change(self.feature, self.kind, self.strength * factor) if KINDS[self.kind].has_strength else self

    def affine(self, unit: float) -> tuple[float, float]:
        """Slope and step."""
        return KINDS[self.kind].affine(self.strength, unit)


@dataclass(frozen=True)
class Condition:
    """What one written text is steered by: changes of features, and a vector ``[d]`` float32 that is added.

    ``strength`` is what all of them were multiplied by; the unsteered text has neither changes nor vector.
    """

    changes: tuple[Change, ...] = ()
    vector: NDArray[np.float32] | None = None
    coefficient: float = 0.0
    strength: float = 1.0

    @property
    def is_steered(self) -> bool:
        """Whether anything is done."""
        return bool(self.changes) or self.vector is not None

    @property
    def name(self) -> str:
        """In a few words."""
        parts = [_named(c) for c in self.changes]
        parts += [f"vector ×{_short(self.coefficient)}"] if self.vector is not None else []
        return " · ".join(parts) or "unsteered"


def conditions_of(
    changes: Sequence[Change],
    vector: NDArray[np.float32] | None,
    coefficient: float,
    strengths: Sequence[float] | None,
) -> list[Condition]:
    """The unsteered text, and one for each strength that all changes are multiplied by.

    Raises
    ------
    InputError
        Nothing is changed, a feature is changed twice, or a strength is no finite number.
    """
    if not changes and vector is None:
        raise InputError(
            "nothing is steered: give features or a vector.",
            hint="For example features={2113: 2.0}: twice its maximum.",
        )
    features = [c.feature for c in changes]
    twice = sorted({f for f in features if features.count(f) > 1})
    if twice:
        raise InputError(f"feature {twice[0]} is changed twice in one text.", hint="Give each feature one change.")
    factors = [1.0] if strengths is None else [checked_number(s, "a strength") for s in strengths]
    if not factors:
        raise InputError("strengths is empty: give at least one number, or leave it out.")
    coefficient = checked_number(coefficient, "the coefficient of a vector")
    made = [Condition()]
    for factor in factors:
        scaled = tuple(c.times(factor) for c in changes)
        condition = Condition(scaled, vector, coefficient * factor, factor)
        is_new = all(c.changes != scaled or c.coefficient != condition.coefficient for c in made[1:])
        made += [condition] if is_new else []
    return made


def changes_of(features: Any, kind: str, n_features: int) -> list[Change]:
    """Changes from what a person gives.

    Parameters
    ----------
    features
        A feature; several; a mapping from feature to strength; or a list of mappings with ``feature`` and,
        if wanted, ``kind`` and ``strength``.
    kind
        For those that name none.

    Raises
    ------
    InputError, UnknownFeatureError, UnknownNameError
        It is none of these, or a feature, strength or kind that there is not.
    """
    if features is None:
        return []
    if isinstance(features, dict):
        return [_change(f, kind, s, n_features) for f, s in features.items()]
    listed = [features] if isinstance(features, int | np.integer | Change) else features
    if isinstance(listed, str) or not isinstance(listed, Sequence | np.ndarray):
        raise InputError(f"features is a number, several, or {{number: strength}}, and {features!r} came.")
    made = []
    for one in listed:
        if isinstance(one, Change):
            made.append(_change(one.feature, one.kind, one.strength, n_features))
        elif isinstance(one, dict):
            unknown = sorted(map(str, set(one) - {"feature", "kind", "strength"}))
            if unknown or "feature" not in one:
                raise InputError(f"a change has feature, kind and strength, and {one!r} came.")
            made.append(_change(one["feature"], one.get("kind", kind), one.get("strength", 1.0), n_features))
        else:
            made.append(_change(one, kind, 1.0, n_features))
    return made


def _change(feature: Any, kind: Any, strength: Any, n_features: int) -> Change:
    if isinstance(feature, bool) or not isinstance(feature, int | np.integer):
        raise InputError(f"a feature is a number, and {feature!r} came.")
    if not 0 <= feature < n_features:
        raise UnknownFeatureError(f"there is no feature {feature}: this SAE has 0 to {n_features - 1}.")
    if kind not in KINDS:
        raise UnknownNameError(f"there is no kind of steering {kind!r}.", hint=f"Kinds: {', '.join(KINDS)}.")
    return Change(int(feature), kind, checked_number(strength, f"the strength of feature {feature}"))


def checked_number(value: Any, what: str) -> float:
    """A finite number.

    Raises
    ------
    InputError
        It is none.
    """
    is_number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value):
        raise InputError(f"{what} is a finite number, and {value!r} came.")
    return float(value)


def _named(change: Change) -> str:
    text = _short(change.strength)
    return {
        "amplify": f"{change.feature} {'' if change.strength < 0 else '+'}{text}",
        "clamp": f"{change.feature} = {text}",
        "scale": f"{change.feature} ×{text}",
        "zero": f"{change.feature} = 0",
    }[change.kind]


def _short(x: float) -> str:
    return f"{x:g}".replace("-", "−")
