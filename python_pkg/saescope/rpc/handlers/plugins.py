"""Panels of other packages: what there is, their JavaScript, and what their classes answer."""

import json
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from saescope import live
from saescope.errors import BundleMissingError, InputError, PluginError, SaescopeError
from saescope.registries import HOMES, Registry
from saescope.rpc.calls import Call
from saescope.rpc.messages.plugins import (
    PluginAnswer,
    PluginAskParams,
    PluginListParams,
    PluginPanel,
    PluginPanels,
)


@cache
def packages() -> dict[str, str]:
    """The package of each panel that is not ours, by the panel's name; read once a process."""
    return {entry.name: entry.package for entry in _registry().entries() if entry.package != "saescope"}


def _registry() -> Registry:
    return import_module(HOMES["panels"]).REGISTRY


def _panel(name: str) -> Any:
    """The class of a panel that another package brings.

    Raises
    ------
    PluginError
        There is none, it does not import, or it is no panel with a view.
    """
    if name not in packages():
        raise PluginError(
            f"no package here brings a panel {name!r}.", hint="`saescope plugins` lists what is installed."
        )
    found = _registry().get(name)
    problem = found.problem(name) if hasattr(found, "problem") else "it is no subclass of saescope.Panel"
    if problem:
        raise PluginError(f"the panel {name!r} of {packages()[name]} cannot be shown: {problem}.")
    return found


def javascript_of(name: str) -> bytes:
    """The ES module with the view of a panel that another package brings."""
    esm = _panel(name).esm
    if not isinstance(esm, Path):
        return str(esm).encode()
    if not esm.is_file():
        raise BundleMissingError(
            f"the view of the panel {name!r} is not in {packages()[name]}: {esm.name} is missing.",
            hint="Its package was built without it: install it anew, or tell its authors.",
        )
    return esm.read_bytes()


def _list(_call: Call, _params: PluginListParams) -> PluginPanels:
    return PluginPanels(panels=[_told(name, package) for name, package in packages().items()])


def _told(name: str, package: str) -> PluginPanel:
    try:
        return PluginPanel(name=name, package=package, **_panel(name).told())
    except SaescopeError as err:
        return PluginPanel(name=name, package=package, title=name, error=f"{err.message} {err.hint}".strip())


def _ask(call: Call, params: PluginAskParams) -> PluginAnswer:
    scope, answers = live.get(params.scope), _panel(params.panel).answers
    if params.question not in answers:
        raise InputError(
            f"the panel {params.panel!r} answers no question {params.question!r}.",
            hint=f"It answers: {', '.join(answers) or 'none'}.",
        )
    call.check()
    try:
        found = dict(answers[params.question](scope, **params.params))
        json.dumps(found, allow_nan=False)
    except SaescopeError:
        raise
    except Exception as err:
        raise PluginError(
            f"{packages()[params.panel]} failed at {params.question!r} of its panel {params.panel!r}: {err!r}.",
            hint="Tell its authors; the other panels work without it.",
        ) from err
    return PluginAnswer(data=found)


HANDLERS: dict[str, Callable[[Call, Any], Any]] = {"plugin.list": _list, "plugin.ask": _ask}
ASIDE = {"plugin.list", "plugin.ask"}
