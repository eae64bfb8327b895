"""What makes a function an exporter."""

from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., None])


def exporter(*, is_folder: bool) -> Callable[[F], F]:
    """Say of an exporter whether it writes a folder or a file."""

    def marked(made: F) -> F:
        given: Any = made
        given.is_folder = is_folder
        return made

    return marked
