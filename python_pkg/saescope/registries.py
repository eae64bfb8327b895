"""Names of things that can be added to: ours from tables, others' from entry points.

A registry maps a name to ``"module:attr"`` and imports nothing until asked.
Other packages add to it with the entry-point group ``saescope.<kind>``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from saescope.errors import PluginError, UnknownNameError

HOMES = {
    "ablations": "saescope.effects.kinds",
    "attributions": "saescope.effects.attribution",
    "exporters": "saescope.export",
    "findings": "saescope.findings",
    "importers": "saescope.imports",
    "maps": "saescope.query.maps",
    "neighbors": "saescope.query.neighbors",
    "panels": "saescope.panels",
    "sources": "saescope.sources",
}
"""Each kind, and the module whose ``REGISTRY`` holds ours."""


@dataclass(frozen=True)
class Entry:
    """One registered thing: its name, where it lives, and the package that brought it."""

    name: str
    target: str
    package: str


class Registry:
    """The named things of one kind.

    Parameters
    ----------
    kind
        A key of ``HOMES``; the entry-point group is ``saescope.<kind>``.
    ours
        Name to ``"module:attr"``.
    """

    def __init__(self, kind: str, ours: Mapping[str, str]) -> None:
        self.kind = kind
        self._ours = dict(ours)

    def _others(self) -> dict[str, EntryPoint]:
        found = entry_points(group=f"saescope.{self.kind}")
        return {e.name: e for e in found if e.name not in self._ours}

    def entries(self) -> list[Entry]:
        """All things of this kind, sorted by name, ours first; nothing is imported."""
        ours = [Entry(name, target, "saescope") for name, target in sorted(self._ours.items())]
        others = [
            Entry(name, e.value, e.dist.name if e.dist else "unknown") for name, e in sorted(self._others().items())
        ]
        return ours + others

    def names(self) -> list[str]:
        """Names of all things of this kind."""
        return [e.name for e in self.entries()]

    def get(self, name: str) -> Any:
        """Import and return the thing of this name.

        Raises
        ------
        UnknownNameError
            There is no such name.
        PluginError
            Another package's entry fails to import.
        """
        if name in self._ours:
            module, _, attr = self._ours[name].partition(":")
            return getattr(import_module(module), attr)
        entry = self._others().get(name)
        if entry is None:
            raise UnknownNameError(
                f"{name!r} is not one of the {self.kind}: {', '.join(self.names())}.",
                hint="Check the spelling, or `saescope plugins` for what is installed.",
            )
        try:
            return entry.load()
        except Exception as err:
            raise PluginError(
                f"the plug-in {name!r} ({entry.value}) failed to load: {err!r}.",
                hint="Update or uninstall the package that brings it; saescope works without it.",
            ) from err


def registries() -> dict[str, Registry]:
    """The registry of each kind."""
    return {kind: import_module(home).REGISTRY for kind, home in HOMES.items()}
