"""``saescope import``: files of other tools, made an index."""

import argparse
import sys
from typing import Any

DESCRIPTION = """\
Make an index of what another tool has written, to be browsed without the model:

  saescope import saedashboard FOLDER OUT     SAEDashboard's batch-N.json
  saescope import neuronpedia FOLDER OUT      a bulk export of Neuronpedia
  saescope import delphi FOLDER OUT --tokenizer NAME
                                              a cache of latents; keeps every activation

What the files do not hold is not in the index, and is told.
"""


def add_to(commands: Any) -> None:
    """Declare the command."""
    made = commands.add_parser(
        "import",
        help="make an index of another tool's files",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("kind", metavar="KIND", help="saedashboard, neuronpedia, delphi, or a plug-in's")
    made.add_argument("source", metavar="SOURCE", help="the file or folder")
    made.add_argument("out", metavar="OUT", help="folder of the index; new or empty")
    made.add_argument("--d-sae", type=int, metavar="N", help="how many features the SAE has")
    made.add_argument("--model", metavar="NAME", help="what to call the model")
    made.add_argument("--sae", metavar="NAME", help="what to call the SAE")
    made.add_argument("--site", metavar="NAME", help="where the SAE reads, as in blocks.6.hook_resid_pre")
    made.add_argument("--tokenizer", metavar="NAME", help="delphi: of the model; a folder or a hub id")
    made.add_argument("--tokens", metavar="FILE", help="delphi: .npy or .safetensors, where the cache has none")
    made.add_argument("--hookpoint", metavar="NAME", help="delphi: which one, where there are several")
    made.add_argument("--overwrite", action="store_true", help="replace an index that is in OUT")
    made.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Import."""
    from saescope.imports import import_index

    names = ("d_sae", "model", "sae", "site", "tokenizer", "tokens", "hookpoint")
    given = {name: value for name in names if (value := getattr(options, name)) is not None}
    made = import_index(options.kind, options.source, options.out, overwrite=options.overwrite, **given)
    origin = made.manifest.origin
    sys.stdout.write(f"{made!r}\n" + "".join(f"{line}\n" for line in (origin.told() if origin else [])))
    return 0
