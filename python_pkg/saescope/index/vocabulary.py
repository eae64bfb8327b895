"""Tokens as text a person can read."""

import codecs
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from saescope.errors import InputError
from saescope.index.tables import VOCABULARY_SCHEMA, read_table


class Vocabulary:
    """What each token id stands for.

    Parameters
    ----------
    raws
        The tokenizer's own pieces.
    contents
        The bytes that each stands for.
    is_special
        Whether each is a special token.
    """

    def __init__(self, raws: list[str], contents: list[bytes], is_special: NDArray[np.bool_]) -> None:
        self.raws = raws
        self.contents = contents
        self.is_special = is_special

    def __len__(self) -> int:
        return len(self.raws)

    @cached_property
    def texts(self) -> list[str]:
        """Each token as text; bytes that are no whole characters as ``‹E2 80›``."""
        return [readable(c) for c in self.contents]

    @cached_property
    def series(self) -> pl.Series:
        """The same texts as a column."""
        return pl.Series(self.texts, dtype=pl.String)

    def text(self, token: int) -> str:
        """One token as text; a number without a piece as ``‹token 5›``."""
        return self.texts[token] if 0 <= token < len(self) else f"‹token {token}›"

    def raw(self, token: int) -> str:
        """One token as the tokenizer writes it."""
        return self.raws[token] if 0 <= token < len(self) else ""

    def decode(self, tokens: Iterable[int]) -> str:
        """Running text of some tokens; a broken character becomes U+FFFD."""
        return b"".join(self.contents[t] if t < len(self) else b"" for t in tokens).decode("utf-8", "replace")

    def ids_of(self, text: str) -> list[int]:
        """The tokens that stand for exactly this text."""
        wanted = text.encode()
        return [i for i, c in enumerate(self.contents) if c == wanted]

    def write(self, path: Path) -> None:
        """Write as Parquet."""
        import pyarrow.parquet as pq

        if len(self.raws) != len(self.contents):
            raise InputError("a vocabulary has one content for each piece.")
        table = pa.table({"raw": self.raws, "content": self.contents, "is_special": self.is_special})
        pq.write_table(table, path, compression="zstd")

    @classmethod
    def read(cls, path: Path) -> "Vocabulary":
        """Read what `write` wrote."""
        table = read_table(path, VOCABULARY_SCHEMA)  # pyarrow's reader would import pandas: half a second
        return cls(table["raw"].to_list(), table["content"].to_list(), table["is_special"].to_numpy())


CONTROLS = {n: f"‹{n:02X}›" for n in (*range(32), 127) if chr(n) not in "\t\n\r"}


def _in_hex(err: UnicodeError) -> tuple[str, int]:
    if not isinstance(err, UnicodeDecodeError):
        raise err
    return f"‹{err.object[err.start : err.end].hex(' ').upper()}›", err.end


codecs.register_error("saescope-hex", _in_hex)


def readable(content: bytes) -> str:
    """Bytes as text; control characters and what is no whole character in hexadecimal between ‹ and ›."""
    text = content.decode("utf-8", "saescope-hex")
    return text if text.isprintable() and "›‹" not in text else text.translate(CONTROLS).replace("›‹", " ")
