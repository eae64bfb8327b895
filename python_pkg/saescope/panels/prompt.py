"""The prompt view: what a prediction is due to."""

from typing import Any, ClassVar

import polars as pl

from saescope.panels.core import Panel
from saescope.panels.snapshot import Requests, html_table
from saescope.scope import Scope

QUICK = 400
RANKS = ("activation", "direct", "gradient", "exact")


class Prompt(Panel):
    """A text and a token after it: the features that fire, by what they do for that token.

    Parameters
    ----------
    scope
        What runs the text; needs the model.
    feature
        Feature to mark; by default the one that is selected.
    text
        Text to begin with, by default the one that all panels share; or a list of texts to compare.
    state
        What a person did in another such panel: its ``state``.
    """

    view: ClassVar[str] = "prompt"

    def __init__(
        self,
        scope: Scope,
        feature: int | None = None,
        *,
        text: str | list[str] | None = None,
        state: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        begun = dict(state or {})
        texts = [text] if isinstance(text, str) else text or []
        if texts:
            scope.select(text=texts[0])
            begun["others"] = [{"text": one, "aim": {}} for one in texts[1:]]
        begun["text"] = scope.text or begun.get("text", "")
        super().__init__(scope, feature, state=begun, **options)

    @property
    def texts(self) -> list[str]:
        """The texts that are compared; the first is the one that all panels share."""
        others = [str(one.get("text", "")) for one in self.state.get("others", [])]
        return [self.scope.text or str(self.state.get("text", "")), *others]

    def frame(self) -> pl.DataFrame:
        """The features that fire, by what they do: `Scope.prompt`; of one position, if chosen, `Scope.attribute`."""
        by, texts = self.state.get("by", "gradient"), self.texts
        targets = [_target(aim) for aim in self._aims]
        places = [place for place in self.state.get("at", []) if place is not None]
        if len(texts) == 1 and places:
            return self.scope.attribute(texts[0], targets[0], by, pos=places[0])
        return self.scope.prompt(texts, targets, rank=by)

    @property
    def _aims(self) -> list[dict[str, Any]]:
        return [self.state.get("aim", {}), *(one.get("aim", {}) for one in self.state.get("others", []))]

    @property
    def _is_quick(self) -> bool:
        """Whether running the texts now takes no time worth naming."""
        has_model = self.scope.model is not None and not self.scope.lock.locked()
        is_short = all(self.texts) and sum(map(len, self.texts)) <= QUICK
        return has_model and is_short and self.state.get("by", "gradient") in RANKS

    def recorded(self) -> Requests:
        """What fires on its texts with the gradient's ranking, where they are short and the model is free."""
        if not self._is_quick:
            return []
        asked = [{"text": text, **_aimed(aim)} for text, aim in zip(self.texts, self._aims, strict=True)]
        return [
            request
            for one in asked
            for request in (("prompt.read", one), ("prompt.attribute", {**one, "method": "gradient"}))
        ]

    def html(self) -> str:
        """The features by what they do, where the texts are short and the model is free."""
        return html_table(self.scope, self.frame() if self._is_quick else pl.DataFrame({"text": self.texts}))

    def text(self) -> str:
        """The texts."""
        return "\n".join([repr(self.scope), *self.texts])


def _aimed(aim: dict[str, Any]) -> dict[str, int]:
    """The tokens of an aim, as requests give them."""
    return {name: int(aim[name]["token"]) for name in ("target", "contrast") if aim.get(name)}


def _target(aim: dict[str, Any]) -> Any:
    tokens = _aimed(aim)
    return (tokens["target"], tokens["contrast"]) if len(tokens) == 2 else tokens.get("target")
