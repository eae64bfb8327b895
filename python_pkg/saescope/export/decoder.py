"""Decoder rows of a scope's features: from the loaded SAE, or as the index holds them, in half precision."""

import numpy as np
from numpy.typing import NDArray

from saescope.export.logits import NO_FLOATS, Floats
from saescope.scope import Scope

N_ALIGNED = 3
TINY = 1e-30


class Decoder:
    """Decoder rows.

    Parameters
    ----------
    scope
        With the SAE or an index; either may know less than all.
    """

    def __init__(self, scope: Scope) -> None:
        self._sae = scope.sae
        index = scope.require_index()
        if self._sae is not None:
            self._norms = self._sae.W_dec.detach().float().norm(dim=-1).cpu().numpy()
            self._rows = None
        else:
            self._norms, self._rows = index.weights.get("decoder_norm"), index.directions.get("decoder")

    @property
    def has_norms(self) -> bool:
        """Whether the lengths of the rows are known."""
        return self._norms is not None

    @property
    def is_whole(self) -> bool:
        """Whether the rows are known with their lengths."""
        return self.has_norms and (self._sae is not None or self._rows is not None)

    def norm(self, feature: int) -> float:
        """Length of a row; 1 where it is not known."""
        return 1.0 if self._norms is None else float(self._norms[feature])

    def row(self, feature: int, *, is_unit: bool = True) -> Floats:
        """A row, of length 1 or its own; empty where it is not known."""
        if self._sae is not None:
            own = self._sae.W_dec.detach()[feature].float().cpu().numpy()
            return own / np.float32(max(self.norm(feature), TINY)) if is_unit else own
        if self._rows is None:
            return NO_FLOATS
        unit = self._rows[feature].astype(np.float32)
        return unit if is_unit else unit * np.float32(self.norm(feature))

    def aligned(self, feature: int) -> tuple[list[int], NDArray[np.floating], NDArray[np.floating]]:
        """The three largest entries of the unit row: places, values, and shares of the summed magnitude."""
        row = self.row(feature)
        sizes = np.abs(row)
        places = np.argsort(-sizes, kind="stable")[:N_ALIGNED]
        return places.tolist(), row[places], sizes[places] / max(float(sizes.sum()), TINY)
