"""``saescope export``: an index, written for other tools or as a table."""

import argparse
import sys
from typing import Any

from saescope.errors import InputError

DESCRIPTION = """\
Write the features of an index for another tool, or as a table:

  saescope export neuronpedia INDEX OUT --set creator_id=ID   Neuronpedia's bulk layout
  saescope export saedashboard INDEX OUT                      SAEDashboard's batch-N.json
  saescope export csv INDEX OUT.csv                           the feature table, with labels
  saescope export parquet INDEX OUT.parquet
  saescope export notebook INDEX OUT.ipynb                    findings, to be read and run again
  saescope export report INDEX OUT.html                       findings as one page

Findings are of the features that have a label, if no others are given; as in
--set title="What ships do" --set conclusion="They sail."

Options of an exporter are given with --set, as in --set units=folded.
"""


def add_to(commands: Any) -> None:
    """Declare the command."""
    made = commands.add_parser(
        "export",
        help="write features for another tool, or as a table",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument(
        "kind", metavar="KIND", help="neuronpedia, saedashboard, csv, parquet, notebook, report, or a plug-in's"
    )
    made.add_argument("index", metavar="INDEX", help="folder of an index")
    made.add_argument("out", metavar="OUT", help="folder or file; new")
    made.add_argument(
        "--features",
        metavar="LIST",
        help="the name of a list, or numbers as in 5,17 (default: all; of findings, those labelled)",
    )
    made.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="an option of the exporter")
    made.add_argument("--overwrite", action="store_true", help="replace a file that is there")
    made.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Export."""
    from saescope.registries import registries
    from saescope.scope import open_index

    given = dict(_option(text) for text in options.set)
    features = _features(options.features)
    scope = open_index(options.index)
    if options.kind in registries()["findings"].names():
        path = scope.export_findings(options.kind, options.out, features, overwrite=options.overwrite, **_told(given))
    else:
        path = scope.export(options.kind, options.out, features, overwrite=options.overwrite, **given)
    sys.stdout.write(f"{path}\n")
    return 0


def _told(given: dict[str, Any]) -> dict[str, Any]:
    """The options of findings: texts, and the names of parts with commas between."""
    texts = {name: "" if value is None else str(value) for name, value in given.items()}
    if "include" in texts:
        return texts | {"include": [part.strip() for part in texts["include"].split(",") if part.strip()]}
    return texts


def _features(text: str | None) -> "list[int] | str | None":
    parts = [part.strip() for part in (text or "").split(",")]
    return [int(part) for part in parts] if all(p.isascii() and p.isdecimal() for p in parts) else text


def _option(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise InputError(f"an option is NAME=VALUE, and {text!r} came.", hint="As in --set units=folded.")
    words = {"true": True, "false": False, "none": None}
    if value.lower() in words:
        return name, words[value.lower()]
    return name, int(value) if value.isascii() and value.isdecimal() else value
