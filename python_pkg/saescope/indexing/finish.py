"""From finished shards to an index: joined postings, tables, examples, manifest.

1. Postings by feature are joined into one file; the same pass over them gives the
   tables and the examples, some features at a time.
2. Rows are sorted by their token, for text search.
3. The manifest is linked in, and what only the build needed is taken away.

Needs neither torch nor the model, so that parts made elsewhere can be joined anywhere.
"""

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from saescope.index.arrays import map_arrays
from saescope.index.choice import choose
from saescope.index.examples import cut_windows, example_writer
from saescope.index.features import LENS, feature_rows, feature_writer
from saescope.index.figures import EXAMPLES, FEATURES
from saescope.index.layout import STEP, Layout
from saescope.index.manifest import Manifest
from saescope.index.plane import principal_plane
from saescope.index.postings import POSTINGS, Postings, ShardedPostings, partition, shard_name
from saescope.index.rows import RowShards, explained_variance, rows_name
from saescope.index.spans import SPANS, SpanCollector
from saescope.index.store import CONTEXTS, DIRECTIONS, DOCS, MAPS, PLACES, TOKENS, VOCABULARY, token_dtype
from saescope.index.summary import counted, statistics
from saescope.index.vocabulary import Vocabulary
from saescope.indexing.workspace import Workspace
from saescope.types import Progress

LENS_PART, EXTRAS = "lens.safetensors", "extras.json"


def read_layout(folder: Path, manifest: Manifest) -> Layout:
    """The layout of an index that is being built."""
    from saescope.index.rule import Rule
    from saescope.index.tables import DOCS_SCHEMA, read_table

    return Layout(
        np.memmap(folder / TOKENS, dtype=token_dtype(manifest.vocab_size), mode="r"),
        manifest.context_size,
        read_table(folder / DOCS, DOCS_SCHEMA)["start"].to_numpy().astype(np.int64),
        Vocabulary.read(folder / VOCABULARY).is_special,
        Rule.of(manifest.rule),
        None if manifest.is_packed else map_arrays(folder / CONTEXTS)["starts"].astype(np.int64),
    )


def finish(workspace: Workspace, manifest: Manifest, layout: Layout, progress: Progress) -> None:
    """Make a whole set of shards an index.

    Parameters
    ----------
    workspace
        Holds all shards, the lens and the extras.
    manifest
        The plan.
    layout
        How its rows lie; without norms.
    progress
        Told how it goes.
    """
    folder = workspace.folder
    numbers = range(manifest.n_shards)
    shards = ShardedPostings([folder / shard_name(n) for n in numbers], manifest.shard_starts)
    by_row = RowShards([folder / rows_name(n) for n in numbers], manifest.shard_starts)
    median = median_norm(by_row.norms, layout)
    layout = layout.with_norms(by_row.norms, median) if layout.rule.max_norm_ratio is not None else layout
    extras = workspace.read_extras(EXTRAS) or {}
    has_lens = extras.get("lens", "none") != "none"
    lens = map_arrays(folder / LENS_PART) if has_lens else {}
    if not workspace.has(PLACES):
        with workspace.part(PLACES) as path:
            save_file(token_places(layout.tokens, layout.vocab_size), path)
    n_fires = write_tables(workspace, manifest, shards, layout, lens, progress)
    write_maps(workspace, progress)
    n_counted = layout.n_counted()
    names = [VOCABULARY, TOKENS, DOCS, PLACES, FEATURES, EXAMPLES, SPANS]
    names += [name for name in (CONTEXTS, DIRECTIONS, MAPS) if workspace.has(name)]
    if manifest.has_postings:
        names += [POSTINGS, *(rows_name(n) for n in numbers)]
    workspace.commit(
        replace(
            manifest,
            is_complete=True,
            n_counted=n_counted,
            l0=float(n_fires.sum() / max(n_counted, 1)),
            n_alive=int((n_fires > 0).sum()),
            median_norm=median,
            explained_variance=explained_variance(by_row.quality()),
            loss=extras.get("loss"),
            lens=extras.get("lens", "none"),
            corpus_key=None,
            parts=workspace.parts(names),
            created=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        )
    )


def write_tables(
    workspace: Workspace,
    manifest: Manifest,
    shards: ShardedPostings,
    layout: Layout,
    lens: dict[str, NDArray[Any]],
    progress: Progress,
) -> NDArray[np.int64]:
    """Write the feature table, the examples, their spans and the joined postings; returns the firing counts."""
    d_sae, counts = manifest.d_sae, shards.counts()
    n_counted = layout.n_counted()
    layout.hashes  # noqa: B018 - asked for once, so that they are looked up from here on
    n_fires, windows = [], SpanCollector()
    progress.start("Summarising", d_sae, "feature")
    with (
        workspace.part(EXAMPLES) as examples_path,
        workspace.part(FEATURES) as features_path,
        example_writer(examples_path, d_sae) as examples,
        feature_writer(features_path, d_sae) as features,
        _joined_postings(workspace, counts, keeps=manifest.has_postings) as writer,
    ):
        for first, end in partition(counts):
            postings = shards.postings(first, end)
            if writer is not None:
                writer.add(postings)
            that_count = counted(postings, layout)
            measured = statistics(that_count, layout)
            chosen = choose(that_count, measured.maxima, layout)
            cut = cut_windows(chosen, postings, layout)
            examples.write(cut, end)
            windows.add(cut)
            part = {name: lens[name][first:end] for name in LENS if name in lens}
            features.write(feature_rows(measured, first, n_counted, part), end)
            n_fires.append(measured.n_fires)
            progress.advance(end - first)
    with workspace.part(SPANS) as path:
        windows.write(path, layout.n_rows)
    progress.finish()
    return np.concatenate(n_fires)


def write_maps(workspace: Workspace, progress: Progress) -> None:
    """Lay the features out by their decoder's directions, where these are kept, so that a map opens at once."""
    directions = map_arrays(workspace.folder / DIRECTIONS) if workspace.has(DIRECTIONS) else {}
    if "decoder" in directions and not workspace.has(MAPS):
        with workspace.part(MAPS) as path:
            save_file({"pca": principal_plane(directions["decoder"], progress)}, path)


@contextmanager
def _joined_postings(
    workspace: Workspace, counts: NDArray[np.int64], *, keeps: bool
) -> "Iterator[PostingsWriter | None]":
    if not keeps:
        yield None
        return
    with workspace.part(POSTINGS) as path, path.open("wb") as stream:
        yield PostingsWriter(stream, counts)


class PostingsWriter:
    """Writes the joined postings as a safetensors file whose arrays grow side by side.

    Parameters
    ----------
    stream
        A file open for writing.
    counts
        Nonzeros of each feature.
    """

    def __init__(self, stream: IO[bytes], counts: NDArray[np.int64]) -> None:
        self._stream = stream
        offsets = np.r_[0, np.cumsum(counts)].astype("<u8")
        total = int(offsets[-1])
        sizes = {"offsets": ("U64", 8 * len(offsets), len(offsets)), "rows": ("U32", 4 * total, total)}
        sizes["values"] = ("F32", 4 * total, total)
        header, at = {}, 0
        for name, (kind, n_bytes, length) in sizes.items():
            header[name] = {"dtype": kind, "shape": [length], "data_offsets": [at, at + n_bytes]}
            at += n_bytes
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        stream.write(len(text).to_bytes(8, "little") + text)
        stream.write(offsets.tobytes())
        self._rows_at = stream.tell()
        self._values_at = self._rows_at + 4 * total
        stream.truncate(self._values_at + 4 * total)

    def add(self, postings: Postings) -> None:
        """Write the next features' postings."""
        raw_rows, raw_values = postings.rows.astype("<u4").tobytes(), postings.values.astype("<f4").tobytes()
        self._stream.seek(self._rows_at)
        self._stream.write(raw_rows)
        self._stream.seek(self._values_at)
        self._stream.write(raw_values)
        self._rows_at += len(raw_rows)
        self._values_at += len(raw_values)


def median_norm(norms: NDArray[np.float32], layout: Layout) -> float:
    """Median length of the activation over the rows that count but for their norm."""
    rule = replace(layout.rule, max_norm_ratio=None)
    mask = layout.with_rule(rule).counted_mask
    return float(np.median(norms[mask])) if mask.any() else 0.0


def token_places(tokens: NDArray[Any], vocab_size: int) -> dict[str, NDArray[Any]]:
    """Rows sorted by their token, and where each token's rows begin."""
    parts = [slice(low, low + STEP) for low in range(0, len(tokens), STEP)]
    counts = sum((np.bincount(tokens[p], minlength=vocab_size) for p in parts), np.zeros(vocab_size, dtype=np.int64))
    offsets = np.r_[0, np.cumsum(counts)]
    rows, free = np.empty(len(tokens), dtype=np.uint32), offsets[:-1].copy()
    for part in parts:
        here = np.bincount(tokens[part], minlength=vocab_size)
        order = np.argsort(tokens[part], kind="stable")
        places = np.repeat(free - (np.cumsum(here) - here), here) + np.arange(len(order))
        rows[places] = part.start + order
        free += here
    return {"offsets": offsets.astype(np.uint64), "rows": rows}
