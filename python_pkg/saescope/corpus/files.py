"""What is in a corpus file: the items of JSON lines, Parquet and plain text, with where each is from."""

import gzip
import io
import json
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

import pyarrow as pa
import pyarrow.parquet as pq

from saescope.errors import CorpusError, CorpusMissingError

JSON_SUFFIXES = (".jsonl", ".ndjson", ".json")
TEXT_SUFFIXES = (".txt", ".text", ".md")
PARQUET_SUFFIXES = (".parquet", ".pq")
PACKED_SUFFIXES = (".gz", ".zst")
FORMATS = "JSON lines (.jsonl) or plain text (.txt), each also as .gz or .zst, or Parquet (.parquet)"
ROWS_A_BATCH = 1024

Item = tuple[str, Any, str]
"""Where it is from, for errors; what it is; its source, for the reader."""


def read_path(path: Path, column: str | None) -> Iterator[Item]:
    """Items of a file, or of all corpus files in a folder, in the order of their paths.

    Parameters
    ----------
    path
        A file or a folder.
    column
        Column of Parquet files that holds the text.

    Raises
    ------
    CorpusMissingError
        There is no such file.
    CorpusError
        It cannot be read.
    """
    if not path.exists():
        raise CorpusMissingError(f"there is no corpus at {path}.", hint=f"Give a path to {FORMATS}, or a folder.")
    if not path.is_dir():
        yield from ((f"the corpus {path}, {where}", item, path.name) for where, item in read_file(path, column))
        return
    files = corpus_files(path)
    if not files:
        raise CorpusError(f"the folder {path} holds no corpus file.", hint=f"It should hold {FORMATS}.")
    for file in files:
        name = file.relative_to(path).as_posix()
        if file.stat().st_size:
            yield from ((f"the corpus {file}, {where}", item, name) for where, item in read_file(file, column))


def corpus_files(folder: Path) -> list[Path]:
    """The files below a folder that are a corpus by their names, by path; hidden ones are left out."""
    found = []
    for base, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        found += [Path(base) / n for n in names if not n.startswith(".") and _kind(Path(n)) is not None]
    return sorted(found, key=lambda f: f.relative_to(folder).as_posix())


def _kind(path: Path) -> str | None:
    """``"json"``, ``"text"``, ``"parquet"``, or ``None`` for a file that is no corpus."""
    is_archive = path.suffix in PACKED_SUFFIXES
    suffix = Path(path.stem).suffix if is_archive else path.suffix
    if suffix in JSON_SUFFIXES:
        return "json"
    if suffix in TEXT_SUFFIXES:
        return "text"
    return "parquet" if suffix in PARQUET_SUFFIXES and not is_archive else None


def read_file(path: Path, column: str | None) -> Iterator[tuple[str, Any]]:
    """Items of one file, each with its place in it."""
    if path.stat().st_size == 0:
        raise CorpusError(f"the corpus {path} is empty.", hint="Give a corpus with at least one document.")
    kind = _kind(path)
    if kind == "json":
        yield from _read_json_lines(path)
    elif kind == "text":
        with _opened(path) as stream:
            yield "text", _decoded(stream.read(), path, "the text")
    elif kind == "parquet":
        yield from _read_parquet(path, column)
    else:
        suffix = Path(path.stem).suffix if path.suffix in PACKED_SUFFIXES else path.suffix
        raise CorpusError(
            f"the corpus {path} is of an unknown kind ({suffix or 'no suffix'}).", hint=f"Give {FORMATS}."
        )


def _read_json_lines(path: Path) -> Iterator[tuple[str, Any]]:
    with _opened(path) as stream:
        for n, raw in enumerate(stream, start=1):
            line = _decoded(raw, path, f"line {n}")
            if not line.strip():
                continue
            try:
                item = json.loads(line)
            except (ValueError, RecursionError) as err:
                told = f"{err.msg} at column {err.colno}" if isinstance(err, json.JSONDecodeError) else str(err)
                raise CorpusError(
                    f"the corpus {path}, line {n}, is not JSON: {told}.",
                    hint='Each line should be one whole object: {"text": "…"}. Is the file cut off?',
                    line=n,
                ) from err
            yield f"line {n}", item


def _read_parquet(path: Path, column: str | None) -> Iterator[tuple[str, Any]]:
    """Rows as objects; only the columns that matter are read, some thousand rows at a time."""
    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            texts = column or next((n for n in ("text", "messages") if n in names), None)
            if texts is None or texts not in names:
                raise CorpusError(
                    f"the corpus {path} has no column {texts or 'text'!r}; it has {', '.join(map(repr, names[:8]))}.",
                    hint="Name the column that holds the text.",
                )
            wanted = [texts, *(n for n in ("source",) if n in names and n != texts)]
            n = 0
            for batch in file.iter_batches(ROWS_A_BATCH, columns=wanted):
                for row in batch.to_pylist():
                    key = "messages" if texts == "messages" else "text"
                    yield f"row {n}", {key: row[texts], "source": row.get("source")}
                    n += 1
    except (pa.ArrowException, OSError) as err:
        raise CorpusError(
            f"the corpus {path} cannot be read as Parquet: {err}.", hint="Is the file whole, and really Parquet?"
        ) from err


def _decoded(raw: bytes, path: Path, where: str) -> str:
    try:
        return raw.decode("utf-8-sig" if where in ("line 1", "the text") else "utf-8")
    except UnicodeDecodeError as err:
        raise CorpusError(
            f"the corpus {path}, {where}, is not UTF-8: byte 0x{raw[err.start]:02x} at {err.start}.",
            hint="Convert it first, for example with `iconv -f latin1 -t utf-8`.",
        ) from err


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    try:
        if path.suffix == ".gz":
            with gzip.open(path, "rb") as stream:
                yield cast("IO[bytes]", stream)
        elif path.suffix == ".zst":
            with path.open("rb") as raw, pa.input_stream(raw, compression="zstd") as reader:
                yield io.BufferedReader(reader)
        else:
            with path.open("rb") as stream:
                yield stream
    except (EOFError, OSError, zlib.error) as err:
        raise CorpusError(
            f"the corpus {path} cannot be read: {err}.",
            hint="Is the file cut off, or of another kind than its name says?",
        ) from err
