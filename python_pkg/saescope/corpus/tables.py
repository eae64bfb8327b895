"""What is in a table: the rows of Parquet files and of datasets, with the columns that matter alone."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from saescope.errors import CorpusError

ROWS_A_BATCH = 256
OPTIONS: dict[str, Any] = {"buffer_size": 1 << 20, "pre_buffer": False, "page_checksum_verification": True}
"""Without the first two a whole row group is held in memory."""


def wanted_columns(there: Sequence[str], column: str | None, name: str) -> list[str]:
    """The columns of texts or messages, and that of sources if there is one.

    Parameters
    ----------
    there
        The columns that there are.
    column
        The one with the texts or messages; ``None``: ``text`` and ``messages``, what there is of them.
    name
        Of the table, for the error.

    Raises
    ------
    CorpusError
        There is none of them.
    """
    found = [c for c in ((column,) if column else ("text", "messages")) if c in there]
    if not found:
        raise CorpusError(
            f"{name} has no column {column or 'text'!r}; it has {', '.join(map(repr, there[:8])) or 'none'}.",
            hint='Name the column that holds the text, as in column="body".',
        )
    return found + [c for c in ("source",) if c in there and c not in found]


def read_parquet(path: Path, column: str | None) -> Iterator[tuple[str, Any]]:
    """Rows as objects, some hundred at a time; they are counted from 0.

    Raises
    ------
    CorpusError
        It is no whole Parquet file, lacks the column, or holds text that is not UTF-8.
    """
    try:
        with pq.ParquetFile(path, **OPTIONS) as file:
            columns = wanted_columns(file.schema_arrow.names, column, f"the corpus {path}")
            n = 0
            for batch in file.iter_batches(ROWS_A_BATCH, columns=columns):
                for row in _rows(batch, path, n):
                    yield f"row {n}", row
                    n += 1
    except (pa.ArrowException, OSError) as err:
        raise CorpusError(
            f"the corpus {path} cannot be read as Parquet: {str(err).rstrip('.')}.",
            hint="Is the file whole, and really Parquet?",
        ) from err


def _rows(batch: pa.RecordBatch, path: Path, first: int) -> list[dict[str, Any]]:
    try:
        return batch.to_pylist()
    except UnicodeDecodeError:
        return [_row(batch, n, path, first) for n in range(batch.num_rows)]


def _row(batch: pa.RecordBatch, n: int, path: Path, first: int) -> dict[str, Any]:
    try:
        return batch.slice(n, 1).to_pylist()[0]
    except UnicodeDecodeError as err:
        raise CorpusError(
            f"the corpus {path}, row {first + n}, is not UTF-8: byte 0x{err.object[err.start]:02x} at {err.start}.",
            hint="Write the file again, with its texts in UTF-8.",
        ) from err


def is_dataset(thing: Any) -> bool:
    """Whether it is a dataset of the ``datasets`` library; does not import it."""
    return type(thing).__module__.partition(".")[0] == "datasets" and hasattr(thing, "column_names")


def read_dataset(dataset: Any, column: str | None) -> Iterator[tuple[str, Any]]:
    """Rows as objects; they are counted from 0.

    Only the columns that matter are read, unless the dataset has a transform, which may need others.

    Raises
    ------
    CorpusError
        The dataset lacks the column.
    """
    is_transformed = (getattr(dataset, "format", None) or {}).get("type") == "custom"
    if not is_transformed and dataset.column_names:
        dataset = dataset.select_columns(wanted_columns(dataset.column_names, column, "the dataset")).with_format(None)
    is_whole = hasattr(dataset, "__getitem__")
    for n, row in enumerate(_unbatched(dataset) if is_whole else dataset):
        yield f"row {n}", row


def _unbatched(dataset: Any) -> Iterator[dict[str, Any]]:
    for batch in dataset.iter(ROWS_A_BATCH):
        for values in zip(*batch.values(), strict=True):
            yield dict(zip(batch, values, strict=True))
