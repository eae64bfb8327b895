"""``saescope plugins``: what can be named, and which package brings it."""

import argparse
import sys
from typing import Any

from saescope.errors import PluginError
from saescope.registries import registries


def add_to(commands: Any) -> None:
    """Declare the command."""
    made = commands.add_parser(
        "plugins",
        help="list what is installed",
        description="List panels, neighbor metrics and SAE sources, ours and those of other packages.",
    )
    made.add_argument("--check", action="store_true", help="import each one, and say which fail")
    made.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """List."""
    n_failed = 0
    for kind, registry in registries().items():
        sys.stdout.write(f"{kind}\n")
        for entry in registry.entries():
            state = ""
            if options.check:
                try:
                    registry.get(entry.name)
                    state = "  ok"
                except PluginError as err:
                    state, n_failed = f"  FAILED: {err.message}", n_failed + 1
            sys.stdout.write(f"  {entry.name:<12} {entry.package}{state}\n")
    return 1 if n_failed else 0
