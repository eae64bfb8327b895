"""What fires on a text that was read now, and which features tell most about it.

The page ranks the same numbers itself (``js/src/views/tryit/ranking.ts``): the formulas stand
here and there, and ``tests/unit/ranking_golden.json`` holds both to the same answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray

from saescope.errors import InputError, UnknownNameError
from saescope.index.rule import Rule
from saescope.index.store import Index

By = Literal["max", "sum", "tokens", "relative", "surprise"]
RANKINGS: tuple[By, ...] = get_args(By)

Reason = Literal["", "first", "special", "norm"]


@dataclass(frozen=True)
class TriedText:
    """A text that was read, and every nonzero activation on it.

    ``tokens`` [seq] int64, with BOS where the SAE wants it; ``texts`` and ``raws`` of each; ``reasons``
    why a token does not count (empty where it does). ``pos`` [n] uint32, ``features`` [n] uint32,
    ``values`` [n] float32: sorted by position, then by feature. ``n_tokens`` are those of the whole
    text, of which the first were read.
    """

    text: str
    tokens: NDArray[np.int64]
    texts: list[str]
    raws: list[str]
    reasons: list[Reason]
    pos: NDArray[np.uint32]
    features: NDArray[np.uint32]
    values: NDArray[np.float32]
    n_tokens: int

    @property
    def is_counted(self) -> NDArray[np.bool_]:
        """Whether each token counts, ``[seq]``."""
        return np.array([not reason for reason in self.reasons], dtype=bool)

    @property
    def is_cut(self) -> bool:
        """Whether only the first tokens of the text were read."""
        return len(self.tokens) < self.n_tokens


@dataclass(frozen=True)
class Known:
    """What an index says of some features: ``maxima`` float32, ``n_fires`` int64, of ``n_counted`` tokens."""

    features: NDArray[np.uint32]
    maxima: NDArray[np.float32]
    n_fires: NDArray[np.int64]
    n_counted: int


def reasons_of(
    is_special: NDArray[np.bool_], norms: NDArray[np.float32], rule: Rule, median_norm: float
) -> list[Reason]:
    """Why each token of a text, read as one context, does not count; empty where it does."""
    found: list[Reason] = [""] * len(is_special)
    for n, special in enumerate(is_special.tolist()):
        if n < rule.n_skipped:
            found[n] = "first"
        elif rule.skips_special and special:
            found[n] = "special"
        elif rule.max_norm_ratio is not None and median_norm and norms[n] > rule.max_norm_ratio * median_norm:
            found[n] = "norm"
    return found


def known_of(index: Index | None, features: NDArray[np.uint32]) -> Known | None:
    """What an index says of some features."""
    if index is None:
        return None
    table = index.table
    maxima = table["max"].to_numpy()[features].astype(np.float32)
    return Known(features, maxima, table["n_fires"].to_numpy()[features].astype(np.int64), index.n_counted)


def rank_features(tried: TriedText, known: Known | None, by: str = "max") -> pl.DataFrame:
    """Features that fire on the tokens of a text that count, those first that tell most.

    Parameters
    ----------
    known
        Of the features that fire, ``np.unique(tried.features)``; ``None`` without an index.
    by
        ``"max"``: the largest activation ``m``. ``"sum"``: of the activations. ``"tokens"``: the number of
        tokens on which it fires. ``"relative"``: ``m`` as a share of the largest in the index.
        ``"surprise"``: ``m log10((n_counted + 1) / (n_fires + 1))`` with the index's counts. Of an
        activation below zero the size is taken. Equal ones by number.

    Returns
    -------
    polars.DataFrame
        ``feature, max, sum, n_tokens, pos`` (of the strongest token)``, relative, surprise, density``;
        the last three are null without an index, and ``relative`` is infinite where the index has
        no firing.

    Raises
    ------
    UnknownNameError, InputError
        There is no such ranking, or it needs an index.
    """
    if by not in RANKINGS:
        raise UnknownNameError(f"features cannot be ranked by {by!r}.", hint=f"Rankings: {', '.join(RANKINGS)}.")
    if known is None and by in ("relative", "surprise"):
        raise InputError(
            f"ranking by {by} compares with an index, and there is none.", hint="Build one, or rank by max."
        )
    counts = tried.is_counted[tried.pos] & ~np.isnan(tried.values)
    pos, sizes = tried.pos[counts], np.abs(tried.values[counts].astype(np.float64))
    features, which = np.unique(tried.features[counts], return_inverse=True)
    n = len(features)
    maxima, peaks = np.zeros(n), np.zeros(n, dtype=np.uint32)
    np.maximum.at(maxima, which, sizes)
    at_peak = np.flatnonzero(sizes == maxima[which])[::-1]
    peaks[which[at_peak]] = pos[at_peak]
    columns: dict[str, Any] = {
        "feature": features,
        "max": maxima,
        "sum": np.bincount(which, weights=sizes, minlength=n),
        "n_tokens": np.bincount(which, minlength=n).astype(np.uint32),
        "pos": peaks,
        **_against(known, features, maxima),
    }
    frame = pl.DataFrame(columns)
    order = "n_tokens" if by == "tokens" else by
    return frame.sort([order, "feature"], descending=[True, False])


def _against(known: Known | None, features: NDArray[np.uint32], maxima: NDArray[np.float64]) -> dict[str, Any]:
    if known is None:
        return {name: pl.Series([None] * len(features), dtype=pl.Float64) for name in (*RANKINGS[3:], "density")}
    at = np.searchsorted(known.features, features)
    n_fires, largest = known.n_fires[at], known.maxima[at].astype(np.float64)
    relative = np.full(len(features), np.inf)
    np.divide(maxima, largest, out=relative, where=largest > 0)
    return {
        "relative": relative,
        "surprise": maxima * np.log10((known.n_counted + 1) / (n_fires + 1)),
        "density": n_fires / max(known.n_counted, 1),
    }


def leading(frames: Sequence[pl.DataFrame], n: int) -> list[int]:
    """The first ``n`` features of each ranking, each once."""
    return list(dict.fromkeys(f for frame in frames for f in frame["feature"].head(n).to_list()))
