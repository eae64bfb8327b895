"""Which features a prediction is due to."""

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from saescope.errors import InputError
from saescope.scope.prompting import Prompting, Text
from saescope.scope.trying import Check, OnStage, nothing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from saescope.effects.attribution.question import Part, Question
    from saescope.effects.prompt import Prompt
    from saescope.effects.targets import Target

By = Literal["pair", "feature", "token"]
UNITS = ("pair", "feature", "token")
N_VERIFIED, PER_SHOWN = 30, 3
LET_OTHERS_S = 0.002


class Attributing(Prompting):
    """Attribution of a prediction to the features that fire on its text."""

    def attribute(
        self,
        text: Text,
        target: "Target" = None,
        method: str = "gradient",
        *,
        by: By = "pair",
        pos: int | Sequence[int] | None = None,
        k: int | None = None,
    ) -> pl.DataFrame:
        """How much of a prediction each feature that fires on a text gets credit for.

        What is attributed is the log-probability of a token after the whole text, in nats, or the logit of one
        token less that of another. Positive means that the feature, as it fires, raises it; an exact
        attribution is minus the change under zero ablation.

        Parameters
        ----------
        text
            A text, or token ids.
        target
            The token, as text or id, or a pair to contrast; by default the likeliest.
        method
            ``"gradient"``: activation times slope, one backward pass for all. ``"direct"``: what it writes to
            the output straight, through the final norm as it was; 0 but at the last position. ``"integrated"``:
            the slope averaged on the way from none of these features firing; adds up to the effect of turning all
            off. ``"exact"``: each is taken out and the model run again; slow for many. ``"activation"``:
            how strongly it fires. More from plug-ins: ``saescope.effects.attribution.REGISTRY``.
        by
            ``"pair"``: each feature at each position. ``"feature"``: at all positions together; ``pos`` is where it is
            strongest. ``"token"``: all features of a position together; ``feature`` is the strongest. Together
            means added up, of exact effects taken out at once, of activations the largest.
        pos
            Positions whose features get credit, from the end when negative; by default all that count by the
            index's rule.
        k
            So many of the largest, by size. With ``method="exact"`` those are found among the ``3 k``, and at least
            30, that lead by gradient or by summed activation; without ``k`` all are measured.

        Returns
        -------
        polars.DataFrame
            ``feature, pos, token, activation, attribution, method, is_exact, baseline``, the largest by size first.

        Raises
        ------
        NeedsModelError
            Only an index is open.
        InputError, UnknownNameError
            The target is not one token, the text is too long or empty, a position lies outside of it, or there is no
            such method.
        ComputeError
            The output or its slope is not finite.

        Examples
        --------
        >>> scope.attribute("The Royal", method="gradient").filter(pl.col("is_exact")).height
        0
        """
        if by not in UNITS:
            raise InputError(f"attribution is by {', '.join(UNITS)}, and {by!r} came.")
        n_shown = None if k is None else counted(k, "k")
        with self.prompted(text) as prompt:
            question = self.question(prompt, target, by, pos)
            if method == "exact" and n_shown is not None:
                likely = candidates(question, figures_of(question, "gradient"))
                question = question.only(likely[: max(PER_SHOWN * n_shown, N_VERIFIED)])
            found = figures_of(question, method)
        frame = _frame(prompt, question, found, method)
        return frame if n_shown is None else frame.head(n_shown)

    def question(
        self, prompt: "Prompt", target: "Target" = None, by: By = "pair", pos: int | Sequence[int] | None = None
    ) -> "Question":
        """What an attribution method is asked of a prompt; the parameters are those of `attribute`.

        Raises
        ------
        InputError
            The target is not one token, or a position lies outside of the text.
        """
        from saescope.effects.attribution.question import Question, Units

        aimed = prompt.aim(target)
        meant = prompt.counted if pos is None else _meant(pos, prompt.n_tokens)
        units = Units.of(prompt.nonzeros, meant, by)
        return Question(prompt.ablator, units, int(aimed.targets[-1]), aimed.contrast)

    def attributing(
        self, prompt: "Prompt", question: "Question", method: str, *, check: Check = nothing, on_wait: OnStage = nothing
    ) -> "Iterator[Part]":
        """A method's figures part by part, the model free for others between; as the handlers ask.

        Parameters
        ----------
        check
            Called between layers and parts; what it raises stops the work.
        on_wait
            Told ``"waiting"`` and the number of tokens when the model is in use elsewhere.
        """
        from saescope.effects.attribution import REGISTRY

        parts = iter(REGISTRY.get(method)(question))
        n_left = len(question.wanted)
        is_begun = False
        while n_left or not is_begun:
            with self._turn(check, lambda: on_wait("waiting", prompt.n_tokens)):
                prompt.run.check = check
                try:
                    part = next(parts, None)
                finally:
                    prompt.run.check = nothing
            if part is None:
                return
            is_begun = True
            n_left -= len(part.units)
            yield part
            time.sleep(LET_OTHERS_S)


def figures_of(question: "Question", method: str) -> "NDArray[np.float32]":
    """All of a method's figures ``[n_units]`` float32, NaN for units that were not asked for."""
    from saescope.effects.attribution import REGISTRY

    found = np.full(question.units.n, np.nan, dtype=np.float32)
    for part in REGISTRY.get(method)(question):
        found[part.units] = part.values
    return found


def best_first(figures: "NDArray[np.float32]") -> "NDArray[np.int64]":
    """The places of figures, the largest by size first."""
    return np.argsort(-np.abs(figures), kind="stable")


def candidates(question: "Question", gradient: "NDArray[np.float32]") -> "NDArray[np.int64]":
    """Units whose exact effect may be large, likeliest first: by gradient and by summed activation in turn.

    The slope of a feature that fires all over a text is often near zero where its effect is not.
    """
    units = question.units
    summed = units.summed(np.abs(units.values))
    turns = np.stack([best_first(gradient), best_first(summed)], axis=1).ravel()
    return turns[np.sort(np.unique(turns, return_index=True)[1])]


def _frame(prompt: "Prompt", question: "Question", values: "NDArray[np.float32]", method: str) -> pl.DataFrame:
    from saescope.effects.attribution import REGISTRY
    from saescope.effects.attribution.about import about_of

    units, about = question.units, about_of(REGISTRY.get(method))
    wanted = question.wanted
    order = wanted[best_first(values[wanted])]
    peaks = units.peaks[order]
    pos = units.pos[peaks]
    return pl.DataFrame(
        {
            "feature": units.features[peaks],
            "pos": pos.astype(np.uint32),
            "token": pl.Series([prompt.texts[p] for p in pos], dtype=pl.String),
            "activation": units.values[peaks],
            "attribution": values[order],
            "method": pl.Series([method] * len(order), dtype=pl.String),
            "is_exact": pl.Series([about.is_exact] * len(order), dtype=pl.Boolean),
            "baseline": pl.Series([about.baseline] * len(order), dtype=pl.String),
        }
    )


def counted(k: Any, name: str, least: int = 1) -> int:
    """A number of rows.

    Raises
    ------
    InputError
        It is none, or too small.
    """
    if isinstance(k, bool) or not isinstance(k, int) or k < least:
        raise InputError(f"{name} is a number of rows, at least {least}, and {k!r} came.")
    return k


def _meant(pos: Any, n_tokens: int) -> "NDArray[np.bool_]":
    given = np.atleast_1d(np.asarray(pos))
    is_right = given.ndim == 1 and (np.issubdtype(given.dtype, np.integer) or not len(given))
    if not is_right or (len(given) and (int(given.min()) < -n_tokens or int(given.max()) >= n_tokens)):
        raise InputError(f"positions run from 0 to {n_tokens - 1} (or from −{n_tokens}, the end), and {pos!r} came.")
    meant = np.zeros(n_tokens, dtype=bool)
    meant[given.astype(np.int64)] = True
    return meant
