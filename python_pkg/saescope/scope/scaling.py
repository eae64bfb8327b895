"""In what units activations are: as the SAE gives them, or in those of the model's own activation.

1. As the SAE gives them (``"sae"``): on the scale it was trained on. Where its training multiplied activations by one
   factor, that is folded into the weights, and activations stay as they were in training.
2. Folded (``"folded"``): times the length of the decoder row, so that an activation is the length of what the feature
   writes, on the model's own scale, and features can be compared; logits per unit of activation are divided by it.

An SAE whose normalisation rescales each token by itself has no such factor, nor has a decoder that writes at several
places. Source: as ``fold_W_dec_norm`` of sae-lens, which SAEDashboard and Neuronpedia go by.
"""

from functools import cached_property
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from saescope.errors import ComputeError, InputError, UnknownNameError
from saescope.index.features import QUANTILE_NAMES
from saescope.scope.state import State

Units = Literal["sae", "folded"]
UNITS: tuple[Units, ...] = ("sae", "folded")
MEASURED = (
    "activation", "activations", "max", "mean", "std", "sum", *QUANTILE_NAMES, "low", "high", "encoder_bias",
    "threshold",
)  # fmt: skip
"""Columns in units of activation."""
SQUARED, INVERSE = ("sum_of_squares",), ("promoted_weights", "suppressed_weights", "weight")
"""Columns in its square, and per unit of it."""
OWN_NORM = ("crosscoder",)


class Scaling(State):
    """Activations in either unit."""

    @cached_property
    def _facts(self) -> dict[str, Any]:
        if self._sae is not None:
            return {"architecture": self._sae.architecture, **self._sae.scale()}
        kept = self.require_index().manifest.sae
        scale = kept.get("scale")
        return {"architecture": kept.get("architecture", ""), **(scale if isinstance(scale, dict) else {})}

    @property
    def places(self) -> list[str]:
        """Of a crosscoder, the names of its sites or models; else none."""
        if self._sae is not None:
            return list(self._sae.places or self._sae.hook_names)
        found = self._index.manifest.sae.get("places") if self._index is not None else None
        return [str(place) for place in found] if isinstance(found, list) else []

    @property
    def remarks(self) -> list[str]:
        """What of the SAE's configuration a person should know, in sentences; that of an index as it was recorded."""
        if self._sae is not None:
            return list(self._sae.remarks)
        found = self._index.manifest.sae.get("remarks") if self._index is not None else None
        return [str(remark) for remark in found] if isinstance(found, list) else []

    def units_told(self) -> str:
        """Of what activations are measured in, a sentence."""
        facts = self._facts
        kind, factor = str(facts.get("normalize_activations", "none")), facts.get("input_scale")
        if kind != "none" and "transcoder" not in facts["architecture"]:
            return f"Activations are as the SAE gives them, on activations that it rescales token by token ({kind})."
        if isinstance(factor, int | float):
            return (
                f"Activations are as the SAE gives them: it was trained on the model's activations times {factor:.4g}, "
                "and the factor is folded into its weights."
            )
        if facts.get("is_rescaled_by_decoder") or facts.get("is_decoder_folded"):
            return "Activations are as the SAE gives them, which is in units of the model's own activation."
        return (
            "Activations are as the SAE gives them; one unit writes its decoder row, whose length differs by feature."
        )

    def why_not_folded(self) -> str:
        """Why activations cannot be given folded, a sentence; empty where they can."""
        facts = self._facts
        kind = str(facts.get("normalize_activations", "none"))
        if facts["architecture"] in OWN_NORM:
            return "A crosscoder writes at several places, each with a decoder row of its own length."
        if facts["architecture"] == "temporal":
            return "A temporal SAE's decoder mixes positions."
        if kind != "none" and "transcoder" not in facts["architecture"]:
            return f"The SAE rescales each token by itself ({kind}): there is no one factor for a feature."
        is_known = facts.get("is_rescaled_by_decoder") or self._sae is not None or "decoder_norm" in self._weights
        return "" if is_known else "The lengths of the decoder rows are not in the index."

    @cached_property
    def _norms(self) -> NDArray[np.float32] | None:
        """What activations are multiplied by, ``[d_sae]``."""
        if self._facts.get("is_rescaled_by_decoder"):
            return np.ones(self.n_features, dtype=np.float32)
        if self._sae is not None:
            return self._sae.sae.W_dec.detach().float().norm(dim=-1).cpu().numpy()
        return self._weights.get("decoder_norm")

    @property
    def _weights(self) -> dict[str, NDArray[np.float32]]:
        return {} if self._index is None else self._index.weights

    def fold_factors(self) -> NDArray[np.float32]:
        """What each feature's activations are multiplied by to be folded, ``[d_sae]`` float32.

        Raises
        ------
        ComputeError
            There is no such factor.
        """
        why = self.why_not_folded()
        if why or self._norms is None:
            raise ComputeError("activations cannot be given in the model's own units.", hint=why)
        return self._norms

    def in_units(self, frame: pl.DataFrame, units: str = "folded", *, feature: int | None = None) -> pl.DataFrame:
        """A table that this scope gave, with its activations in other units.

        Parameters
        ----------
        frame
            Any table with activations as the SAE gives them, and a column ``feature``.
        units
            ``"folded"``: times the length of the feature's decoder row, which is the length of what it writes, on the
            model's own scale. ``"sae"``: as it is.
        feature
            Whose the activations are, where there is no such column.

        Returns
        -------
        polars.DataFrame
            The same rows and columns. What is in the square of an activation, or per unit of it, goes along.

        Raises
        ------
        UnknownNameError
            There are no such units.
        InputError
            Neither the table nor ``feature`` says whose the activations are.
        ComputeError
            The SAE has no factor of the kind.

        Examples
        --------
        >>> folded = scope.in_units(scope.features)
        >>> folded.columns == scope.features.columns
        True
        """
        if units not in UNITS:
            raise UnknownNameError(f"activations have no units {units!r}.", hint=f"Units: {', '.join(UNITS)}.")
        if units == "sae":
            return frame
        if feature is None and "feature" not in frame.columns:
            raise InputError("the table does not say which feature its activations are of.", hint="Give feature=….")
        numbers = np.full(frame.height, feature) if feature is not None else frame["feature"].to_numpy()
        factor = pl.Series(self.fold_factors()[numbers.astype(np.int64)])
        powers = {**dict.fromkeys(MEASURED, 1), **dict.fromkeys(SQUARED, 2), **dict.fromkeys(INVERSE, -1)}
        found = [_times(frame[name], factor**power) for name, power in powers.items() if name in frame.columns]
        return frame.with_columns(found)


def _times(column: pl.Series, factor: pl.Series) -> pl.Series:
    """Numbers, or lists of them, times a factor a row, in their own type."""
    name, kind = column.name, column.dtype
    if isinstance(kind, pl.List):
        sizes = column.list.len().fill_null(0).to_numpy()
        filled = column.to_frame().select(pl.col(name).list.eval(pl.element()))[name]
        flat = filled.explode(empty_as_null=False, keep_nulls=False).to_numpy()
        made = flat * np.repeat(factor.to_numpy(), sizes)
        rows = np.split(made, np.cumsum(sizes)[:-1]) if len(sizes) else []
        return pl.Series(name, [row.tolist() for row in rows], dtype=kind)
    return (column * factor).cast(kind).alias(name)
