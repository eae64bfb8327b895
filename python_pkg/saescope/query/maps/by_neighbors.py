"""The map by neighborhoods: near features stay near, and far distances mean little.

1. The 15 nearest decoder rows of each feature are found exactly.
2. UMAP makes a fuzzy graph of them and lays it out, from the principal components on.

Notes
-----
Source: L. McInnes, J. Healy, J. Melville, UMAP (2018), arXiv:1802.03426, as umap-learn has it.
Differs: neighbors are exact, not approximate, and the layout begins at the principal components.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saescope.errors import MissingExtraError
from saescope.index.plane import has_direction, principal_plane
from saescope.progress import Silent
from saescope.query.maps.method import Places, Rows
from saescope.query.maps.nearest import nearest
from saescope.types import Progress

N_NEIGHBORS, MIN_DIST, SPREAD = 15, 0.1, 1.0
N_EPOCHS_SMALL, N_EPOCHS_LARGE, LARGE = 500, 200, 10_000
SEED = 0


def umap(rows: Rows, progress: Progress) -> Places:
    """Lay features out by UMAP.

    Raises
    ------
    MissingExtraError
        umap-learn is not installed.
    """
    made = _require()
    is_placed = np.concatenate([has_direction(rows[s : s + LARGE]) for s in range(0, len(rows), LARGE)] or [[]])
    numbers = np.flatnonzero(is_placed)
    places = np.full((len(rows), 2), np.nan, dtype=np.float32)
    if len(numbers) <= 3:
        places[numbers] = principal_plane(rows[numbers], Silent()) if len(numbers) else 0
        return places
    used = rows if len(numbers) == len(rows) else rows[numbers]
    of, distances = nearest(used, min(N_NEIGHBORS, len(used) - 1), progress)
    places[numbers] = _laid_out(made, _begun(used), of, distances, progress)
    return places


def _require() -> Any:
    try:
        umap = import_module("umap")
        import_module("umap.layouts")
    except ImportError as err:
        raise MissingExtraError(
            "the map by UMAP needs umap-learn, which is not installed.", hint='pip install "saescope[map]"'
        ) from err
    return umap


def _begun(rows: Rows) -> NDArray[np.float32]:
    """The principal components at the size from which UMAP likes to begin."""
    begun = principal_plane(rows, Silent())
    noise = np.random.default_rng(SEED).normal(scale=1e-4, size=begun.shape)
    return (begun / max(float(np.abs(begun).max()), 1e-12) * 10 + noise).astype(np.float32)


def _laid_out(made: Any, begun: NDArray[np.float32], of: Any, distances: Any, progress: Progress) -> Places:
    random = np.random.RandomState(SEED)
    n_epochs = N_EPOCHS_SMALL if len(begun) <= LARGE else N_EPOCHS_LARGE
    graph, *_ = made.umap_.fuzzy_simplicial_set(
        begun, of.shape[1], random, "cosine", knn_indices=of.astype(np.int32), knn_dists=distances
    )
    a, b = made.umap_.find_ab_params(SPREAD, MIN_DIST)
    progress.start("Laying out", n_epochs, "epoch")
    with _watched(made.layouts, progress):
        found, *_ = made.umap_.simplicial_set_embedding(
            begun,
            graph,
            2,
            initial_alpha=1.0,
            a=a,
            b=b,
            gamma=1.0,
            negative_sample_rate=5,
            n_epochs=n_epochs,
            init=begun,
            random_state=random,
            metric="euclidean",
            metric_kwds={},
            densmap=False,
            densmap_kwds={},
            output_dens=False,
        )
    progress.finish()
    return np.asarray(found, dtype=np.float32)


@contextmanager
def _watched(layouts: Any, progress: Progress) -> Iterator[None]:
    """Tell of each epoch in place of umap-learn's progress bar: it has no other way to be stopped."""

    def epochs(numbers: Iterable[int], **_options: Any) -> Iterator[int]:
        for number in numbers:
            yield number
            progress.advance(1)

    before = layouts.tqdm
    layouts.tqdm = epochs
    try:
        yield
    finally:
        layouts.tqdm = before
