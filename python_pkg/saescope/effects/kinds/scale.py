"""The feature is made stronger or weaker."""

import numpy as np
from numpy.typing import NDArray

from saescope.effects.kinds.kind import About, Option, Subject, told


@told(
    About(
        title="scale",
        meaning="Multiplies the activation where the feature fires: 2 doubles it, −1 turns it round.",
        options=(Option("factor", "what it is multiplied by", 2),),
    )
)
def scale(subject: Subject, factor: float = 2) -> NDArray[np.float32]:
    """``factor`` times what it is."""
    return (factor * subject.activations).astype(np.float32)
