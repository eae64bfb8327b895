"""Passages: places of a corpus by what stands before them, which another index of the same text has too.

1. Of a row's document, the tokens up to the row's own are taken, without special ones: an index
   with other contexts has those in other places.
2. The last 32 of them, or as many as there are, make the key.
"""

import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from saescope.index.store import Index
from saescope.notes.note import Passage
from saescope.query.document import check_row

N_KEYED = 32
N_SPECIAL = 16
"""How many special tokens may stand among those of a key."""
N_AFTER = 16
KEY_BYTES = 12

Ints = NDArray[np.int64]


def _bounds(index: Index, row: int) -> tuple[int, int, int]:
    starts = index.layout.doc_starts
    place = int(starts.searchsorted(row, side="right")) - 1
    end = int(starts[place + 1]) if place + 1 < len(starts) else index.layout.n_rows
    return place, int(starts[place]), end


def _up_to(index: Index, row: int, start: int) -> Ints:
    """The last tokens of a document up to a row, without special ones other than the row's own."""
    tokens = np.asarray(index.tokens[max(start, row - N_KEYED - N_SPECIAL + 1) : row + 1], dtype=np.int64)
    is_kept = ~index.layout.is_special[tokens]
    is_kept[-1] = True
    return tokens[is_kept][-N_KEYED:]


def key_of(tokens: Ints) -> str:
    """The key of a passage whose tokens, up to the one that it is about, are these."""
    return hashlib.blake2b(tokens.astype("<u4").tobytes(), digest_size=KEY_BYTES).hexdigest()


def keys_at(index: Index, rows: Iterable[int]) -> list[str]:
    """The key of the passage at each of some rows of the corpus.

    Raises
    ------
    InputError
        There is no such row.
    """
    checked = [check_row(index, row) for row in rows]
    return [key_of(_up_to(index, row, _bounds(index, row)[1])) for row in checked]


def passage_at(index: Index, row: int) -> Passage:
    """The passage at a row of the corpus.

    Raises
    ------
    InputError
        There is no such row.
    """
    row = check_row(index, row)
    place, start, end = _bounds(index, row)
    tokens = _up_to(index, row, start)
    decode = index.vocabulary.decode
    doc, source = index.doc(place)
    after = index.tokens[row + 1 : min(end, row + 1 + N_AFTER)].tolist()
    texts = (decode(tokens[:-1].tolist()), decode(tokens[-1:].tolist()), decode(after))
    return Passage(key_of(tokens), *(t.replace("\0", "␀") for t in texts), doc=doc, source=source, place=row)
