"""Messages about panels that other packages bring."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class PluginPanel:
    """One panel of another package, or why it cannot be shown."""

    name: str
    package: str
    title: str = ""
    about: str = ""
    key: str = ""
    height_px: int = 480
    has_feature: bool = True
    works_without_index: bool = False
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class PluginPanels:
    """Answer of ``plugin.list``."""

    panels: list[PluginPanel]


@dataclass(frozen=True, kw_only=True)
class PluginListParams:
    """Asks for the panels of other packages."""


@dataclass(frozen=True, kw_only=True)
class PluginAskParams:
    """A question that a panel's view asks its own Python class."""

    scope: str
    panel: str
    question: str
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class PluginAnswer:
    """Answer of ``plugin.ask``: what the class's function returned."""

    data: dict[str, Any]


METHODS: dict[str, tuple[type, type, type | None]] = {
    "plugin.list": (PluginListParams, PluginPanels, None),
    "plugin.ask": (PluginAskParams, PluginAnswer, None),
}
