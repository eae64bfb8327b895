"""Picker: any pretrained SAE, chosen from sae-lens's list and from this machine's disk, and loaded."""

from typing import Any, ClassVar

import anywidget
import polars as pl

from saescope.errors import InputError
from saescope.panels.core import Panel
from saescope.panels.snapshot import plain_table
from saescope.rpc.handlers.registry import filters_of
from saescope.rpc.messages.registry import SaeFilter
from saescope.scope import Scope
from saescope.scope.picking import held
from saescope.sources.registry.listing import everything, find

SHOWN = ("source", "release", "sae_id", "model", "site", "layer", "width", "architecture", "l0", "is_cached")
MAX_AGE_S = 30.0


class Picker(Panel):
    """Search and filters over all SAEs, the details of one, and its loading.

    Parameters
    ----------
    scope
        The list begins with SAEs of its model; without one, with all.
    search
        Words to begin with.
    state
        What a person did in another picker: its ``state``.
    """

    view: ClassVar[str] = "picker"
    bundle: ClassVar[str] = "picker"

    def __init__(
        self,
        scope: Scope | None = None,
        feature: int | None = None,  # noqa: ARG002
        *,
        search: str | None = None,
        state: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        begun = dict(state or {}) | ({} if search is None else {"search": search})
        if scope is not None and "filter" not in begun:
            begun |= _of_model(scope)
        self._open({"scope": "", **options}, begun)

    @property
    def picked(self) -> Scope:
        """The scope that was last loaded here.

        Raises
        ------
        InputError
            None was loaded yet.
        """
        if self.id not in held:
            raise InputError("no SAE was loaded in this picker yet.", hint="Choose one and press Load.")
        return held[self.id]

    def frame(self) -> pl.DataFrame:
        """The SAEs that it lists: `saescope.registry`."""
        known = {k: v for k, v in self.state.get("filter", {}).items() if k in SaeFilter.__dataclass_fields__}
        filters = filters_of(SaeFilter(**known))
        return find(everything(max_age_s=MAX_AGE_S), self.state.get("search", ""), filters).table

    def html(self) -> str:
        """The first SAEs of the list as a plain table."""
        frame = self.frame()
        head = f"<p><b>saescope</b> · {len(frame):,} SAEs</p>"
        return f"<div>{head}{plain_table(frame.select(SHOWN))}</div>"

    def text(self) -> str:
        """The first SAEs of the list."""
        return str(self.frame().select(SHOWN))

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        found = anywidget.AnyWidget._repr_mimebundle_(self, **kwargs)
        data, metadata = found if isinstance(found, tuple) else (found or {}, {})
        told = self.text()
        return dict(data) | {"text/html": self.html(), "text/plain": told}, metadata


def _of_model(scope: Scope) -> dict[str, Any]:
    """A filter by the scope's model, where the list has any for it."""
    name = "" if scope.model is None else scope.model.name
    has_some = bool(name) and bool((everything(max_age_s=MAX_AGE_S)["model"] == name).any())
    return {"filter": {"model": [name]}} if has_some else {}


def pick(search: str = "", **options: Any) -> Picker:
    """Choose a pretrained SAE and load it: a panel over `saescope.registry`.

    What was loaded there is ``picker.picked``, and that of the picker used last ``saescope.picked()``.

    Parameters
    ----------
    search
        Words to begin with, such as ``"gemma 2b res layer 12"``.
    **options
        What `Picker` takes beside.
    """
    return Picker(search=search or None, **options)
