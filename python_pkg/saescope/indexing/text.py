"""The corpus as rows on disk: tokens, documents, contexts, and the borders of shards."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from safetensors.numpy import save_file

from saescope.corpus import Document, TokenTable, pack
from saescope.index.postings import SHARD_ROWS
from saescope.index.store import CONTEXTS, DOCS, TOKENS, token_dtype
from saescope.indexing.settings import Settings
from saescope.indexing.workspace import Workspace
from saescope.types import Progress


@dataclass
class Text:
    """What a corpus became.

    ``facts`` go into the manifest; ``shard_starts`` are the first rows of the shards.
    ``is_wanted`` false throws the parts away that were written.
    """

    facts: dict[str, Any]
    n_rows: int
    shard_starts: list[int]
    is_wanted: bool = True


class _Unwanted(Exception):  # noqa: N818 - not an error: the way out without keeping the parts
    """The text is not to be kept."""


@contextmanager
def write_text(
    documents: Iterable[Document],
    name: str,
    workspace: Workspace,
    tokenizer: Any,
    settings: Settings,
    table: TokenTable,
    progress: Progress,
) -> Iterator[Text]:
    """Tokenise a corpus into parts of the index, which are kept when the block ends well.

    Yields
    ------
    Text
        What it became, before any part has its name.
    """
    try:
        with ExitStack() as stack:
            path = stack.enter_context(workspace.part(TOKENS))
            docs: list[int] = []
            starts: list[int] = []
            sources: list[str] = []
            contexts: list[NDArray[np.int64]] = []
            digest, n_rows, kind = hashlib.blake2b(digest_size=16), 0, token_dtype(len(table))
            progress.start("Reading the corpus", settings.max_tokens or 0, "token")
            with path.open("wb") as stream:
                for packed in pack(
                    documents,
                    tokenizer,
                    context_size=settings.context_size,
                    bos=settings.bos,
                    max_tokens=settings.max_tokens,
                    is_packed=settings.is_packed,
                ):
                    raw = packed.tokens.astype(kind).tobytes()
                    stream.write(raw)
                    digest.update(raw)
                    docs += packed.docs
                    starts += packed.doc_starts
                    sources += packed.sources
                    contexts.append(np.asarray(packed.context_starts, dtype=np.int64))
                    n_rows += len(packed.tokens)
                    progress.advance(len(packed.tokens))
            progress.finish()
            digest.update(np.asarray(starts, dtype="<u8").tobytes())
            columns = {"doc": pa.array(docs, pa.uint32()), "start": pa.array(starts, pa.uint64()), "source": sources}
            pq.write_table(pa.table(columns), stack.enter_context(workspace.part(DOCS)), compression="zstd")
            context_starts = np.concatenate(contexts)
            if not settings.is_packed:
                save_file({"starts": context_starts}, stack.enter_context(workspace.part(CONTEXTS)))
            facts = {"name": name, "fingerprint": digest.hexdigest(), "n_docs": len(docs)}
            text = Text(facts, n_rows, shard_starts(context_starts, n_rows, settings))
            yield text
            if not text.is_wanted:
                raise _Unwanted
    except _Unwanted:
        pass


def shard_starts(context_starts: NDArray[np.int64], n_rows: int, settings: Settings) -> list[int]:
    """First rows of the shards: whole contexts, at most 65,536 rows."""
    if settings.is_packed:
        size = max(SHARD_ROWS // settings.context_size, 1) * settings.context_size
        return list(range(0, n_rows, size))
    starts, borders = np.r_[context_starts, n_rows], [0]
    while starts[-1] - borders[-1] > SHARD_ROWS:
        borders.append(int(starts[np.searchsorted(starts, borders[-1] + SHARD_ROWS, side="right") - 1]))
    return borders
