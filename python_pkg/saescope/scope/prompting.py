"""Texts that effects are measured on: run once, and kept while they are asked about."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from saescope.errors import InputError
from saescope.scope.trying import Check, OnStage, Trying, nothing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from saescope.effects.prompt import Prompt

N_KEPT = 4

Text = str | Sequence[int]
"""A text, which gets BOS where the SAE was trained with it, or token ids, which are taken as they are."""


class Prompting(Trying):
    """The clean runs of texts."""

    @cached_property
    def _prompts(self) -> "OrderedDict[Any, Prompt]":
        return OrderedDict()

    def tokens_of(self, text: Text, *, what: str = "measuring an effect") -> "NDArray[np.int64]":
        """The token ids of a text ``[seq]`` int64, BOS included where the SAE wants it.

        Raises
        ------
        NeedsModelError
            Only an index is open.
        InputError
            It holds no token, a number that is no token, or more than the model takes.
        """
        from saescope.engine.live import TextReader

        model, sae, site = self._need_model(what)
        reader = TextReader(model.model, model.tokenizer, sae.sae, site, self._reading[1])
        if isinstance(text, str):
            tokens = reader.tokens(text)
        else:
            n_vocab = len(model.model.get_input_embeddings().weight)
            tokens = np.asarray(text)
            is_right = tokens.ndim == 1 and len(tokens) > 0 and np.issubdtype(tokens.dtype, np.integer)
            if not is_right or int(tokens.min()) < 0 or int(tokens.max()) >= n_vocab:
                raise InputError(f"a text is a string or token ids from 0 to {n_vocab - 1}, and {text!r} came.")
            tokens = tokens.astype(np.int64)
        if reader.n_most is not None and len(tokens) > reader.n_most:
            raise InputError(
                f"the text has {len(tokens):,} tokens and the model takes {reader.n_most:,}.",
                hint=f"Give a shorter text: effects on its first {reader.n_most:,} tokens would be of another text.",
                n_tokens=len(tokens),
                n_fit=reader.n_most,
            )
        return tokens

    @contextmanager
    def prompted(
        self, text: Text, *, check: Check = nothing, on_stage: OnStage = nothing, keeps: bool = True
    ) -> "Iterator[Prompt]":
        """The clean run of a text, with the model for oneself.

        Parameters
        ----------
        check
            Called between layers and batches; what it raises stops the work.
        on_stage
            Told that the model is in use elsewhere (``"waiting"``), and that the text is run (``"reading"``).
        keeps
            Whether the run is kept for the next question about the text.

        Raises
        ------
        NeedsModelError, InputError
            See `tokens_of`.
        ComputeError
            The model's output is not finite, or no effect of single features can be had from this SAE.
        """
        from saescope.effects.prompt import differentiable

        tokens = self.tokens_of(text)
        with differentiable(), self._turn(check, lambda: on_stage("waiting", len(tokens))):
            prompt = self._prompt(tokens, check, on_stage, keeps=keeps)
            prompt.run.check = check
            try:
                yield prompt
            finally:
                prompt.run.check = nothing

    def _prompt(self, tokens: "NDArray[np.int64]", check: Check, on_stage: OnStage, *, keeps: bool) -> "Prompt":
        from saescope.effects.prompt import Prompt, run_prompt, weights_version
        from saescope.engine.live import LiveText

        model, sae, site = self._need_model("measuring an effect")
        key = (tokens.tobytes(), weights_version(model.model), weights_version(sae.sae))
        if key in self._prompts:
            self._prompts.move_to_end(key)
            return self._prompts[key]
        on_stage("reading", len(tokens))
        run, nonzeros, ablator = run_prompt(model.model, sae.sae, site, tokens, check)
        norms = run.seen.float().norm(dim=-1).cpu().numpy()
        told = self._told("", LiveText(tokens, nonzeros, norms), self._reading[0], len(tokens))
        made = Prompt(tokens, told.texts, told.raws, told.is_counted, run, nonzeros, ablator, model.tokenizer)
        if keeps:
            self._prompts[key] = made
        while len(self._prompts) > N_KEPT:
            self._prompts.popitem(last=False)
        return made
