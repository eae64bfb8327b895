"""Documents packed into contexts, as sae-lens packs them for training.

1. Each document is tokenised without special tokens.
2. Documents are laid end to end, with BOS between them when the SAE wants BOS.
3. The stream is cut into contexts of one length, each beginning with BOS when the
   SAE wants BOS. The last context may be shorter.

Kept apart, each document begins a context of its own, and its last may be shorter.
Conversations are laid out by the tokenizer's chat template first.

Source: sae-lens, ``tokenization_and_batching.concat_and_batch_sequences``. Differs: the
last, incomplete context is kept, and the place of each document is remembered.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from jinja2 import TemplateError
from numpy.typing import NDArray

from saescope.corpus.reader import Document
from saescope.errors import CorpusError, InputError

DOCUMENTS_A_BATCH = 256
CHARACTERS_A_BATCH = 1 << 20


@dataclass(frozen=True)
class Packed:
    """Some packed rows: ``tokens`` [n] int64, and the documents and contexts that begin in them.

    ``doc_starts`` and ``context_starts`` are row numbers in the whole stream, ``docs`` the
    documents' numbers.
    """

    tokens: NDArray[np.int64]
    docs: list[int]
    doc_starts: list[int]
    sources: list[str]
    context_starts: list[int]


class Packer:
    """Lays token lists into contexts; keeps what does not fill one.

    Parameters
    ----------
    context_size
        Tokens in a context, BOS included; at least 2.
    bos
        Token id of BOS, or ``None`` to set none.
    is_packed
        Whether documents are laid end to end, or each begins a context.
    """

    def __init__(self, context_size: int, bos: int | None, *, is_packed: bool = True) -> None:
        if context_size < 2:
            raise InputError(f"a context holds at least 2 tokens, and context_size is {context_size}.")
        self._context_size = context_size
        self._bos = bos
        self._is_packed = is_packed
        self._row = 0
        self._pos = 0
        self._clear()

    def _clear(self) -> None:
        self._rows: list[int] = []
        self._docs: list[int] = []
        self._doc_starts: list[int] = []
        self._sources: list[str] = []
        self._context_starts: list[int] = []

    @property
    def n_rows(self) -> int:
        """Rows laid so far."""
        return self._row

    def add(self, document: Document, ids: list[int]) -> None:
        """Lay one document's tokens behind the last."""
        if not ids:
            return
        self._docs.append(document.number)
        self._sources.append(document.source)
        if not self._is_packed:
            self._pos = 0
        self._doc_starts.append(self._row)
        if self._bos is not None and self._pos:
            self._lay([self._bos])
        start = 0
        while start < len(ids):
            if self._bos is not None and self._pos == 0:
                self._lay([self._bos])
            room = self._context_size - self._pos
            self._lay(ids[start : start + room])
            start += room

    def _lay(self, ids: list[int]) -> None:
        if self._pos == 0:
            self._context_starts.append(self._row)
        self._rows.extend(ids)
        self._row += len(ids)
        self._pos = (self._pos + len(ids)) % self._context_size

    def take(self) -> Packed:
        """Hand over what was laid since the last call."""
        tokens = np.asarray(self._rows, dtype=np.int64)
        packed = Packed(tokens, self._docs, self._doc_starts, self._sources, self._context_starts)
        self._clear()
        return packed


def pack(
    documents: Iterable[Document],
    tokenizer: Any,
    *,
    context_size: int,
    bos: int | None,
    max_tokens: int | None = None,
    is_packed: bool = True,
) -> Iterator[Packed]:
    """Tokenise and pack documents, some hundred at a time.

    Parameters
    ----------
    documents
        What to pack.
    tokenizer
        A transformers tokenizer.
    context_size
        Tokens in a context, BOS included.
    bos
        Token id of BOS, or ``None``.
    max_tokens
        Stop at this many rows; the last part is cut there.
    is_packed
        Whether documents are laid end to end, or each begins a context of its own.

    Raises
    ------
    CorpusError
        Nothing was left to pack, or the tokenizer cannot lay out a conversation.
    """
    if max_tokens is not None and max_tokens < 2:
        raise InputError(f"an index needs at least 2 tokens, and max_tokens is {max_tokens}.")
    packer = Packer(context_size, bos, is_packed=is_packed)
    n_given = 0
    for batch in _batches(documents):
        for document, ids in zip(batch, _encoded(batch, tokenizer, bos), strict=True):
            packer.add(document, ids)
        packed = _cut(packer.take(), n_given, max_tokens)
        n_given += len(packed.tokens)
        if len(packed.tokens):
            yield packed
        if max_tokens is not None and n_given >= max_tokens:
            break
    if n_given < 2:
        raise CorpusError("the corpus holds less than two tokens.", hint="Give a corpus with more text.")


def _batches(documents: Iterable[Document]) -> Iterator[list[Document]]:
    """Some hundred documents at a time, fewer if they are long."""
    batch: list[Document] = []
    n_characters = 0
    for document in documents:
        batch.append(document)
        n_characters += len(document.text)
        if len(batch) == DOCUMENTS_A_BATCH or n_characters >= CHARACTERS_A_BATCH:
            yield batch
            batch, n_characters = [], 0
    if batch:
        yield batch


def _encoded(batch: list[Document], tokenizer: Any, bos: int | None) -> list[list[int]]:
    """Token ids of each document, without the tokenizer's own BOS."""
    texts = [d.text if d.messages is None else _laid_out(d, tokenizer) for d in batch]
    found: list[list[int]] = tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
    for n, document in enumerate(batch):
        if document.messages is not None and bos is not None and found[n][:1] == [bos]:
            found[n] = found[n][1:]
    return found


def _laid_out(document: Document, tokenizer: Any) -> str:
    """A conversation as one text, with the special tokens that the chat template sets."""
    if not getattr(tokenizer, "chat_template", None):
        raise CorpusError(
            f"{document.where}: the corpus holds conversations, and this tokenizer has no chat template.",
            hint="Set tokenizer.chat_template, load a chat model, or give plain texts.",
        )
    try:
        return tokenizer.apply_chat_template(document.messages, tokenize=False, add_generation_prompt=False)
    except (TemplateError, ValueError, TypeError, LookupError, AttributeError) as err:
        raise CorpusError(
            f"{document.where}: the chat template refused the conversation: {err}.",
            hint="Do the roles come in the order that the model expects?",
        ) from err


def _cut(packed: Packed, n_before: int, max_tokens: int | None) -> Packed:
    if max_tokens is None or n_before + len(packed.tokens) <= max_tokens:
        return packed
    kept = [i for i, start in enumerate(packed.doc_starts) if start < max_tokens]
    return Packed(
        packed.tokens[: max_tokens - n_before],
        [packed.docs[i] for i in kept],
        [packed.doc_starts[i] for i in kept],
        [packed.sources[i] for i in kept],
        [start for start in packed.context_starts if start < max_tokens],
    )
