"""The text of a run: split, encoded once, and kept, so that a run goes on with the same."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from data import encode_stream, read_corpus, read_stdlib, split_documents
from settings import CONTEXT, SEED, STDLIB_CHARS, VALID_SHARE, VOCAB_SIZE
from tokenizer import save_tokenizer, train_tokenizer

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Streams:
    """Token ids ``[n_tokens]``, int64, of both sides of the split, and their sizes."""

    train: torch.Tensor
    valid: torch.Tensor
    counts: dict[str, int]


def prepare_text(corpus: Path, folder: Path, tokenizer_folder: Path) -> Streams:
    """Read, split and encode the documents, or read what an earlier run encoded.

    Parameters
    ----------
    corpus
        Folder of the corpus files; not read where ``folder`` holds the encoded text.
    folder
        Where the encoded text is kept.
    tokenizer_folder
        Where the tokenizer goes.
    """
    encoded, counts_file = folder / "text.safetensors", folder / "text.json"
    if not counts_file.is_file():
        split = split_documents(read_corpus(corpus) + read_stdlib(STDLIB_CHARS), VALID_SHARE, SEED)
        tokenizer = train_tokenizer((document.text for document in split.train), VOCAB_SIZE)
        save_tokenizer(tokenizer, tokenizer_folder, CONTEXT)
        train, valid = encode_stream(tokenizer, split.train), encode_stream(tokenizer, split.valid)
        save_file({"train": train.int(), "valid": valid.int()}, encoded)
        counts = {
            "n_train_documents": len(split.train),
            "n_valid_documents": len(split.valid),
            "n_train_tokens": len(train),
            "n_valid_tokens": len(valid),
        }
        counts_file.write_text(json.dumps(counts))
    stored = load_file(encoded)
    counts = json.loads(counts_file.read_text())
    log.info("text: %s", ", ".join(f"{value:,} {name[2:].replace('_', ' ')}" for name, value in counts.items()))
    return Streams(stored["train"].long(), stored["valid"].long(), counts)
