"""An index on disk, opened for reading, finished or still growing."""

import os
import threading
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import polars.selectors as cs
from numpy.typing import NDArray

from saescope.errors import DamagedIndexError, InputError, NeedsPostingsError, UnknownFeatureError, UnknownNameError
from saescope.index.arrays import map_arrays, map_numbers
from saescope.index.choice import STORED, Wanted
from saescope.index.examples import Window
from saescope.index.figures import EXAMPLES, Figures, Growing, Tables, choose_windows
from saescope.index.layout import WINDOW_SIDE, Layout
from saescope.index.manifest import Manifest, read_manifest
from saescope.index.postings import MAX_BLOCK, POSTINGS, PostingsFile, PostingsReader, shard_name
from saescope.index.rows import RowShards, rows_name
from saescope.index.rule import Rule
from saescope.index.spans import SPANS, Spans, read_spans
from saescope.index.summary import Statistics, counted, statistics
from saescope.index.tables import DOCS_SCHEMA, read_table
from saescope.index.vocabulary import Vocabulary

TOKENS, DOCS, VOCABULARY = "tokens.bin", "docs.parquet", "vocabulary.parquet"
CONTEXTS, PLACES, DIRECTIONS = "contexts.safetensors", "token-rows.safetensors", "directions.safetensors"
MAPS = "maps.safetensors"


def token_dtype(vocab_size: int) -> type[np.uint16] | type[np.uint32]:
    """The type in which tokens are stored."""
    return np.uint16 if vocab_size <= 1 << 16 else np.uint32


class Index:
    """An index of what a dictionary's features fire on.

    Parameters
    ----------
    path
        The folder. While the index is built, what is done of it can be read; `refresh`
        takes in what was added since.

    Raises
    ------
    NoIndexError, UnfinishedIndexError, DamagedIndexError
        See `read_manifest`.
    """

    def __init__(self, path: "str | os.PathLike[str]") -> None:
        self.path = Path(path).expanduser()
        self.manifest: Manifest = read_manifest(self.path)
        self._lock = threading.Lock()
        self._taken: set[int] = set()
        if not self.is_complete:
            self.refresh()

    def __repr__(self) -> str:
        m = self.manifest
        made_of = f"{m.sae['name']} on {m.model['name']}"
        state = "" if self.is_complete else f" of {m.n_rows:,}"
        return f"Index({str(self.path)!r}: {m.d_sae:,} features, {self.n_rows:,}{state} tokens, {made_of})"

    @property
    def is_complete(self) -> bool:
        """Whether the whole corpus is in it."""
        return self.manifest.is_complete

    @property
    def folder(self) -> Path:
        """Where the parts lie."""
        return self.path / self.manifest.folder

    @property
    def n_rows(self) -> int:
        """Tokens that have been read; fewer than the manifest's while the index grows."""
        return self.manifest.n_rows if self.is_complete else self._growing.n_rows

    @property
    def n_counted(self) -> int:
        """Those of them that count."""
        return self.manifest.n_counted if self.is_complete else self._growing.n_counted

    @property
    def n_alive(self) -> int:
        """Features that fire on a token that counts."""
        return self.manifest.n_alive if self.is_complete else int(np.count_nonzero(self._growing.n_fires))

    @property
    def l0(self) -> float:
        """Features that fire on a token that counts, on average."""
        if self.is_complete:
            return self.manifest.l0
        return float(self._growing.n_fires.sum() / max(self._growing.n_counted, 1))

    def refresh(self) -> bool:
        """Take in what a running build has added; returns whether there was anything.

        Raises
        ------
        NoIndexError
            The build was given up, and its folder swept.
        """
        if self.is_complete:
            return False
        with self._lock:
            manifest = read_manifest(self.path)
            if manifest != self.manifest:
                self.manifest = manifest
                for name in CACHED:
                    self.__dict__.pop(name, None)
                self._taken = set()
                if manifest.is_complete:
                    return True
            done = [n for n in shards_done(self.folder, manifest.n_shards) if n not in self._taken]
            for number in done:
                try:
                    self._growing.add(
                        self.folder / shard_name(number), manifest.shard_starts[number], manifest.shard_rows(number)
                    )
                except DamagedIndexError:
                    if (self.folder / shard_name(number)).exists():
                        raise
                    return True  # the build has just been finished, and its shards are joined
                self._taken.add(number)
            if done:
                self.__dict__.pop("row_shards", None)
            return bool(done)

    @cached_property
    def _growing(self) -> Growing:
        return Growing(self.layout, self.manifest.d_sae)

    @cached_property
    def figures(self) -> Figures:
        """Tables, or what takes their place while the index grows."""
        return Tables(self.folder) if self.is_complete else self._growing

    @property
    def table(self) -> pl.DataFrame:
        """The feature table, tokens as ids; one row a feature, sorted by feature; null for what is not known."""
        return self.figures.frame() if self.manifest.imported is None else self._with_nulls

    @cached_property
    def _with_nulls(self) -> pl.DataFrame:
        hidden = [pl.lit(None, pl.UInt64).alias("n_fires")] if self.lacks("n_fires") else []
        return self.figures.frame().with_columns(cs.float().fill_nan(None), *hidden)

    def lacks(self, name: str) -> bool:
        """Whether an import left something out, by its name in `saescope.index.origin.MISSING`."""
        origin = self.manifest.origin
        return origin is not None and name in origin.missing

    @cached_property
    def tokens(self) -> NDArray[np.uint16 | np.uint32]:
        """Token ids of all rows, mapped."""
        return map_numbers(self.folder / TOKENS, token_dtype(self.manifest.vocab_size))

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """What the tokens stand for."""
        return Vocabulary.read(self.folder / VOCABULARY)

    @cached_property
    def docs(self) -> pl.DataFrame:
        """One row a document: ``doc``, ``start`` (its first row), ``source``."""
        return read_table(self.folder / DOCS, DOCS_SCHEMA)

    @cached_property
    def _doc_columns(self) -> tuple[NDArray[Any], pl.Series]:
        return self.docs["doc"].to_numpy(), self.docs["source"]

    def doc(self, place: int) -> tuple[int, str]:
        """Number and source of the document at a place in ``docs``."""
        numbers, sources = self._doc_columns
        return int(numbers[place]), sources[place]

    @cached_property
    def layout(self) -> Layout:
        """Contexts, documents, and what counts."""
        m = self.manifest
        rule = Rule.of(m.rule)
        knows_norms = m.is_complete and m.has_postings
        if not m.is_complete:
            rule = replace(rule, max_norm_ratio=None)
        made = Layout(
            self.tokens,
            m.context_size,
            self.docs["start"].to_numpy().astype(np.int64),
            self.vocabulary.is_special,
            rule,
            None if m.is_packed else map_arrays(self.folder / CONTEXTS)["starts"].astype(np.int64),
        )
        is_by_norm = rule.max_norm_ratio is not None and knows_norms
        return made.with_norms(self.row_shards.norms, m.median_norm) if is_by_norm else made

    def layout_for(self, rule: Rule | None) -> Layout:
        """The layout with another rule of what counts; ``None`` for the index's own.

        Raises
        ------
        NeedsPostingsError
            The rule goes by norms, and they were not kept.
        """
        rule = rule or self.layout.rule
        if rule == self.layout.rule or rule.max_norm_ratio is None:
            return self.layout.with_rule(rule)
        if not self.is_complete or not self.manifest.has_postings or self.lacks("norms"):
            raise NeedsPostingsError(
                "which tokens have an abnormal norm is not known: the index is not finished, or without postings, "
                "or imported.",
                hint="Wait for the build, or build it with postings.",
            )
        return self.layout.with_rule(rule).with_norms(self.row_shards.norms, self.manifest.median_norm)

    @cached_property
    def _postings_file(self) -> PostingsFile:
        return PostingsFile(self.folder / POSTINGS)

    @property
    def postings(self) -> PostingsReader:
        """Every nonzero activation, by feature.

        Raises
        ------
        NeedsPostingsError
            The index was made without.
        """
        if not self.is_complete:
            return self._growing.postings
        if not self.manifest.has_postings:
            raise NeedsPostingsError(
                f"this question needs every activation, and {self._why_no_postings()}.",
                hint="Build it with postings (the default).",
            )
        return self._postings_file

    @cached_property
    def row_shards(self) -> RowShards:
        """Every nonzero activation, by row; of the shards that are done."""
        m = self.manifest
        numbers = range(m.n_shards) if self.is_complete else sorted(self._taken)
        if not m.has_postings and self.is_complete:
            numbers = []
        return RowShards([self.folder / rows_name(n) for n in numbers], [m.shard_starts[n] for n in numbers])

    @cached_property
    def token_rows(self) -> dict[str, NDArray[Any]]:
        """``rows`` [n_rows] u32, sorted by token and then by row, and ``offsets`` [vocab_size + 1]."""
        return map_arrays(self.folder / PLACES)

    @cached_property
    def example_spans(self) -> Spans:
        """Where the stored examples of a finished index lie, in the order of the corpus."""
        file = self.folder / SPANS
        return Spans(**map_arrays(file)) if file.exists() else read_spans(self.folder / EXAMPLES)

    @cached_property
    def directions(self) -> dict[str, NDArray[np.float16]]:
        """Unit rows ``[d_sae, d_in]`` by name (``decoder``, ``encoder``); empty when the index holds none."""
        return {name: array for name, array in self._from_weights.items() if array.ndim > 1}

    @cached_property
    def weights(self) -> dict[str, NDArray[np.float32]]:
        """Numbers ``[d_sae]`` from the weights: ``decoder_norm, cosine, encoder_bias, threshold``, as far as known."""
        return {name: array for name, array in self._from_weights.items() if array.ndim == 1}

    @cached_property
    def _from_weights(self) -> dict[str, NDArray[Any]]:
        file = self.folder / DIRECTIONS
        return map_arrays(file) if file.exists() else {}

    @cached_property
    def maps(self) -> dict[str, NDArray[np.float32]]:
        """Places of all features ``[d_sae, 2]`` by the map's method, as the build left them; maybe none."""
        file = self.folder / MAPS
        return map_arrays(file) if file.exists() else {}

    def check_feature(self, feature: int) -> int:
        """Return the number of a feature there is.

        Raises
        ------
        UnknownFeatureError
            It is none.
        """
        return check_feature(feature, self.manifest.d_sae)

    def measure(self, first: int, end: int, rule: Rule | None = None) -> Statistics:
        """Statistics of the features ``first`` to ``end - 1``, from their postings.

        Parameters
        ----------
        first, end
            At most 4,096 features.
        rule
            What counts; by default the index's own rule.

        Raises
        ------
        InputError
            They are too many at once.
        NeedsPostingsError
            The index was made without postings.
        """
        if end - first > MAX_BLOCK:
            raise InputError(f"at most {MAX_BLOCK:,} features can be measured at once, and {end - first:,} came.")
        layout = self.layout_for(rule)
        return statistics(counted(self.postings.postings(first, end), layout), layout)

    def windows(
        self,
        feature: int,
        group: str = "top",
        k: int = 20,
        *,
        rule: Rule | None = None,
        folds: bool = True,
        n_intervals: int = STORED.n_intervals,
        side: int = WINDOW_SIDE,
    ) -> list[Window]:
        """Examples of one feature, at most ``k``.

        Stored ones where these will do; all else is asked of the postings.

        Parameters
        ----------
        group
            ``"top"``, ``"random"`` or ``"interval-1"`` to ``"interval-n"``.
        rule
            What counts; by default the index's own rule.
        folds
            Whether examples that end in the same eight tokens are shown once.
        n_intervals
            Equal parts of the range up to the maximum.
        side
            Most tokens on each side of a peak.

        Raises
        ------
        UnknownFeatureError, UnknownNameError
            There is no such feature or group.
        NeedsPostingsError
            The index was made without postings, and the stored examples do not answer.
        """
        feature = self.check_feature(feature)
        wanted = Wanted(k, k, n_intervals, k, folds)
        code = self._group(group, wanted)
        is_plain = rule in (None, self.layout.rule) and folds and n_intervals == STORED.n_intervals
        if is_plain and side == WINDOW_SIDE:
            stored = self.figures.windows(feature, code)
            if k <= len(stored) or len(stored) < _stored_size(code) or not self.has_postings:
                return stored[:k]
        return choose_windows(self.postings, self.layout_for(rule), feature, wanted, group=code, side=side)

    @property
    def has_postings(self) -> bool:
        """Whether every activation is kept, and not the examples alone."""
        return not self.is_complete or self.manifest.has_postings

    def _why_no_postings(self) -> str:
        origin = self.manifest.origin
        return f"the index was imported from {origin.kind}" if origin else "the index was made without postings"

    def _group(self, name: str, wanted: Wanted) -> int:
        if name not in wanted.groups:
            raise UnknownNameError(f"there is no example group {name!r}.", hint=f"Groups: {', '.join(wanted.groups)}.")
        return wanted.groups.index(name)


CACHED = [name for name, value in vars(Index).items() if isinstance(value, cached_property)]


def _stored_size(group: int) -> int:
    return (STORED.n_top, STORED.n_random)[group] if group < 2 else STORED.n_an_interval


def shards_done(folder: Path, n_shards: int) -> list[int]:
    """Numbers of the shards that a build has finished."""
    there = {f.name for f in folder.glob("*.safetensors")} if folder.is_dir() else set()
    return [n for n in range(n_shards) if shard_name(n) in there and rows_name(n) in there]


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
