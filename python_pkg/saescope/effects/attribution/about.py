"""What an attribution method says of itself."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from saescope.effects.attribution.question import Part, Question


@dataclass(frozen=True)
class About:
    """What a method says of itself.

    Parameters
    ----------
    title
        Its name in a list of methods.
    meaning
        What its figure is, in one sentence.
    source
        Where it comes from.
    is_exact
        Whether the figure is the effect itself, by intervention, and no estimate of it.
    baseline
        What the clean run is compared with.
    unit
        Of the figure: ``"metric"`` is nats for a target's log-probability, logits for a contrast.
    costs
        ``"none"``: needs no further run; ``"pass"``: about one forward pass for all; ``"many"``: many.
    """

    title: str
    meaning: str
    source: str = ""
    is_exact: bool = False
    baseline: str = ""
    unit: Literal["activation", "logits", "metric"] = "metric"
    costs: Literal["none", "pass", "many"] = "many"


class Method(Protocol):
    """An attribution method: figures of a question's units, in parts."""

    def __call__(self, question: Question) -> Iterator[Part]:
        """Every unit in ``question.order`` once, in any number of parts."""
        ...


def told(about: About) -> Callable[[Any], Any]:
    """Decorate a method with what it says of itself."""

    def decorate(method: Any) -> Any:
        method.about = about
        return method

    return decorate


def about_of(method: Any) -> About:
    """What a method says of itself; a plug-in that says nothing gets its name and docstring."""
    found = getattr(method, "about", None)
    if isinstance(found, About):
        return found
    name = getattr(method, "__name__", "attribution").replace("_", " ")
    return About(title=name, meaning=(inspect.getdoc(method) or "").partition("\n")[0])
