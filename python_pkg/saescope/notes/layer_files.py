"""Labels of features in files of others: Neuronpedia's explanations, CSV, Parquet."""

import gzip
import io
import os
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import polars as pl

from saescope.errors import InputError
from saescope.notes import texts

FEATURE_COLUMNS = ("feature", "index", "latent", "feature_index", "feature_id")
LABEL_COLUMNS = ("label", "description", "explanation")
SOURCE_COLUMNS = ("modelId", "layer")
"""By these Neuronpedia names a model and an SAE of it."""
KINDS = (".jsonl", ".ndjson", ".csv", ".tsv", ".parquet")
MAX_LAYER_LABEL = 10_000


@dataclass(frozen=True)
class FoundLabels:
    """Labels of a file, by feature, with what to call them and where they are from."""

    labels: Mapping[int, str]
    name: str
    source: str


def read_labels(given: "str | os.PathLike[str] | pl.DataFrame", n_features: int) -> FoundLabels:
    """Labels of a file or a frame, checked.

    Raises
    ------
    InputError
        The file is not there or not to be read, has no such columns, or a row is none.
    """
    if isinstance(given, pl.DataFrame):
        return _labels_of(given, n_features, "labels", "a table in Python")
    if not isinstance(given, str | os.PathLike):
        raise InputError(f"labels come from a file or a polars frame, and {type(given).__name__} came.")
    path = Path(given).expanduser()
    kinds = [s.lower() for s in path.suffixes]
    stem = path.name
    while Path(stem).suffix.lower() in (*KINDS, ".gz"):
        stem = Path(stem).stem
    return _labels_of(_frame_of(path, kinds), n_features, stem or "labels", path.name)


def _frame_of(path: Path, kinds: Sequence[str]) -> pl.DataFrame:
    kind = next((k for k in reversed(kinds) if k != ".gz"), "")
    if kind not in KINDS:
        raise InputError(
            f"{path} is no file of labels by its name.", hint=f"It ends in one of {', '.join(KINDS)}, or that and .gz."
        )
    try:
        content = path.read_bytes()
        if kinds[-1] == ".gz":
            content = gzip.decompress(content)
        stream = io.BytesIO(content)
        if kind in (".jsonl", ".ndjson"):
            return pl.read_ndjson(stream, infer_schema_length=None)
        if kind == ".parquet":
            return _parquet_of(stream)
        return pl.read_csv(stream, infer_schema=False, separator="\t" if kind == ".tsv" else ",")
    except FileNotFoundError as err:
        raise InputError(f"there is no file {path}.") from err
    except (OSError, EOFError, zlib.error, pl.exceptions.PolarsError, ValueError, TypeError, MemoryError) as err:
        told = str(err).splitlines()[0] if str(err) else type(err).__name__
        raise InputError(f"the labels in {path} cannot be read: {told:.200}.") from err


def _parquet_of(stream: io.BytesIO) -> pl.DataFrame:
    """A Parquet file's plain columns, by pyarrow's reader: polars's ends the process at some broken ones."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(stream, use_threads=False)
        table.validate(full=True)
        plain = [n for n, field in enumerate(table.schema) if not pa.types.is_nested(field.type)]
        columns = {table.schema.names[n]: table.column(n).to_pylist() for n in plain}
        return pl.DataFrame(columns, infer_schema_length=None, strict=False)
    except pa.ArrowException as err:
        raise ValueError(str(err)) from err


def _labels_of(frame: pl.DataFrame, n_features: int, name: str, where: str) -> FoundLabels:
    feature = _column(frame, FEATURE_COLUMNS, "a feature's number")
    label = _column(frame, LABEL_COLUMNS, "its label")
    source = _source_of(frame, where)
    numbers = _numbers(frame[feature], n_features)
    if frame[label].dtype not in (pl.String, pl.Null):
        raise InputError(f"the column {label!r} of labels holds texts, and {frame[label].dtype} came.")
    found: dict[int, str] = {}
    for i, (number, value) in enumerate(zip(numbers, frame[label].to_list(), strict=True)):
        text = _text(value, i)
        if text and number not in found:
            found[number] = text
    if not found:
        raise InputError(f"there is no label in {where}.", hint=f"All {frame.height:,} rows of {label!r} are empty.")
    return FoundLabels(MappingProxyType(dict(sorted(found.items()))), name, source)


def _column(frame: pl.DataFrame, wanted: Sequence[str], what: str) -> str:
    names = {c.strip().lower(): c for c in reversed(frame.columns)}
    found = next((names[w] for w in wanted if w in names), None)
    if found is None:
        raise InputError(
            f"no column holds {what}: there are {', '.join(map(repr, frame.columns[:20])) or 'none'}.",
            hint=f"Call it one of {', '.join(wanted)}.",
        )
    return found


def _numbers(column: pl.Series, n_features: int) -> list[int]:
    whole = column.cast(pl.String).str.strip_chars().str.replace(r"\.0+$", "").cast(pl.Int64, strict=False)
    is_wrong = whole.is_null() | (whole < 0) | (whole >= n_features)
    if is_wrong.any():
        row = int(is_wrong.arg_true()[0])
        raise InputError(
            f"row {row + 1:,} of the labels is about feature {column[row]!r}: this dictionary has 0 to "
            f"{n_features - 1:,}.",
            hint="Are they of another SAE?",
        )
    return whole.to_list()


def _text(value: Any, row: int) -> str:
    if value is None:
        return ""
    try:
        return texts.line(value.replace("\0", ""), "a label of a layer", MAX_LAYER_LABEL)
    except InputError as err:
        raise InputError(f"row {row + 1:,} of the labels: {err.message}", hint=err.hint) from err


def _source_of(frame: pl.DataFrame, where: str) -> str:
    if not all(name in frame.columns for name in SOURCE_COLUMNS):
        return where
    of = frame.select(pl.col(SOURCE_COLUMNS).cast(pl.String)).unique()
    if of.height > 1:
        told = ", ".join("/".join(map(str, row)) for row in of.sort(SOURCE_COLUMNS).head(5).rows())
        raise InputError(
            f"the labels are of {of.height:,} SAEs: {told}.", hint="Give those of one: frame.filter(pl.col(…) == …)."
        )
    return f"{'/'.join(map(str, of.row(0)))}, {where}" if of.height else where
