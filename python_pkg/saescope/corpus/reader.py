"""Documents from JSON lines, plain text, or memory, with errors that name the line."""

import gzip
import io
import json
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import pyarrow as pa

from saescope.errors import CorpusError, CorpusMissingError, InputError

JSON_SUFFIXES = (".jsonl", ".ndjson", ".json")
TEXT_SUFFIXES = (".txt", ".text", ".md")
FORMATS = "JSON lines (.jsonl) or plain text (.txt), each also as .gz or .zst"


@dataclass(frozen=True)
class Document:
    """One document: its number from 0 among those with text, its text, and where it is from."""

    number: int
    text: str
    source: str


def read_documents(corpus: "str | os.PathLike[str] | Iterable[Any]") -> Iterator[Document]:
    """Read a corpus, document by document; documents without text are left out.

    Parameters
    ----------
    corpus
        A path to JSON lines (objects with a ``text`` and perhaps a ``source``, or bare
        strings), or to plain text (one document), gzipped or zstandard-compressed or
        not; or an iterable of strings or of such objects.

    Raises
    ------
    CorpusMissingError
        There is no such file.
    CorpusError
        The file is not UTF-8, holds a broken line, or holds no text.
    """
    if isinstance(corpus, str | os.PathLike):
        path = Path(corpus).expanduser()
        items = _read_file(path)
        name, source = f"the corpus {path}", path.name
    elif isinstance(corpus, Iterable) and not isinstance(corpus, Mapping):
        items = ((f"item {n}", item) for n, item in enumerate(corpus))
        name, source = "the corpus", ""
    else:
        raise InputError(
            f"a corpus is a path or an iterable of texts, and {type(corpus).__name__} came.",
            hint=f"Give {FORMATS}, or a list of strings.",
        )
    number = 0
    for where, item in items:
        text, origin = _text_of(item, f"{name}, {where}")
        if text.strip():
            _check_characters(text, f"{name}, {where}")
            yield Document(number, text, origin or source)
            number += 1
    if number == 0:
        raise CorpusError(f"{name} holds no text.", hint="Give a corpus with at least one document.")


def _text_of(item: Any, where: str) -> tuple[str, str]:
    if isinstance(item, str):
        return item, ""
    if isinstance(item, dict) and isinstance(item.get("text"), str):
        source = item.get("source", "")
        return item["text"], source if isinstance(source, str) else ""
    came = f"an object with {', '.join(map(repr, list(item)[:5]))}" if isinstance(item, dict) else type(item).__name__
    raise CorpusError(
        f'{where}: wanted a text, or an object with a "text", and got {came}.',
        hint='Each line should look like {"text": "…", "source": "…"}.',
    )


def _check_characters(text: str, where: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as err:
        raise CorpusError(
            f"{where}: the text holds half a surrogate pair, {text[err.start]!r}, which is no character.",
            hint="Was the text cut inside an escape such as \\ud83d\\ude80?",
        ) from err


def _read_file(path: Path) -> Iterator[tuple[str, Any]]:
    if not path.exists():
        raise CorpusMissingError(f"there is no corpus at {path}.", hint=f"Give a path to {FORMATS}.")
    if path.is_dir():
        raise CorpusError(f"the corpus {path} is a folder.", hint=f"Give one file: {FORMATS}.")
    if path.stat().st_size == 0:
        raise CorpusError(f"the corpus {path} is empty.", hint="Give a corpus with at least one document.")
    suffix = Path(path.stem).suffix if path.suffix in (".gz", ".zst") else path.suffix
    if suffix in JSON_SUFFIXES:
        yield from _read_json_lines(path)
    elif suffix in TEXT_SUFFIXES:
        with _opened(path) as stream:
            yield "text", _decoded(stream.read(), path, "the text")
    else:
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
