"""Small Parquet tables of an index, read with polars; a file that is not whole is a damaged index."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
from polars.exceptions import PanicException, PolarsError

from saescope.errors import DamagedIndexError

DOCS_SCHEMA = {"doc": pl.UInt32(), "start": pl.UInt64(), "source": pl.String()}
VOCABULARY_SCHEMA = {"raw": pl.String(), "content": pl.Binary(), "is_special": pl.Boolean()}


def read_table(path: Path, wanted: Mapping[str, Any]) -> pl.DataFrame:
    """The columns that are wanted, of the types that are wanted.

    Raises
    ------
    DamagedIndexError
        It is no whole Parquet file, or lacks one of them.
    OSError
        It cannot be opened.
    """
    try:
        found = pl.read_parquet(path, columns=list(wanted))
    except (PolarsError, PanicException, ValueError, MemoryError, OverflowError) as err:
        raise _damaged(path, "is no whole Parquet file") from err
    if dict(found.schema) != dict(wanted):
        raise _damaged(path, f"has columns of other types: {dict(found.schema)}")
    if sum(found.null_count().row(0)):
        raise _damaged(path, "has gaps")
    return found


def _damaged(path: Path, told: str) -> DamagedIndexError:
    return DamagedIndexError(f"{path} {told}.", hint="Copy it again from where it came from, or build the index again.")
