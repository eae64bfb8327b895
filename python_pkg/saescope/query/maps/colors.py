"""What a map can be colored by: a number a feature, and what it means."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from saescope.errors import UnknownNameError
from saescope.query.maps.clusters import Level

Floats = NDArray[np.float32]

TAIL = 0.005
STATUSES = ("", "proposed", "checked", "rejected")
TITLES = {
    "density": "density",
    "max": "maximum",
    "mean": "mean when firing",
    "n_fires": "firing tokens",
    "status": "status",
    "cluster": "cluster",
}
"""What there is to color by, and what to call it."""
LOGARITHMIC = ("density", "n_fires")


@dataclass(frozen=True)
class Color:
    """A number for each feature, and its scale.

    Parameters
    ----------
    name
        A key of ``TITLES``.
    values
        ``[d_sae]`` float32; NaN where there is nothing to show, as for a feature that never fires.
    is_log
        Whether the scale is logarithmic.
    low, high
        Ends of the scale: half a per cent of the features lie below, and above.
    categories
        What 0, 1, … stand for, where values are no amounts.
    """

    name: str
    values: Floats
    is_log: bool = False
    low: float = 0.0
    high: float = 0.0
    categories: list[str] = field(default_factory=list)


def color_by(name: str, table: pl.DataFrame, level: Level, names: list[str], statuses: Mapping[int, str]) -> Color:
    """What a map is colored by.

    Parameters
    ----------
    table
        The feature table.
    level, names
        Clusters, and their names.
    statuses
        Of the features that have one.

    Raises
    ------
    UnknownNameError
        There is no such color.
    """
    if name == "status":
        values = np.zeros(len(table), dtype=np.float32)
        for feature, status in statuses.items():
            values[feature] = STATUSES.index(status) if status in STATUSES else 0
        return Color(name, values, categories=["none", *STATUSES[1:]])
    if name == "cluster":
        found = level.of.astype(np.float32)
        found[level.of < 0] = np.nan
        return Color(name, found, categories=names)
    if name not in TITLES:
        raise UnknownNameError(f"a map cannot be colored by {name!r}.", hint=f"By {', '.join(TITLES)}.")
    values = table[name].to_numpy().astype(np.float32)
    values[~(table["n_fires"].to_numpy() > 0) | ~np.isfinite(values)] = np.nan
    known = values[np.isfinite(values)]
    is_log = name in LOGARITHMIC
    low, high = np.quantile(known, (TAIL, 1 - TAIL)) if len(known) else (0.0, 0.0)
    return Color(name, values, is_log, float(low), float(high))
