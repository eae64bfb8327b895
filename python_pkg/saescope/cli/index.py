"""``saescope index``: build an index from the shell."""

import argparse
import sys
from typing import Any

DESCRIPTION = """\
Run a corpus once through a model, as far as the site that an SAE reads, and index what
every feature of the SAE fires on. Browse the result with

  scope = saescope.load(MODEL, sae=SAE, index=DIR); scope.browse()
"""


def add_to(commands: Any) -> None:
    """Declare the command."""
    made = commands.add_parser(
        "index",
        help="index what every feature fires on",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("model", help="a transformers model: a hub id, a folder, or a .gguf file")
    made.add_argument("sae", help="an SAE: a folder in sae-lens's format, or release/sae_id of its registry")
    made.add_argument("corpus", help='text: JSON lines with a "text" (.jsonl) or plain text (.txt), also .gz or .zst')
    made.add_argument("--out", required=True, metavar="DIR", help="folder of the index; new or empty")
    made.add_argument("--max-tokens", type=int, metavar="N", help="stop after N tokens")
    made.add_argument(
        "--context-size", type=int, metavar="N", help="tokens a context (default: as the SAE was trained)"
    )
    made.add_argument("--device", default="auto", help="cpu, cuda, mps (default: the best there is)")
    made.add_argument("--dtype", help="of the model: float32, bfloat16, float16 (default: float32 on a CPU)")
    made.add_argument("--overwrite", action="store_true", help="replace an index that is in DIR")
    made.add_argument(
        "--no-postings", action="store_true", help="keep tables and examples only: small, with fewer queries"
    )
    made.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Build."""
    from saescope.scope import load

    sys.stderr.write("Loading the model and the SAE…\n")
    scope = load(options.model, sae=options.sae, device=options.device, dtype=options.dtype)
    made = scope.build_index(
        options.corpus,
        out=options.out,
        max_tokens=options.max_tokens,
        context_size=options.context_size,
        overwrite=options.overwrite,
        postings=not options.no_postings,
    )
    m = made.manifest
    sys.stdout.write(
        f"{made.path}: {m.n_rows:,} tokens, {m.n_alive:,} of {m.d_sae:,} features fire, {m.l0:.1f} on a token.\n"
    )
    return 0
