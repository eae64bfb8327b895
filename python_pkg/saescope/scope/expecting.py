"""What the model expects after a text."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from saescope.errors import InputError
from saescope.scope.prompting import Prompting, Text
from saescope.scope.trying import Check, nothing

MOST_TOKENS = 1000


@dataclass(frozen=True)
class Typed:
    """What a typed text is to the model: ``ids`` of its tokens, and the probability of the first after the text."""

    text: str
    ids: list[int]
    probability: float


@dataclass(frozen=True)
class Expected:
    """The likeliest next tokens ``ids`` with their ``probabilities``, and what was typed."""

    ids: list[int]
    probabilities: list[float]
    typed: list[Typed]


class Expecting(Prompting):
    """The tokens that could follow a text."""

    def next_tokens(self, text: Text, k: int = 10) -> pl.DataFrame:
        """The tokens that the model expects after a text.

        Parameters
        ----------
        text
            A text or token ids; see `tokens_of`.
        k
            So many, 1 to 1,000.

        Returns
        -------
        polars.DataFrame
            ``token, token_id, probability, logprob`` (nats), likeliest first.

        Raises
        ------
        NeedsModelError
            Only an index is open.
        InputError, ComputeError
            See `prompted`.

        Examples
        --------
        >>> expected = scope.next_tokens("The Royal", k=5)
        >>> expected["probability"].is_sorted(descending=True)
        True
        """
        found = self.expect(text, k)
        return pl.DataFrame(
            {
                "token": pl.Series(self.texts_of(found.ids), dtype=pl.String),
                "token_id": pl.Series(found.ids, dtype=pl.Int64),
                "probability": pl.Series(found.probabilities, dtype=pl.Float64),
                "logprob": np.log(np.maximum(found.probabilities, 1e-300)),
            }
        )

    def expect(self, text: Text, k: int = 10, typed: Sequence[str] = (), *, check: Check = nothing) -> Expected:
        """The likeliest next tokens, and what typed texts are to the model."""
        from saescope.engine.lens import largest

        if isinstance(k, bool) or not isinstance(k, int) or not 1 <= k <= MOST_TOKENS:
            raise InputError(f"k is a number of tokens from 1 to {MOST_TOKENS:,}, and {k!r} came.")
        tokenizer = self._need_model("telling what could follow")[0].tokenizer
        with self.prompted(text, check=check) as prompt:
            p = prompt.ablator.output(prompt.n_tokens - 1).log_p[-1].exp()
            ids = largest(p[None], min(k, len(p)))[1][0]
            said = []
            for one in typed:
                found = tokenizer(one, add_special_tokens=False, verbose=False)["input_ids"]
                if found:
                    said.append(Typed(one, [int(i) for i in found], float(p[found[0]])))
            return Expected(ids.tolist(), p[ids].tolist(), said)

    @property
    def begins_with(self) -> int | None:
        """The token that texts begin with, if the SAE was trained with one."""
        return self._reading[1]

    def texts_of(self, ids: Sequence[int]) -> list[str]:
        """What to show for each token."""
        texts = self._pieces[0]
        return [texts[i] if i < len(texts) else f"‹token {i}›" for i in ids]

    def raws_of(self, ids: Sequence[int]) -> list[str]:
        """Each token as the tokenizer writes it."""
        raws = self._pieces[1]
        return [raws[i] if i < len(raws) else "" for i in ids]
