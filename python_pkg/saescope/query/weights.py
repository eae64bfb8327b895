"""What an SAE's weights say of one feature, as far as an index holds it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from saescope.index.store import Index


@dataclass(frozen=True)
class Weights:
    """Numbers from the weights of one feature; ``None`` for what is not known.

    Parameters
    ----------
    cosine
        Between encoder and decoder direction, in [-1, 1].
    encoder_bias
        What the encoder adds to the pre-activation.
    threshold
        What the pre-activation must exceed to fire (JumpReLU); 0 or more.
    decoder_norm
        Length of the decoder row: how far one unit of activation moves the model's activation.
    relative_norm, place_cosine
        Of crosscoders: see `saescope.sources.crosscoder.shares`.
    """

    cosine: float | None = None
    encoder_bias: float | None = None
    threshold: float | None = None
    decoder_norm: float | None = None
    relative_norm: float | None = None
    place_cosine: float | None = None

    @classmethod
    def of(cls, facts: dict[str, Any], at: int) -> "Weights":
        """One feature's from arrays by name."""
        return cls(**{name: float(values[at]) for name, values in facts.items() if name in cls.__dataclass_fields__})


def weights_of(index: Index, feature: int) -> Weights:
    """Those that an index holds; in one of an older make only the cosine, from its directions in half precision."""
    feature = index.check_feature(feature)
    if index.weights:
        return Weights.of(index.weights, feature)
    return Weights(cosine=_cosine(index, feature))


def _cosine(index: Index, feature: int) -> float | None:
    rows = [
        index.directions[name][feature].astype(np.float32)
        for name in ("encoder", "decoder")
        if name in index.directions
    ]
    if len(rows) < 2 or rows[0].shape != rows[1].shape:
        return None
    lengths = [float(np.linalg.norm(r)) for r in rows]
    return float(rows[0] @ rows[1]) / (lengths[0] * lengths[1]) if all(lengths) else None
