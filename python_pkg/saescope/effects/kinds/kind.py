"""What a kind of ablation is given, what it gives, and what it says of itself."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from saescope.errors import InputError, NoIndexError, UnknownNameError
from saescope.index.store import Index


@dataclass(frozen=True)
class Subject:
    """A feature on some positions of a text, about to be changed.

    Parameters
    ----------
    feature
        Its number.
    positions
        ``[n]`` int64, rising.
    activations
        What they are in the clean run, ``[n]`` float32.
    index
        What it fires on in a corpus, if known.
    other
        The feature's activations on another text's tokens ``[n_other]`` float32, and the number of tokens
        of this text: they are aligned at their ends.
    n_tokens
        Tokens of the text.
    seed
        For kinds that draw.
    """

    feature: int
    positions: NDArray[np.int64]
    activations: NDArray[np.float32]
    n_tokens: int
    index: Index | None = None
    other: NDArray[np.float32] | None = None
    seed: int = 0

    def require_index(self, why: str) -> Index:
        """The index.

        Raises
        ------
        NoIndexError
            There is none.
        """
        if self.index is None:
            raise NoIndexError(
                f"{why} needs an index, and this scope has none.",
                hint='Build one: scope.build_index("corpus.jsonl.gz", out="my-index"); or take another kind.',
            )
        return self.index


@dataclass(frozen=True)
class Option:
    """A number that a kind takes: its name, what it means, and its bounds; a switch is 1 or 0."""

    name: str
    meaning: str
    default: float
    low: float | None = None
    high: float | None = None
    is_switch: bool = False


@dataclass(frozen=True)
class About:
    """What a kind says of itself.

    Parameters
    ----------
    title
        Its name in a list of kinds.
    meaning
        What it does, in one sentence.
    options
        The numbers it takes; a form is drawn from them.
    where
        Positions it changes when none are given: where the feature ``"fires"``, or ``"all"`` that count.
    needs
        ``"index"`` or ``"other"`` (another text), without which it has no answer; may be empty.
    takes_other
        Whether it takes activations from another text where one is given; then it needs no index.
    """

    title: str
    meaning: str
    options: tuple[Option, ...] = ()
    where: Literal["fires", "all"] = "fires"
    needs: tuple[str, ...] = ()
    takes_other: bool = False


class Kind(Protocol):
    """A kind of ablation: new activations ``[n]`` float32 of a subject."""

    def __call__(self, subject: Subject, **options: float) -> NDArray[np.float32]:
        """What the activations become."""
        ...


@dataclass(frozen=True)
class Chosen:
    """A kind by its name, with its options checked."""

    name: str
    make: Kind
    about: About
    options: dict[str, float] = field(default_factory=dict)

    def values(self, subject: Subject) -> NDArray[np.float32]:
        """New activations ``[n]`` float32.

        Raises
        ------
        InputError
            The kind gave something else.
        """
        found = np.asarray(self.make(subject, **self.options), dtype=np.float32)
        if found.shape != subject.positions.shape or not np.isfinite(found).all():
            raise InputError(
                f"the ablation {self.name!r} gave {found.shape} values, not all finite, "
                f"and {subject.positions.shape} were wanted."
            )
        return found


def told(about: About) -> Callable[[Any], Any]:
    """Decorate a kind with what it says of itself."""

    def decorate(kind: Any) -> Any:
        kind.about = about
        return kind

    return decorate


def about(kind: Any) -> About:
    """What a kind says of itself; a plug-in that says nothing gets its name and docstring."""
    found = getattr(kind, "about", None)
    if isinstance(found, About):
        return found
    name = getattr(kind, "__name__", "ablation").replace("_", " ")
    return About(title=name, meaning=(inspect.getdoc(kind) or "").partition("\n")[0])


def choose(name: str, options: dict[str, Any] | None = None) -> Chosen:
    """A kind of ablation by its name, with options for it.

    Raises
    ------
    UnknownNameError
        There is no such kind or option.
    InputError
        An option is no number or out of its range.
    """
    from saescope.effects.kinds import REGISTRY

    made = REGISTRY.get(name)
    said = about(made)
    known = {option.name: option for option in said.options}
    values = {option.name: option.default for option in said.options}
    for given, value in (options or {}).items():
        if given not in known:
            raise UnknownNameError(
                f"the ablation {name!r} has no option {given!r}.",
                hint=f"Its options: {', '.join(known)}." if known else "It has no options.",
            )
        values[given] = _checked(name, known[given], value)
    return Chosen(name, made, said, values)


def _checked(name: str, option: Option, value: Any) -> float:
    if option.is_switch:
        if not isinstance(value, bool) and value not in (0, 1):
            raise InputError(f"{option.name} of the ablation {name!r} is true or false, and {value!r} came.")
        return float(value)
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and bool(np.isfinite(value))
    low, high = option.low, option.high
    if not is_number or (low is not None and value < low) or (high is not None and value > high):
        bounds = f" from {'−∞' if low is None else low:} to {'∞' if high is None else high}"
        raise InputError(f"{option.name} of the ablation {name!r} is a number{bounds}, and {value!r} came.")
    return float(value)
