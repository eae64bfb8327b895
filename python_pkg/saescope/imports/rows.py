"""Rows of the feature table and of the examples, as a source fills them."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa

from saescope.imports.foreign import TOP, Example, Feature, Weighed, group_of
from saescope.imports.texts import Texts
from saescope.index.examples import SCHEMA as EXAMPLE_SCHEMA
from saescope.index.features import QUANTILE_NAMES
from saescope.index.features import SCHEMA as FEATURE_SCHEMA
from saescope.index.summary import N_BINS

LOT = 1024
MOST_NONZEROS = 1 << 20
PRINTED = 6e-6
"""SAEDashboard prints densities in per cent to three decimals."""
UNKNOWN = ("mean", "std", "sum", "sum_of_squares", *QUANTILE_NAMES)


class FeatureRows:
    """Gathers rows of the feature table, 1,024 at a time.

    Parameters
    ----------
    texts
        Numbers the tokens that features promote.
    n_tokens
        Tokens that the figures rest on, if known.
    """

    def __init__(self, texts: Texts, n_tokens: int | None) -> None:
        self._texts, self._n_tokens = texts, n_tokens
        self._waiting: list[dict[str, Any]] = []
        self._end = 0
        self.n_known = self.n_alive = self.n_silent = self.n_hidden = 0
        self.missing: set[str] = set()
        self.estimated: set[str] = set()
        self._has_lens = False
        self._l0 = 0.0

    @property
    def l0(self) -> float:
        """Features that fire on a token, of those that are known."""
        return self._l0

    def take(self, feature: Feature) -> Iterator[pa.RecordBatch]:
        """Take a feature; gives rows when there are enough."""
        yield from self._skip(feature.number)
        self._waiting.append(self._row(feature))
        self._end = feature.number + 1
        self.n_known += 1
        self.n_silent += feature.n_silent
        self.n_hidden += feature.n_hidden
        if len(self._waiting) >= LOT:
            yield self._given()

    def rest(self, d_sae: int) -> Iterator[pa.RecordBatch]:
        """The rows that are left, up to the last feature."""
        yield from self._skip(d_sae)
        if not self._has_lens:
            self.missing.add("lens")
        if self._waiting:
            yield self._given()

    def _skip(self, end: int) -> Iterator[pa.RecordBatch]:
        """Rows without figures, for features that the source does not hold."""
        while self._end < end:
            if not self._waiting and end - self._end >= LOT:
                yield _blanks(self._end)
                self._end += LOT
                continue
            n = min(end - self._end, LOT - len(self._waiting))
            self._waiting += [_blank(number) for number in range(self._end, self._end + n)]
            self._end += n
            if len(self._waiting) >= LOT:
                yield self._given()

    def _given(self) -> pa.RecordBatch:
        rows, self._waiting = self._waiting, []
        return _batch(rows)

    def _row(self, feature: Feature) -> dict[str, Any]:
        bars, high = feature.bars, float(np.float32(feature.highest))
        n_fires, density = self._counted(feature)
        row = _blank(feature.number) | {"n_fires": n_fires, "density": density, "max": high}
        if bars is not None:
            bins, counts = bars.fine()
            row |= {"histogram": bars.counts(high).tolist(), "fine_bins": bins.tolist(), "fine_counts": counts.tolist()}
            self.estimated.add("histogram")
        elif n_fires:
            self.missing.add("histogram")
        self._has_lens = self._has_lens or bool(feature.promoted or feature.suppressed)
        self.n_alive += n_fires > 0
        self._l0 += 0.0 if np.isnan(density) else density
        return row | self._lens("promoted", feature.promoted) | self._lens("suppressed", feature.suppressed)

    def _lens(self, name: str, tokens: list[Weighed]) -> dict[str, Any]:
        ids = [self._texts.token(token.text) for token in tokens]
        return {name: ids, f"{name}_weights": [token.weight for token in tokens]}

    def _counted(self, feature: Feature) -> tuple[int, float]:
        """On how many tokens a feature fires, and on which share of them."""
        density, n_tokens = feature.density, self._n_tokens
        if feature.bars is not None:
            n_fires = feature.bars.n_fires
            exact = n_fires / n_tokens if n_tokens else None
            if exact is not None and (density is None or abs(exact - density) <= PRINTED):
                return n_fires, exact
        elif not feature.examples and not density:
            n_fires = 0
        elif density is not None and n_tokens:
            n_fires = max(round(density * n_tokens), 1)
            self.estimated.add("n_fires")
        else:
            n_fires = sum(int(np.count_nonzero(e.values)) for e in feature.examples)
            self.missing.add("n_fires")
        if density is None and n_fires:
            self.missing.add("density")
        return n_fires, density if density is not None else (np.nan if n_fires else 0.0)


def _batch(rows: list[dict[str, Any]]) -> pa.RecordBatch:
    arrays = [pa.array([row[field.name] for row in rows], field.type) for field in FEATURE_SCHEMA]
    return pa.record_batch(arrays, schema=FEATURE_SCHEMA)


@cache
def _lot() -> pa.RecordBatch:
    return _batch([_blank(number) for number in range(LOT)])


def _blanks(first: int) -> pa.RecordBatch:
    """A lot of rows without figures."""
    at = FEATURE_SCHEMA.get_field_index("feature")
    numbers = pa.array(np.arange(first, first + LOT), FEATURE_SCHEMA.field(at).type)
    arrays = [numbers if n == at else column for n, column in enumerate(_lot().columns)]
    return pa.record_batch(arrays, schema=FEATURE_SCHEMA)


def _blank(number: int) -> dict[str, Any]:
    row: dict[str, Any] = {field.name: [] if pa.types.is_list(field.type) else np.nan for field in FEATURE_SCHEMA}
    return row | {"feature": number, "n_fires": 0, "histogram": [0] * N_BINS}


class ExampleRows:
    """Gathers examples, about a million activations at a time.

    Parameters
    ----------
    texts
        Holds what they are about.
    """

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._waiting: list[tuple[Any, ...]] = []
        self._n_waiting = 0

    def take(self, feature: Feature) -> Iterator[pa.RecordBatch]:
        """Take all examples of a feature; gives rows when there are enough."""
        highest = feature.highest
        grouped: dict[int, list[Example]] = {}
        for example in feature.examples:
            grouped.setdefault(group_of(example, highest), []).append(example)
        grouped.get(TOP, []).sort(key=lambda e: -abs(e.activation))
        for group, examples in sorted(grouped.items()):
            for rank, example in enumerate(examples):
                self._add(feature.number, group, rank, example)
        if self._n_waiting >= MOST_NONZEROS:
            yield self._given()

    def rest(self) -> Iterator[pa.RecordBatch]:
        """What is left."""
        if self._waiting:
            yield self._given()

    def _add(self, feature: int, group: int, rank: int, example: Example) -> None:
        start = self._texts.place(example.tokens, example.source)
        offsets = np.flatnonzero(example.values)
        values = example.values[offsets]
        self._n_waiting += len(offsets)
        row, length = start + example.peak, len(example.tokens)
        activation = example.activation
        self._waiting.append((feature, group, rank, row, activation, 0, start, length, offsets, values))

    def _given(self) -> pa.RecordBatch:
        columns = list(zip(*self._waiting, strict=True))
        self._waiting, self._n_waiting = [], 0
        borders = pa.array(np.r_[0, np.cumsum([len(offsets) for offsets in columns[8]])], pa.int32())
        lists = [
            pa.ListArray.from_arrays(borders, pa.array(np.concatenate(columns[8]).astype(np.uint16))),
            pa.ListArray.from_arrays(borders, pa.array(np.concatenate(columns[9]))),
        ]
        plain = [pa.array(c, f.type) for c, f in zip(columns[:8], EXAMPLE_SCHEMA, strict=False)]
        return pa.record_batch([*plain, *lists], schema=EXAMPLE_SCHEMA)
