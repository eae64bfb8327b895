"""``saescope registry``: the pretrained SAEs that can be loaded, searched and filtered as in the picker."""

import argparse
import sys
from typing import Any

from saescope.errors import InputError

FLAGS = {"yes": True, "no": False}
SHOWN = 40
UNITS = ("B", "kB", "MB", "GB", "TB")


def add_to(commands: Any) -> None:
    """Declare the command."""
    made = commands.add_parser(
        "registry",
        help="find pretrained SAEs",
        description="Find pretrained SAEs: those of sae-lens's list and those on this disk. Nothing is fetched. The "
        "first column is what saescope.load(sae=…) and saescope index take.",
    )
    made.add_argument("words", nargs="*", metavar="WORD", help="such as: gemma 2 2b res 16k layer 12")
    for name, about in (
        ("model", "a hub id, a short name, or how one begins (gemma-2)"),
        ("site", "resid_pre, resid_post, attn_out, z, mlp_out, transcoder …; resid, attn or mlp for several"),
        ("architecture", "as in jumprelu"),
        ("release", "a release of the list"),
    ):
        made.add_argument(f"--{name}", action="append", help=f"{about}; may be given several times")
    made.add_argument("--layer", type=int, action="append", help="may be given several times")
    made.add_argument("--width", type=int, action="append", help="number of features; may be given several times")
    made.add_argument("--l0", metavar="LOW:HIGH", help="published L0 in a range; either end may be left out")
    made.add_argument("--labels", choices=FLAGS, help="whether Neuronpedia has a page for it")
    made.add_argument("--cached", choices=FLAGS, help="whether it lies in the local cache, or on disk")
    made.add_argument("--source", choices=("registry", "folder"), help="of the list, or own ones on this disk")
    made.add_argument("-n", type=int, default=SHOWN, help=f"rows to show, {SHOWN} by default; 0 for all")
    made.add_argument("--format", choices=("table", "csv", "json"), default="table", help="json is one row a line")
    made.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Tell what there is; the exit status is 1 when nothing matches."""
    from saescope.sources.registry import registry

    found = registry(
        " ".join(options.words),
        model=options.model,
        site=options.site,
        architecture=options.architecture,
        release=options.release,
        layer=options.layer,
        width=options.width,
        l0=_range(options.l0),
        has_labels=FLAGS.get(options.labels),
        is_cached=FLAGS.get(options.cached),
        source=options.source,
    )
    shown = found.head(options.n) if options.n > 0 else found
    if options.format == "csv":
        flat = shown.with_columns(notes=shown["notes"].list.join(" "))
        sys.stdout.write(flat.write_csv())
    elif options.format == "json":
        sys.stdout.write(shown.write_ndjson())
    else:
        if shown.height:
            _write_table(shown.rows(named=True))
        more = f"; {shown.height:,} are shown (-n 0 shows all)" if shown.height < found.height else ""
        sys.stdout.write(f"{found.height:,} {'SAE matches' if found.height == 1 else 'SAEs match'}{more}.\n")
    return 0 if found.height else 1


def _range(text: str | None) -> tuple[float | None, float | None] | None:
    if text is None:
        return None
    low, colon, high = text.partition(":")
    try:
        ends = [float(end) if end else None for end in (low, high)]
    except ValueError:
        ends = []
    if not colon or not ends:
        raise InputError(f"--l0 takes a range, as in 20:80, and {text!r} came.", hint="Either end may be left out: 20:")
    return ends[0], ends[1]


def _write_table(rows: list[dict[str, Any]]) -> None:
    cells = [("SAE", "model", "layer", "site", "width", "architecture", "L0", "labels", "cached", "download")]
    cells += [_cells(row) for row in rows]
    widths = [max(len(line[at]) for line in cells) for at in range(len(cells[0]))]
    for line in cells:
        sys.stdout.write("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() + "\n")


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    spec = row["path"] if row["source"] == "folder" else f"{row['release']}/{row['sae_id']}"
    return tuple(
        _plain(text)
        for text in (
            spec,
            row["model"],
            _told(row["layer"]),
            row["site"],
            _told(row["width"]),
            row["architecture"],
            "" if row["l0"] is None else f"{row['l0']:.0f}",
            "yes" if row["has_labels"] else "",
            "yes" if row["is_cached"] else "",
            _size(row["disk_bytes"]),
        )
    )


def _plain(text: str) -> str:
    """A text without what would move the cursor of a terminal."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text or "")


def _told(value: int | None) -> str:
    return "" if value is None else str(value)


def _size(n: float | None) -> str:
    if n is None:
        return ""
    for unit in UNITS:
        if n < 1000 or unit == UNITS[-1]:
            return f"{n:.0f} {unit}"
        n /= 1000
    return ""
