"""Lists of token ids as lists of texts."""

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from saescope.index.vocabulary import Vocabulary


def with_texts(frame: pl.DataFrame, columns: list[str], vocabulary: Vocabulary) -> pl.DataFrame:
    """Replace columns of lists of token ids by lists of texts."""
    texts = pa.array(vocabulary.texts, pa.string())
    return frame.with_columns(_texts(frame[name], texts).alias(name) for name in columns)


def _texts(ids: pl.Series, texts: pa.Array) -> pl.Series:
    lists = ids.rechunk().to_arrow()
    lists = lists.combine_chunks() if isinstance(lists, pa.ChunkedArray) else lists
    first, last = lists.offsets[0].as_py(), lists.offsets[-1].as_py()
    values = pc.take(texts, lists.values.slice(first, last - first))
    offsets = pa.array(lists.offsets.to_numpy() - first, pa.int64())
    return pl.Series(pl.from_arrow(pa.LargeListArray.from_arrays(offsets, values)))
