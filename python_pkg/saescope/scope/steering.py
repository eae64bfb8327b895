"""Text that the model writes with features changed, beside what it writes without."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from saescope.errors import InputError
from saescope.scope.contrasting import Contrasting, Messages
from saescope.scope.trying import Check, nothing
from saescope.scope.turns import Turns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from saescope.effects.steering.changes import Change
    from saescope.effects.steering.contrast import SteeringVector
    from saescope.effects.steering.drawing import Sampling
    from saescope.effects.steering.generating import Pace, Written
    from saescope.effects.steering.texts import Steered

Stage = Literal["waiting", "reading", "measuring"]
Unit = Literal["max", "activation"]


class SteeringText(Contrasting):
    """What the model writes when features are changed."""

    def steer(
        self,
        prompt: "str | Sequence[int] | Messages",
        features: Any = None,
        *,
        kind: str = "amplify",
        strengths: Sequence[float] | None = None,
        vector: "SteeringVector | NDArray[np.float32] | None" = None,
        coefficient: float = 1.0,
        max_new_tokens: int = 60,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int = 0,
        where: Literal["all", "answer"] = "all",
        chat: bool = False,
        unit: Unit | None = None,
    ) -> pl.DataFrame:
        """Let the model write with features changed, and without, from the same seed.

        The first token of the context and special tokens are never changed, and the SAE's error is kept.
        The model's own generation settings do not act, but for the tokens that end a text. An interrupt keeps
        what is written.

        Parameters
        ----------
        prompt
            A text; token ids; or a conversation, ``[{"role": "user", "content": "…"}]``, which is written by the
            tokenizer's chat template.
        features
            ``{2113: 2.0}`` (feature to strength), a feature, several, or a list of
            ``{"feature": 2113, "kind": "clamp", "strength": 2.0}``. All of them are changed at once.
        kind
            ``"amplify"`` adds the strength to the activation on every token, ``"clamp"`` sets it to the strength,
            ``"scale"`` multiplies it by the strength where it fires, ``"zero"`` takes it out.
        strengths
            Write one text for each, with all strengths (and the coefficient) multiplied by it.
        vector, coefficient
            A direction to add as well: of `steering_vector`, or ``[d]`` numbers; so many times.
        temperature, top_p, seed
            0 takes the likeliest token. Above, tokens are drawn with the same noise for all texts (the Gumbel-max
            trick), so that texts differ only where the model's distributions do.
        where
            Steer ``"all"`` tokens, or those that write the ``"answer"``: from the prompt's last token on.
        chat
            The prompt is a text that the user says.
        unit
            What strength 1 of amplify and clamp is: the feature's ``"max"`` in the index (the default where there is
            one), or 1 of ``"activation"``.

        Returns
        -------
        polars.DataFrame
            One row a text, the unsteered first: ``condition, features, strength`` (what all were multiplied by)``,
            text, tokens`` (ids)``, n_tokens, ended`` (``"end"``: by the model; ``"length"``; ``"stopped"``;
            ``"broken"``: its logits are no numbers any more)``, logprob`` (of the text by the unsteered model: how
            odd it is to it) and ``kl`` (from the unsteered to the steered model on this text), both means in nats a
            token``, first_difference`` (place of the first token that is another than the unsteered text's).

        Raises
        ------
        NeedsModelError
            Only an index is open.
        InputError, UnknownFeatureError, UnknownNameError
            Nothing is steered, a number is none, the prompt and the answer do not fit the model, or its tokenizer
            has no chat template.
        ComputeError
            The unsteered model's output is not finite, or the SAE's features have no directions of their own.

        Examples
        --------
        >>> scope.steer("The Royal", {11: 1.5}, max_new_tokens=4).height
        2
        """
        from saescope.effects.steering.changes import changes_of
        from saescope.effects.steering.drawing import Sampling

        self._need_model("steering")
        rows = self.steer_text(
            self.steered_prompt(prompt, chat=chat),
            changes_of(features, kind, self.n_features),
            Sampling(max_new_tokens, temperature, top_p, seed),
            strengths=strengths,
            vector=vector,
            coefficient=coefficient,
            where=where,
            unit=unit,
        )
        return steered_frame(rows)

    def steer_text(
        self,
        tokens: "NDArray[np.int64]",
        changes: "Sequence[Change]",
        sampling: "Sampling",
        *,
        strengths: Sequence[float] | None = None,
        vector: Any = None,
        coefficient: float = 1.0,
        where: Literal["all", "answer"] = "all",
        unit: Unit | None = None,
        check: Check = nothing,
        on_stage: Callable[[Stage, int], None] = nothing,
        on_token: "Callable[[Sequence[Written], Pace], None]" = nothing,
    ) -> "list[Steered]":
        """Write from a prompt's tokens, as `steer` and the handlers do.

        Parameters
        ----------
        check
            Called between layers; what it raises stops the work.
        on_stage
            Told that the model is in use elsewhere, that the prompt's tokens are read, and that so many texts are
            measured.
        on_token
            Told the texts after each token.

        Raises
        ------
        NeedsModelError, InputError, ComputeError
            See `steer`.
        """
        from saescope.effects.steering.changes import conditions_of
        from saescope.effects.steering.generating import Generator
        from saescope.effects.steering.texts import Texts, Those

        model, sae, site = self._need_model("steering")
        if where not in ("all", "answer"):
            raise InputError(f'where is "all" or "answer", and {where!r} came.')
        conditions = conditions_of(changes, self._direction(vector), coefficient, strengths)
        self._check_fits(tokens, sampling.max_new_tokens)
        those = Those(where, self._reading[0].n_skipped, model.tokenizer)
        texts = Texts(sae.sae, tokens, conditions, self._units(changes, unit), those)
        with Turns(self.lock, check, lambda: on_stage("waiting", len(tokens))) as turns:
            on_stage("reading", len(tokens))
            generator = Generator(model.model, model.tokenizer, site, check)

            def next_token(rows: "Sequence[Written]", pace: "Pace") -> None:
                on_token(rows, pace)
                turns.let_others()

            try:
                texts.write(generator, sampling, next_token)
            except KeyboardInterrupt:
                if not texts.has_begun:
                    raise
                return texts.steered()
            on_stage("measuring", len(conditions))
            for row in range(len(conditions)):
                texts.measure(generator, row)
                turns.let_others()
        return texts.steered()

    def _direction(self, vector: Any) -> "NDArray[np.float32] | None":
        if vector is None:
            return None
        sae = self._need_model("steering")[1].sae
        width = int(sae.W_dec.shape[1])
        found = np.asarray(getattr(vector, "vector", vector), dtype=np.float32)
        if found.shape != (width,) or not np.isfinite(found).all():
            raise InputError(
                f"a vector to steer by is {width} finite numbers, and {found.shape} came.",
                hint="Make one with scope.steering_vector(positive, negative).",
            )
        return found

    def _units(self, changes: "Sequence[Change]", unit: Unit | None) -> dict[int, float]:
        """The activation that strength 1 of each feature means."""
        from saescope.effects.steering.changes import KINDS

        if unit not in (None, "max", "activation"):
            raise InputError(f'unit is "max" or "activation", and {unit!r} came.')
        features = [c.feature for c in changes]
        if unit == "max":
            self.require_index()
        if unit == "activation" or self._index is None or not features:
            return dict.fromkeys(features, 1.0)
        maxima = dict(zip(features, self._index.figures.rows(features, ["max"])["max"].to_list(), strict=True))
        silent = [c.feature for c in changes if KINDS[c.kind].has_unit and not maxima[c.feature] > 0]
        if silent:
            raise InputError(
                f"feature {silent[0]} never fired in the index: it has no maximum to count its strength in.",
                hint='Give its strength in units of activation: unit="activation".',
            )
        return maxima

    def _check_fits(self, tokens: "NDArray[np.int64]", n_new: int) -> None:
        from saescope.effects.steering.generating import context_limit

        limit = context_limit(self._need_model("steering")[0].model)
        if limit is not None and len(tokens) + n_new > limit:
            raise InputError(
                f"the prompt has {len(tokens):,} tokens and {n_new:,} are to be written: "
                f"the model takes {limit:,} together.",
                hint=f"Write at most {limit - len(tokens):,}." if len(tokens) < limit else "Give a shorter prompt.",
                n_tokens=len(tokens),
                n_fit=limit - len(tokens),
            )


def steered_frame(rows: "Sequence[Steered]") -> pl.DataFrame:
    """Written texts as a table."""
    return pl.DataFrame(
        {
            "condition": [r.condition.name for r in rows],
            "features": [[c.feature for c in r.condition.changes] for r in rows],
            "strength": [r.condition.strength if r.condition.is_steered else 0.0 for r in rows],
            "text": [r.written.text for r in rows],
            "tokens": [r.written.tokens for r in rows],
            "n_tokens": [len(r.written.tokens) for r in rows],
            "ended": [r.ended for r in rows],
            "logprob": [r.logprob for r in rows],
            "kl": [r.kl for r in rows],
            "first_difference": [r.first_difference for r in rows],
        },
        schema_overrides={
            "features": pl.List(pl.UInt32),
            "tokens": pl.List(pl.UInt32),
            "n_tokens": pl.UInt32,
            "logprob": pl.Float64,
            "kl": pl.Float64,
            "first_difference": pl.UInt32,
        },
    )
