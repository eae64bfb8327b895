"""Parse arguments, run a command, and tell errors in one or two lines."""

import argparse
import sys
from collections.abc import Sequence

from saescope._version import version
from saescope.cli import check, demo, export, imports, index, info, merge, notes, plugins, registry
from saescope.errors import SaescopeError

DESCRIPTION = """\
See what a language model knows: browse, read and probe the features of its sparse
autoencoders (SAEs), in JupyterLab.

  saescope demo                             open the bundled demo in JupyterLab
  saescope check MODEL SAE                  say whether an SAE fits a model
  saescope index MODEL SAE CORPUS --out DIR  index what every feature fires on
  saescope merge PART … --out DIR           join parts of an index
  saescope import KIND SOURCE OUT           make an index of another tool's files
  saescope export KIND INDEX OUT            write features for another tool, or as a table
  saescope info DIR                         say what an index is and holds
  saescope notes export|diff|import …       notes as a file to put under git
  saescope registry WORDS                   find pretrained SAEs
  saescope plugins                          list what is installed
"""


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    made = argparse.ArgumentParser(
        prog="saescope", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--version", action="version", version=f"saescope {version()}")
    commands = made.add_subparsers(dest="command", metavar="command")
    for module in (demo, check, index, merge, imports, export, info, notes, registry, plugins):
        module.add_to(commands)
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; returns the exit status: 0, 1 for an error that is told, 130 when interrupted."""
    made = parser()
    options = made.parse_args(arguments)
    if options.command is None:
        made.print_help()
        return 0
    try:
        return options.run(options)
    except SaescopeError as err:
        sys.stderr.write(f"saescope: {err.message}\n" + (f"  {err.hint}\n" if err.hint else ""))
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("saescope: stopped.\n")
        return 130


if __name__ == "__main__":
    sys.exit(main())
