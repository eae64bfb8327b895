"""Features near each other, and side by side, as tables."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from saescope.errors import InputError, NeedsPostingsError
from saescope.index.choice import GROUPS
from saescope.index.examples import Window
from saescope.index.store import check_feature
from saescope.query.contrast import (
    MAX_COMPARED,
    Contrast,
    check_contrast,
    contrast,
    contrast_frame,
    is_near,
    pairs_frame,
)
from saescope.query.examples import trimmed
from saescope.query.neighbors import Space, neighbors
from saescope.query.tokens import with_texts
from saescope.scope.state import State

Floats = NDArray[np.float32]


def no_check() -> None:
    """Nobody stops it."""


class Comparing(State):
    """The nearest features, how alike some are, and where one fires and another does not."""

    @property
    def space(self) -> Space:
        """What features can be compared by."""
        return Space(self._directions, self._index)

    def neighbors(self, feature: int, k: int = 20, metric: str = "decoder") -> pl.DataFrame:
        """The nearest features.

        Parameters
        ----------
        metric
            ``"decoder"`` or ``"encoder"``: cosine between directions. ``"jaccard"`` (tokens on which
            both fire, of those on which either does) or ``"correlation"`` (Pearson's, of the
            activations over all tokens that count): from what fires together in the index. Or
            one that a plug-in brings.

        Returns
        -------
        polars.DataFrame
            ``feature, score, error, label, top_tokens``, nearest first, without the feature itself. ``error`` is
            the standard error of the score: 0 where it is exact, above 0 where a feature fires on
            more than 131,072 tokens and as many were drawn; null for a cosine. ``label`` and
            ``top_tokens`` are null where there is none.

        Raises
        ------
        UnknownFeatureError, UnknownNameError, InputError
            There is no such feature or metric, or ``k`` is less than 1.
        ComputeError, NoIndexError, NeedsPostingsError
            The directions, the index or its postings, by which the metric goes, are not there.

        Examples
        --------
        >>> near = scope.neighbors(11, metric="decoder", k=3)
        >>> near["score"].is_sorted(descending=True)
        True
        """
        return self._named(neighbors(self.space, feature, self.n_features, k=k, metric=metric))

    def _named(self, found: pl.DataFrame) -> pl.DataFrame:
        """Add each feature's label and top tokens."""
        features = found["feature"].to_list()
        labels = self.labels_of(features)
        found = found.with_columns(pl.Series("label", [labels.get(f) for f in features], dtype=pl.String))
        if self._index is None:
            return found.with_columns(pl.lit(None, dtype=pl.List(pl.String)).alias("top_tokens"))
        rows = self._index.figures.rows(features).select("top_tokens")
        return found.with_columns(with_texts(rows, ["top_tokens"], self._index.vocabulary)["top_tokens"])

    def compare(self, features: Sequence[int]) -> pl.DataFrame:
        """How alike some features are, one row for each ordered pair.

        Parameters
        ----------
        features
            Two to 16 feature numbers.

        Returns
        -------
        polars.DataFrame
            ``feature, other``; ``decoder, encoder`` (cosine of their directions); ``n_fires`` (of the first, on
            tokens that count)``, n_both`` (tokens on which both fire)``, share`` (of the first one's
            firings)``, jaccard`` (of the tokens on which either fires)``, correlation`` (Pearson's, of the
            activations over all tokens that count). All are exact; null where directions
            or postings are not there.

        Raises
        ------
        InputError, UnknownFeatureError
            They are fewer or more, a number comes twice or is none.

        Examples
        --------
        >>> scope.compare([11, 12]).select("feature", "other").rows()
        [(11, 12), (12, 11)]
        """
        numbers = [check_feature(f, self.n_features) for f in features]
        if not 2 <= len(numbers) <= MAX_COMPARED or len(set(numbers)) < len(numbers):
            raise InputError(f"2 to {MAX_COMPARED} different features can be compared, and {numbers} came.")
        return pairs_frame(self._index, self.space, numbers)

    def contrast(
        self,
        feature: int,
        without: Sequence[int] = (),
        also: Sequence[int] = (),
        k: int = 20,
        context: int = 0,
        *,
        within: int = 0,
    ) -> pl.DataFrame:
        """Text on which a feature fires and others do not, or do too; one row an example, strongest first.

        Where the index has no postings, the feature's stored examples are read again by the
        loaded model, and those among them that are as wanted are returned.

        Parameters
        ----------
        feature
            Feature number in ``[0, d_sae)``.
        without, also
            None of these fires on the example's peak; each of those does.
        k, context
            As in `Scope.examples`.
        within
            Look so many tokens to either side of the peak too, within its context.

        Returns
        -------
        polars.DataFrame
            The columns of `Scope.examples`, ``others`` (``without``, then ``also``) and ``other_activations``: the
            activations of each of them on the window's tokens.

        Raises
        ------
        InputError, UnknownFeatureError
            A number is none, or no other feature is named.
        NoIndexError, NeedsPostingsError
            Nothing has been indexed yet, or there are neither postings nor a model.
        """
        index = self.require_index()
        others = [*without, *also]
        if index.has_postings:
            found = contrast(index, feature, without, also, within=within, k=k, context=context)
            return contrast_frame(index, found, others)
        lot = list(self.stored_contrast(feature, without, also, within=within, context=context))
        kept = [(w, lines) for w, lines, is_wanted in lot if is_wanted][:k]
        windows = [w._replace(rank=rank) for rank, (w, _) in enumerate(kept)]
        found = Contrast(windows, [lines for _, lines in kept], len(kept), len(lot))
        return contrast_frame(index, found, others)

    def stored_contrast(
        self,
        feature: int,
        without: Sequence[int] = (),
        also: Sequence[int] = (),
        *,
        within: int = 0,
        context: int = 0,
        check: Callable[[], None] = no_check,
    ) -> Iterator[tuple[Window, Floats, bool]]:
        """The stored examples of a feature, strongest first, read again by the model.

        Yields
        ------
        tuple
            A window, what the others do on its tokens (``[n_others, length]``), and whether this is as wanted.

        Raises
        ------
        NeedsPostingsError
            There is no model.
        """
        if self._model is None or self._sae is None or self._site is None:
            raise NeedsPostingsError(
                "where one feature fires and another does not needs every activation, and the index was made without"
                " postings.",
                hint="Load the model beside it: saescope.load(model, sae=…, index=…); or build one with postings.",
            )
        from saescope.engine.contexts import ContextReader

        index = self.require_index()
        feature, *others = (index.check_feature(f) for f in (feature, *without, *also))
        check_contrast(feature, without, also, within, 1)
        is_silent = np.arange(len(others)) < len(without)
        layout, reader = index.layout, ContextReader(self._model.model, self._sae.sae, self._site)
        for whole in _stored(index.figures.windows, feature):
            check()
            window = trimmed(whole, context)
            row = np.array([window.row])
            (begin,), (end,) = layout.context_bounds(row)
            low = max(min(window.start, window.row - within), begin)
            high = min(max(window.start + len(window.activations), window.row + within + 1), end)
            with self.lock:
                lines = reader.activations(index.tokens[begin:high], int(low - begin), others)
            rows = np.arange(low, high)
            fires = (lines != 0) & layout.is_counted(rows)
            near = np.array([is_near(row, rows[line], layout, within)[0] for line in fires])
            at = window.start - low
            yield window, lines[:, at : at + len(window.activations)], bool((near != is_silent).all())


def _stored(windows: Callable[[int, int], list[Window]], feature: int) -> list[Window]:
    """A feature's stored examples of all groups, each peak once, strongest first."""
    found = {w.row: w for group in reversed(range(len(GROUPS))) for w in windows(feature, group)}
    return sorted(found.values(), key=lambda w: (-abs(w.activation), w.row))
