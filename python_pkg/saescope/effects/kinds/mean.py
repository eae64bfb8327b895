"""The feature says what it says on average."""

import numpy as np
from numpy.typing import NDArray

from saescope.effects.kinds.kind import About, Option, Subject, told


@told(
    About(
        title="mean",
        meaning="Sets the activation to the feature's mean over the index: it no longer tells one token from another.",
        options=(
            Option("firing", "the mean where it fires, instead of over all tokens that count", 0, 0, 1, is_switch=True),
        ),
        where="all",
        needs=("index",),
    )
)
def mean(subject: Subject, firing: float = 0) -> NDArray[np.float32]:
    """``sum / n_counted`` of the index, or ``sum / n_fires``; 0 for a feature that never fires there."""
    index = subject.require_index("the mean of a feature")
    row = index.figures.row(subject.feature, ["sum", "n_fires"])
    n = int(row["n_fires"]) if firing else index.n_counted
    return np.full_like(subject.activations, float(row["sum"]) / max(n, 1))
