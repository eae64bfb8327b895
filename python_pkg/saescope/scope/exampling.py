"""A feature changed in each of its examples: what it does where it fires."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from saescope.errors import InputError
from saescope.index.store import Index, check_feature
from saescope.query.examples import find_windows
from saescope.scope.ablating import Ablating, Ask
from saescope.scope.controlling import N_CONTROLS
from saescope.scope.trying import Check, OnStage, nothing

if TYPE_CHECKING:
    from saescope.effects.trials import ControlOutcome, Outcome
    from saescope.index.examples import Window

N_AFTER = 16
MOST_AFTER = 1000
QUANTITIES = ("delta_logprob", "kl", "delta_logprob_after", "kl_after")
SUBJECTS = ("feature", "control", "difference")

At = Literal["peak", "fires", "all"] | None


@dataclass(frozen=True)
class Passage:
    """The tokens of an example as the model sees them, from the head of its context; ``peak`` is its place in them."""

    rank: int
    row: int
    activation: float
    tokens: list[int]
    peak: int


@dataclass(frozen=True)
class ExampleEffect:
    """What a change did in one example; the control's is the mean over controls, NaN without.

    ``delta_logprob`` (NaN where the passage ends with its peak) and ``kl`` are at the peak, ``…_after`` are sums
    over the ``n_after`` positions after it whose next token is known.
    """

    feature: int
    group: str
    rank: int
    row: int
    activation: float
    pos: int
    token_id: int
    next_token_id: int | None
    n_changed: int
    n_after: int
    delta_logprob: float
    kl: float
    delta_logprob_after: float
    kl_after: float
    control_delta_logprob: float
    control_kl: float
    control_delta_logprob_after: float
    control_kl_after: float


class Exampling(Ablating):
    """Ablation over a feature's examples."""

    def ablate_examples(
        self,
        feature: int,
        k: int = 20,
        group: str = "top",
        *,
        kind: str = "zero",
        pos: At = None,
        n_after: int = N_AFTER,
        seed: int = 0,
        controls: int = N_CONTROLS,
        **options: float,
    ) -> pl.DataFrame:
        """Change a feature in each of its stored examples, and measure what the model then says of what followed.

        Each example runs with the tokens that it had in the corpus, from the head of its context on.

        Parameters
        ----------
        k, group
            So many examples, of which group; see `examples`.
        kind, seed, controls, **options
            See `ablate`. Controls, and what is resampled, are drawn anew for each example.
        pos
            ``"peak"``: at the example's peak alone; ``"fires"`` or ``"all"``: also elsewhere; by default as the kind
            says.
        n_after
            So many tokens after the peak are looked at too, at most to the end of the document or context.

        Returns
        -------
        polars.DataFrame
            One row an example: ``feature, group, rank, row, activation, pos, token, next_token, next_token_id,
            n_changed`` (positions)``, n_after, delta_logprob, kl`` (nats, at the peak)``, delta_logprob_after,
            kl_after`` (sums over the ``n_after`` positions after it), and ``control_…`` (of each of the four, the mean
            over the controls). Null where a passage ends with its peak, and without controls.

        Raises
        ------
        NoIndexError, NeedsModelError
            Examples need an index, and runs the model.
        UnknownFeatureError, UnknownNameError, InputError
            There is no such feature, group, kind or option, or a number is out of range.
        ComputeError
            See `ablate`.

        Examples
        --------
        >>> scope.ablate_examples(11, k=2).select("feature", "rank").rows()
        [(11, 0), (11, 1)]
        """
        ask = Ask((), [feature], kind, seed=seed, n_controls=controls, options=options)
        return self.examples_frame(list(self.effects_on_examples(ask, k, group, n_after=n_after, at=pos)))

    def effect_summary(self, examples: "pl.DataFrame | int", *, seed: int = 0, **options: Any) -> pl.DataFrame:
        """Means over examples with their 95 % intervals: of the feature, its controls, and their difference.

        Intervals are percentile bootstraps over examples, 10,000 draws. With few examples they are wide: a handful
        of texts says little of all those on which the feature fires; below ten they are somewhat too narrow even so.
        They are about examples of this group, not about any text.

        Parameters
        ----------
        examples
            What `ablate_examples` gave, or a feature to ask it for.
        seed
            Of the draws.
        **options
            For `ablate_examples`.

        Returns
        -------
        polars.DataFrame
            ``quantity, of`` (``"feature"``, ``"control"``, ``"difference"``)``, n, mean, low, high``. Bounds are null
            with fewer than two examples.
        """
        frame = examples if isinstance(examples, pl.DataFrame) else self.ablate_examples(examples, seed=seed, **options)
        return summary_of(frame, seed)

    def effects_on_examples(
        self,
        ask: Ask,
        k: int = 20,
        group: str = "top",
        *,
        n_after: int = N_AFTER,
        at: At = None,
        check: Check = nothing,
        on_stage: OnStage = nothing,
    ) -> Iterator[ExampleEffect]:
        """The effect in one example after the other; the model is free between them."""
        from saescope.effects.kinds import choose
        from saescope.effects.trials import control_outcomes, outcomes

        (feature,) = ask.features
        self._need_model("running examples")
        passages = self.passages(feature, k, group, n_after)
        kind = choose(ask.kind, ask.options)
        for passage in passages:
            check()
            where = passage.peak if at == "peak" else at
            with self.prompted(passage.tokens, check=check, on_stage=on_stage, keeps=False) as prompt:
                (trial,) = trials = self.trials_of(prompt, replace(ask, pos=where, seed=ask.seed + passage.rank), kind)
                aim = prompt.aim(None)
                ((_, outcome),) = outcomes(prompt, trials, aim, is_last_only=False)
                beside = control_outcomes(prompt, trials, aim, is_last_only=False).get(0)
            yield _effect_of(feature, group, passage, len(trial.at), outcome, beside)

    def passages(
        self, feature: int, k: int, group: str = "top", n_after: int = N_AFTER, *, n_before: int | None = None
    ) -> list[Passage]:
        """The tokens of a feature's examples, from the heads of their contexts to ``n_after`` after their peaks.

        With ``n_before`` at most so many tokens before the peaks, after BOS where the model wants it: a shorter
        text than in the corpus.
        """
        index = self.require_index()
        feature = check_feature(feature, self.n_features)
        if isinstance(k, bool) or not isinstance(k, int) or k < 1:
            raise InputError(f"k is a number of examples, at least 1, and {k!r} came.")
        if isinstance(n_after, bool) or not isinstance(n_after, int) or not 0 <= n_after <= MOST_AFTER:
            raise InputError(f"n_after is a number of tokens from 0 to {MOST_AFTER:,}, and {n_after!r} came.")
        found = [_passage(index, w, n_after) for w in find_windows(index, feature, k=k, group=group)]
        return found if n_before is None else [_shortened(one, n_before, self.begins_with) for one in found]

    def examples_frame(self, effects: list[ExampleEffect]) -> pl.DataFrame:
        """Effects in examples as a table."""
        names = list(ExampleEffect.__dataclass_fields__)
        kinds = {"group": pl.String, "activation": pl.Float32} | {
            name: pl.Float64 for name in names if name.endswith(("logprob", "kl", "_after")) and name != "n_after"
        }
        schema = {name: kinds.get(name, pl.Int64) for name in names}
        frame = pl.DataFrame([vars(e) for e in effects], schema=schema).with_columns(
            pl.col(pl.Float64).fill_nan(None), pl.col("feature").cast(pl.UInt32)
        )
        texts = pl.Series("token", self.texts_of(frame["token_id"].to_list()), dtype=pl.String)
        follows = [None if t is None else self.texts_of([t])[0] for t in frame["next_token_id"].to_list()]
        place = frame.columns.index("token_id")
        frame = frame.drop("token_id").insert_column(place, texts)
        return frame.insert_column(place + 1, pl.Series("next_token", follows, dtype=pl.String))


def _passage(index: Index, window: "Window", n_after: int) -> Passage:
    layout = index.layout
    (start,), (end,) = layout.context_bounds(np.array([window.row]))
    doc = int(layout.doc_starts.searchsorted(window.row, side="right"))
    doc_end = int(layout.doc_starts[doc]) if doc < len(layout.doc_starts) else layout.n_rows
    end = min(int(end), doc_end, window.row + 1 + n_after)
    tokens = [int(t) for t in index.tokens[int(start) : end]]
    return Passage(window.rank, window.row, float(window.activation), tokens, window.row - int(start))


def _shortened(passage: Passage, n_before: int, bos: int | None) -> Passage:
    low = max(passage.peak - n_before, 0)
    head = [bos] if bos is not None and passage.tokens[low] != bos else []
    return replace(passage, tokens=head + passage.tokens[low:], peak=len(head) + passage.peak - low)


def _effect_of(
    feature: int, group: str, passage: Passage, n_changed: int, outcome: "Outcome", beside: "ControlOutcome | None"
) -> ExampleEffect:
    tokens, peak = passage.tokens, passage.peak
    own = _at_and_after(outcome.start, outcome.delta_logprob, outcome.kl, peak, len(tokens))
    control = (float("nan"),) * 4
    if beside is not None:
        means = beside.delta_logprob.mean(axis=0), beside.kl.mean(axis=0)
        control = _at_and_after(outcome.start, *means, peak, len(tokens))
    return ExampleEffect(
        feature,
        group,
        passage.rank,
        passage.row,
        passage.activation,
        peak,
        tokens[peak],
        tokens[peak + 1] if peak + 1 < len(tokens) else None,
        n_changed,
        max(len(tokens) - 2 - peak, 0),
        *own,
        *control,
    )


def _at_and_after(
    start: int, delta: "np.ndarray[Any, Any]", kl: "np.ndarray[Any, Any]", peak: int, n_tokens: int
) -> tuple[float, float, float, float]:
    """Both quantities at the peak, and summed over the positions after it whose next token is known."""

    def at(values: "np.ndarray[Any, Any]", pos: int) -> float:
        return float(values[pos - start]) if pos >= start else 0.0

    after = range(peak + 1, n_tokens - 1)
    known = at(delta, peak) if peak + 1 < n_tokens else float("nan")
    return known, at(kl, peak), sum(at(delta, p) for p in after), sum(at(kl, p) for p in after)


def summary_of(examples: pl.DataFrame, seed: int = 0) -> pl.DataFrame:
    """Means over examples with their intervals; see `Exampling.effect_summary`."""
    from saescope.effects.intervals import bootstrap_means

    rows: list[dict[str, Any]] = []
    has_control = examples["control_kl"].null_count() < len(examples)
    for quantity in QUANTITIES:
        own = examples[quantity].cast(pl.Float64).fill_null(np.nan).to_numpy()
        control = examples[f"control_{quantity}"].cast(pl.Float64).fill_null(np.nan).to_numpy()
        columns = np.stack([own, control, own - control], axis=1)
        found = bootstrap_means(columns if has_control else columns[:, :1], seed=seed)
        for subject, one in zip(SUBJECTS, found, strict=False):
            rows.append({"quantity": quantity, "of": subject, **vars(one)})
    schema = {"quantity": pl.String, "of": pl.String, "n": pl.UInt32} | dict.fromkeys(
        ("mean", "low", "high"), pl.Float64
    )
    return pl.DataFrame(rows, schema=schema).with_columns(pl.col(pl.Float64).fill_nan(None))
