"""The plain way to the same figures: transformers' own hidden states and ``sae.encode``."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray


def cut_after(model: Any, layer: int) -> Any:
    """Drop the blocks after ``layer + 1``: the last hidden state is normed, the one before is not."""
    model.model.layers = model.model.layers[: layer + 2]
    model.config.num_hidden_layers = len(model.model.layers)
    return model


@torch.inference_mode()
def activations(
    model: Any, sae: Any, tokens: NDArray[np.int64], layer: int, context: int, features: NDArray[np.int64]
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Dense activations of some features, batch by batch.

    Yields
    ------
    tuple
        The first row of a batch, and ``[n_rows, n_features]`` float32.
    """
    step = 8 * context
    for start in range(0, len(tokens), step):
        rows = tokens[start : start + step]
        width = context if len(rows) % context == 0 else len(rows)
        if width != context and len(rows) > context:
            whole = len(rows) // context * context
            yield from _batch(model, sae, rows[:whole], start, layer, context, features)
            yield from _batch(model, sae, rows[whole:], start + whole, layer, len(rows) - whole, features)
        else:
            yield from _batch(model, sae, rows, start, layer, width, features)


def _batch(model: Any, sae: Any, rows: Any, start: int, layer: int, width: int, features: Any) -> Iterator[Any]:
    hidden = model(torch.from_numpy(rows).reshape(-1, width), output_hidden_states=True, logits_to_keep=1)
    site = hidden.hidden_states[layer + 1].reshape(len(rows), -1)
    yield start, sae.encode(site)[:, features].float().numpy()
