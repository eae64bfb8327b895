"""Documents from files, folders, datasets or memory, with errors that name the place."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from saescope.corpus.files import FORMATS, Item, read_path
from saescope.errors import CorpusError, InputError

Messages = list[dict[str, str]]


@dataclass(frozen=True)
class Document:
    """One document: its number from 0 among those with text, its text, and where it is from.

    A conversation has ``messages`` (objects with ``role`` and ``content``) instead of a text.
    ``where`` names its place in the corpus, for errors.
    """

    number: int
    text: str
    source: str
    messages: Messages | None = None
    where: str = ""


def read_documents(
    corpus: "str | os.PathLike[str] | Iterable[Any]", *, column: str | None = None
) -> Iterator[Document]:
    """Read a corpus, document by document; documents without text are left out.

    Parameters
    ----------
    corpus
        A path to JSON lines, to plain text (one document a file; both also gzipped or
        zstandard-compressed), to Parquet, or to a folder of such files; a ``datasets``
        dataset; or an iterable. Lines, rows and items are strings, or objects with a
        ``text``, or with ``messages`` as chat models take them, and perhaps a ``source``.
    column
        Where the text is in Parquet and datasets; by default ``text``.

    Raises
    ------
    CorpusMissingError
        There is no such file.
    CorpusError
        The corpus is not UTF-8, holds a broken line, or holds no text.
    """
    items, name = _items(corpus, column)
    number = 0
    for where, item, source in items:
        document = _document(item, number, where, source)
        if document is not None:
            yield document
            number += 1
    if number == 0:
        raise CorpusError(f"{name} holds no text.", hint="Give a corpus with at least one document.")


def _items(corpus: Any, column: str | None) -> tuple[Iterator[Item], str]:
    if isinstance(corpus, str | os.PathLike):
        path = Path(corpus).expanduser()
        return read_path(path, column), f"the corpus {path}"
    if isinstance(corpus, Mapping) and is_dataset(next(iter(corpus.values()), None)):
        raise InputError(
            f"the dataset has several splits: {', '.join(map(repr, corpus))}.",
            hint='Give one of them: dataset["train"].',
        )
    if is_dataset(corpus):
        return _rows(corpus, column), "the dataset"
    if isinstance(corpus, Iterable) and not isinstance(corpus, Mapping | bytes):
        return ((f"the corpus, item {n}", item, "") for n, item in enumerate(corpus)), "the corpus"
    raise InputError(
        f"a corpus is a path, a dataset or an iterable of texts, and {type(corpus).__name__} came.",
        hint=f"Give {FORMATS}, or a list of strings.",
    )


def is_dataset(thing: Any) -> bool:
    """Whether it is a dataset of the ``datasets`` library; does not import it."""
    return type(thing).__module__.partition(".")[0] == "datasets" and hasattr(thing, "column_names")


def _rows(dataset: Any, column: str | None) -> Iterator[Item]:
    names = dataset.column_names or []
    texts = column or next((n for n in ("text", "messages") if n in names), "text")
    if names and texts not in names:
        raise CorpusError(
            f"the dataset has no column {texts!r}; it has {', '.join(map(repr, names[:8]))}.",
            hint="Name the column that holds the text.",
        )
    key = "messages" if texts == "messages" else "text"
    for n, row in enumerate(dataset):
        yield f"the dataset, row {n}", {key: row.get(texts), "source": row.get("source")}, ""


def _document(item: Any, number: int, where: str, source: str) -> Document | None:
    if isinstance(item, dict) and item.get("messages") is not None and "text" not in item:
        messages = _checked_messages(item["messages"], where)
        return Document(number, "", _origin(item) or source, messages, where) if messages else None
    text = item if isinstance(item, str) else item.get("text") if isinstance(item, dict) else None
    if not isinstance(text, str):
        came = (
            f"an object with {', '.join(map(repr, list(item)[:5]))}" if isinstance(item, dict) else type(item).__name__
        )
        raise CorpusError(
            f'{where}: wanted a text, or an object with a "text", and got {came}.',
            hint='Each line should look like {"text": "…", "source": "…"}.',
        )
    if not text.strip():
        return None
    _check_characters(text, where)
    return Document(number, text, (_origin(item) if isinstance(item, dict) else "") or source, None, where)


def _origin(item: dict[str, Any]) -> str:
    source = item.get("source", "")
    return source if isinstance(source, str) else ""


def _checked_messages(messages: Any, where: str) -> Messages:
    if not isinstance(messages, list) or not all(
        isinstance(m, dict) and isinstance(m.get("role"), str) and isinstance(m.get("content"), str) for m in messages
    ):
        raise CorpusError(
            f'{where}: wanted messages, each with a "role" and a "content", and got something else.',
            hint='A conversation looks like {"messages": [{"role": "user", "content": "…"}]}.',
        )
    for message in messages:
        _check_characters(message["content"], where)
    return [{"role": m["role"], "content": m["content"]} for m in messages]


def _check_characters(text: str, where: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as err:
        raise CorpusError(
            f"{where}: the text holds half a surrogate pair, {text[err.start]!r}, which is no character.",
            hint="Was the text cut inside an escape such as \\ud83d\\ude80?",
        ) from err
