"""Documents from files, folders, datasets or memory, with errors that name the place."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from saescope.corpus.files import Item, corpus_path, read_path
from saescope.corpus.folder import FORMATS, readable
from saescope.corpus.tables import is_dataset, read_dataset
from saescope.errors import CorpusError, InputError

Messages = list[dict[str, Any]]


@dataclass(frozen=True)
class Document:
    """One document: its number from 0 among those with text, its text, and where it is from.

    A conversation has ``messages`` (objects with ``role`` and ``content``) and an empty text.
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
        Files in a folder are read in the order of their relative paths; hidden ones and
        those of other kinds are left out.
    column
        The column or key of the texts or messages; by default ``text``, or else ``messages``.

    Raises
    ------
    CorpusMissingError
        There is no such file.
    CorpusError
        The corpus is not UTF-8, holds a broken line or row, lacks the column, or holds no text.

    Examples
    --------
    >>> [d.text for d in read_documents(["one", {"body": "two"}], column="body")]
    ['one', 'two']
    """
    if column is not None and (not isinstance(column, str) or not column):
        raise InputError(f"column wants the name of a column, and {column!r} came.", hint='As in column="body".')
    items, name = _items(corpus, column)
    number = 0
    for where, item, source in items:
        document = _document(item, number, where, source, column)
        if document is not None:
            yield document
            number += 1
    if number == 0:
        raise CorpusError(f"{name} holds no text.", hint="Give a corpus with at least one document.")


def _items(corpus: Any, column: str | None) -> tuple[Iterator[Item], str]:
    if isinstance(corpus, str | os.PathLike):
        path = corpus_path(corpus)
        return read_path(path, column), f"the corpus {path}"
    if isinstance(corpus, Mapping) and (is_dataset(corpus) or is_dataset(next(iter(corpus.values()), None))):
        raise InputError(
            f"wanted one dataset, and this one has several splits: {', '.join(map(repr, corpus)) or 'none'}.",
            hint=f"Give one of them: dataset[{next(iter(corpus), 'train')!r}].",
        )
    if is_dataset(corpus):
        return ((f"the dataset, {where}", row, "") for where, row in read_dataset(corpus, column)), "the dataset"
    is_table = hasattr(corpus, "columns")
    if isinstance(corpus, Iterable) and not isinstance(corpus, Mapping | bytes) and not is_table:
        return ((f"the corpus, item {n}", item, "") for n, item in enumerate(corpus)), "the corpus"
    raise InputError(
        f"a corpus is a path, a dataset or an iterable of texts, and {type(corpus).__name__} came.",
        hint='Give its column of texts: table["text"].' if is_table else f"Give {FORMATS}, or a list of strings.",
    )


def _document(item: Any, number: int, where: str, source: str, column: str | None) -> Document | None:
    content = item
    if isinstance(item, Mapping):
        is_chat = column is None and item.get("text") is None and item.get("messages") is not None
        content, own = item.get(column or ("messages" if is_chat else "text")), item.get("source")
        source = own if isinstance(own, str) and own else source
        if is_chat or (column and isinstance(content, list)):
            messages = _checked_messages(content, where)
            return Document(number, "", readable(source), messages, where) if messages else None
    if not isinstance(content, str):
        raise CorpusError(
            f'{where}: wanted a text, or an object with a "{column or "text"}", and got {_told(item, column)}.',
            hint=f'Each should look like {{"{column or "text"}": "…", "source": "…"}}.',
        )
    if not content.strip():
        return None
    _check_characters(content, where)
    return Document(number, content, readable(source), None, where)


def _told(item: Any, column: str | None) -> str:
    if not isinstance(item, Mapping):
        return type(item).__name__
    key = column or "text"
    if key in item:
        return f'one whose "{key}" is {item[key]!r:.40}'
    return f"an object with {', '.join(map(repr, list(item)[:5])) or 'nothing'}"


def _checked_messages(messages: Any, where: str) -> Messages:
    """Messages without the keys that hold nothing: tables give each the keys of all."""
    if not isinstance(messages, list):
        raise _malformed(where, type(messages).__name__)
    checked = []
    for n, message in enumerate(messages):
        if not isinstance(message, Mapping):
            raise _malformed(where, f"{type(message).__name__} at message {n}")
        kept = {key: value for key, value in message.items() if value is not None}
        if kept.get("tool_calls"):
            kept.setdefault("content", "")
        if not isinstance(kept.get("role"), str) or not isinstance(kept.get("content"), str):
            raise _malformed(where, f"{dict(message)!s:.80} at message {n}")
        _check_characters(kept["role"] + kept["content"], f"{where}, message {n}")
        checked.append(kept)
    return checked


def _malformed(where: str, came: str) -> CorpusError:
    return CorpusError(
        f'{where}: wanted messages, each with a "role" and a "content", and got {came}.',
        hint='A conversation looks like {"messages": [{"role": "user", "content": "…"}]}.',
    )


def _check_characters(text: str, where: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as err:
        raise CorpusError(
            f"{where}: the text holds half a surrogate pair, {text[err.start]!r}, which is no character.",
            hint="Was the text cut inside an escape such as \\ud83d\\ude80?",
        ) from err
