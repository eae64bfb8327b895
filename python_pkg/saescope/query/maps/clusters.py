"""Clusters of a map, at two or three levels: k-means on its two coordinates.

1. Up to ``N_SAMPLED`` places, evenly drawn, are clustered from centers chosen by k-means++.
2. Every place goes to the nearest center; a center without places is left out.
3. Clusters are numbered by size, the largest first.

Notes
-----
Source: D. Arthur, S. Vassilvitskii, k-means++ (SODA 2007). Coordinates are scaled to the spread
of the map, so that the numbers are the same whatever its unit.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from saescope.query.maps.method import Places

Ints = NDArray[np.int32]
Floats = NDArray[np.float32]

SIZES = (12, 60, 300)
"""About so many clusters at each level."""
A_CLUSTER = (24, 12, 400)
"""A level has at most one cluster for so many features; the third is for large maps."""
N_SAMPLED = 8192
N_ROUNDS = 12
BLOCK = 1 << 15
SEED = 0


@dataclass(frozen=True)
class Level:
    """One way to cut a map into clusters.

    Parameters
    ----------
    of
        The cluster of each feature, ``[d_sae]`` int32; -1 for one without a place.
    centers
        ``[n_clusters, 2]`` float32, the mean place of each.
    sizes
        Features in each, the largest first.
    """

    of: Ints
    centers: Places
    sizes: NDArray[np.int64]


def levels(places: Places) -> list[Level]:
    """The map cut into few and into many clusters, few first; levels that would be alike are one."""
    is_placed = np.asarray(np.isfinite(places).all(axis=1))
    n_placed = int(is_placed.sum())
    wanted = [min(size, max(1, n_placed // least)) for size, least in zip(SIZES, A_CLUSTER, strict=True)]
    found: list[Level] = []
    for k in wanted:
        if not found or k > 1.5 * max(len(found[-1].sizes), 1):
            found.append(cut(places, is_placed, k))
    return found


def cut(places: Places, is_placed: NDArray[np.bool_], k: int) -> Level:
    """Cut the places that there are into about ``k`` clusters."""
    of = np.full(len(places), -1, dtype=np.int32)
    used = places[is_placed].astype(np.float64)
    if not len(used):
        return Level(of, np.zeros((0, 2), dtype=np.float32), np.zeros(0, dtype=np.int64))
    scaled = ((used - used.mean(axis=0)) / max(float(used.std()), 1e-12)).astype(np.float32)
    random = np.random.default_rng(SEED)
    sample = scaled if len(scaled) <= N_SAMPLED else scaled[random.choice(len(scaled), N_SAMPLED, replace=False)]
    groups = _assign(scaled, _centers(sample, k, random))
    sizes = np.bincount(groups, minlength=k)
    order = np.argsort(-sizes, kind="stable")
    order = order[sizes[order] > 0]
    number = np.zeros(k, dtype=np.int32)
    number[order] = np.arange(len(order))
    of[is_placed] = number[groups]
    sums = np.stack([np.bincount(of[is_placed], weights=used[:, i]) for i in range(2)], axis=1)
    return Level(of, (sums / sizes[order][:, None]).astype(np.float32), sizes[order])


def _centers(sample: Floats, k: int, random: np.random.Generator) -> Floats:
    centers = sample[random.integers(len(sample), size=1)]
    far = ((sample - centers[0]) ** 2).sum(axis=1)
    for _ in range(1, k):
        total = far.sum()
        at = int(np.searchsorted(np.cumsum(far), random.random() * total)) if total > 0 else 0
        centers = np.concatenate([centers, sample[min(at, len(sample) - 1)][None]])
        far = np.minimum(far, ((sample - centers[-1]) ** 2).sum(axis=1))
    for _ in range(N_ROUNDS):
        groups = _assign(sample, centers)
        sizes = np.bincount(groups, minlength=k)
        sums = np.stack([np.bincount(groups, weights=sample[:, i], minlength=k) for i in range(2)], axis=1)
        moved = np.where(sizes[:, None] > 0, sums / np.maximum(sizes, 1)[:, None], centers).astype(np.float32)
        if np.allclose(moved, centers, atol=1e-4):
            break
        centers = moved
    return centers


def _assign(points: Floats, centers: Floats) -> Ints:
    """The nearest center of each point."""
    squares = (centers**2).sum(axis=1)
    parts = [
        (squares - 2 * points[low : low + BLOCK] @ centers.T).argmin(axis=1) for low in range(0, len(points), BLOCK)
    ]
    return np.concatenate(parts).astype(np.int32)
