"""What is drawn of a feature: its histogram, its place on the map, and what strength does."""

from typing import Any

import numpy as np
import polars as pl

from saescope.findings.canvas import HUE, INK, MARK, Canvas
from saescope.findings.numbers import number, share
from saescope.findings.parts import Figure

MAX_DOTS = 2000
"""Of more features an even draw is shown."""
SEED = 0


def histogram(row: dict[str, Any]) -> Figure:
    """How often a feature fires how strongly, from its row of ``scope.feature``."""
    counts = np.asarray(row["histogram"], dtype=float)
    width, height, left, top, base = 460, 150, 8, 18, 122
    most = counts.max(initial=0.0)
    told = f"Histogram of {int(counts.sum()):,} activations from 0 to {number(row['max'])}, by 32 equal bins: "
    canvas = Canvas(width, height, f"{told}{_bars(counts)}")
    step = (width - 2 * left) / max(len(counts), 1)
    for n, count in enumerate(counts):
        if count:
            tall = max(1.0, (base - top) * np.sqrt(count / most))
            canvas.box(left + n * step + 0.5, base - tall, step - 1, tall)
    canvas.line([(left, base + 0.5), (width - left, base + 0.5)])
    canvas.words(left, base + 15, "0")
    canvas.words(width / 2, base + 15, "activation", "middle")
    canvas.words(width - left, base + 15, f"max {number(row['max'])}", "end")
    canvas.words(left, 11, f"tokens (square root), largest bin {int(most):,}")
    return Figure(canvas, f"{told}\n{_bars(counts)}")


def _bars(counts: "np.ndarray[Any, Any]") -> str:
    signs = " ▁▂▃▄▅▆▇█"
    most = counts.max(initial=0.0)
    tall = np.ceil(8 * np.sqrt(counts / most)).astype(int) if most else np.zeros(len(counts), dtype=int)
    return "".join(signs[n] for n in tall)


def on_map(frame: pl.DataFrame, feature: int) -> Figure | None:
    """Where a feature lies among all others, from ``scope.map``; ``None`` when it has no place."""
    placed = frame.filter(pl.col("x").is_finite() & pl.col("y").is_finite())
    own = placed.filter(pl.col("feature") == feature)
    if own.is_empty():
        return None
    width, height, edge = 460, 300, 12
    places = placed.select("x", "y").to_numpy().astype(float)
    low, high = places.min(axis=0), places.max(axis=0)
    room = np.array([width - 2 * edge, height - 2 * edge - 14])
    to = room / np.maximum(high - low, 1e-12)

    def at(points: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
        scaled = (points - low) * to + edge
        scaled[:, 1] = height - 14 - scaled[:, 1]
        return scaled

    cluster, name = int(own["cluster"][0]), str(own["cluster_name"][0] or "")
    drawn = np.arange(len(places))
    if len(drawn) > MAX_DOTS:
        drawn = np.sort(np.random.default_rng(SEED).choice(len(places), MAX_DOTS, replace=False))
    is_same = placed["cluster"].to_numpy()[drawn] == cluster
    n_same = int((placed["cluster"] == cluster).sum())
    among = f", one of {n_same:,} of the cluster “{name}”" if name else ""
    told = f"Map of {len(places):,} features; {feature} is ringed{among}."
    canvas = Canvas(width, height, told)
    canvas.dots(at(places[drawn][~is_same]), 1.0, INK, 0.6)
    canvas.dots(at(places[drawn][is_same]), 1.6, HUE, 0.9)
    ((x, y),) = at(own.select("x", "y").to_numpy().astype(float))
    canvas.ring(x, y, 7)
    canvas.dots(np.array([[x, y]]), 2.2, MARK)
    some = f"{len(drawn):,} of {len(places):,} features" if len(drawn) < len(places) else f"{len(places):,} features"
    canvas.words(edge, height - 3, some)
    canvas.words(width - edge, height - 3, f"{feature}: x {number(own['x'][0])}, y {number(own['y'][0])}", "end")
    return Figure(canvas, told)


def sweep(frame: pl.DataFrame) -> Figure | None:
    """What the change of a log-probability or the KL is by strength, from ``scope.sweep``."""
    value = next((name for name in ("delta_logprob", "kl") if name in frame.columns), None)
    known = frame.filter(pl.col(value).is_not_null() & pl.col("strength").is_not_null()) if value else frame.clear()
    if value is None or known.height < 2:
        return None
    known = known.group_by("strength").agg(pl.col(value).mean()).sort("strength")
    x, y = known["strength"].to_numpy().astype(float), known[value].to_numpy().astype(float)
    width, height, left, right, top, base = 460, 190, 8, 8, 20, 160
    low, high = min(y.min(), 0.0), max(y.max(), 0.0)
    span, reach = max(high - low, 1e-9), max(float(x.max() - x.min()), 1e-9)
    points = [
        (left + (width - left - right) * (a - x.min()) / reach, base - (base - top) * (b - low) / span)
        for a, b in zip(x, y, strict=True)
    ]
    name = "Δ log p (nats)" if value == "delta_logprob" else "KL (nats)"
    told = f"{name} by strength from {number(x.min())} to {number(x.max())}: {number(low)} to {number(high)}."
    canvas = Canvas(width, height, told)
    zero = base + (base - top) * low / span
    if frame["natural_high"].is_not_null().any():
        natural = frame.select(pl.col("natural_low").min(), pl.col("natural_high").max()).row(0)
        ends = np.clip(np.array(natural, dtype=float), x.min(), x.max())
        first, last = left + (width - left - right) * (ends - x.min()) / reach
        canvas.box(first, top, last - first, base - top, INK, 0.15)
        canvas.words((first + last) / 2, base - 6, "natural range", "middle")
    canvas.line([(left, zero), (width - right, zero)])
    canvas.line(points, 2.0, HUE)
    canvas.dots(np.array(points), 2.5, HUE)
    canvas.words(left, 12, f"{name}: {number(low)} to {number(high)}")
    canvas.words(left, height - 8, number(x.min()))
    canvas.words(width / 2, height - 8, "strength", "middle")
    canvas.words(width - right, height - 8, number(x.max()), "end")
    return Figure(canvas, told)


def density(row: dict[str, Any]) -> str:
    """How often a feature fires, in words."""
    if row.get("density") is None:
        return "not known"
    n_fires = "" if row.get("n_fires") is None else f": {row['n_fires']:,} of {row['n_counted']:,} tokens"
    return f"{share(row['density'])}{n_fires}"
