"""Names of things that can be added to: ours from tables, others' from entry points.

A registry maps a name to ``"module:attr"`` and imports nothing until asked.
Other packages add to it with the entry-point group ``saescope.<kind>``.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from saescope._version import version
from saescope.errors import PluginError, SaescopeError, UnknownNameError

HOMES = {
    "ablations": "saescope.effects.kinds",
    "attributions": "saescope.effects.attribution",
    "exporters": "saescope.export",
    "findings": "saescope.findings",
    "importers": "saescope.imports",
    "labelers": "saescope.query.labelers",
    "maps": "saescope.query.maps",
    "neighbors": "saescope.query.neighbors",
    "panels": "saescope.panels",
    "sources": "saescope.sources",
}
"""Each kind, and the module whose ``REGISTRY`` holds ours."""


@dataclass(frozen=True)
class Entry:
    """One registered thing: its name, where it lives, and the package that brought it.

    ``is_hidden``: another thing has this name, ours or an earlier package's, and this one cannot be used.
    """

    name: str
    target: str
    package: str
    version: str = ""
    is_hidden: bool = False


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
        """Those of other packages that can be named; of two of one name, the first package's."""
        found = sorted(entry_points(group=f"saescope.{self.kind}"), key=lambda e: _package(e).casefold(), reverse=True)
        return {e.name: e for e in found if e.name not in self._ours}

    def entries(self) -> list[Entry]:
        """All things of this kind, sorted by name, ours first; nothing is imported."""
        ours = [Entry(name, target, "saescope", version()) for name, target in sorted(self._ours.items())]
        return ours + [_entry(e) for _, e in sorted(self._others().items())]

    def hidden(self) -> list[Entry]:
        """Those of other packages that cannot be named, for something else has their name."""
        known = {(e.name, _package(e)) for e in self._others().values()}
        found = [e for e in entry_points(group=f"saescope.{self.kind}") if (e.name, _package(e)) not in known]
        return sorted((_entry(e, is_hidden=True) for e in found), key=lambda e: (e.name, e.package))

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
                f"the plug-in {name!r} ({entry.value}, of {_package(entry)}) failed to load: {err!r}.",
                hint=f"Update or uninstall {_package(entry)}; saescope works without it.",
            ) from err


def _package(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else "unknown"


def _entry(entry: EntryPoint, *, is_hidden: bool = False) -> Entry:
    of = entry.dist.version if entry.dist else ""
    return Entry(entry.name, entry.value, _package(entry), of, is_hidden)


@contextmanager
def blamed(what: str, name: str) -> Iterator[None]:
    """Run something of a plug-in's: what it raises, other than our own errors, names it.

    Raises
    ------
    PluginError
        It failed.
    """
    try:
        yield
    except SaescopeError:
        raise
    except Exception as err:
        raise PluginError(f"the {what} {name!r} failed: {type(err).__name__}: {err}.") from err


def registries() -> dict[str, Registry]:
    """The registry of each kind."""
    return {kind: import_module(home).REGISTRY for kind, home in HOMES.items()}
