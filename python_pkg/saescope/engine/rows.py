"""What fires on tokens of a corpus, by running the model on them now."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from saescope.engine.encoder import Encoder
from saescope.engine.reader import SiteReader
from saescope.types import Site


def fires_on_last(
    model: Any, sae: Any, site: Site, tokens: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Features that fire on the last token of a context ``[seq]``, and their activations, by feature."""
    device = next(model.parameters()).device
    found = SiteReader(model, site).read(torch.from_numpy(tokens)[None].to(device))
    nonzeros = Encoder(sae).encode(found[0], len(tokens) - 1)
    return nonzeros.features.astype(np.int64), nonzeros.values
