"""``python -m benchmarks [--tokens N] [--repeats N] [--wide D_SAE] [MODEL SAE CORPUS]``: print the table.

Without arguments the bundled demo is measured, on text of its own index. Figures are medians
of CPU time in one process, on one torch thread, the measured things taking turns.
"""

import argparse

import torch

from benchmarks import building, effects, opening
from benchmarks.subject import demo_subject, given_subject, wide_subject


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("given", nargs="*", metavar="MODEL SAE CORPUS")
    parser.add_argument("--tokens", type=int, default=32_768)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--wide", type=int, metavar="D_SAE", help="use a made-up SAE of this width; SAE is then a site")
    parser.add_argument("--no-extras", action="store_true", help="build without logit lens and loss recovered only")
    parser.add_argument("--only", choices=["building", "opening", "effects"], help="measure these alone")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.wide:
        model, site, corpus = options.given
        subject = wide_subject(model, corpus, site, options.wide, options.tokens)
    else:
        subject = given_subject(*options.given, options.tokens) if options.given else demo_subject(options.tokens)
    print(f"{subject.scope.name}, {subject.scope.n_features:,} features, {len(subject.tokens):,} tokens\n")
    print(f"{'what':<58}{'figure':>14}  against")
    parts = {
        "building": lambda: building.rows(subject, options.repeats, extras=not options.no_extras),
        "opening": lambda: opening.rows(subject),
        "effects": lambda: effects.rows(subject, options.repeats),
    }
    for name in [options.only] if options.only else parts:
        for row in parts[name]():
            print(f"{row.what:<58}{row.figure:>14}  {row.against}")


if __name__ == "__main__":
    main()
