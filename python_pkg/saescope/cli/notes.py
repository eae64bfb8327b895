"""``saescope notes``: notes as one file to put under git."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from saescope.notes import Notes

DESCRIPTION = """\
Keep notes on features as one sorted file of JSON lines, to put under git and merge.

  saescope notes export INDEX notes.jsonl   write all notes, lists and marks
  saescope notes diff INDEX notes.jsonl     say what an import would change, without changing it
  saescope notes import INDEX notes.jsonl   take in what was changed in the file
"""
MAX_SHOWN = 60


def add_to(commands: Any) -> None:
    """Declare the commands."""
    made = commands.add_parser(
        "notes",
        help="export and import notes as a file for git",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    kinds = made.add_subparsers(dest="kind", metavar="export|diff|import", required=True)
    for name, run, about in (
        ("export", export, "write all notes, lists and marks to a file"),
        ("diff", diff, "say what an import would change; status 1 if something"),
        ("import", import_, "take in what was changed in the file"),
    ):
        one = kinds.add_parser(name, help=about, description=f"{about[0].upper()}{about[1:]}.")
        one.add_argument("index", metavar="INDEX", help="folder of an index")
        one.add_argument("file", metavar="FILE", help="the file of JSON lines")
        one.add_argument("--notes", metavar="PATH", help="notes that are kept elsewhere than beside the index")
        if name == "export":
            one.add_argument("--overwrite", action="store_true", help="write over what was not imported")
        else:
            one.add_argument("--force", action="store_true", help="though it is about another SAE")
        if name == "import":
            one.add_argument(
                "--conflicts",
                choices=["refuse", "mine", "file"],
                default="refuse",
                help="where both changed the same: change nothing (default), keep one's own, take the file's",
            )
        one.set_defaults(run=run)


def _notes(options: argparse.Namespace) -> "Notes":
    from saescope.scope import open_index

    scope = open_index(options.index)
    return scope.open_notes(Path(options.notes)) if options.notes else scope.notes


def export(options: argparse.Namespace) -> int:
    """Write."""
    notes = _notes(options)
    path = notes.export(options.file, overwrites=options.overwrite)
    n = (notes.table().height, notes.lists().height, notes.marks().height)
    sys.stdout.write(f"{path}: {n[0]:,} notes, {n[1]:,} lists, {n[2]:,} marks\n")
    return 0


def diff(options: argparse.Namespace) -> int:
    """Tell."""
    notes = _notes(options)
    found = notes.preview(options.file, is_forced=options.force)
    for row in found.head(MAX_SHOWN).iter_rows(named=True):
        sys.stdout.write(_line(row))
    if found.height > MAX_SHOWN:
        sys.stdout.write(f"… and {found.height - MAX_SHOWN:,} more\n")
    counts = dict(found.group_by("change").len().sort("change").iter_rows())
    told = ", ".join(f"{n:,} {change}" for change, n in counts.items()) or "nothing"
    n_own = notes.n_unexported(options.file, is_forced=options.force)
    more = f"; {n_own:,} changed here only, export to write them" if n_own else ""
    sys.stdout.write(f"an import would change: {told}{more}\n")
    return 1 if found.height else 0


def import_(options: argparse.Namespace) -> int:
    """Take in."""
    n = _notes(options).import_from(options.file, conflicts=options.conflicts, is_forced=options.force)
    sys.stdout.write(f"{n:,} notes and lists changed\n")
    return 0


def _line(row: dict[str, Any]) -> str:
    where = f"list {_shown(row['name'])}" if row["what"] == "list" else f"#{row['feature']} {row['field']}"
    return f"{row['change']:<8}  {where}: {_shown(row['old'])} → {_shown(row['new'])}\n"


def _shown(text: str) -> str:
    """A text on one line of a terminal, which no character of it can move."""
    cut = text if len(text) <= 80 else text[:79] + "…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut) or "–"
