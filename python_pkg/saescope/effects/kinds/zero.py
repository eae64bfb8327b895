"""The feature is taken out."""

import numpy as np
from numpy.typing import NDArray

from saescope.effects.kinds.kind import About, Subject, told


@told(About(title="zero", meaning="Sets the feature's activation to 0 where it fires: as if it had not fired."))
def zero(subject: Subject) -> NDArray[np.float32]:
    """All zero."""
    return np.zeros_like(subject.activations)
