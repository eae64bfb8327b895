"""What the open panels of a scope have in common: the feature they show, those picked, a text.

A change is told to every panel but the one it came from.
"""

import threading
from collections.abc import Iterable
from typing import Any

from saescope import live
from saescope.errors import InputError
from saescope.index.store import check_feature
from saescope.scope.state import State

MAX_PICKED = 100_000
MAX_TEXT = 100_000


class Selecting(State):
    """The selection that panels share with each other and with Python."""

    def __init__(self, **parts: Any) -> None:
        self._selection_lock = threading.Lock()
        self._selected: int | None = None
        self._picked: list[int] = []
        self._text = ""
        self.panel_states: dict[str, dict[str, Any]] = {}
        super().__init__(**parts)

    @property
    def selected(self) -> int | None:
        """The feature that the panels show, or ``None`` before one was chosen."""
        return self._selected

    @property
    def picked(self) -> list[int]:
        """Features picked in the table or on the map, in the order they were picked."""
        return list(self._picked)

    @property
    def text(self) -> str:
        """The text that was tried last."""
        return self._text

    def select(
        self, feature: int | None = None, *, picked: Iterable[int] | None = None, text: str | None = None
    ) -> None:
        """Choose what the open panels show; what is ``None`` stays as it is.

        Parameters
        ----------
        feature
            The feature to show.
        picked
            The features to mark in table and map, at most 100,000; an empty list for none.
        text
            The text to try.

        Raises
        ------
        UnknownFeatureError, InputError
            A number is no feature, or there is too much.

        Examples
        --------
        >>> scope.select(11)
        >>> scope.selected
        11
        """
        self.take_selection(feature, None if picked is None else list(picked), text)

    def take_selection(
        self, feature: int | None, picked: list[int] | None, text: str | None, origin: object = None
    ) -> None:
        """Take a selection over and tell all panels but ``origin``'s."""
        if feature is not None:
            feature = check_feature(feature, self.n_features)
        if picked is not None:
            if len(picked) > MAX_PICKED:
                raise InputError(
                    f"at most {MAX_PICKED:,} features can be picked, and {len(picked):,} came.",
                    hint="Filter the table first.",
                )
            picked = list(dict.fromkeys(check_feature(f, self.n_features) for f in picked))
        if text is not None and len(text) > MAX_TEXT:
            raise InputError(f"at most {MAX_TEXT:,} characters can be tried, and {len(text):,} came.")
        with self._selection_lock:
            self._selected = self._selected if feature is None else feature
            self._picked = self._picked if picked is None else picked
            self._text = self._text if text is None else text
        live.tell("selection", {"scope": self.id, "feature": feature, "picked": picked, "text": text}, origin)
