"""Several texts from one prompt, written side by side: unsteered, and with features changed.

1. The prompt runs once for each condition, as rows of one batch through a structural clone of the model.
2. At every step each row is steered at the site (`steering`), and its next token drawn (`drawing`).
3. After every token whoever asked is told, may stop it, and others may have the model.

Row 0 is unsteered: with temperature 0 it is the model's own greedy text, token for token.
"""

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import GenerationConfig, LogitsProcessorList, StoppingCriteria, StoppingCriteriaList

from saescope.effects.clean import Check, never
from saescope.effects.steering.drawing import Draw, Sampling
from saescope.effects.steering.spelling import Speller
from saescope.effects.steering.steering import Places, Steering
from saescope.engine.clone import is_dispatched, structural_clone
from saescope.errors import ComputeError
from saescope.sources.site import find_blocks
from saescope.types import Site

Ended = Literal["", "end", "length", "broken"]


@dataclass
class Written:
    """One text as it grows.

    Parameters
    ----------
    tokens
        Ids, the one that ended it not among them.
    texts
        What the text grew by with each token: nothing where a character was not whole yet.
    ended
        Why it goes on no longer: the model ended it, it has its full length, or its logits are no numbers
        any more; empty while it goes on.
    """

    tokens: list[int] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    ended: Ended = ""

    @property
    def text(self) -> str:
        """The text."""
        return "".join(self.texts)


@dataclass(frozen=True)
class Pace:
    """How it goes: tokens a text has at most by now, a second, and at most still to come."""

    done: int
    rate: float
    seconds_left: float


OnToken = Callable[[Sequence[Written], Pace], None]


class Generator:
    """Writes texts with one model and SAE.

    Parameters
    ----------
    model, tokenizer, site
        The model is not changed; hooks of the user's own, and its generation settings, do not act here.
    check
        Called between layers; what it raises stops the writing.
    """

    def __init__(self, model: Any, tokenizer: Any, site: Site, check: Check = never) -> None:
        self._tokenizer = tokenizer
        self.site = site
        is_whole = is_dispatched(model)
        self.model = copy.copy(model) if is_whole else structural_clone(model).eval()
        for block in () if is_whole else find_blocks(self.model)[1]:
            block.register_forward_pre_hook(lambda *_: check())
        self.ends = _ends(model, tokenizer)
        self.model.generation_config = GenerationConfig(pad_token_id=self.ends[0] if self.ends else 0)
        self._device = model.get_input_embeddings().weight.device

    def run(
        self,
        prompt: NDArray[np.int64],
        steering: Steering,
        places: Places,
        sampling: Sampling,
        on_token: OnToken,
        *,
        has_cache: bool = True,
    ) -> list[Written]:
        """Write one text for each row of ``steering`` from a prompt ``[seq]``.

        Parameters
        ----------
        places
            Which tokens are steered.
        on_token
            Told the texts after each token; what it raises stops the writing, and they stay as they are.
        has_cache
            Whether keys and values of earlier tokens are kept; without, every step reads the whole text.

        Raises
        ------
        ComputeError
            The unsteered model's output is not finite, or there is no memory for so many rows.
        """
        ids = torch.from_numpy(prompt).to(self._device)[None].expand(steering.n_rows, -1)
        draw = Draw(sampling)
        rows = [Written() for _ in range(steering.n_rows)]
        spellers = [Speller(self._tokenizer, prompt.tolist()) for _ in rows]
        step = _Step(rows, spellers, self.ends, sampling, draw, places, on_token)
        with steering.attached(self.model, self.site, places):
            try:
                self.model.generate(
                    ids,
                    attention_mask=torch.ones_like(ids),
                    generation_config=GenerationConfig(
                        max_new_tokens=sampling.max_new_tokens,
                        do_sample=False,
                        use_cache=has_cache,
                        pad_token_id=self.ends[0] if self.ends else 0,
                    ),
                    logits_processor=LogitsProcessorList([draw]),
                    stopping_criteria=StoppingCriteriaList([step]),
                )
            except torch.OutOfMemoryError as err:
                raise ComputeError(
                    f"there is no memory to write {len(rows)} texts at once.",
                    hint="Give fewer strengths, a shorter prompt, or fewer new tokens.",
                ) from err
        return rows


class _Step(StoppingCriteria):
    """Takes each step's tokens, and says which texts are over."""

    def __init__(
        self,
        rows: list[Written],
        spellers: list[Speller],
        ends: Sequence[int],
        sampling: Sampling,
        draw: Draw,
        places: Places,
        on_token: OnToken,
    ) -> None:
        self._rows, self._spellers, self._ends = rows, spellers, set(ends)
        self._n_most, self._draw, self._places, self._on_token = sampling.max_new_tokens, draw, places, on_token
        self._since = time.monotonic()
        self._n_done = 0

    def __call__(self, input_ids: Tensor, scores: Any, **kwargs: Any) -> Any:
        """Whether each row is over, ``[n_rows]`` bool."""
        del scores, kwargs
        self._places.n_tokens = input_ids.shape[1]
        self._n_done += 1
        tokens, broken = input_ids[:, -1].tolist(), self._draw.is_broken.tolist()
        if broken[0]:
            raise ComputeError(
                "the model's output on this prompt is not finite, without any steering.",
                hint="Load the model in float32 or bfloat16; are its weights whole?",
            )
        for row, speller, token, is_broken in zip(self._rows, self._spellers, tokens, broken, strict=True):
            self._grow(row, speller, token, is_broken=is_broken)
        now = time.monotonic()
        if self._n_done == 1:
            self._first = now
        rate = (self._n_done - 1) / max(now - self._first, 1e-9) if self._n_done > 1 else 0.0
        left = (self._n_most - self._n_done) / rate if rate else 0.0
        self._on_token(self._rows, Pace(self._n_done, rate, left))
        return torch.tensor([bool(row.ended) for row in self._rows], device=input_ids.device)

    def _grow(self, row: Written, speller: Speller, token: int, *, is_broken: bool) -> None:
        if row.ended:
            return
        if is_broken or token in self._ends:
            row.ended = "broken" if is_broken else "end"
        else:
            row.tokens.append(token)
            row.texts.append(speller.add(token))
            row.ended = "length" if len(row.tokens) >= self._n_most else ""
        if row.ended and row.texts:
            row.texts[-1] += speller.end()


def _ends(model: Any, tokenizer: Any) -> list[int]:
    """The tokens that end a text: those of the model's generation settings, and the tokenizer's own."""
    settings = getattr(model, "generation_config", None)
    config = model.config.get_text_config()
    found: list[int] = []
    for holder in (settings, config, tokenizer):
        ends = getattr(holder, "eos_token_id", None)
        found += ends if isinstance(ends, list | tuple) else [ends] if ends is not None else []
    return list(dict.fromkeys(int(i) for i in found))


def context_limit(model: Any) -> int | None:
    """Tokens that the model takes, or ``None`` where it does not say."""
    limit = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    return int(limit) if limit else None
