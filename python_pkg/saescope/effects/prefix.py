"""Keys and values of a text's beginning, shared by all rows of a batch.

A layer of transformers' cache that hands out its prefix followed by what is new, and keeps
nothing: the prefix is never copied for longer than one layer runs.

Source: transformers' ``DynamicCache`` made without a configuration, which keeps the whole
prefix for layers with a sliding window too; their masks cut it.
"""

import inspect
from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import DynamicCache, DynamicLayer

PLAIN_LAYERS = {"full_attention", "sliding_attention", "attention"}
Pair = tuple[Tensor, Tensor]


class _PrefixLayer(DynamicLayer):
    """One layer's prefix, ``[1, n_heads, length, d_head]`` each, or none for a layer that does not run."""

    def __init__(self, pair: Pair | None, length: int) -> None:
        super().__init__()
        self._pair = pair
        self._length = length

    def update(self, key_states: Tensor, value_states: Tensor, *_args: Any, **_kwargs: Any) -> Pair:
        if self._pair is None or not self._length:
            return key_states, value_states
        keys, values = (part[:, :, : self._length].expand(len(key_states), -1, -1, -1) for part in self._pair)
        return torch.cat([keys, key_states], dim=-2), torch.cat([values, value_states], dim=-2)

    def get_seq_length(self) -> int:
        return self._length


def can_share(model: Any) -> bool:
    """Whether all of the model's layers remember by keys and values alone."""
    config = model.config.get_text_config()
    kinds = getattr(config, "layer_types", None) or ["attention"]
    takes = inspect.signature(model.forward).parameters
    return set(kinds) <= PLAIN_LAYERS and "past_key_values" in takes


def pairs_of(cache: DynamicCache, n_layers: int, n_tokens: int) -> list[Pair] | None:
    """Keys and values of each layer, or ``None`` where some layer has none of all tokens."""
    layers = cache.layers
    if len(layers) < n_layers:
        return None
    pairs: list[Pair] = []
    for layer in layers:
        keys, values = getattr(layer, "keys", None), getattr(layer, "values", None)
        if keys is None or values is None or keys.ndim != 4 or keys.shape[-2] != n_tokens:
            return None
        pairs.append((keys, values))
    return pairs


def prefix_cache(pairs: list[Pair], length: int, first: int) -> DynamicCache:
    """A cache that holds the first ``length`` tokens; layers before ``first`` do not run and hold none."""
    cache = DynamicCache()
    cache.layers[:] = [_PrefixLayer(pair if n >= first else None, length) for n, pair in enumerate(pairs)]
    return cache
