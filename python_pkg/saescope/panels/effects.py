"""Effects: what the model says otherwise when a feature is changed."""

from typing import Any, ClassVar

import polars as pl

from saescope.panels.core import Panel
from saescope.panels.snapshot import Requests, html_table
from saescope.scope import Scope

QUICK = 64


class Effects(Panel):
    """A feature changed on a text, over its examples, and by strength.

    Parameters
    ----------
    scope
        What holds the model.
    feature
        Feature to change; by default the one that is selected.
    text
        Text to begin with; by default the one tried last, and without one the feature's strongest example.
    kind
        Kind of ablation to begin with; see `Scope.ablate`.
    state
        What a person did in another such panel: its ``state``.
    """

    view: ClassVar[str] = "effects"

    def __init__(
        self,
        scope: Scope,
        feature: int | None = None,
        *,
        text: str | None = None,
        kind: str | None = None,
        state: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        if text is not None:
            scope.select(text=text)
        begun = {**(state or {}), "text": scope.text or (state or {}).get("text", "")}
        super().__init__(scope, feature, state=begun | ({} if kind is None else {"kind": kind}), **options)

    @property
    def measured_text(self) -> "str | list[int]":
        """The text that is looked at: typed, or the tokens of the example."""
        state = self.state
        typed = self.scope.text or str(state.get("text", ""))
        if typed and state.get("source", "text") == "text":
            return typed
        if state.get("tokens"):
            return list(state["tokens"])
        passages = self.scope.passages(self.feature, 1, n_after=8, n_before=32) if self.scope.index is not None else []
        return passages[0].tokens if passages else typed

    @property
    def _change(self) -> dict[str, Any]:
        state = self.state
        kind = state.get("kind", "zero")
        where = state.get("where")
        pos = state.get("pos") if where == "one" else where
        target, contrast = ((state.get("aim") or {}).get(name) for name in ("target", "contrast"))
        aim = None if not target else (target["token"], contrast["token"]) if contrast else target["token"]
        return {"kind": kind, "pos": pos, "target": aim, "options": (state.get("options") or {}).get(kind, {})}

    def frame(self) -> pl.DataFrame:
        """What it shows: `Scope.ablate`, `Scope.effect_summary` or `Scope.sweep`."""
        state, change = self.state, self._change
        kind, pos, target, options = (change[name] for name in ("kind", "pos", "target", "options"))
        if state.get("mode") == "examples":
            at = "peak" if state.get("where") == "one" else pos
            given: dict[str, Any] = {"k": state.get("k", 20), "group": state.get("group", "top")}
            return self.scope.effect_summary(self.feature, **given, kind=kind, pos=at, **options)
        if state.get("mode") == "sweep":
            return self.scope.sweep(self.measured_text, self.feature, pos=pos, target=target)
        return self.scope.ablate(
            self.measured_text, self.feature, kind=kind, pos=pos, target=target, last_only=False, **options
        )

    @property
    def _is_quick(self) -> bool:
        """Whether its figures now take no time worth naming."""
        if self.scope.model is None or self.scope.lock.locked() or self.state.get("mode", "text") != "text":
            return False
        text = self.measured_text
        return 0 < (len(text) if isinstance(text, list) else len(text) // 3 + 1) <= QUICK

    def recorded(self) -> Requests:
        """What is changed and what it does, where the text is short and the model is free."""
        if not self._is_quick:
            return [("effects.kinds", {})]
        text, change = self.measured_text, self._change
        pos, target = change["pos"], change["target"]
        params: dict[str, Any] = {
            "features": [self.feature],
            "kind": change["kind"],
            "options": change["options"],
            **({"text": text} if isinstance(text, str) else {"tokens": text}),
            **({"positions": [pos]} if isinstance(pos, int) else {"where": pos}),
            **(
                dict(zip(("target", "contrast"), target, strict=True))
                if isinstance(target, tuple)
                else {"target": target}
            ),
        }
        passages = [("effects.passages", {"feature": self.feature, "k": 6})] if self.scope.index is not None else []
        return [("effects.kinds", {}), *passages, ("effects.ablate", params), ("effects.control", params)]

    def html(self) -> str:
        """Its figures, where the text is short and the model is free."""
        lists = ["features", "at", "raised", "lowered", "controls"]
        quick = self.frame().drop(lists, strict=False) if self._is_quick else pl.DataFrame({"feature": [self.feature]})
        return html_table(self.scope, quick)

    def text(self) -> str:
        """The feature, and how it is changed."""
        return f"{self.scope!r}\nfeature {self.feature}: {self.state.get('kind', 'zero')}"
