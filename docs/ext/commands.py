"""The directive `commands`: the help of every command of the shell, as the program prints it."""

import argparse
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive


def _sections(parser: argparse.ArgumentParser, name: str) -> list[nodes.Node]:
    section = nodes.section(ids=[nodes.make_id(name)])
    section += nodes.title(text=name)
    section += nodes.literal_block(parser.format_help(), parser.format_help(), language="text")
    found: list[nodes.Node] = [section]
    for action in parser._actions:  # noqa: SLF001 - argparse tells its commands nowhere else
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for command, below in action.choices.items():
                found += _sections(below, f"{name} {command}")
    return found


class Commands(Directive):
    """A section for each command."""

    def run(self) -> list[nodes.Node]:
        """Make the sections."""
        from saescope.cli.main import parser

        return _sections(parser(), "saescope")


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_directive("commands", Commands)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
