"""All features in two dimensions, by a named method.

A method is a function ``(rows, progress) -> places``: see `Method`.
"""

import numpy as np
from numpy.typing import NDArray

from saescope.errors import ComputeError
from saescope.query.maps.method import Method, Places, Rows
from saescope.registries import Registry
from saescope.types import Progress

__all__ = ["REGISTRY", "Method", "Places", "Rows", "lay_out", "to_places"]

REGISTRY = Registry(
    "maps",
    {
        "pca": "saescope.query.maps.pca:pca",
        "umap": "saescope.query.maps.by_neighbors:umap",
    },
)


def lay_out(method: str, rows: Rows, progress: Progress) -> Places:
    """Lay the features out by a method.

    Parameters
    ----------
    method
        A name in ``REGISTRY``.
    rows
        Decoder directions ``[d_sae, d_in]``, unit rows.
    progress
        Told how it goes; raising from ``advance`` stops it.

    Returns
    -------
    numpy.ndarray
        ``[d_sae, 2]`` float32; NaN for a feature that has no direction.

    Raises
    ------
    UnknownNameError
        There is no such method.
    MissingExtraError
        It needs a package that is not installed.
    ComputeError
        What it gave has another shape.
    """
    return to_places(REGISTRY.get(method)(rows, progress), len(rows), method)


def to_places(found: NDArray[np.generic], n: int, method: str) -> Places:
    """The places of a method, checked: two numbers a feature."""
    places = np.ascontiguousarray(found, dtype=np.float32)
    if places.shape != (n, 2):
        raise ComputeError(f"the map {method!r} should have the shape {(n, 2)}, and has {places.shape}.")
    places[~np.isfinite(places).all(axis=1)] = np.nan
    return places
