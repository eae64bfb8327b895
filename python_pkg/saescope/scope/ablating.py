"""Features changed on a text, and what the model then says."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from saescope.errors import InputError, NoIndexError
from saescope.index.store import check_feature
from saescope.scope.controlling import N_CONTROLS, Controlling
from saescope.scope.effect_rows import ABLATION_SCHEMA, ablation_rows
from saescope.scope.prompting import Text
from saescope.scope.trying import Check, OnStage, nothing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from saescope.effects.kinds.kind import Chosen
    from saescope.effects.planning import Where
    from saescope.effects.prompt import Prompt
    from saescope.effects.targets import Aim, Target
    from saescope.effects.trials import Trial

N_MOVED = 5


@dataclass(frozen=True)
class Ask:
    """Which features to change on which text, and how; see `Ablating.ablate`."""

    text: Text
    features: Sequence[int]
    kind: str = "zero"
    pos: "Where" = None
    target: "Target" = None
    other: Text | None = None
    seed: int = 0
    is_joint: bool = False
    n_controls: int = N_CONTROLS
    options: dict[str, Any] = field(default_factory=dict)


class Ablating(Controlling):
    """Ablation on one text."""

    def ablate(
        self,
        text: Text,
        features: int | Sequence[int],
        *,
        kind: str = "zero",
        pos: "Where" = None,
        target: "Target" = None,
        other: Text | None = None,
        seed: int = 0,
        joint: bool = False,
        controls: int = N_CONTROLS,
        last_only: bool | None = None,
        **options: float,
    ) -> pl.DataFrame:
        """Change features on a text, run the model again, and say what it says otherwise.

        The SAE's error, and all that no feature stands for, stays as it was. Figures are exact: nothing is estimated.

        Parameters
        ----------
        text
            A text, or token ids.
        features
            One feature number, or several: each alone, or with ``joint`` all together.
        kind
            ``"zero"``, ``"mean"`` (over the index), ``"resample"`` (of another token of the corpus, or of the ``other``
            text), ``"clamp"`` (to ``value``, times the largest in the index unless ``relative=False``),
            ``"scale"`` (by ``factor``); more from plug-ins: ``saescope.effects.kinds.REGISTRY``.
        pos
            Positions to change: a number or several, from the end when negative, ``"fires"``, or ``"all"``; by default
            as the kind says: where it fires for zero and scale, else all. Positions that do not count by the
            index's rule, such as the first, are left alone unless they are named.
        target
            The token after the text to look at, as text or id, or a pair to contrast; by default at each
            position the token that follows, and after the last one the likeliest.
        other
            Another text, for kinds that take activations from there, aligned at the ends.
        seed
            For what is drawn.
        controls
            So many matched controls of each change (`controls`), whose mean stands beside it; 0 for none.
        last_only
            Look at the last position alone, which is much faster; by default where a target is given.
        **options
            What the kind takes.

        Returns
        -------
        polars.DataFrame
            One row for each feature (or one for all, with ``joint``: ``feature`` is null) and position from the first
            changed one on: ``feature, features, kind, at`` (positions changed)``, pos, token, next_token,
            next_token_id`` (what is measured)``, logprob_before, logprob, delta_logprob`` (nats)``, kl`` (nats)``,
            delta_loss`` (nats, of the text's own next token; null after the last)``, delta_contrast`` (logits; null
            without)``, activation`` (at ``pos``, before)``, raised, lowered`` (lists of ``token, token_id, before,
            after``)``, controls, control_delta_logprob, control_kl`` (means over the controls; null without).
            A feature of which nothing changes, as where it does not fire, has one row: ``at`` is
            empty and the changes are 0.

        Raises
        ------
        NeedsModelError
            Only an index is open.
        NoIndexError
            The kind needs an index, and there is none.
        UnknownFeatureError, UnknownNameError
            There is no such feature, kind or option.
        InputError
            The text is longer than the model's context or empty, a position lies outside of it, or a
            target is not one token.
        ComputeError
            The model's output is not finite, or the SAE's features have no directions of their own.

        Notes
        -----
        See ``docs/effects.md``.

        Examples
        --------
        >>> text = "The ship was sunk by the Royal Navy"
        >>> top = scope.top_features(text, k=1)["feature"][0]
        >>> effect = scope.ablate(text, top)
        >>> bool((effect["kl"] > -1e-5).all())
        True
        """
        from saescope.effects.trials import control_outcomes, outcomes

        several = [features] if isinstance(features, int | np.integer) else list(features)
        ask = Ask(text, several, kind, pos, target, other, seed, joint, controls, options)
        is_last_only = target is not None if last_only is None else last_only
        with self.asked(ask) as (prompt, aim, trials):
            found = dict(outcomes(prompt, trials, aim, is_last_only=is_last_only, n_moved=N_MOVED))
            beside = control_outcomes(prompt, trials, aim, is_last_only=is_last_only)
            rows = [
                row
                for i, trial in enumerate(trials)
                for row in ablation_rows(self, prompt, aim, trial, found[i], beside.get(i), kind)
            ]
        return pl.DataFrame(rows, schema=ABLATION_SCHEMA, orient="row")

    @contextmanager
    def asked(
        self, ask: Ask, *, check: Check = nothing, on_stage: OnStage = nothing, has_controls: bool = True
    ) -> "Iterator[tuple[Prompt, Aim, list[Trial]]]":
        """The text that was run, what to measure on it, and the trials; with the model for oneself."""
        ask = ask if has_controls else replace(ask, n_controls=0)
        from saescope.effects.kinds import choose

        features = [check_feature(f, self.n_features) for f in ask.features]
        if not features:
            raise InputError("no feature was given: give one number, or several.")
        kind = choose(ask.kind, ask.options)
        _check_needs(kind, self._index is not None, ask.other is not None)
        others = self._others(ask, features, check)
        with self.prompted(ask.text, check=check, on_stage=on_stage) as prompt:
            aim = prompt.aim(ask.target)
            yield prompt, aim, self.trials_of(prompt, ask, kind, others)

    def trials_of(
        self, prompt: "Prompt", ask: Ask, kind: "Chosen", others: "dict[int, NDArray[np.float32]] | None" = None
    ) -> "list[Trial]":
        """The changes that are asked for, with their controls."""
        from saescope.effects.planning import planned
        from saescope.effects.trials import Trial

        given: dict[str, Any] = {"index": self._index, "seed": ask.seed}
        features = list(dict.fromkeys(int(f) for f in ask.features))
        changes = {
            f: planned(prompt, f, kind, ask.pos, other=None if others is None else others[f], **given) for f in features
        }
        groups = [features] if ask.is_joint else [[f] for f in features]
        trials = []
        for group in groups:
            beside = [self.controls(f, ask.n_controls, seed=ask.seed, avoided=group)["feature"] for f in group]
            trials.append(Trial([changes[f] for f in group], [list(one) for one in zip(*beside, strict=True)]))
        return trials

    def _others(self, ask: Ask, features: list[int], check: Check) -> "dict[int, NDArray[np.float32]] | None":
        """The activations on the other text, if there is one."""
        if ask.other is None:
            return None
        with self.prompted(ask.other, check=check) as other:
            return {f: other.activations(f) for f in features}


def _check_needs(kind: "Chosen", has_index: bool, has_other: bool) -> None:
    """Whether the kind has what it needs."""
    about = kind.about
    if has_other and not about.takes_other:
        raise InputError(f"the ablation {kind.name!r} takes nothing from another text, and one was given.")
    if "other" in about.needs and not has_other:
        raise InputError(f"the ablation {kind.name!r} takes activations from another text.", hint="Give it: other=…")
    if "index" in about.needs and not has_index and not (has_other and about.takes_other):
        raise NoIndexError(
            f"the ablation {kind.name!r} needs an index, and this scope has none.",
            hint='Build one: scope.build_index("corpus.jsonl.gz", out="my-index"); or take another kind, as "zero".',
        )
