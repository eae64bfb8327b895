"""How well an SAE does, and what its index saw: figures, distributions, and what to think of them.

Thresholds are conventions, kept here in one place and told to whoever asks; they are set so
that a word of warning is rarely wrong, and so that silence proves little.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from saescope.index.store import Index
from saescope.query.filters import SINGLE_TOKEN_FROM

Grade = Literal["", "good", "fair", "poor"]
Source = Literal["index", "measured"]

DENSE = 0.1
BINS_A_DECADE = (16, 8, 4, 2)
MOST_BINS = 32
MANY_SHARDS, SAMPLED = 256, 64
RUN, N_RUNS = 1 << 10, 1 << 8
NOISE = 3.0
LEAST_DIFFERENCE = {"recovered": 0.02, "explained_variance": 0.02}
LEAST_SHARE = 0.05

MEANINGS = {
    "recovered": "share of the loss that is lost when the site is set to zero that the SAE's reconstruction keeps",
    "recovered_mean": "the same, against the site set to its mean over the sample",
    "explained_variance": "share of the variance of the activations at the site that the reconstruction keeps",
    "l0": "features that fire on a token, on average",
    "alive": "share of the features that fire on at least one token that counts",
    "dense": "share of the features that fire on more than 10 % of the tokens",
    "single_token": "share of the firing features with 95 % of their summed activation on one token",
    "loss_clean": "the model's loss as it is, nats a token",
    "loss_spliced": "its loss with the reconstruction in place of the activation, nats a token",
    "loss_zero": "its loss with the site set to zero, nats a token",
    "loss_mean": "its loss with the site set to the mean over the sample, nats a token",
    "median_norm": "median length of the activation at the site",
}
"""What each figure means, in words."""

THRESHOLDS: dict[str, tuple[float, float]] = {
    "recovered": (0.9, 0.7),
    "explained_variance": (0.6, 0.3),
    "alive": (0.7, 0.3),
    "dense": (0.01, 0.05),
}
"""From where on a figure is good, and fair; of ``dense`` up to where."""

JUDGED = ("recovered", "explained_variance")
"""The figures by which the SAE as a whole is graded: by the worse of them."""


@dataclass(frozen=True)
class Figure:
    """One number: its standard error where it has one, and the tokens (or features) it rests on."""

    name: str
    value: float | None
    error: float | None
    n: int
    source: Source

    @property
    def grade(self) -> Grade:
        """What to think of it, by ``THRESHOLDS``; nothing where there is none."""
        if self.value is None or self.name not in THRESHOLDS:
            return ""
        good, fair = THRESHOLDS[self.name]
        sign = -1 if self.name == "dense" else 1
        if sign * self.value >= sign * good:
            return "good"
        return "fair" if sign * self.value >= sign * fair else "poor"


@dataclass(frozen=True)
class Bins:
    """A histogram: ``counts`` between successive ``edges``, one more of these than of those."""

    edges: list[float]
    counts: list[int]


@dataclass(frozen=True)
class Health:
    """What an index says of its SAE.

    ``density`` and ``maxima`` are over the features that fire; ``l0`` over tokens, or ``None`` without
    postings; ``n_single`` is ``None`` while the index grows, and where an imported one does not know.
    """

    figures: list[Figure]
    n_features: int
    n_alive: int
    n_dense: int
    n_single: int | None
    density: Bins
    maxima: Bins
    l0: Bins | None
    warnings: list[str] = field(default_factory=list)

    @property
    def grade(self) -> Grade:
        """The worse of the figures that grade the whole; nothing where none is known."""
        return worst(self.figures)


def best(figures: Sequence[Figure]) -> list[Figure]:
    """Of each figure the index's, or what was measured on as many tokens, or differs from it by more than noise."""
    found: dict[str, Figure] = {}
    for figure in sorted(figures, key=lambda f: f.source == "measured"):
        before = found.get(figure.name)
        if before is None or _is_better(figure, before):
            found[figure.name] = figure
    return list(found.values())


def _is_better(now: Figure, then: Figure) -> bool:
    if now.value is None or then.value is None:
        return then.value is None
    return now.n >= then.n or differ(then, now)


def worst(figures: Sequence[Figure]) -> Grade:
    """The worst grade among the judged figures; nothing where none is known."""
    found = [figure.grade for figure in best(figures) if figure.name in JUDGED]
    order: list[Grade] = ["poor", "fair", "good"]
    for grade in order:
        if grade in found:
            return grade
    return ""


def read_health(index: Index) -> Health:
    """The figures of an index, from its tables and its manifest."""
    column, m = index.figures.column, index.manifest
    density = column("density").to_numpy()
    fires = column("n_fires").to_numpy() > 0
    origin = m.origin
    n, n_alive = origin.n_features if origin else len(fires), int(np.count_nonzero(fires))
    n_dense = int(np.count_nonzero(density > DENSE))
    knows_single = index.is_complete and not index.lacks("top_tokens")
    n_single = single_token(column("top_shares")) if knows_single else None
    loss, counted = m.loss or {}, index.n_counted
    n_loss = int(loss.get("n_tokens", 0))
    shares = [("alive", n_alive / n, n), ("dense", n_dense / n, n)]
    if n_single is not None:
        shares.append(("single_token", n_single / max(n_alive, 1), n_alive))
    figures = [
        Figure("recovered", loss.get("recovered"), loss.get("standard_error"), n_loss, "index"),
        Figure("explained_variance", m.explained_variance, None, _n_sampled(index), "index"),
        Figure("l0", None if index.lacks("features") or index.lacks("density") else index.l0, None, counted, "index"),
        *(Figure(name, value, None, of, "index") for name, value, of in shares),
        *(Figure(f"loss_{k}", loss.get(k), None, n_loss, "index") for k in ("clean", "spliced", "zero") if loss),
        *([Figure("median_norm", m.median_norm, None, counted, "index")] if m.median_norm else []),
    ]
    found = Health(
        figures=figures,
        n_features=n,
        n_alive=n_alive,
        n_dense=n_dense,
        n_single=n_single,
        density=log_bins(density[fires]),
        maxima=log_bins(np.abs(column("max").to_numpy()[fires])),
        l0=firing_bins(index),
    )
    found.warnings.extend(warnings(index, found))
    return found


def _n_sampled(index: Index) -> int:
    """Tokens that the explained variance rests on; about so many where reading it takes long."""
    if index.manifest.explained_variance is None:
        return 0
    if 0 < len(index.row_shards) <= MANY_SHARDS:
        return int(index.row_shards.quality()[0])
    return index.n_counted // SAMPLED


def single_token(top_shares: pl.Series) -> int:
    """Features with at least 95 % of their summed activation on one token."""
    return int((top_shares.list.first() >= SINGLE_TOKEN_FROM).sum())


def log_bins(values: NDArray[np.floating]) -> Bins:
    """How values above 0 are spread: equal parts of decades, as fine as gives at most 32 bins."""
    values = values[values > 0].astype(np.float64)
    if not len(values):
        return Bins([], [])
    exponents = np.log10(values)
    reach = float(exponents.max() - exponents.min())
    a_decade = next((n for n in BINS_A_DECADE if reach * n <= MOST_BINS - 2), 1)
    low, high = int(np.floor(exponents.min() * a_decade)), int(np.floor(exponents.max() * a_decade)) + 1
    which = np.clip(np.floor(exponents * a_decade).astype(np.int64) - low, 0, high - low - 1)
    edges = 10.0 ** (np.arange(low, high + 1) / a_decade)
    return Bins(edges.tolist(), np.bincount(which, minlength=high - low).tolist())


def firing_bins(index: Index) -> Bins | None:
    """How many features fire on a token: over at most 262,144 tokens that count, in even runs of the corpus."""
    if not len(index.row_shards):
        return None
    rows = _spread(index.n_rows if index.is_complete else index.manifest.n_rows)
    rows = rows[index.layout.is_counted(rows)]
    n_firing = index.row_shards.n_firing(rows)
    n_firing = n_firing[n_firing >= 0]
    if not len(n_firing):
        return None
    width = int(n_firing.max()) // MOST_BINS + 1
    counts = np.bincount(n_firing // width)
    return Bins([float(width * i) for i in range(len(counts) + 1)], counts.tolist())


def _spread(n_rows: int) -> NDArray[np.int64]:
    if n_rows <= RUN * N_RUNS:
        return np.arange(n_rows)
    starts = np.linspace(0, n_rows - RUN, N_RUNS).astype(np.int64)
    return np.unique((starts[:, None] + np.arange(RUN)).reshape(-1))


def warnings(index: Index, found: Health) -> list[str]:
    """What a person should know before believing the figures, in words."""
    by_name = {f.name: f for f in found.figures}
    n, told = index.n_counted, [] if index.manifest.origin is None else index.manifest.origin.told()
    dead = 1 - found.n_alive / found.n_features
    if not index.is_complete:
        told.append("The index is not finished: figures still move, and the loss is measured at the end.")
    if dead > 0.1:
        more = "a longer corpus may wake some" if n < 10_000_000 else "most of these are dead"
        told.append(
            f"{dead:.0%} of the features never fire on {n:,} tokens: {more}."
            if n
            else f"{dead:.0%} of the features never fire."
        )
    if found.n_dense / found.n_features > 0.01:
        told.append(f"{found.n_dense:,} features fire on more than 10 % of the tokens: the SAE is not sparse there.")
    variance, recovered = by_name["explained_variance"].value, by_name["recovered"]
    if variance is not None and variance < 0.5:
        told.append(f"Explained variance is low ({variance:.2f}): is this the site and the model that it was made for?")
    if recovered.value is not None and recovered.value < 0.8:
        told.append(f"Loss recovered is low ({recovered.value:.2f}): the reconstruction loses what the model uses.")
    if recovered.error is not None and recovered.error > 0.02:
        told.append(
            f"Loss recovered is uncertain (± {recovered.error:.2f} on {recovered.n:,} tokens): measure it on more."
        )
    if index.manifest.loss and recovered.value is None:
        told.append("The model does no worse with the site set to zero, so loss recovered has no meaning here.")
    if index.l0 > found.n_features / 10:
        told.append(f"{index.l0:,.0f} features fire on a token, more than a tenth of all: the SAE is not sparse.")
    return told


def differ(then: Figure, now: Figure) -> bool:
    """Whether two values of a figure differ by more than three standard errors, and by enough to matter."""
    if then.value is None or now.value is None or now.name not in TOLD:
        return False
    error = float(np.hypot(now.error or 0.0, then.error or 0.0))
    least = LEAST_DIFFERENCE.get(now.name, LEAST_SHARE * abs(then.value))
    return now.error is not None and abs(now.value - then.value) > max(NOISE * error, least)


def differences(index: Sequence[Figure], measured: Sequence[Figure]) -> list[str]:
    """Where a measurement and the index disagree by more than noise."""
    before = {f.name: f for f in index if f.source == "index"}
    return [
        f"{TOLD[now.name]}: the index says {then.value:.3g}, this model and SAE give {now.value:.3g} "
        f"± {now.error:.2g}. Another SAE, site or dtype?"
        for now in measured
        if (then := before.get(now.name)) is not None and differ(then, now)
    ]


TOLD = {"recovered": "Loss recovered", "explained_variance": "Explained variance", "l0": "L0"}


def health_frame(figures: Sequence[Figure]) -> pl.DataFrame:
    """Figures as a table: ``name, value, error, n, source, grade, meaning``."""
    return pl.DataFrame(
        [(f.name, f.value, f.error, f.n, f.source, f.grade, MEANINGS[f.name]) for f in figures],
        schema={
            "name": pl.String,
            "value": pl.Float64,
            "error": pl.Float64,
            "n": pl.UInt64,
            "source": pl.String,
            "grade": pl.String,
            "meaning": pl.String,
        },
        orient="row",
    )
