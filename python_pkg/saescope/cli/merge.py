"""``saescope merge``: parts of an index, joined."""

import argparse
import sys
from typing import Any

DESCRIPTION = """\
Join parts of an index that `saescope index --share I/N` made, on this machine or on
others. Parts that are still missing can be merged in later; a shard is never counted twice.
"""


def add_to(commands: Any) -> None:
    """Declare the command."""
    made = commands.add_parser(
        "merge",
        help="join parts of an index",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("parts", nargs="+", metavar="PART", help="folders of parts")
    made.add_argument("--out", required=True, metavar="DIR", help="folder of the result; new or empty")
    made.add_argument("--overwrite", action="store_true", help="replace an index that is in DIR")
    made.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Merge."""
    from saescope.indexing.merge import merge

    index = merge(options.parts, options.out, overwrite=options.overwrite)
    state = "complete" if index.is_complete else f"{index.n_rows:,} of {index.manifest.n_rows:,} tokens so far"
    sys.stdout.write(f"{index!r}\n{state}\n")
    return 0
