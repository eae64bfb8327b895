"""The nonzeros of a cache, dealt out to shards of rows and sorted there."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saescope.errors import ForeignFileError
from saescope.imports.cache import Split
from saescope.index.manifest import Manifest
from saescope.index.postings import shard_name
from saescope.indexing.shards import Shard, by_feature, by_row, save_shard
from saescope.indexing.workspace import Workspace
from saescope.types import Progress

STEP = 1 << 22
NONZERO = np.dtype([("row", "<u2"), ("feature", "<u4"), ("value", "<f4")])


def _bucket(workspace: Workspace, number: int) -> Path:
    return workspace.folder / f"{shard_name(number)}.tmp-0"


def deal(workspace: Workspace, manifest: Manifest, splits: list[Split], ids: NDArray[Any], progress: Progress) -> None:
    """Deal the nonzeros of all files out to files of shards."""
    found = [split.arrays() for split in splits]
    total = sum(len(arrays["activations"]) for arrays in found)
    workspace.check_room(4 * NONZERO.itemsize * total)
    size = manifest.shard_rows(0)
    progress.start("Reading the cache", total, "activation")
    for split, arrays in zip(splits, found, strict=True):
        for low in range(0, len(arrays["activations"]), STEP):
            part = slice(low, low + STEP)
            rows, features, values = _checked(split, arrays["locations"][part], arrays["activations"][part], ids, low)
            numbers = rows // size
            order = np.argsort(numbers, kind="stable")
            records = np.empty(len(rows), dtype=NONZERO)
            records["row"], records["feature"], records["value"] = rows % size, features, values
            borders = np.flatnonzero(np.r_[True, np.diff(numbers[order]) > 0, True]) if len(rows) else []
            for begin, end in pairwise(borders):
                chosen = order[begin:end]
                with _bucket(workspace, int(numbers[chosen[0]])).open("ab") as stream:
                    stream.write(records[chosen].tobytes())
            progress.advance(len(rows))
    progress.finish()


def _checked(
    split: Split, locations: NDArray[Any], activations: NDArray[Any], ids: NDArray[Any], first: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Rows of the corpus, features and values of some entries, all in range."""
    place = np.asarray(locations, dtype=np.int64)
    values = np.asarray(activations, dtype=np.float32)
    limits = (len(ids), ids.shape[1], split.end - split.start)
    names = ("row of the batch", "position", "latent")
    for column, (limit, name) in enumerate(zip(limits, names, strict=True)):
        wrong = (place[:, column] < 0) | (place[:, column] >= limit)
        if wrong.any():
            at = int(wrong.argmax())
            raise ForeignFileError(
                f"{split.path.name}, entry {first + at}: the {name} is {place[at, column]}, and there are {limit}."
            )
    wrong = ~np.isfinite(values) | (values == 0)
    if wrong.any():
        at = int(wrong.argmax())
        raise ForeignFileError(f"{split.path.name}, entry {first + at}: the activation is {values[at]}.")
    return place[:, 0] * ids.shape[1] + place[:, 1], place[:, 2] + split.start, values


@dataclass(frozen=True)
class _Nonzeros:
    rows: NDArray[np.int64]
    features: NDArray[np.uint32]
    values: NDArray[np.float32]


def sort(workspace: Workspace, manifest: Manifest, progress: Progress) -> None:
    """Make a shard of each file of nonzeros."""
    progress.start("Sorting", manifest.n_rows, "token")
    for number in range(manifest.n_shards):
        bucket, n_rows = _bucket(workspace, number), manifest.shard_rows(number)
        records = np.fromfile(bucket, dtype=NONZERO) if bucket.exists() else np.zeros(0, dtype=NONZERO)
        keys = (records["row"].astype(np.uint64) << np.uint64(32)) | records["feature"].astype(np.uint64)
        order = np.argsort(keys, kind="stable")
        keys, records = keys[order], records[order]
        twice = np.flatnonzero(keys[1:] == keys[:-1])
        if len(twice):
            at = records[twice[0]]
            row = manifest.shard_starts[number] + int(at["row"])
            context, pos = divmod(row, manifest.context_size)
            raise ForeignFileError(f"latent {at['feature']} is there twice at row {context}, position {pos}.")
        found = _Nonzeros(records["row"].astype(np.int64), records["feature"].copy(), records["value"].copy())
        norms, quality = np.zeros(n_rows, dtype=np.float32), np.zeros(3)
        shard = Shard(by_feature(found, manifest.d_sae), by_row(found, n_rows, manifest.d_sae, norms, quality))
        save_shard(workspace.folder, number, shard)
        bucket.unlink(missing_ok=True)
        progress.advance(n_rows)
    progress.finish()
