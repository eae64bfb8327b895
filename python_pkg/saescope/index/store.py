"""An index on disk, opened for reading."""

import os
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from saescope.errors import UnknownFeatureError, UnknownNameError
from saescope.index.arrays import map_arrays
from saescope.index.examples import ExampleFile, Window, cut_windows, windows_of
from saescope.index.layout import Layout
from saescope.index.manifest import Manifest, read_manifest
from saescope.index.shards import Shards
from saescope.index.summary import counted, top
from saescope.index.vocabulary import Vocabulary

TOKENS, DOCS, VOCABULARY = "tokens.bin", "docs.parquet", "vocabulary.parquet"
FEATURES, EXAMPLES, DIRECTIONS = "features.parquet", "examples.arrow", "directions.safetensors"


def token_dtype(vocab_size: int) -> type[np.uint16] | type[np.uint32]:
    """The type in which tokens are stored."""
    return np.uint16 if vocab_size <= 1 << 16 else np.uint32


class Index:
    """An index of what a dictionary's features fire on.

    Parameters
    ----------
    path
        The folder.

    Raises
    ------
    NoIndexError, UnfinishedIndexError, DamagedIndexError
        See `read_manifest`.
    """

    def __init__(self, path: "str | os.PathLike[str]") -> None:
        self.path = Path(path).expanduser()
        self.manifest: Manifest = read_manifest(self.path)

    def __repr__(self) -> str:
        m = self.manifest
        made_of = f"{m.sae['name']} on {m.model['name']}"
        return f"Index({str(self.path)!r}: {m.d_sae:,} features, {m.n_rows:,} tokens, {made_of})"

    @cached_property
    def table(self) -> pl.DataFrame:
        """The stored feature table, tokens as ids; one row a feature, sorted by feature."""
        return pl.read_parquet(self.path / FEATURES)

    @cached_property
    def tokens(self) -> NDArray[np.uint16 | np.uint32]:
        """Token ids of all rows, mapped."""
        return np.memmap(self.path / TOKENS, dtype=token_dtype(self.manifest.vocab_size), mode="r")

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """What the tokens stand for."""
        return Vocabulary.read(self.path / VOCABULARY)

    @cached_property
    def docs(self) -> pl.DataFrame:
        """One row a document: ``doc``, ``start`` (its first row), ``source``."""
        return pl.read_parquet(self.path / DOCS)

    @cached_property
    def layout(self) -> Layout:
        """Contexts, documents, and what counts."""
        m = self.manifest
        return Layout(
            self.tokens,
            m.context_size,
            self.docs["start"].to_numpy().astype(np.int64),
            self.vocabulary.is_special,
            m.rule["skips_first"],
            m.rule["skips_special"],
        )

    @cached_property
    def shards(self) -> Shards:
        """Postings; empty when the index was made without."""
        return Shards(self.path, self.manifest.n_shards, self.manifest.shard_rows)

    @cached_property
    def directions(self) -> dict[str, NDArray[np.float16]]:
        """Unit rows ``[d_sae, d_in]`` by name (``decoder``, ``encoder``); empty when the index holds none."""
        file = self.path / DIRECTIONS
        return map_arrays(file) if file.exists() else {}

    @cached_property
    def _examples(self) -> ExampleFile:
        return ExampleFile(self.path / EXAMPLES)

    def check_feature(self, feature: int) -> int:
        """Return the number of a feature there is.

        Raises
        ------
        UnknownFeatureError
            It is none.
        """
        return check_feature(feature, self.manifest.d_sae)

    def group(self, name: str) -> int:
        """Number of an example group."""
        groups = self.manifest.groups
        if name not in groups:
            raise UnknownNameError(f"there is no example group {name!r}.", hint=f"Groups: {', '.join(groups)}.")
        return groups.index(name)

    def windows(self, feature: int, group: str = "top", k: int = 20) -> list[Window]:
        """Examples of one feature, at most ``k``.

        More of the top group than is stored is taken from the postings, if the index has them.
        """
        feature, code = self.check_feature(feature), self.group(group)
        stored = self._examples.windows(feature, code)
        if group == "top" and k > len(stored) and self.shards:
            return self._top_from_postings(feature, k)
        return stored[:k]

    def _top_from_postings(self, feature: int, k: int) -> list[Window]:
        postings = self.shards.postings(feature, feature + 1)
        chosen = top(counted(postings, self.layout), self.layout, k)
        return windows_of(cut_windows(chosen, postings, self.layout), feature)


def check_feature(feature: int, d_sae: int) -> int:
    """Return ``feature`` as an integer in ``[0, d_sae)``, or raise `UnknownFeatureError`."""
    if isinstance(feature, bool) or not isinstance(feature, int | np.integer) or not 0 <= feature < d_sae:
        raise UnknownFeatureError(
            f"there is no feature {feature!r}: this dictionary has 0 to {d_sae - 1}.", feature=str(feature), d_sae=d_sae
        )
    return int(feature)


def open_index(path: "str | os.PathLike[str]") -> Index:
    """Open an index; needs neither torch nor the model."""
    return Index(path)
