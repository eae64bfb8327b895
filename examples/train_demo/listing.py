"""Features as text, to read and label: ``python examples/train_demo/listing.py --page 1``.

Forty features a page, of those that fire on 0.005 to 5 % of the tokens and are not about one
token alone, spread evenly over how often they fire. Of each: figures, tokens, what it promotes,
six of its strongest examples and two each from the middle and the low end of its range.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import polars as pl

import saescope
from settings import REPO_ROOT

PAGE = 40
DENSITIES = (0.00005, 0.05)
GROUPS = (("top", 6), ("interval-3", 2), ("interval-1", 2))
CONTEXT = 12


def chosen(scope: saescope.Scope) -> list[int]:
    """Features worth a label, those that fire often and rarely mixed on each page."""
    found = scope.find_features(hides_dead=True, hides_single_token=True, ranges={"density": DENSITIES}, sort="n_fires")
    numbers = found["feature"].to_list()
    n_pages = max(1, -(-len(numbers) // PAGE))
    return [feature for page in range(n_pages) for feature in numbers[page::n_pages]]


def marked(example: dict[str, object]) -> str:
    """An example on one line, its peak in brackets."""
    tokens, peak = list(example["tokens"]), int(str(example["peak"]))  # pyright: ignore[reportArgumentType]
    tokens[peak] = f"[{tokens[peak]}]"
    return "".join(tokens).replace("\n", "⏎")


def told(scope: saescope.Scope, feature: int) -> str:
    """A feature as text."""
    row = scope.features.row(by_predicate=pl.col("feature") == feature, named=True)
    lines = [
        f"## {feature}   {100 * row['density']:.3f} %   max {row['max']:.1f}",
        f"tokens    {' '.join(map(repr, row['top_tokens'][:8]))}",
        f"promotes  {' '.join(map(repr, row['promoted'][:8]))}",
    ]
    for group, k in GROUPS:
        lines += [
            f"{example['activation']:8.1f} {example['source'][:8]:8}  {marked(example)}"
            for example in scope.examples(feature, k=k, group=group, context=CONTEXT).iter_rows(named=True)
        ]
    return "\n".join(lines)


def main() -> None:
    """Print a page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", type=Path, default=REPO_ROOT / "python_pkg/saescope/demo_data")
    parser.add_argument("--page", type=int, default=1)
    parser.add_argument("--features", type=int, nargs="*", help="these, in place of a page")
    options = parser.parse_args()
    scope = saescope.open_index(options.bundle / "index")
    every = chosen(scope)
    features = options.features or every[(options.page - 1) * PAGE : options.page * PAGE]
    print(f"# page {options.page} of {-(-len(every) // PAGE)}, {len(every):,} features\n")
    for feature in features:
        print(told(scope, feature) + "\n")


if __name__ == "__main__":
    main()
