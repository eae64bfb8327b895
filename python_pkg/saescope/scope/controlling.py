"""Features that a feature's effect is compared with."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import polars as pl

from saescope.errors import InputError, NeedsModelError
from saescope.index.store import check_feature
from saescope.query.controls import choose_controls
from saescope.query.neighbors import REGISTRY, Space
from saescope.scope.expecting import Expecting

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

N_CONTROLS = 3
MOST_CONTROLS = 50


class Controlling(Expecting):
    """Matched controls."""

    @cached_property
    def _drawn(self) -> dict[Any, pl.DataFrame]:
        return {}

    def controls(
        self, feature: int, n: int = N_CONTROLS, *, seed: int = 0, avoided: Sequence[int] = ()
    ) -> pl.DataFrame:
        """Features of like density and decoder norm, and not near the feature: what its effect is compared with.

        Of the 32 most alike in both, among those whose decoder direction has a cosine below 0.2 to the
        feature's, either way, and that fire in the index, ``n`` are drawn. Without an index only the norm is compared.

        Parameters
        ----------
        n
            So many, at most 50.
        seed
            Another one draws others.
        avoided
            Features that are no control.

        Returns
        -------
        polars.DataFrame
            ``feature, norm`` (of the decoder row)``, density`` (null without an index)``, cosine`` (with the feature).

        Raises
        ------
        UnknownFeatureError, InputError
            There is no such feature, or ``n`` is out of range.
        NeedsModelError
            Neither an SAE nor its directions are there.
        ComputeError
            There are not so many features that are far enough.

        Examples
        --------
        >>> bool((scope.controls(11)["cosine"].abs() < 0.2).all())
        True
        """
        feature = check_feature(feature, self.n_features)
        if isinstance(n, bool) or not isinstance(n, int) or not 0 <= n <= MOST_CONTROLS:
            raise InputError(f"the number of controls is from 0 to {MOST_CONTROLS}, and {n!r} came.")
        index = self._index
        key = (feature, n, seed, tuple(avoided), index and (id(index), index.n_rows))
        if key not in self._drawn:
            directions, norms = self._directions, self._norms
            if norms is None or "decoder" not in directions:
                raise NeedsModelError(
                    "finding controls needs the SAE's directions, and this index holds none.",
                    hint="Load all three: saescope.load(model, sae=…, index=…).",
                )
            cosines = REGISTRY.get("decoder")(Space(directions, index), feature).values
            densities = None if index is None else index.figures.column("density").to_numpy()
            self._drawn[key] = choose_controls(feature, cosines, norms, densities, n, seed=seed, avoided=avoided)
        return self._drawn[key]

    @cached_property
    def _norms(self) -> "NDArray[np.float32] | None":
        """Lengths of the decoder rows, where they are known."""
        if self._sae is None:
            return None if self._index is None else self._index.weights.get("decoder_norm")
        from saescope.engine.directions import weight_facts

        return weight_facts(self._sae.sae)["decoder_norm"]
