"""Finished indexes of any size, synthetic, written with the package's own writers.

1. Tokens follow Zipf's law over a vocabulary of 49,152; documents have about 500 of them.
2. Firing counts are log-normal over the features, 3 % are dead, and one feature fires on
   exactly 1 % of the rows. Firings come in bursts of about three within a few tokens, so that
   windows hold as many nonzeros as real ones do.
3. Tables, examples and postings go through `saescope.indexing.finish.write_tables`.

4. Decoder directions have 64 numbers, and lie in 200 clusters.

What is left out: encoder directions, and the nonzeros of the postings by row (these files hold norms only).
"""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from safetensors.numpy import save_file

from saescope.index import Index
from saescope.index.choice import GROUPS
from saescope.index.manifest import Manifest, write_manifest
from saescope.index.postings import SHARD_ROWS, Postings
from saescope.index.rows import RowShards, rows_name
from saescope.index.rule import Rule
from saescope.index.store import DIRECTIONS, DOCS, PLACES, TOKENS, VOCABULARY
from saescope.index.vocabulary import Vocabulary
from saescope.indexing.finish import median_norm, read_layout, token_places, write_tables
from saescope.indexing.workspace import hashed
from saescope.progress import Silent

Ints = NDArray[np.int64]

N_ROWS = 10_000_000
VOCAB_SIZE = 49_152
CONTEXT = 256
DOC_TOKENS = 500
BURST = 3
BURST_ROWS = 24
DEAD = 0.03
SPREAD = 1.0
MOST_FIRINGS = N_ROWS // 20
FREQUENT, FREQUENT_FIRINGS = 4321, N_ROWS // 100
SEED = 0
N_CLUSTERS, D_DIRECTION = 200, 64


@dataclass(frozen=True)
class Synthetic:
    """Postings made up as they are asked for: ``counts`` [d_sae] of each feature, over ``n_rows``."""

    n_firings: Ints
    n_rows: int

    def counts(self) -> Ints:
        """Nonzeros of each feature."""
        return self.n_firings

    def postings(self, first: int, end: int) -> Postings:
        """Nonzeros of the features ``first`` to ``end - 1``: bursts on distinct rows."""
        rng, counts = np.random.default_rng([SEED, first]), self.n_firings[first:end]
        features = np.repeat(np.arange(end - first), counts)
        ranks = np.arange(len(features)) - np.repeat(np.cumsum(counts) - counts, counts)
        room = (self.n_rows - counts - BURST_ROWS)[features]
        burst_of = np.cumsum(ranks % BURST == 0) - 1
        begins = rng.random(int(burst_of[-1]) + 1 if len(burst_of) else 0)[burst_of]
        places = (begins * room).astype(np.int64) + rng.integers(0, BURST_ROWS, len(features))
        keys = (features.astype(np.uint64) << np.uint64(32)) | places.astype(np.uint64)
        keys.sort()
        rows = (keys & np.uint64(0xFFFFFFFF)).astype(np.int64) + ranks
        values = np.exp(rng.standard_normal(len(rows), dtype=np.float32) * np.float32(0.7))
        return Postings(first, end - first, features, rows, values)


class Folder:
    """The little of a workspace that the writers need."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def part(self, name: str) -> Iterator[Path]:
        """A path to write a part to."""
        yield self.folder / name


def write_store(path: Path, d_sae: int, *, l0: float | None = None) -> Index:
    """Write an index of ``d_sae`` features over 10 M tokens.

    Parameters
    ----------
    l0
        Features that fire on a token, on average: by default 20 up to 131,072 features and 12 beyond.
    """
    folder = path / "data-1"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(SEED)
    write_text(folder, rng)
    starts = list(range(0, N_ROWS, SHARD_ROWS))
    write_norms(folder, starts, rng)
    manifest = plan(d_sae, starts)
    layout = read_layout(folder, manifest)
    save_file(token_places(layout.tokens, VOCAB_SIZE), folder / PLACES)
    shards = Synthetic(firing_counts(d_sae, l0 or (20 if d_sae <= 1 << 17 else 12), rng), N_ROWS)
    lens = {
        name: rng.integers(0, VOCAB_SIZE, (d_sae, 10), dtype=np.int32)
        if not name.endswith("weights")
        else rng.standard_normal((d_sae, 10), dtype=np.float32)
        for name in ("promoted", "promoted_weights", "suppressed", "suppressed_weights")
    }
    write_directions(folder, d_sae, rng)
    n_fires = write_tables(Folder(folder), manifest, shards, layout, lens, Silent())
    norms = RowShards([folder / rows_name(n) for n in range(len(starts))], starts).norms
    write_manifest(
        path,
        replace(
            manifest,
            is_complete=True,
            n_counted=layout.n_counted(),
            l0=float(n_fires.sum() / layout.n_counted()),
            n_alive=int((n_fires > 0).sum()),
            median_norm=median_norm(norms, layout),
            parts=[hashed(f, f.name, sync=False) for f in sorted(folder.iterdir())],
            created=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        ),
    )
    return Index(path)


def plan(d_sae: int, shard_starts: list[int]) -> Manifest:
    """The facts that are known before anything is written."""
    return Manifest(
        n_rows=N_ROWS,
        context_size=CONTEXT,
        is_packed=True,
        d_sae=d_sae,
        d_in=768,
        vocab_size=VOCAB_SIZE,
        shard_starts=shard_starts,
        rule=Rule().as_dict(),
        groups=list(GROUPS),
        model={"name": "synthetic", "fingerprint": "0", "dtype": "float32"},
        sae={"name": f"synthetic-{d_sae}", "fingerprint": "0", "hook_name": "blocks.0.hook_resid_post"},
        corpus={"name": "synthetic", "fingerprint": "0"},
        settings={},
        made_by="saescope benchmarks",
        folder="data-1",
        lens="raw",
    )


def write_text(folder: Path, rng: np.random.Generator) -> None:
    """Vocabulary, tokens and documents; token 0 is special and begins each document."""
    words = [f"w{number:x}" for number in range(VOCAB_SIZE)]
    is_special = np.zeros(VOCAB_SIZE, dtype=bool)
    is_special[0] = True
    vocabulary = Vocabulary([f"Ġ{w}" for w in words], [f" {w}".encode() for w in words], is_special)
    vocabulary.write(folder / VOCABULARY)
    shares = np.cumsum(1 / (np.arange(1, VOCAB_SIZE) + 2.7))
    tokens = 1 + np.searchsorted(shares, rng.random(N_ROWS) * shares[-1])
    doc_starts = np.r_[0, np.unique(rng.integers(1, N_ROWS, N_ROWS // DOC_TOKENS))]
    tokens[doc_starts] = 0
    tokens.astype(np.uint16).tofile(folder / TOKENS)
    n_docs = len(doc_starts)
    docs = {"doc": np.arange(n_docs, dtype=np.uint32), "start": doc_starts.astype(np.uint64)}
    pl.DataFrame({**docs, "source": [f"part-{n % 50:02d}.parquet" for n in range(n_docs)]}).write_parquet(folder / DOCS)


def write_directions(folder: Path, d_sae: int, rng: np.random.Generator) -> None:
    """Unit rows round the centers of clusters."""
    centers = rng.standard_normal((N_CLUSTERS, D_DIRECTION), dtype=np.float32)
    rows = np.empty((d_sae, D_DIRECTION), dtype=np.float16)
    for low in range(0, d_sae, 1 << 16):
        n = min(1 << 16, d_sae - low)
        block = centers[rng.integers(0, N_CLUSTERS, n)] + rng.standard_normal((n, D_DIRECTION), dtype=np.float32)
        rows[low : low + n] = block / np.linalg.norm(block, axis=1, keepdims=True)
    save_file({"decoder": rows}, folder / DIRECTIONS)


def write_norms(folder: Path, starts: list[int], rng: np.random.Generator) -> None:
    """Postings by row with norms and no nonzeros; one row in a thousand is a hundred times too long."""
    for number, start in enumerate(starts):
        n = min(SHARD_ROWS, N_ROWS - start)
        norms = 20 + 2 * rng.standard_normal(n, dtype=np.float32)
        norms[rng.random(n) < 0.001] *= 100
        arrays = {
            "offsets": np.zeros(n + 1, dtype=np.uint32),
            "features": np.zeros(0, dtype=np.uint32),
            "values": np.zeros(0, dtype=np.float16),
            "scale": np.ones(1, dtype=np.float32),
            "norms": norms,
            "quality": np.zeros(3 + 768),
        }
        save_file(arrays, folder / rows_name(number))


def firing_counts(d_sae: int, l0: float, rng: np.random.Generator) -> Ints:
    """Nonzeros of each feature."""
    share = np.exp(SPREAD * rng.standard_normal(d_sae))
    share[rng.random(d_sae) < DEAD] = 0
    counts = np.minimum(np.ceil(share * (l0 * N_ROWS / share.sum())), MOST_FIRINGS).astype(np.int64)
    counts[FREQUENT] = FREQUENT_FIRINGS
    return counts


def live_features(index: Index, n: int) -> list[int]:
    """Some features that fire, at random, the same each time."""
    alive = np.flatnonzero(index.table["n_fires"].to_numpy())
    return np.random.default_rng(SEED).choice(alive, min(n, len(alive)), replace=False).tolist()
