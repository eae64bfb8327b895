"""What makes a function an exporter."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., None])


def exporter(*, is_folder: bool, suffix: str = "", title: str = "", needs: Sequence[str] = ()) -> Callable[[F], F]:
    """Say of an exporter what it writes; its form is drawn from its signature and docstring.

    Parameters
    ----------
    is_folder
        Whether it writes a folder or a file.
    suffix
        How the names of its files end, as in ``".csv"``.
    title
        What to call it in a list; by default the name it is registered by.
    needs
        Options without which it has no answer.
    """

    def marked(made: F) -> F:
        given: Any = made
        given.is_folder, given.suffix, given.title, given.needs = is_folder, suffix, title, tuple(needs)
        return made

    return marked
