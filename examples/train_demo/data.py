"""Documents, their split, and the rows of tokens that training reads."""

from __future__ import annotations

import gzip
import hashlib
import json
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer

from tagged import TAGGED_SOURCES, without_tags

CORPUS_FILES = ("open.jsonl.gz", "train.jsonl.gz")
SKIPPED_FOLDERS = frozenset({"test", "tests", "idlelib", "site-packages", "dist-packages", "lib2to3"})
PIECE_CHARS = 6_000
SEPARATOR_ID = 0


@dataclass(frozen=True)
class Document:
    """One text and the name of the corpus part it comes from."""

    source: str
    text: str


@dataclass(frozen=True)
class Split:
    """Training and validation documents, disjoint by text."""

    train: list[Document]
    valid: list[Document]


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()[:8], "big")


def read_corpus(folder: Path) -> list[Document]:
    """Read every document of the corpus files in ``folder``, tagged text made plain.

    Raises
    ------
    FileNotFoundError
        A corpus file is missing.
    """
    documents = []
    for name in CORPUS_FILES:
        path = folder / name
        if not path.is_file():
            message = f"no {name} in the corpus folder: give its folder with --corpus"
            raise FileNotFoundError(message)
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                text = without_tags(row["text"]) if row["source"] in TAGGED_SOURCES else row["text"]
                documents.append(Document(row["source"], text))
    return documents


def read_stdlib(max_chars: int) -> list[Document]:
    """Read source files of Python's standard library, in an order fixed by their names.

    Parameters
    ----------
    max_chars
        Stop once this many characters are read.
    """
    root = Path(sysconfig.get_path("stdlib"))
    names = [path.relative_to(root) for path in root.rglob("*.py")]
    names = [name for name in names if not SKIPPED_FOLDERS.intersection(name.parts)]
    names.sort(key=lambda name: _digest(name.as_posix()))
    documents: list[Document] = []
    n_chars = 0
    for name in names:
        if n_chars >= max_chars:
            break
        text = (root / name).read_text(encoding="utf-8", errors="ignore")
        n_chars += len(text)
        documents += [
            Document("stdlib", text[start : start + PIECE_CHARS]) for start in range(0, len(text), PIECE_CHARS)
        ]
    return documents


def split_documents(documents: list[Document], valid_share: float, seed: int) -> Split:
    """Split by a hash of the text, then shuffle the training documents.

    Parameters
    ----------
    valid_share
        Share of documents held out, in ``(0, 1)``.
    """
    cut = int(valid_share * 10_000)
    train, valid = [], []
    for document in documents:
        held_out = _digest(document.text) % 10_000 < cut
        (valid if held_out else train).append(document)
    order = np.random.default_rng(seed).permutation(len(train))
    return Split([train[i] for i in order], valid)


def encode_stream(tokenizer: Tokenizer, documents: list[Document]) -> torch.Tensor:
    """Encode documents to one stream of token ids, a separator after each.

    Returns
    -------
    torch.Tensor
        Token ids ``[n_tokens]``, int64.
    """
    encodings = tokenizer.encode_batch_fast([document.text for document in documents])
    parts = [np.asarray([*encoding.ids, SEPARATOR_ID], dtype=np.int64) for encoding in encodings]
    return torch.from_numpy(np.concatenate(parts))


def pack_rows(stream: torch.Tensor, context: int) -> torch.Tensor:
    """Cut a stream into rows that each begin with the separator.

    A row holds one token more than the model reads: tokens ``0..context - 1`` are the
    input and tokens ``1..context`` the targets, so that no stream token is lost.

    Parameters
    ----------
    stream
        Token ids ``[n_tokens]``.
    context
        Length of the model's input.

    Returns
    -------
    torch.Tensor
        Token ids ``[n_rows, context + 1]``, int64; column 0 is the separator.
    """
    n_rows = len(stream) // context
    body = stream[: n_rows * context].view(n_rows, context)
    head = torch.full((n_rows, 1), SEPARATOR_ID, dtype=stream.dtype)
    return torch.cat([head, body], dim=1)
