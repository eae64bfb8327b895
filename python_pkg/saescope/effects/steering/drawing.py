"""How the next token is drawn, so that rows can be compared.

With a temperature, token ``argmax(logits / T + g)`` is taken, ``g`` independent standard Gumbel noise: a draw
from ``softmax(logits / T)``. The noise of a step is the same for all rows and comes from one seeded
generator, so that rows differ only where their distributions do, and a row does not depend on the others.
Source: the Gumbel-max trick (Gumbel 1954; Maddison et al. 2014, "A* sampling"); nucleus (top-p) as in
Holtzman et al. (2020).
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import LogitsProcessor

from saescope.errors import InputError


@dataclass(frozen=True)
class Sampling:
    """How a text is drawn.

    Parameters
    ----------
    max_new_tokens
        Most tokens to write.
    temperature
        0 takes the likeliest token.
    top_p
        The likeliest tokens that together have this probability are drawn from, at least one.
    seed
        Of the noise.

    Raises
    ------
    InputError
        A number is out of its range.
    """

    max_new_tokens: int = 60
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not _is_whole(self.max_new_tokens) or self.max_new_tokens < 1:
            raise InputError(f"max_new_tokens is a number of tokens, at least 1, and {self.max_new_tokens!r} came.")
        if not _is_number(self.temperature) or self.temperature < 0:
            raise InputError(
                f"temperature is a number, 0 (the likeliest token) or more, and {self.temperature!r} came."
            )
        if not _is_number(self.top_p) or not 0 < self.top_p <= 1:
            raise InputError(f"top_p is a probability above 0 and at most 1, and {self.top_p!r} came.")
        if not _is_whole(self.seed) or not 0 <= self.seed < 2**63:
            raise InputError(f"seed is a whole number from 0 to 2^63 - 1, and {self.seed!r} came.")


def _is_whole(x: Any) -> bool:
    return isinstance(x, int) and not isinstance(x, bool)


def _is_number(x: Any) -> bool:
    return isinstance(x, int | float) and not isinstance(x, bool) and math.isfinite(x)


class Draw(LogitsProcessor):
    """Makes of each row's logits scores whose largest is the token drawn.

    ``is_broken`` [n_rows] bool says which rows' logits are no numbers any more.
    """

    def __init__(self, sampling: Sampling) -> None:
        self._sampling = sampling
        self._noise = torch.Generator().manual_seed(sampling.seed)
        self.is_broken = torch.zeros(0, dtype=torch.bool)

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Scores ``[n_rows, n_vocab]`` from logits of the same shape."""
        del input_ids
        top = scores.amax(-1)
        self.is_broken = (~torch.isfinite(top)).cpu()
        if self._sampling.temperature == 0:
            return scores
        scores = scores / self._sampling.temperature
        if self._sampling.top_p < 1:
            scores = nucleus(scores, self._sampling.top_p)
        return scores + self.noise(scores.shape[-1]).to(scores.device)

    def noise(self, n: int) -> Tensor:
        """Standard Gumbel noise of the next step, ``[n]`` float32."""
        return -torch.empty(n).exponential_(generator=self._noise).clamp(min=1e-30).log()


def nucleus(scores: Tensor, top_p: float) -> Tensor:
    """Scores ``[n_rows, n_vocab]`` with minus infinity for tokens outside the nucleus."""
    ordered, ids = scores.sort(dim=-1, descending=True)
    p = ordered.softmax(-1)
    is_out = p.cumsum(-1) - p >= top_p
    return scores.masked_fill(is_out.scatter(-1, ids, is_out), -math.inf)
