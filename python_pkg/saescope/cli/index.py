"""``saescope index``: build an index from the shell."""

import argparse
import sys
from typing import Any

DESCRIPTION = """\
Run a corpus once through a model, as far as the site that an SAE reads, and index what
every feature of the SAE fires on. Browse the result with

  scope = saescope.load(MODEL, sae=SAE, index=DIR); scope.browse()

The folder can be opened while the build runs. A build that is stopped or dies goes on
where it was when the same command is given again.
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
    made.add_argument(
        "corpus",
        help='text: JSON lines with a "text" (.jsonl), plain text (.txt), Parquet; also .gz, .zst, or a folder',
    )
    made.add_argument("--out", required=True, metavar="DIR", help="folder of the index; new or empty")
    made.add_argument("--max-tokens", type=int, metavar="N", help="stop after N tokens")
    made.add_argument(
        "--context-size", type=int, metavar="N", help="tokens a context (default: as the SAE was trained)"
    )
    made.add_argument("--column", metavar="NAME", help="column or field that holds the text (default: text)")
    made.add_argument("--device", default="auto", help="cpu, cuda, mps (default: the best there is)")
    made.add_argument("--dtype", help="of the model: float32, bfloat16, float16 (default: float32 on a CPU)")
    made.add_argument(
        "--apart", action="store_true", help="begin a context with each document, instead of packing them"
    )
    made.add_argument("--skip", type=int, metavar="N", help="do not count the first N tokens of a context (default: 1)")
    made.add_argument("--count-special", action="store_true", help="count special tokens too")
    made.add_argument(
        "--max-norm", type=float, metavar="R", help="do not count tokens longer than R times the median norm"
    )
    made.add_argument("--workers", type=int, default=1, metavar="N", help="processes that share the work (default: 1)")
    made.add_argument("--share", metavar="I/N", help="make only the I-th of N parts; join them with saescope merge")
    made.add_argument("--overwrite", action="store_true", help="replace an index that is in DIR")
    made.add_argument(
        "--no-postings", action="store_true", help="keep tables and examples only: small, with fewer queries"
    )
    made.add_argument("--no-lens", action="store_true", help="do not store promoted and suppressed tokens")
    made.add_argument("--no-recovery", action="store_true", help="do not measure the loss recovered")
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
        column=options.column,
        packed=not options.apart,
        rule=_rule(scope, options),
        overwrite=options.overwrite,
        postings=not options.no_postings,
        lens=not options.no_lens,
        recovery=not options.no_recovery,
        share=options.share,
        workers=options.workers,
        attach=False,
    )
    if not made.is_complete:
        sys.stdout.write(
            f"{made.path}: {made.n_rows:,} of {made.manifest.n_rows:,} tokens; join with saescope merge.\n"
        )
        return 0
    m = made.manifest
    sys.stdout.write(
        f"{made.path}: {m.n_rows:,} tokens, {m.n_alive:,} of {m.d_sae:,} features fire, {m.l0:.1f} on a token.\n"
    )
    return 0


def _rule(scope: Any, options: argparse.Namespace) -> Any:
    from saescope.index.rule import Rule
    from saescope.indexing.settings import choose_settings

    usual = choose_settings(*scope.parts[:2], context_size=options.context_size).rule
    skipped = usual.n_skipped if options.skip is None else options.skip
    return Rule(skipped, not options.count_special, options.max_norm)
