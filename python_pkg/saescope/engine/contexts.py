"""What some features do on a stretch of a context, by running the model on it now."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from saescope.engine.encoder import Encoder
from saescope.engine.reader import SiteReader
from saescope.types import Site


class ContextReader:
    """Runs contexts to the site, one at a time.

    Parameters
    ----------
    model, sae, site
        A transformers model, a sae-lens SAE, and where it reads.
    """

    def __init__(self, model: Any, sae: Any, site: Site) -> None:
        self._reader = SiteReader(model, site)
        self._encoder = Encoder(sae)
        self._device = next(model.parameters()).device

    def activations(self, tokens: NDArray[Any], first: int, features: Sequence[int]) -> NDArray[np.float32]:
        """Activations of some features from one position of a context on.

        Parameters
        ----------
        tokens
            The context from its first token on, as far as is wanted, ``[seq]``.
        first
            Position to begin with.
        features
            Feature numbers, in any order.

        Returns
        -------
        NDArray
            float32 ``[n_features, seq - first]``.
        """
        ids = torch.from_numpy(tokens.astype(np.int64))[None].to(self._device)
        found = self._encoder.encode(self._reader.read(ids)[0], first)
        result = np.zeros((len(features), len(tokens) - first), dtype=np.float32)
        for line, feature in zip(result, features, strict=True):
            is_own = found.features == feature
            line[found.rows[is_own]] = found.values[is_own]
        return result
