"""The feature table with labels, as CSV or Parquet."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from saescope.export.exporter import exporter
from saescope.scope import Scope
from saescope.types import Progress

STEP = 4096
NOTED = {"confidence": pl.Float64, "author": pl.String, "remark": pl.String}
FIRST = ("label", "status", "tags", *NOTED, "layer")
"""What is written of a feature, before its figures."""


@exporter(is_folder=False, suffix=".csv", title="CSV")
def write_csv(scope: Scope, target: Path, features: Sequence[int], progress: Progress) -> None:
    """Write a table in UTF-8 with a head; lists are JSON, and what is not known is empty.

    Texts are what they are: a program that takes those beginning with ``=`` for formulas has to be told not to.
    """
    with target.open("wb") as stream:
        for n, part in enumerate(_parts(scope, features, progress)):
            lists = [name for name, kind in part.schema.items() if isinstance(kind, pl.List)]
            written = [pl.Series(name, [_as_json(v) for v in part[name].to_list()], pl.String) for name in lists]
            part.with_columns(written).write_csv(stream, include_header=n == 0)


def _as_json(values: list[Any] | None) -> str | None:
    return None if values is None else json.dumps(values, ensure_ascii=False)


@exporter(is_folder=False, suffix=".parquet", title="Parquet")
def write_parquet(scope: Scope, target: Path, features: Sequence[int], progress: Progress) -> None:
    """Write a table of the columns of ``scope.features``, with labels and what else notes say."""
    import pyarrow.parquet as pq

    writer: Any = None
    try:
        for part in _parts(scope, features, progress):
            table = part.to_arrow(compat_level=pl.CompatLevel.oldest())
            writer = writer or pq.ParquetWriter(target, table.schema, compression="zstd")
            writer.write_table(pa.Table.cast(table, writer.schema))
    finally:
        if writer is not None:
            writer.close()


def _parts(scope: Scope, features: Sequence[int], progress: Progress) -> Iterator[pl.DataFrame]:
    """The table in the order of the features given, some rows at a time."""
    notes = scope.notes.table().select("feature", *NOTED).cast({"feature": pl.UInt32, **NOTED})
    progress.start("Exporting", len(features), "feature")
    for low in range(0, len(features), STEP):
        rows = np.asarray(features[low : low + STEP], dtype=np.uint32)
        part = scope.table.whole_rows(rows).join(notes, on="feature", how="left", maintain_order="left")
        known = [name for name in FIRST if name in part.columns]
        yield part.select("feature", *known, pl.all().exclude("feature", *known))
        progress.advance(len(rows))
    progress.finish()
