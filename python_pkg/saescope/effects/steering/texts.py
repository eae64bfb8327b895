"""All texts of one prompt: written together, then measured one by one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saescope.effects.steering.changes import Condition
from saescope.effects.steering.drawing import Sampling
from saescope.effects.steering.generating import Generator, OnToken, Pace, Written
from saescope.effects.steering.measuring import measure
from saescope.effects.steering.steering import Places, Steering, Where, first_steered, special_ids


@dataclass(frozen=True)
class Steered:
    """One written text.

    ``logprob`` and ``kl`` are nats a token (`measuring`), ``None`` where nothing was written or measured;
    ``first_difference`` is the place of the first token that is another than the unsteered text's.
    ``is_stopped`` says that somebody stopped it before it had ended.
    """

    condition: Condition
    written: Written
    logprob: float | None = None
    kl: float | None = None
    first_difference: int | None = None
    is_stopped: bool = False

    @property
    def ended(self) -> str:
        """Why the text goes on no longer: end, length, broken or stopped."""
        return "stopped" if self.is_stopped else self.written.ended


@dataclass(frozen=True)
class Those:
    """Which tokens are steered: all or the answer's, but for the first ``n_skipped`` and the special ones."""

    where: Where
    n_skipped: int
    tokenizer: Any

    def places(self, n_prompt: int) -> Places:
        """Of a prompt so long."""
        first = first_steered(self.where, n_prompt, self.n_skipped)
        return Places(first, special_ids(self.tokenizer).tolist(), n_prompt)


class Texts:
    """The texts of one prompt, the unsteered first.

    Parameters
    ----------
    sae
        A sae-lens SAE or transcoder.
    prompt
        Token ids ``[seq]``, int64.
    conditions
        One a text.
    units
        The activation that strength 1 means, by feature.
    those
        Which tokens are steered.
    """

    def __init__(
        self,
        sae: Any,
        prompt: NDArray[np.int64],
        conditions: Sequence[Condition],
        units: Mapping[int, float],
        those: Those,
    ) -> None:
        self._sae, self._prompt, self._conditions, self._units, self._those = sae, prompt, conditions, units, those
        self._steering = Steering(sae, conditions, units)
        self._rows: list[Written] = []
        self._figures: dict[int, tuple[float, float]] = {}

    @property
    def has_begun(self) -> bool:
        """Whether there is a token of any text."""
        return bool(self._rows)

    def write(self, generator: Generator, sampling: Sampling, on_token: OnToken) -> None:
        """Write them all; an interrupt leaves what is written."""

        def take(rows: Sequence[Written], pace: Pace) -> None:
            self._rows = list(rows)
            on_token(rows, pace)

        generator.run(self._prompt, self._steering, self._places(), sampling, take)

    def measure(self, generator: Generator, row: int) -> None:
        """One text's log-probability and KL."""
        tokens = self._rows[row].tokens
        if tokens:
            steering = Steering(self._sae, [self._conditions[0], self._conditions[row]], self._units)
            self._figures[row] = measure(
                generator.model, generator.site, self._prompt, tokens, steering, self._places()
            )

    def _places(self) -> Places:
        return self._those.places(len(self._prompt))

    def steered(self) -> list[Steered]:
        """The texts, with the figures there are."""
        made = []
        for row, (condition, written) in enumerate(zip(self._conditions, self._rows, strict=True)):
            logprob, kl = self._figures.get(row, (None, None))
            at = first_difference(self._rows[0].tokens, written.tokens) if row else None
            made.append(Steered(condition, written, logprob, kl, at, is_stopped=not written.ended))
        return made


def first_difference(plain: Sequence[int], other: Sequence[int]) -> int | None:
    """The first place at which two texts hold different tokens, or one of them none."""
    pairs = zip(plain, other, strict=False)
    at = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(plain), len(other)))
    return None if at == len(plain) == len(other) else at
