"""A map with its clusters and their names."""

from collections.abc import Mapping
from functools import cached_property

import numpy as np
import polars as pl

from saescope.index.store import Index
from saescope.query.maps.clusters import Level, levels
from saescope.query.maps.method import Places
from saescope.query.maps.names import Words, label_words, name_clusters, token_words


class Atlas:
    """All features in the plane, cut into named clusters.

    Parameters
    ----------
    places
        ``[d_sae, 2]`` float32; NaN for a feature without a place.
    """

    def __init__(self, places: Places) -> None:
        self.places = places

    @cached_property
    def levels(self) -> list[Level]:
        """Ways to cut it into clusters, the coarsest first; there is one at least."""
        return levels(self.places)

    def names(self, tokens: Words, labels: Mapping[int, str]) -> list[list[str]]:
        """The names of the clusters of each level.

        Parameters
        ----------
        tokens
            What the features fire on.
        labels
            What people call them.
        """
        written = label_words(labels, len(self.places))
        return [name_clusters(level, tokens, written) for level in self.levels]


def words_of(index: Index) -> Words:
    """What the features of an index fire on, as words."""
    return token_words(index.table["top_tokens"], index.vocabulary.texts)


def map_frame(atlas: Atlas, names: list[list[str]]) -> pl.DataFrame:
    """A map as a table, with the finer one of two levels of clusters."""
    at = min(1, len(atlas.levels) - 1)
    of = atlas.levels[at].of
    called = pl.Series([*names[at], ""], dtype=pl.String)
    return pl.DataFrame(
        {
            "feature": np.arange(len(of), dtype=np.uint32),
            "x": atlas.places[:, 0],
            "y": atlas.places[:, 1],
            "cluster": of,
            "cluster_name": called.gather(np.where(of < 0, len(called) - 1, of).tolist()),
        }
    )
