"""Reading and replacing the residual stream after one block."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from transformers import LlamaForCausalLM

BLOCK = 2
SITE = f"blocks.{BLOCK}.hook_resid_post"

Replacement = Callable[[torch.Tensor], torch.Tensor]


class _SiteReachedError(Exception):
    """Ends a forward pass whose later blocks are not needed."""


def capture_site(model: LlamaForCausalLM, tokens: torch.Tensor) -> torch.Tensor:
    """Return the residual stream after the block, running no later block.

    Parameters
    ----------
    tokens
        Token ids ``[n_rows, seq]``, int64.

    Returns
    -------
    torch.Tensor
        Float32 ``[n_rows, seq, d_model]``.
    """
    captured: list[torch.Tensor] = []

    def stop(_module: torch.nn.Module, _args: object, output: torch.Tensor) -> None:
        captured.append(output)
        raise _SiteReachedError

    handle = model.model.layers[BLOCK].register_forward_hook(stop)
    try:
        with torch.no_grad():
            model(input_ids=tokens, use_cache=False)
    except _SiteReachedError:
        pass
    finally:
        handle.remove()
    return captured[0]


@contextmanager
def replaced_site(model: LlamaForCausalLM, replace: Replacement) -> Iterator[None]:
    """Within the block, ``replace`` rewrites the site's ``[n_rows, seq, d_model]``."""

    def swap(_module: torch.nn.Module, _args: object, output: torch.Tensor) -> torch.Tensor:
        return replace(output)

    handle = model.model.layers[BLOCK].register_forward_hook(swap)
    try:
        yield
    finally:
        handle.remove()
