"""``saescope check``: whether an SAE fits a model."""

import argparse
import sys
from pathlib import Path
from typing import Any

from saescope.errors import InputError

DESCRIPTION = """\
Measure whether an SAE fits a model, on a short text; and try what else it may have been meant for:
other sites, BOS, normalisations, scales, biases, weights.

Exit status: 0 when it fits (also where nothing tells whether the base model is the right one, which is then
said), 3 when it is in doubt, does not fit, or could not be measured.
"""
NOT_GREEN = 3
N_SHOWN = 5


def add_to(commands: Any) -> None:
    """Declare the command."""
    made = commands.add_parser(
        "check",
        help="say whether an SAE fits a model",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("model", metavar="MODEL", help="hub id, folder, or GGUF file")
    made.add_argument("sae", metavar="SAE", help="release/sae_id, or folder")
    made.add_argument("--text", metavar="FILE", help="text to measure on (default: a bundled one)")
    made.add_argument("--tokens", type=int, default=256, metavar="N", help="about how many of its tokens")
    made.add_argument("--device", default="auto")
    made.add_argument("--dtype")
    made.add_argument("--all", action="store_true", help="tell everything that was tried")
    made.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Check, and tell."""
    from saescope.index.verdict import told, verdict
    from saescope.rpc.handlers.pairing import load_code
    from saescope.scope import load

    text = None
    if options.text is not None:
        try:
            text = Path(options.text).expanduser().read_text(encoding="utf-8", errors="replace")
        except OSError as err:
            raise InputError(f"{options.text} could not be read: {err.strerror}.") from err
    scope = load(options.model, sae=options.sae, device=options.device, dtype=options.dtype)
    frame = scope.check(text, options.tokens)
    found = scope.pairing
    if found is None:
        return NOT_GREEN
    sys.stdout.write(f"{told(found)}\n")
    if found.cause is not None:
        sys.stdout.write(f"Use this instead: {load_code(scope, found.cause.correct)}\n")
    rows = frame.filter(frame["explained_variance"].is_not_null() | (frame["role"] == "published")).to_dicts()
    rows = (
        rows
        if options.all
        else [r for r in rows if r["role"] != "tried"] + [r for r in rows if r["role"] == "tried"][:N_SHOWN]
    )
    sys.stdout.write("\n" + "".join(_line(row) for row in rows))
    return 0 if verdict(found) in {"fits", "unconfirmed"} else NOT_GREEN


def _line(row: dict[str, Any]) -> str:
    cells = [
        row["role"],
        _number(row["explained_variance"], ".3f"),
        _number(row["l0"], ".1f"),
        _number(row["gain"], "+.3f"),
    ]
    what = "" if row["role"] == "as loaded" else row["what"]
    return f"{cells[0]:<10} explained {cells[1]:>8}  L0 {cells[2]:>7}  {cells[3]:>8}  {what}\n"


def _number(x: float | None, form: str) -> str:
    return "–" if x is None else format(x, form)
