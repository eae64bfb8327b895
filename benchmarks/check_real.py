"""Compare an index of a real model with a plain loop over the same tokens.

``python -m benchmarks.check_real MODEL SAE INDEX [--features 50]`` takes features at random and
compares, for each, the stored maximum, firing count and top-10 examples with those of a plain
loop with ``sae.encode`` over the index's own tokens. Exits with 1 on any difference.
"""

import argparse
import sys
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

import saescope
from benchmarks.plain import activations, cut_after

TOLERANCE = 1e-3


def plain_top(values: NDArray[np.float32], context: int, k: int) -> list[tuple[float, int]]:
    """The strongest row of each context, strongest first: ``(activation, row)``."""
    best: list[tuple[float, int]] = []
    for start in range(0, len(values), context):
        part = values[start : start + context]
        at = int(part.argmax())
        if part[at] > 0:
            best.append((float(part[at]), start + at))
    return sorted(best, key=lambda b: (-b[0], b[1]))[:k]


def differences(index: Any, feature: int, values: NDArray[np.float32], counted: NDArray[np.bool_]) -> list[str]:
    """What differs for one feature; ``values`` are its activations on all rows."""
    found = []
    row = index.table.row(feature, named=True)
    plain = np.where(counted, values, 0)
    if row["n_fires"] != int((plain > 0).sum()):
        found.append(f"fires {row['n_fires']} times, plainly {int((plain > 0).sum())}")
    if not np.isclose(row["max"], plain.max(), rtol=TOLERANCE):
        found.append(f"max {row['max']}, plainly {plain.max()}")
    ours = index.windows(feature, "top", 10, folds=False)
    theirs = plain_top(plain, index.manifest.context_size, 10)
    if len(ours) != len(theirs):
        found.append(f"{len(ours)} examples, plainly {len(theirs)}")
    for window, (activation, at) in zip(ours, theirs, strict=False):
        is_tie = np.isclose(plain[window.row], activation, rtol=TOLERANCE)
        if not np.isclose(window.activation, activation, rtol=TOLERANCE) or (window.row != at and not is_tie):
            found.append(
                f"example {window.rank} at row {window.row} ({window.activation}), plainly {at} ({activation})"
            )
        stretch = values[window.start : window.start + len(window.activations)]
        if not np.allclose(window.activations, stretch, rtol=TOLERANCE, atol=1e-4):
            found.append(f"example {window.rank} is shaded otherwise")
    return found


def main() -> int:
    """Compare and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("sae")
    parser.add_argument("index")
    parser.add_argument("--features", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    scope = saescope.load(options.model, sae=options.sae, index=options.index)
    index = scope.index
    assert index is not None
    tokens = np.asarray(index.tokens, dtype=np.int64)
    features = np.sort(np.random.default_rng(options.seed).choice(scope.n_features, options.features, replace=False))
    layer = index.manifest.sae["site"]["layer"]
    dense = np.zeros((len(tokens), len(features)), dtype=np.float32)
    began = time.perf_counter()
    context = index.manifest.context_size
    for start, part in activations(cut_after(scope.model, layer), scope.sae, tokens, layer, context, features):
        dense[start : start + len(part)] = part
    print(f"plain loop over {len(tokens):,} tokens: {time.perf_counter() - began:.0f} s")
    counted = index.layout.is_counted(np.arange(len(tokens)))
    n_wrong = 0
    for column, feature in enumerate(features.tolist()):
        found = differences(index, feature, dense[:, column], counted)
        n_wrong += bool(found)
        for line in found:
            print(f"feature {feature}: {line}")
    n_alive = int((dense[counted] > 0).any(axis=0).sum())
    print(
        f"{len(features) - n_wrong} of {len(features)} features agree ({n_alive} of them fire); tolerance {TOLERANCE}"
    )
    return 1 if n_wrong else 0


if __name__ == "__main__":
    sys.exit(main())
