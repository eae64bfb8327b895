"""Lists of token ids as lists of texts."""

import polars as pl
import pyarrow as pa

from saescope.index.arrays import numbers_of, series_of
from saescope.index.vocabulary import Vocabulary


def with_texts(frame: pl.DataFrame, columns: list[str], vocabulary: Vocabulary) -> pl.DataFrame:
    """Replace columns of lists of token ids by lists of texts."""
    return frame.with_columns(_texts(frame[name], vocabulary.series).alias(name) for name in columns)


def _texts(ids: pl.Series, texts: pl.Series) -> pl.Series:
    lists = ids.rechunk().to_arrow()
    lists = lists.combine_chunks() if isinstance(lists, pa.ChunkedArray) else lists
    offsets = numbers_of(lists.offsets)
    first, last = offsets[0], offsets[-1]
    values = texts.gather(series_of(lists.values.slice(first, last - first))).to_arrow()
    starts = pa.Array.from_buffers(pa.int64(), len(offsets), [None, pa.py_buffer(offsets - first)])
    return series_of(pa.LargeListArray.from_arrays(starts, values))
