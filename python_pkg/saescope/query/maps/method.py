"""What a method of drawing a map is given, and what it gives."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from saescope.types import Progress

Rows = NDArray[Any]
Places = NDArray[np.float32]


class Method(Protocol):
    """A method: any function from directions to places in the plane."""

    def __call__(self, rows: Rows, progress: Progress) -> Places:
        """Places ``[d_sae, 2]`` float32 of unit rows ``[d_sae, d_in]``, mostly float16 and mapped."""
        ...
