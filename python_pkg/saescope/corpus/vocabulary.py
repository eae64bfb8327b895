"""What each token of a vocabulary stands for, as bytes.

Three kinds of tokenizer are told apart by the decoder they declare: byte-level
(GPT-2: each character of a piece stands for one byte), byte-fallback (SentencePiece:
``▁`` is a space and ``<0xE2>`` a byte), and all others, whose pieces are decoded one by one.
"""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class TokenTable:
    """One row a token id: its raw piece, the bytes it stands for, and whether it is special."""

    raws: list[str]
    contents: list[bytes]
    is_special: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.raws)


def _bytes_of_byte_level() -> dict[str, int]:
    """The map from characters to bytes of byte-level BPE (GPT-2, ``bytes_to_unicode``)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    table = {chr(b): b for b in printable}
    rest = [b for b in range(256) if b not in set(printable)]
    return table | {chr(256 + n): b for n, b in enumerate(rest)}


def _decoder_kinds(tokenizer: Any) -> set[str]:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return set()
    decoder = json.loads(backend.to_str()).get("decoder") or {}
    return {decoder.get("type", "")} | {d.get("type", "") for d in decoder.get("decoders", [])}


def _from_byte_level(piece: str, table: dict[str, int]) -> bytes | None:
    values = [table.get(c) for c in piece]
    return None if None in values else bytes(v for v in values if v is not None)


def _from_sentencepiece(piece: str) -> bytes:
    if len(piece) == 6 and piece.startswith("<0x") and piece.endswith(">"):
        return bytes([int(piece[3:5], 16)])
    return piece.replace("▁", " ").encode()


def token_table(tokenizer: Any) -> TokenTable:
    """Read the whole vocabulary of a transformers tokenizer.

    Returns
    -------
    TokenTable
        ``len(tokenizer)`` rows; a number that stands for no piece has an empty one.
    """
    size = len(tokenizer)
    raws = [piece or "" for piece in tokenizer.convert_ids_to_tokens(list(range(size)))]
    special = set(tokenizer.all_special_ids)
    added = {i for i, t in getattr(tokenizer, "added_tokens_decoder", {}).items() if i < size}
    kinds = _decoder_kinds(tokenizer)
    table = _bytes_of_byte_level()
    contents: list[bytes] = []
    for token, raw in enumerate(raws):
        content: bytes | None = None
        if token in special or token in added:
            content = raw.encode()
        elif "ByteLevel" in kinds:
            content = _from_byte_level(raw, table)
        elif "ByteFallback" in kinds or "Metaspace" in kinds or "▁" in raw:
            content = _from_sentencepiece(raw)
        contents.append(content if content is not None else tokenizer.decode([token]).encode())
    is_special = np.zeros(size, dtype=bool)
    is_special[sorted(s for s in special if s < size)] = True
    return TokenTable(raws, contents, is_special)
