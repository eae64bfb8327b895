"""The prompt view as a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
import polars as pl

from saescope.errors import InputError
from saescope.scope.attributing import Attributing, best_first, candidates, counted, figures_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from saescope.effects.attribution.question import Question
    from saescope.effects.prompt import Prompt
    from saescope.effects.targets import Target

Rank = Literal["activation", "direct", "gradient", "integrated", "exact"]
RANKS = ("activation", "direct", "gradient", "integrated", "exact")
FIGURES = ("direct", "gradient", "integrated", "exact")


@dataclass
class Sheet:
    """One prompt's figures, ``[n_units]`` float32 by method."""

    prompt: "Prompt"
    question: "Question"
    figures: dict[str, "NDArray[np.float32]"]

    def order(self, rank: str) -> "NDArray[np.int64]":
        """Units, best first."""
        if rank == "exact":
            return candidates(self.question, self.figures["gradient"])
        return best_first(self.figures[rank])

    def unit(self, feature: int) -> int | None:
        """The unit of a feature, where units are features."""
        units = self.question.units
        place = int(np.searchsorted(units.features[units.peaks], feature))
        is_there = place < units.n and int(units.features[units.peaks[place]]) == feature
        return place if is_there else None


class PromptTable(Attributing):
    """The prompt view."""

    def prompt(
        self,
        text: str | Sequence[str],
        target: "Target | list[Target]" = None,
        *,
        k: int = 30,
        rank: Rank = "gradient",
        exact: int = 10,
        by: Literal["feature", "pair"] = "feature",
    ) -> pl.DataFrame:
        """The features that fire on a text, by what they do for a token after it; or on several texts, compared.

        Parameters
        ----------
        text
            A text, or a list of texts to compare.
        target
            As `attribute` takes it: the token after each text, or a list of one for each.
        k
            So many rows of each text; features that lead in one text are shown of all.
        rank
            What to rank by: ``"activation"``, ``"direct"``, ``"gradient"``, ``"integrated"`` or ``"exact"``.
        exact
            So many of the first rows also get the exact effect; ranked by ``"exact"``, of those that lead by gradient
            or by summed activation.
        by
            ``"feature"``: over all positions that count, ``pos`` where it is strongest; ``"pair"``: each position
            by itself, of one text.

        Returns
        -------
        polars.DataFrame
            ``prompt`` (0 is the first), ``feature, pos, token, activation``, the figures ``direct, gradient,
            integrated, exact`` (null where not computed), ``attribution``, the exact figure or else the estimate,
            and ``method``, which of them it is. Of several texts also ``difference``: the figure less that of the
            first text, by the same method. A feature that does not fire in a text has the figures 0 there. Sorted by
            rank; several texts by the largest difference.

        Raises
        ------
        NeedsModelError, InputError, ComputeError
            See `attribute`.

        Examples
        --------
        >>> scope.prompt("The Royal").columns[:4]
        ['prompt', 'feature', 'pos', 'token']
        """
        texts = [text] if isinstance(text, str) else list(text)
        targets = _targets(target, len(texts))
        if rank not in RANKS:
            raise InputError(f"a prompt's features are ranked by {', '.join(RANKS)}, and {rank!r} came.")
        if not texts or not all(isinstance(one, str) for one in texts):
            raise InputError(f"a prompt is a text, or a list of texts, and {text!r:.80} came.")
        if by not in ("feature", "pair") or (by == "pair" and len(texts) > 1):
            raise InputError(
                f"rows are by 'feature', or of one text by 'pair', and {by!r} came for {len(texts)} texts.",
                hint="Features are compared over whole texts, for positions of different texts are not the same.",
            )
        n_shown, n_exact = counted(k, "k"), counted(exact, "exact", 0)
        sheets = [self._sheet(one, aimed, rank, by) for one, aimed in zip(texts, targets, strict=True)]
        if by == "feature":
            features = _leading(sheets, rank, n_shown)
            shown = [[sheet.unit(f) for f in features] for sheet in sheets]
        else:
            shown = [cast("list[int | None]", sheets[0].order(rank)[:n_shown].tolist())]
            features = sheets[0].question.units.features[sheets[0].order(rank)[:n_shown]].tolist()
        views = [View(n, s, features, units, rank) for n, (s, units) in enumerate(zip(sheets, shown, strict=True))]
        order = _order(views, rank) if len(views) > 1 else np.arange(len(features))
        for view in views:
            wanted = [u for u in (view.units[row] for row in order[:n_exact]) if u is not None]
            self._verify(view.sheet, np.array(wanted, dtype=np.int64))
        if rank == "exact":
            order = _order(views, rank)
        frames = [view.frame(order, views[0]) for view in views]
        whole = pl.concat(frames)
        return whole.drop("difference") if len(views) == 1 else whole[_interleaved(len(views), len(order))]

    def _sheet(self, text: str, target: "Target", rank: str, by: Literal["feature", "pair"]) -> Sheet:
        names = ["activation", "direct", "gradient", *(["integrated"] if rank == "integrated" else [])]
        with self.prompted(text) as prompt:
            question = self.question(prompt, target, by)
            return Sheet(prompt, question, {name: figures_of(question, name) for name in names})

    def _verify(self, sheet: Sheet, units: "NDArray[np.int64]") -> None:
        with self._turn(lambda: None, lambda: None):
            sheet.figures["exact"] = figures_of(sheet.question.only(units), "exact")


def _targets(target: Any, n: int) -> "list[Target]":
    if not isinstance(target, list):
        return [target] * n
    if len(target) != n:
        raise InputError(f"a list of targets has one for each text: {n} were wanted and {len(target)} came.")
    return target


def _leading(sheets: Sequence[Sheet], rank: str, k: int) -> list[int]:
    """The features that lead in some text, in order of their first place."""
    heads = []
    for sheet in sheets:
        units = sheet.question.units
        heads.append(units.features[units.peaks][sheet.order(rank)[:k]].tolist())
    places = [f for row in range(k) for head in heads if row < len(head) for f in [head[row]]]
    return list(dict.fromkeys(places))


@dataclass
class View:
    """Rows of one prompt: the unit of each feature, or none where it does not fire."""

    number: int
    sheet: Sheet
    features: Sequence[int]
    units: "list[int | None]"
    rank: str

    def figure(self, name: str) -> "NDArray[np.float32]":
        """A method's figures ``[n_rows]`` float32: 0 where the feature does not fire, NaN where there is none."""
        found = self.sheet.figures.get(name)
        if found is None and name != "exact":
            return np.full(len(self.units), np.nan, dtype=np.float32)
        values = [0.0 if u is None else np.nan if found is None else found[u] for u in self.units]
        return np.array(values, dtype=np.float32)

    @property
    def estimate(self) -> str:
        """What stands in where there is no exact figure."""
        return self.rank if self.rank in ("direct", "integrated") else "gradient"

    @property
    def attribution(self) -> "NDArray[np.float32]":
        """The exact figures, or the estimates."""
        exact = self.figure("exact")
        return np.where(np.isnan(exact), self.figure(self.estimate), exact)

    def frame(self, order: "NDArray[np.int64]", first: "View") -> pl.DataFrame:
        """Rows in an order, and how they differ from the first prompt's, by a method that both have."""
        exact, known = self.figure("exact"), first.figure("exact")
        gap = self.figure(self.estimate) - first.figure(self.estimate)
        gap = np.where(np.isnan(exact) | np.isnan(known), gap, exact - known)
        units = self.sheet.question.units
        pairs = [None if self.units[row] is None else int(units.peaks[self.units[row]]) for row in order]
        pos = [None if pair is None else int(units.pos[pair]) for pair in pairs]
        figures = {name: pl.Series(self.figure(name)[order], dtype=pl.Float32).fill_nan(None) for name in FIGURES}
        return pl.DataFrame(
            {
                "prompt": pl.Series([self.number] * len(order), dtype=pl.UInt32),
                "feature": pl.Series([self.features[row] for row in order], dtype=pl.UInt32),
                "pos": pl.Series(pos, dtype=pl.UInt32),
                "token": pl.Series([None if p is None else self.sheet.prompt.texts[p] for p in pos], dtype=pl.String),
                "activation": pl.Series([0.0 if p is None else units.values[p] for p in pairs], dtype=pl.Float32),
                **figures,
                "attribution": pl.Series(self.attribution[order], dtype=pl.Float32),
                "method": pl.Series(np.where(np.isnan(exact), self.estimate, "exact")[order].tolist(), dtype=pl.String),
                "difference": pl.Series(gap[order], dtype=pl.Float32),
            }
        )


def _order(views: Sequence[View], rank: str) -> "NDArray[np.int64]":
    """Rows by how much the prompts differ, or one prompt's rows by size; those first whose figures are exact."""
    is_rough = np.any([np.isnan(view.figure("exact")) for view in views], axis=0)
    figures = np.array([view.figure("activation") if rank == "activation" else view.attribution for view in views])
    size = np.abs(figures[0]) if len(views) == 1 else figures.max(0) - figures.min(0)
    return np.lexsort((-size, is_rough)) if rank == "exact" else np.argsort(-size, kind="stable")


def _interleaved(n_prompts: int, n_rows: int) -> "NDArray[np.int64]":
    """Places that put the prompts' rows of one feature together."""
    return np.arange(n_prompts * n_rows).reshape(n_prompts, n_rows).T.ravel()
