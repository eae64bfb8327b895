"""The texts of examples as a corpus of their own: tokens, documents, vocabulary.

Each text is a document and a context; the same text is stored once, however many features fire on it.
A vocabulary is made of the tokens' texts, since the tokenizer's own is not known.
"""

import hashlib
from array import array
from pathlib import Path
from typing import IO

import numpy as np
import polars as pl
from numpy.typing import NDArray

from saescope.errors import InputError
from saescope.index.store import token_dtype
from saescope.index.vocabulary import Vocabulary

MAX_ROWS = 1 << 32
MOST_REMEMBERED = 1 << 21
"""Texts of which it is known that they are stored; beyond, the same text may be stored again."""
STEP = 1 << 22


class Texts:
    """Takes texts in, token by token.

    Parameters
    ----------
    stream
        A file for the tokens, opened to be written and read: u32 each.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._ids: dict[str, int] = {}
        self._places: dict[bytes, int] = {}
        self._starts = array("Q")
        self._sources: list[str] = []
        self._digest = hashlib.blake2b(digest_size=16)
        self.n_rows = 0
        self.longest = 0

    def token(self, text: str) -> int:
        """The number of a token."""
        return self._ids.setdefault(text, len(self._ids))

    def place(self, tokens: list[str], source: str) -> int:
        """Store a text, or find it; returns the row of its first token.

        Raises
        ------
        InputError
            There are more tokens than an index can hold.
        """
        known = self._ids
        try:
            ids = [known[text] for text in tokens]
        except KeyError:
            ids = [self.token(text) for text in tokens]
        raw = np.array(ids, dtype="<u4").tobytes()
        key = hashlib.blake2b(raw, digest_size=16, person=source.encode("utf-8", "replace")[:16]).digest()
        found = self._places.get(key)
        if found is not None:
            return found
        start = self.n_rows
        if start + len(tokens) >= MAX_ROWS:
            raise InputError(f"an index holds at most {MAX_ROWS:,} tokens.", hint="Import fewer features at once.")
        self._stream.write(raw)
        self._digest.update(key)
        self._starts.append(start)
        self._sources.append(source)
        self.n_rows += len(tokens)
        self.longest = max(self.longest, len(tokens))
        if len(self._places) >= MOST_REMEMBERED:
            self._places.clear()
        self._places[key] = start
        return start

    @property
    def fingerprint(self) -> str:
        """Of all texts, in their order."""
        return self._digest.hexdigest()

    @property
    def has_sources(self) -> bool:
        """Whether the source says of any text where it is from."""
        return any(self._sources)

    @property
    def n_docs(self) -> int:
        """Texts."""
        return len(self._starts)

    @property
    def vocab_size(self) -> int:
        """Tokens that are unlike."""
        return max(len(self._ids), 1)

    @property
    def starts(self) -> NDArray[np.int64]:
        """First row of each text."""
        return np.frombuffer(self._starts, dtype=np.uint64).astype(np.int64)

    def write_tokens(self, path: Path) -> None:
        """Write the tokens as an index holds them."""
        self._stream.flush()
        kind = token_dtype(self.vocab_size)
        self._stream.seek(0)
        with path.open("wb") as target:
            while raw := self._stream.read(STEP):
                target.write(np.frombuffer(raw, dtype="<u4").astype(kind).tobytes())

    def write_docs(self, path: Path) -> None:
        """Write a row a text: number, first row, source."""
        numbers = np.arange(self.n_docs, dtype=np.uint32)
        starts = self.starts.astype(np.uint64)
        frame = pl.DataFrame({"doc": numbers, "start": starts, "source": pl.Series(self._sources, dtype=pl.String)})
        frame.write_parquet(path, compression="zstd")

    def write_vocabulary(self, path: Path) -> None:
        """Write what the tokens stand for."""
        texts = list(self._ids) or [""]
        contents = [text.encode("utf-8", "surrogatepass") for text in texts]
        raws = [text.encode("utf-8", "replace").decode() for text in texts]
        Vocabulary(raws, contents, np.zeros(len(texts), dtype=bool)).write(path)
