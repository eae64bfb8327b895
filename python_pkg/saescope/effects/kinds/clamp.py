"""The feature is held at one value."""

import numpy as np
from numpy.typing import NDArray

from saescope.effects.kinds.kind import About, Option, Subject, told


@told(
    About(
        title="clamp",
        meaning="Holds the activation at one value, whatever it is.",
        options=(
            Option("value", "what it is held at", 1),
            Option("relative", "the value is in units of its largest in the index", 1, 0, 1, is_switch=True),
        ),
        where="all",
    )
)
def clamp(subject: Subject, value: float = 1, relative: float = 1) -> NDArray[np.float32]:
    """``value``, or so many times the largest activation in the index."""
    unit = 1.0
    if relative:
        index = subject.require_index("a value in units of the feature's largest in the index")
        unit = float(index.figures.row(subject.feature, ["max"])["max"])
    return np.full_like(subject.activations, value * unit)
