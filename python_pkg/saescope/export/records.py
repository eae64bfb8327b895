"""Features as other tools show them: figures, bars, logits, and examples in bins.

1. Figures come from the feature table, by the rule of the index.
2. The bars of activations are counted from the postings; without these they are read from the fine
   histogram, which knows an activation to 1/64.
3. Logits are those of the decoder row straight through the unembedding where the model is loaded, as the
   other tools have them; else those that the index holds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from saescope.errors import InputError
from saescope.export.decoder import Decoder
from saescope.export.logits import NO_FLOATS, Floats, LogitReader, Logits
from saescope.index.choice import GROUPS
from saescope.index.examples import Window
from saescope.index.figures import Tables
from saescope.index.store import Index
from saescope.index.summary import bin_edges, counted
from saescope.query.examples import token_ids
from saescope.query.shares import Share, group_shares
from saescope.scope import Scope

N_BARS = 50
BLOCK = 128
TOP, RANDOM = "top", "random"

Units = Literal["sae", "folded"]


@dataclass(frozen=True)
class Shown:
    """An example: token texts, activations, the place of its peak, and the bin it is shown in.

    ``low`` is −1 and ``share`` −1 in the top group, as SAEDashboard has it.
    """

    group: str
    rank: int
    tokens: list[str]
    values: Floats
    peak: int
    low: float
    high: float
    share: float
    row: int
    source: str


@dataclass(frozen=True)
class Exported:
    """One feature.

    Parameters
    ----------
    density
        Share of the tokens that count on which it fires.
    heights, middles
        Bars of its activations, from the smallest to the largest: firings, and the middle of each.
    vector
        Its decoder row; empty when it is not known.
    aligned
        The largest entries of the unit decoder row: places, values, and shares of the summed magnitude.
    """

    feature: int
    n_fires: int
    density: float
    high: float
    heights: list[int]
    middles: Floats
    logits: Logits
    vector: Floats
    aligned: tuple[list[int], NDArray[np.floating], NDArray[np.floating]]
    examples: list[Shown]


@dataclass(frozen=True)
class Choice:
    """What is exported of each feature.

    Parameters
    ----------
    units
        ``"sae"``: activations as the SAE gives them; ``"folded"``: times the length of the decoder row, as
        Neuronpedia and SAEDashboard have them, with logits divided by it.
    n_top, n_an_interval
        Examples of each group, at most as many as are stored.
    has_random
        Show random examples too, in the bins they lie in.
    has_vectors
        Give the decoder rows.
    """

    units: Units = "sae"
    n_top: int = 20
    n_an_interval: int = 5
    has_random: bool = False
    has_vectors: bool = False

    def __post_init__(self) -> None:
        if self.units not in ("sae", "folded"):
            raise InputError(f"units are 'sae' or 'folded', and {self.units!r} came.")

    def size_of(self, group: str) -> int:
        """Most examples of a group."""
        if group == TOP:
            return self.n_top
        return (self.n_an_interval if group != RANDOM else self.n_an_interval * 2) if self.has(group) else 0

    def has(self, group: str) -> bool:
        """Whether a group is shown."""
        return group != RANDOM or self.has_random


class Records:
    """Reads features of a scope, block by block.

    Parameters
    ----------
    scope
        With a finished index; with the model, logits are computed now.
    choice
        What is exported.

    Raises
    ------
    InputError
        Decoder rows or their lengths are wanted and not known.
    """

    def __init__(self, scope: Scope, choice: Choice) -> None:
        self._choice = choice
        self._index: Index = scope.require_index()
        self._logits, self._decoder = LogitReader(scope), Decoder(scope)
        _ = self._index.layout.counted_mask if self._index.has_postings else None
        if choice.has_vectors and not self._decoder.is_whole:
            raise InputError("decoder rows are not in the index.", hint="Load the SAE, or leave vectors=True out.")
        if choice.units == "folded" and not self._decoder.has_norms:
            raise InputError(
                "the lengths of the decoder rows are not in the index, so nothing can be multiplied by them.",
                hint='Load the SAE, or give units="sae".',
            )

    @property
    def lens(self) -> str:
        """How logits are read: ``"raw"``, ``"norm_gain"``, or ``"none"``."""
        return self._logits.convention

    def each(self, features: Sequence[int]) -> Iterator[Exported]:
        """Features in the order given, at most 128 at a time in memory."""
        for low in range(0, len(features), BLOCK):
            block = features[low : low + BLOCK]
            windows = self._windows(block)
            for feature, logits in zip(block, self._logits.read(block), strict=True):
                yield self._one(feature, logits, windows[feature])

    def _windows(self, block: Sequence[int]) -> dict[int, list[Window]]:
        figures, found = cast("Tables", self._index.figures), {}
        for _, run in groupby(sorted(block), key=_run_of(sorted(block))):
            numbers = list(run)
            found |= dict(zip(numbers, figures.all_windows(numbers[0], numbers[-1] + 1), strict=True))
        return found

    def _one(self, feature: int, logits: Logits, windows: list[Window]) -> Exported:
        index, row = self._index, self._index.figures.row(feature)
        decoder = self._decoder
        is_folded, has_vector = self._choice.units == "folded", self._choice.has_vectors
        factor = decoder.norm(feature) if is_folded else 1.0
        heights, middles = self._bars(feature, row)
        shares = {s.name: s for s in group_shares(index, feature)}
        density = row["density"]
        return Exported(
            feature=feature,
            n_fires=row["n_fires"],
            density=density if density == density else 0.0,  # noqa: PLR0124 - NaN
            high=row["max"] * factor if row["max"] == row["max"] else 0.0,
            heights=heights,
            middles=middles * np.float32(factor),
            logits=logits.over(factor),
            vector=decoder.row(feature, is_unit=is_folded) if has_vector else NO_FLOATS,
            aligned=decoder.aligned(feature),
            examples=[e for w in windows if (e := self._example(w, shares, row["n_fires"], factor)) is not None],
        )

    def _bars(self, feature: int, row: dict[str, Any]) -> tuple[list[int], Floats]:
        """Fifty equal bars from the smallest to the largest activation; none of a feature that never fires."""
        index = self._index
        if index.has_postings:
            values = counted(index.postings.postings(feature, feature + 1), index.layout).values
            if not len(values):
                return [], NO_FLOATS
            low, high = float(values.min()), float(values.max())
            if low == high:
                return [len(values)], np.array([low], dtype=np.float32)
            counts, edges = np.histogram(values.astype(np.float64), N_BARS, (low, high))
            return counts.tolist(), ((edges[1:] + edges[:-1]) / 2).astype(np.float32)
        bins, each = row["fine_bins"], row["fine_counts"].astype(np.float64)
        if not len(bins):
            return [], NO_FLOATS
        lows, highs = bin_edges(bins)
        low, high = float(lows[0]), float(row["max"])
        places = np.stack([lows, np.minimum(highs, high)], axis=1).ravel().astype(np.float64)
        totals = np.stack([np.cumsum(each) - each, np.cumsum(each)], axis=1).ravel()
        edges = np.linspace(low, high, N_BARS + 1)
        below = np.rint(np.interp(edges[1:-1], places, totals))
        counts = np.diff(np.r_[0, below, totals[-1]]).astype(np.int64)
        return counts.tolist(), ((edges[1:] + edges[:-1]) / 2).astype(np.float32)

    def _texts(self, ids: list[int]) -> list[str]:
        known = self._index.vocabulary.texts
        try:
            return [known[t] for t in ids]
        except IndexError:
            return [self._index.vocabulary.text(t) for t in ids]

    def _example(self, window: Window, shares: dict[str, Share], n_fires: int, factor: float) -> Shown | None:
        index, group = self._index, GROUPS[window.group]
        if not self._choice.has(group) or window.rank >= self._choice.size_of(group):
            return None
        share = shares[_bin_of(window.activation, shares) if group == RANDOM else group]
        n_inside = share.n_fires + (index.n_counted - n_fires if share.low == 0 else 0)
        low, part = share.low * factor, n_inside / max(index.n_counted, 1)
        layout = index.layout
        place = int(layout.doc_starts.searchsorted(window.row, side="right")) - 1
        return Shown(
            group=group,
            rank=window.rank,
            tokens=self._texts(token_ids(index, window)),
            values=window.activations * np.float32(factor),
            peak=window.row - window.start,
            low=-1.0 if group == TOP else low,
            high=share.high * factor,
            share=-1.0 if group == TOP else part,
            row=window.row,
            source=index.doc(place)[1],
        )


def _run_of(numbers: Sequence[int]) -> Any:
    """A key that is the same for numbers that follow on each other."""
    places = {number: number - place for place, number in enumerate(numbers)}
    return lambda number: places[number]


def _bin_of(activation: float, shares: dict[str, Share]) -> str:
    inside = [s for s in shares.values() if s.name.startswith("interval") and abs(activation) <= s.high]
    return min(inside, key=lambda s: s.high).name if inside else GROUPS[2]
