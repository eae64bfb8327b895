"""Tokens whose logits features raise and lower: read now where the model is loaded, else from the index."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from saescope.index.features import LENS
from saescope.scope import Scope

Floats = NDArray[np.float32]
Side = list[tuple[str, float]]

NO_FLOATS: Floats = np.zeros(0, dtype=np.float32)


@dataclass(frozen=True)
class Logits:
    """Token texts and logits per unit of activation, largest first; and a histogram over the vocabulary.

    ``heights`` and ``middles`` of its bars are empty without the model.
    """

    promoted: Side
    suppressed: Side
    heights: list[int]
    middles: Floats

    def over(self, factor: float) -> "Logits":
        """The same per unit of an activation that is so many times as large."""
        if factor in (0.0, 1.0):
            return self
        sides = [[(text, w / factor) for text, w in side] for side in (self.promoted, self.suppressed)]
        return Logits(sides[0], sides[1], self.heights, self.middles / np.float32(factor))


class LogitReader:
    """Reads logits of a scope's features.

    Parameters
    ----------
    scope
        With the model, the decoder rows are taken straight through the unembedding, as Neuronpedia and
        SAEDashboard do; without, what the index holds is given.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope, self._index = scope, scope.require_index()
        self._has_model = scope.model is not None

    @property
    def convention(self) -> str:
        """``"raw"``, ``"norm_gain"``, or ``"none"``."""
        return "raw" if self._has_model else self._index.manifest.lens

    def read(self, features: Sequence[int]) -> list[Logits]:
        """Logits of some features, at most some hundred at a time."""
        return self._computed(features) if self._has_model else [self._stored(f) for f in features]

    def _side(self, ids: NDArray[np.integer], weights: NDArray[np.floating]) -> Side:
        text = self._index.vocabulary.text
        return [(text(token), weight) for token, weight in zip(ids.tolist(), weights.tolist(), strict=True)]

    def _stored(self, feature: int) -> Logits:
        row = self._index.figures.row(feature, LENS)
        sides = [self._side(row[name], row[f"{name}_weights"]) for name in ("promoted", "suppressed")]
        return Logits(sides[0], sides[1], [], NO_FLOATS)

    def _computed(self, features: Sequence[int]) -> list[Logits]:
        from saescope.engine.lens import read_lens
        from saescope.engine.lens_bars import lens_bars
        from saescope.engine.outward import stream_rows

        scope, n_tokens = self._scope, len(self._index.vocabulary)
        with scope.lock:
            model, sae, site = scope.parts
            decoder = stream_rows(model.model, site, sae.sae.W_dec.detach()[list(features)])
            found = read_lens(scope.model, decoder, n_tokens, convention="raw")
            heights, middles = lens_bars(scope.model, decoder, n_tokens)
        return [
            Logits(
                self._side(found.promoted[n], found.promoted_weights[n]),
                self._side(found.suppressed[n], found.suppressed_weights[n]),
                heights[n].tolist(),
                middles[n],
            )
            for n in range(len(features))
        ]
