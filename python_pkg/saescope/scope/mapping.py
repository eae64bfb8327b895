"""The map of a scope: drawn once, kept beside its index, named by what is known now."""

import json
import logging
import re
import threading
from collections.abc import Mapping as Dictionary
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from saescope.errors import ComputeError, DamagedIndexError, InputError, StoreError
from saescope.index import Index
from saescope.index.arrays import map_arrays
from saescope.progress import Bar, Silent
from saescope.query.maps import REGISTRY, Places, lay_out, to_places
from saescope.query.maps.atlas import Atlas, map_frame, words_of
from saescope.query.maps.colors import Color, color_by
from saescope.query.maps.names import Words
from saescope.scope.state import State
from saescope.types import Progress

log = logging.getLogger("saescope.maps")

FOLDER = "maps"
SAFE = re.compile(r"[a-z0-9_-]{1,64}")


class Mapping(State):
    """All features in two dimensions."""

    def map(self, method: str = "pca") -> pl.DataFrame:
        """All features in two dimensions, with their clusters.

        Parameters
        ----------
        method
            ``"pca"``: the two directions in which the decoder's rows vary most. ``"umap"``: near features stay
            near; made by `build_map`, and read here. Or one that a plug-in brings.

        Returns
        -------
        polars.DataFrame
            One row a feature: ``feature`` u32; ``x`` and ``y`` f32, NaN for a feature without a direction;
            ``cluster`` i32 (about 60 of them, by size, the largest 0; -1 without a place) and
            ``cluster_name`` (from labels, or the tokens that tell it from the others; may be empty).

        Raises
        ------
        UnknownNameError
            There is no such method.
        ComputeError
            There are no directions to go by.
        InputError
            The map takes long and has not been made: call `build_map`.

        Examples
        --------
        >>> scope.map("pca").height == scope.n_features
        True
        """
        if self.places_of(method) is None:
            if method != "pca":
                raise InputError(f"the map {method!r} has not been made yet.", hint=f'scope.build_map("{method}")')
            self.draw_map(method, Silent())
        return map_frame(self.atlas_of(method), self.cluster_names(method))

    def build_map(self, method: str = "umap", *, progress: Progress | None = None) -> pl.DataFrame:
        """Draw a map now, and keep it beside the index.

        Parameters
        ----------
        method
            As in `map`. UMAP wants ``pip install "saescope[map]"``, compares all features with all others
            (4,096: seconds, 131,072: many minutes, or one on a GPU).
        progress
            Told how it goes; by default a bar.

        Returns
        -------
        polars.DataFrame
            What `map` returns.

        Raises
        ------
        MissingExtraError
            The method needs a package that is not installed.
        UnknownNameError, ComputeError
            There is no such method, or nothing to go by.
        """
        self.draw_map(method, Bar() if progress is None else progress)
        return map_frame(self.atlas_of(method), self.cluster_names(method))

    def draw_map(self, method: str, progress: Progress) -> None:
        """Lay the features out, and keep their places."""
        places = lay_out(method, self._decoder_rows(), progress)
        with self._maps_lock:
            self._places[method] = places
            self._atlases.pop(method, None)
        if method != "pca":
            _keep(self._index, method, places)

    def places_of(self, method: str) -> Places | None:
        """The places of a map, or ``None`` where it has yet to be drawn."""
        with self._maps_lock:
            if method not in self._places:
                found = _kept(self._index, method)
                if found is None:
                    REGISTRY.get(method)
                    self._decoder_rows()
                    return None
                self._places[method] = found
            return self._places[method]

    def atlas_of(self, method: str) -> Atlas:
        """A map that has been drawn, with its clusters."""
        places = self.places_of(method)
        if places is None:
            raise InputError(f"the map {method!r} has not been made yet.", hint=f'scope.build_map("{method}")')
        with self._maps_lock:
            return self._atlases.setdefault(method, Atlas(places))

    def cluster_names(self, method: str) -> list[list[str]]:
        """The names of a map's clusters, by level."""
        labels = self.labels_of(range(self.n_features))
        key = (method, hash(frozenset(labels.items())))
        found = self._cluster_names.get(key)
        if found is None:
            found = self.atlas_of(method).names(self._map_words, labels)
            self._cluster_names.clear()
            self._cluster_names[key] = found
        return found

    def map_color(self, method: str, name: str) -> Color:
        """A number for each feature to color a map by."""
        atlas, names = self.atlas_of(method), self.cluster_names(method)
        statuses = self.statuses_of(range(self.n_features)) if name == "status" else {}
        return color_by(name, self.require_index().table, atlas.levels[0], names[0], statuses)

    def statuses_of(self, features: Any) -> Dictionary[int, str]:  # noqa: ARG002
        """The status of each of some features that has one."""
        return {}

    def renewed(self) -> None:
        """The index has changed or grown: what clusters are called is found out anew."""
        for name in ("_map_words", "_cluster_names"):
            self.__dict__.pop(name, None)
        super().renewed()

    @cached_property
    def _maps_lock(self) -> threading.RLock:
        return threading.RLock()

    @cached_property
    def _places(self) -> dict[str, Places]:
        return {}

    @cached_property
    def _atlases(self) -> dict[str, Atlas]:
        return {}

    @cached_property
    def _cluster_names(self) -> dict[Any, list[list[str]]]:
        return {}

    @cached_property
    def _map_words(self) -> Words:
        return words_of(self.require_index())

    def _decoder_rows(self) -> Any:
        rows = self._directions.get("decoder")
        if rows is None:
            raise ComputeError(
                "the map goes by the decoder's directions, and this index holds none.",
                hint="Load the SAE beside it: saescope.load(model, sae=…, index=…).",
            )
        return rows


def _kept(index: Index | None, method: str) -> Places | None:
    """The places that the index, or the folder beside its parts, holds for its SAE."""
    if index is None:
        return None
    if method in index.maps:
        return to_places(index.maps[method].copy(), index.manifest.d_sae, method)
    file = _file(index.path, method)
    if file is None or not file.exists():
        return None
    try:
        held = map_arrays(file)
        if bytes(held["sae"]).decode("utf-8", "replace") != _identity(index):
            return None
        return to_places(held[method].copy(), index.manifest.d_sae, method)
    except (DamagedIndexError, ComputeError, KeyError) as err:
        log.warning("the map at %s cannot be used: %s", file, err)
        return None


def _keep(index: Index | None, method: str, places: Places) -> None:
    """Write a map beside the index, whole or not at all; where that cannot be, it is kept in memory alone."""
    file = _file(index.path, method) if index is not None else None
    if index is None or file is None:
        return
    from safetensors.numpy import save_file

    from saescope.indexing.disk import disk_errors

    temporary = file.with_suffix(".tmp")
    try:
        with disk_errors("the map", index.path):
            file.parent.mkdir(exist_ok=True)
            save_file({method: places, "sae": np.frombuffer(_identity(index).encode(), dtype=np.uint8)}, temporary)
            temporary.replace(file)
    except StoreError as err:
        log.warning("the map is kept in memory alone: %s", err)
        temporary.unlink(missing_ok=True)


def _file(index: Path, method: str) -> Path | None:
    return index / FOLDER / f"{method}.safetensors" if SAFE.fullmatch(method) else None


def _identity(index: Index) -> str:
    return json.dumps([index.manifest.sae["fingerprint"], index.manifest.d_sae])
