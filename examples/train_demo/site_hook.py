"""Reading and replacing what a coder reads and writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from transformers import LlamaForCausalLM

from coders import Coder

Replacement = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


class _SiteReachedError(Exception):
    """Ends a forward pass whose later blocks are not needed."""


def capture_site(model: LlamaForCausalLM, coder: Coder, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what the coder reads and what it is to write, running no later block.

    Parameters
    ----------
    tokens
        Token ids ``[n_rows, seq]``, int64.

    Returns
    -------
    tuple of torch.Tensor
        Float32 ``[n_rows, seq, d_model]`` each; the same tensor twice for an SAE.
    """
    captured: list[tuple[torch.Tensor, torch.Tensor]] = []

    def stop(_module: torch.nn.Module, args: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        captured.append((args[0] if coder.is_transcoder else output, output))
        raise _SiteReachedError

    handle = coder.module(model).register_forward_hook(stop)
    try:
        with torch.no_grad():
            model(input_ids=tokens, use_cache=False)
    except _SiteReachedError:
        pass
    finally:
        handle.remove()
    return captured[0]


@contextmanager
def replaced_site(model: LlamaForCausalLM, coder: Coder, replace: Replacement) -> Iterator[None]:
    """Within the block, ``replace`` makes the written ``[n_rows, seq, d_model]`` from what is read and written."""

    def swap(_module: torch.nn.Module, args: tuple[torch.Tensor, ...], output: torch.Tensor) -> torch.Tensor:
        return replace(args[0] if coder.is_transcoder else output, output)

    handle = coder.module(model).register_forward_hook(swap)
    try:
        yield
    finally:
        handle.remove()
