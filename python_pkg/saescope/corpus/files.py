"""What is in a corpus file or folder: the items of JSON lines and plain text, with where each is from."""

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

from saescope.corpus.folder import FORMATS, corpus_files, is_archive, kind_of, suffix_of
from saescope.corpus.tables import read_parquet
from saescope.errors import CorpusError, CorpusMissingError

Item = tuple[str, Any, str]
"""Where it is from, for errors; what it is; its source, for the reader."""


def read_path(path: Path, column: str | None) -> Iterator[Item]:
    """Items of a file, or of all corpus files in a folder, in the order of their paths.

    Parameters
    ----------
    path
        A file or a folder, which exists.
    column
        Column of Parquet files that holds the texts or messages.

    Raises
    ------
    CorpusError
        It cannot be read.
    """
    if not path.is_dir():
        yield from ((f"the corpus {path}, {where}", item, path.name) for where, item in read_file(path, column))
        return
    files = corpus_files(path)
    if not files:
        raise CorpusError(f"the folder {path} holds no corpus file.", hint=f"It should hold {FORMATS}.")
    for file in files:
        name = file.relative_to(path).as_posix()
        is_cut_off = kind_of(file) == "parquet" or is_archive(file)
        if file.stat().st_size or is_cut_off:
            yield from ((f"the corpus {file}, {where}", item, name) for where, item in read_file(file, column))


def corpus_path(corpus: "str | os.PathLike[str]") -> Path:
    """The path of a corpus, which exists.

    Raises
    ------
    CorpusMissingError
        It does not, or is no path.
    """
    path = Path(corpus)
    try:
        path = path.expanduser()
        is_there = path.exists()
    except (OSError, RuntimeError):
        is_there = False
    if not is_there:
        shown = str(path) if len(str(path)) <= 300 else f"{str(path)[:300]}…"
        raise CorpusMissingError(
            f"there is no corpus at {shown}.",
            hint=f"Give a path to {FORMATS}, or a folder; or a list of the texts themselves.",
        )
    return path


def read_file(path: Path, column: str | None) -> Iterator[tuple[str, Any]]:
    """Items of one file, each with its place in it."""
    if path.stat().st_size == 0:
        raise CorpusError(f"the corpus {path} is empty.", hint="Give a corpus with at least one document.")
    kind = kind_of(path)
    if kind == "parquet" and is_archive(path):
        raise CorpusError(
            f"the corpus {path} is a Parquet file inside {path.suffix}, and Parquet is compressed in itself.",
            hint="Unpack it first, so that its name ends in .parquet.",
        )
    if kind == "json":
        yield from _read_json_lines(path)
    elif kind == "text":
        with _opened(path) as stream:
            yield "text", _decoded(stream.read(), path, "the text")
    elif kind == "parquet":
        yield from read_parquet(path, column)
    else:
        raise CorpusError(
            f"the corpus {path} is of an unknown kind ({suffix_of(path) or 'no suffix'}).", hint=f"Give {FORMATS}."
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
    suffix = path.suffix.lower()
    try:
        if suffix == ".gz":
            with gzip.open(path, "rb") as stream:
                yield cast("IO[bytes]", stream)
        elif suffix == ".zst":
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
