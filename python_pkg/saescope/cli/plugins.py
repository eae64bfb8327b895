"""``saescope plugins``: what can be named, which package brings it, and whether it can be used."""

import argparse
import sys
from typing import Any

from saescope.errors import PluginError
from saescope.registries import Entry, Registry, registries


def add_to(commands: Any) -> None:
    """Declare the command."""
    made = commands.add_parser(
        "plugins",
        help="list what is installed",
        description="List panels, metrics, labelers, SAE sources and all else that has a name, ours and those of other "
        "packages, with the package and its version. Others' are imported to say whether they can be used.",
    )
    made.add_argument("--check", action="store_true", help="import ours too")
    made.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """List; 1 if one cannot be used."""
    n_failed = 0
    for kind, registry in registries().items():
        sys.stdout.write(f"saescope.{kind}\n")
        for entry in [*registry.entries(), *registry.hidden()]:
            problem = _problem(registry, entry) if options.check or entry.package != "saescope" else None
            state = "" if problem is None else f"FAILED: {problem}" if problem else "ok"
            n_failed += bool(problem)
            sys.stdout.write(f"  {entry.name:<16} {entry.package} {entry.version:<10} {state}".rstrip() + "\n")
    return 1 if n_failed else 0


def _problem(registry: Registry, entry: Entry) -> str:
    """Why an entry cannot be used; nothing if it can."""
    if entry.is_hidden:
        return f"the name {entry.name!r} is taken: {entry.package} has to call it something else."
    try:
        registry.get(entry.name)
    except PluginError as err:
        return err.message
    return ""
