"""The feature table and the examples, from finished shards, some features at a time."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from saescope.index.examples import BLOCK, ExampleWriter, cut_windows
from saescope.index.layout import Layout
from saescope.index.shards import Shards
from saescope.index.summary import QUANTILES, Statistics, choose, counted, statistics
from saescope.indexing.lens import Lens

NONZEROS_A_BLOCK = 4_000_000
MAX_BLOCK = 64 * BLOCK


@dataclass(frozen=True)
class Summary:
    """Statistics of all features, in feature order."""

    blocks: list[Statistics]

    def column(self, name: str) -> NDArray[Any]:
        """One statistic of all features."""
        return np.concatenate([getattr(b, name) for b in self.blocks])


def block_size(n_nonzeros: int, d_sae: int) -> int:
    """Features to take at a time, so that some millions of nonzeros are in memory."""
    wanted = NONZEROS_A_BLOCK * d_sae // max(n_nonzeros, 1)
    return min(max(wanted // BLOCK, 1) * BLOCK, MAX_BLOCK)


def write_examples(
    path: Path, shards: Shards, layout: Layout, d_sae: int, n_nonzeros: int, on_done: Callable[[int], None]
) -> Summary:
    """Write every feature's examples and return every feature's statistics.

    Parameters
    ----------
    path
        The Arrow file to write.
    shards, layout
        What was measured, and how it lies.
    on_done
        Told how many features are done.
    """
    blocks: list[Statistics] = []
    with ExampleWriter(path) as writer:
        for postings in shards.blocks(d_sae, block_size(n_nonzeros, d_sae)):
            that_count = counted(postings, layout)
            measured = statistics(that_count, layout)
            chosen = choose(that_count, measured.maxima, layout)
            writer.write(cut_windows(chosen, postings, layout), postings.first, postings.n_features)
            blocks.append(measured)
            on_done(postings.n_features)
    return Summary(blocks)


def write_features(path: Path, summary: Summary, lens: Lens, n_counted: int) -> None:
    """Write the feature table; see ``docs/store.md`` for its columns."""
    n = summary.column("n_fires")
    firing = np.maximum(n, 1)
    mean = summary.column("sums") / firing
    variance = np.maximum(summary.column("sums_of_squares") / firing - mean**2, 0)
    quantiles = summary.column("quantiles")
    tokens = summary.column("top_tokens")
    columns: dict[str, Any] = {
        "feature": np.arange(len(n), dtype=np.uint32),
        "n_fires": n.astype(np.uint64),
        "density": n / max(n_counted, 1),
        "max": summary.column("maxima"),
        "mean": mean.astype(np.float32),
        "std": np.sqrt(variance).astype(np.float32),
        "sum": summary.column("sums"),
        **{f"q{round(100 * q)}": quantiles[:, i] for i, q in enumerate(QUANTILES)},
        "histogram": _lists(summary.column("histogram").astype(np.uint32)),
        "top_tokens": _lists(tokens.astype(np.int32), tokens >= 0),
        "top_shares": _lists(summary.column("top_token_shares"), tokens >= 0),
        "promoted": _lists(lens.promoted.astype(np.int32)),
        "promoted_weights": _lists(lens.promoted_weights),
        "suppressed": _lists(lens.suppressed.astype(np.int32)),
        "suppressed_weights": _lists(lens.suppressed_weights),
    }
    pq.write_table(pa.table(columns), path, compression="zstd")


def _lists(values: NDArray[Any], mask: "NDArray[np.bool_] | None" = None) -> pa.ListArray:
    """Rows of a matrix as lists, without what the mask leaves out."""
    mask = np.ones(values.shape, dtype=bool) if mask is None else mask
    borders = np.r_[0, np.cumsum(mask.sum(axis=1))]
    return pa.ListArray.from_arrays(pa.array(borders, pa.int32()), pa.array(values[mask]))
