"""Progress in a terminal or a notebook, and progress that nobody watches."""

from typing import Any


class Bar:
    """A progress bar with rate and time left (tqdm), in whatever the caller looks at."""

    def __init__(self) -> None:
        self._bar: Any = None

    def say(self, text: str) -> None:
        """Something to know before it begins."""
        from tqdm.auto import tqdm

        tqdm.write(text)

    def start(self, what: str, total: int, unit: str, done: int = 0) -> None:
        """A stage of ``total`` units begins, ``done`` of them before; 0 when nobody knows how many."""
        from tqdm.auto import tqdm

        self._bar = tqdm(
            total=total or None, initial=done, desc=what, unit=f" {unit}", unit_scale=True, dynamic_ncols=True
        )

    def advance(self, n: int) -> None:
        """``n`` more units are done."""
        self._bar.update(n)

    def finish(self) -> None:
        """The stage is over."""
        self._bar.close()


class Silent:
    """Progress that says nothing."""

    def say(self, text: str) -> None:
        """Ignored."""

    def start(self, what: str, total: int, unit: str, done: int = 0) -> None:
        """Ignored."""

    def advance(self, n: int) -> None:
        """Ignored."""

    def finish(self) -> None:
        """Ignored."""
