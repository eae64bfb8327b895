"""The registry as a table: read once, kept in the user's cache folder, the same for every process.

1. sae-lens's list is parsed (a second or two) and what it does not say is derived.
2. The table is written to ``<cache>/registry/<sae-lens version>-<hash>.parquet``, whole or not at all.
3. Later reads take that file; a damaged one is made anew; where nothing can be written, nothing is kept.
"""

import logging
import os
import tempfile
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

import platformdirs
import polars as pl

from saescope.sources.registry.deriving import derive
from saescope.sources.registry.models import BASES
from saescope.sources.registry.reading import Listed, read_listed, registry_file, registry_key
from saescope.sources.registry.remarks import remarks
from saescope.sources.registry.weights import disk_bytes, memory_bytes, n_weights

log = logging.getLogger("saescope.sources")

FORMAT = 1
"""Raised when the columns change, or how they are derived."""

SCHEMA: dict[str, Any] = {
    "source": pl.String,
    "release": pl.String,
    "sae_id": pl.String,
    "model": pl.String,
    "site": pl.String,
    "hook_name": pl.String,
    "hook_name_out": pl.String,
    "layer": pl.Int32,
    "width": pl.Int64,
    "architecture": pl.String,
    "l0": pl.Float64,
    "explained_variance": pl.Float64,
    "neuronpedia": pl.String,
    "has_labels": pl.Boolean,
    "d_in": pl.Int64,
    "d_out": pl.Int64,
    "n_weights": pl.Int64,
    "disk_bytes": pl.Int64,
    "memory_bytes": pl.Int64,
    "n_model_params": pl.Int64,
    "dtype": pl.String,
    "prepend_bos": pl.Boolean,
    "normalization": pl.String,
    "is_centered": pl.Boolean,
    "norm_scaling_factor": pl.Float64,
    "loader": pl.String,
    "repo": pl.String,
    "path": pl.String,
    "notes": pl.List(pl.String),
}

_lock = threading.Lock()
_read: dict[tuple[str, int, int], pl.DataFrame] = {}


def listed_table(file: Path | None = None) -> pl.DataFrame:
    """Every SAE that sae-lens lists, a row each, in the list's order; columns are `SCHEMA`.

    Parameters
    ----------
    file
        A list in the form of sae-lens's; by default that of the installed sae-lens.

    Raises
    ------
    MissingExtraError, SaeSourceError
        There is no list, or it cannot be read.
    """
    path = registry_file() if file is None else file
    stat = path.stat()
    key = (str(path), stat.st_mtime_ns, stat.st_size)
    with _lock:
        if key not in _read:
            _read[key] = _kept_or_made(path)
        return _read[key]


def kept_path(file: Path) -> Path:
    """Where the table of this list is kept."""
    folder = platformdirs.user_cache_path("saescope") / "registry"
    return folder / f"{registry_key(file)}-{FORMAT}.parquet"


def _kept_or_made(file: Path) -> pl.DataFrame:
    kept = kept_path(file)
    try:
        table = pl.read_parquet(kept)
        if dict(table.schema) == SCHEMA and len(table):
            return table
        log.warning("%s has other columns than wanted, and is made anew", kept)
    except FileNotFoundError:
        pass
    except (OSError, pl.exceptions.PolarsError) as err:
        log.warning("%s could not be read, and is made anew: %s", kept, err)
    table = make_table(read_listed(file))
    _keep(table, kept)
    return table


def _keep(table: pl.DataFrame, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
        os.close(handle)
        try:
            table.write_parquet(name)
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as err:
        log.info("the registry's table is not kept at %s: %s", path, err)


def make_table(listed: list[Listed]) -> pl.DataFrame:
    """The table of a list: what it says, and what follows from that."""
    table = pl.DataFrame([_row(one) for one in listed], schema=SCHEMA, orient="row")
    named = pl.col("path").str.extract(r"average_l0_(\d+)").cast(pl.Float64)
    return table.with_columns(
        l0=pl.coalesce("l0", named, _of_twin("l0")),
        explained_variance=pl.coalesce("explained_variance", _of_twin("explained_variance")),
        neuronpedia=pl.coalesce("neuronpedia", _of_twin("neuronpedia")),
    ).with_columns(has_labels=pl.col("neuronpedia").is_not_null())


def _of_twin(column: str) -> pl.Expr:
    """What the list says of the same files under another name."""
    return pl.col(column).drop_nulls().first().over("repo", "path")


def _row(one: Listed) -> tuple[Any, ...]:
    known = derive(one)
    base = BASES.get(known.model)
    row = asdict(known) | {
        "source": "registry",
        "release": one.release,
        "sae_id": one.sae_id,
        "l0": one.l0,
        "explained_variance": one.explained_variance,
        "neuronpedia": one.neuronpedia,
        "has_labels": None,
        "n_weights": n_weights(known),
        "disk_bytes": disk_bytes(one, known),
        "memory_bytes": memory_bytes(known),
        "n_model_params": None if base is None else base.n_params,
        "norm_scaling_factor": one.norm_scaling_factor,
        "loader": one.loader,
        "repo": one.repo,
        "path": one.path,
        "notes": remarks(one, known),
    }
    return tuple(row[name] for name in SCHEMA)
