"""Circuit: what writes to a feature, and what reads it."""

from typing import Any, ClassVar

import polars as pl

from saescope.errors import InputError, SaescopeError
from saescope.panels.core import Panel
from saescope.panels.snapshot import Requests, html_table
from saescope.scope import Scope

QUICK = 1000


class CircuitPanel(Panel):
    """A feature between what writes to it and what reads it, by weights or on a text.

    Parameters
    ----------
    scope, feature, state
        See `Panel`.
    text
        Text to begin with; by default the one that all panels share.
    pos
        Position of the feature in it; by default where it is strongest.
    upstream, downstream
        Scopes of the same model with an SAE of an earlier or a later site, whose features to tell too.

    Raises
    ------
    InputError
        Another SAE was given that is no scope.
    """

    view: ClassVar[str] = "circuit"

    def __init__(
        self,
        scope: Scope,
        feature: int | None = None,
        *,
        text: str | None = None,
        pos: int | None = None,
        upstream: Scope | None = None,
        downstream: Scope | None = None,
        state: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        if text is not None:
            scope.select(text=text)
        shown = scope.text or (state or {}).get("text", "")
        begun: dict[str, Any] = {**(state or {}), "text": shown}
        for name, other in (("upstream", upstream), ("downstream", downstream)):
            if other is not None:
                begun[name] = _id_of(other, name)
        self._others = (upstream, downstream)
        super().__init__(scope, feature, state=begun, **options)
        if pos is not None:
            at = {"feature": self.feature, "text": shown, "pos": pos}
            self.spec = dict(self.spec or {}) | {"state": begun | {"at": at}}

    @property
    def tried(self) -> str:
        """The text that is looked at; empty where the weights alone tell."""
        return "" if self.state.get("by") == "weights" else self.scope.text or str(self.state.get("text", ""))

    def _wanted(self) -> dict[str, Any]:
        at = self.state.get("at") or {}
        is_own = at.get("feature") == self.feature and at.get("text") == self.tried
        aim = self.state.get("aim") or {}
        chosen = {name: (aim.get(name) or {}).get("token") for name in ("target", "contrast")}
        return {"pos": at.get("pos") if is_own else None, **chosen}

    def frame(self) -> pl.DataFrame:
        """What writes and what reads: `Scope.circuit` of both directions, told apart by ``direction``."""
        wanted, text = self._wanted(), self.tried
        pair = wanted["target"] if wanted["contrast"] is None else (wanted["target"], wanted["contrast"])
        upstream, downstream = self._others
        common: dict[str, Any] = {"pos": wanted["pos"]} if text else {}
        writes = self.scope.circuit(self.feature, text or None, upstream=upstream, **common)
        reads = self.scope.circuit(
            self.feature, text or None, direction="downstream", target=pair, downstream=downstream, **common
        )
        found = [("upstream", writes), ("downstream", reads)]
        return pl.concat([frame.select(pl.lit(name).alias("direction"), pl.all()) for name, frame in found])

    @property
    def _is_quick(self) -> bool:
        """Whether a reading now takes no time worth naming."""
        return self.scope.model is not None and not self.scope.lock.locked() and len(self.tried) <= QUICK

    def recorded(self) -> Requests:
        """Both sides, where the text is short and the model is free."""
        if not self._is_quick:
            return []
        asked = {"feature": self.feature, "by": "text" if self.tried else "weights", "text": self.tried, "k": 20}
        return [("circuit.get", asked | {name: v for name, v in self._wanted().items() if v is not None})]

    def html(self) -> str:
        """What leads on both sides, where the text is short and the model is free."""
        try:
            frame = self.frame() if self._is_quick else None
        except SaescopeError:
            frame = None
        return html_table(self.scope, frame if frame is not None else pl.DataFrame({"text": [self.tried]}))

    def text(self) -> str:
        """The text."""
        return f"{self.scope!r}\n{self.tried}"


def _id_of(other: Any, name: str) -> str:
    if not isinstance(other, Scope):
        raise InputError(
            f"{name} in a panel is a scope, and {type(other).__name__} came.",
            hint=f"Load one with the same model: other = saescope.load((model, tokenizer), sae=…), {name}=other.",
        )
    return other.id
