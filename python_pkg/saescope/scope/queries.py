"""The questions that a scope answers, as tables."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import polars as pl

from saescope.errors import InputError, UnknownNameError
from saescope.index.rule import Rule
from saescope.index.store import check_feature
from saescope.query.examples import examples_frame
from saescope.query.on_text import features_on_text, hits_frame
from saescope.scope.scaling import Scaling

LENS_SCHEMA = {
    "feature": pl.UInt32,
    "side": pl.String,
    "rank": pl.UInt32,
    "token": pl.String,
    "token_id": pl.UInt32,
    "weight": pl.Float32,
}


class Queries(Scaling):
    """Features, examples, and the text on which features fire."""

    @property
    def features(self) -> pl.DataFrame:
        """One row a feature.

        Returns
        -------
        polars.DataFrame
            ``feature, n_fires, density`` (of counted tokens)``, max, mean, std`` (when firing)``, sum``,
            quantiles ``q10`` to ``q99``, ``histogram`` (32 equal bins from 0 to ``max``)``, top_tokens``
            with ``top_shares`` of the summed activation, ``promoted`` and ``suppressed`` tokens
            with their weights (logits per unit of activation). Of a crosscoder also ``relative_norm`` (of two
            places the second's share of both decoder norms, of more the largest share)``, place_cosine`` (between
            the first and the last place's decoder rows) and ``belongs`` (``"shared"``, the name of the place whose
            own the feature is, or ``"between"``).

        Raises
        ------
        NoIndexError
            Nothing has been indexed yet.

        Examples
        --------
        >>> scope.features.filter(pl.col("density") > 0.01).sort("max", descending=True).columns[:4]
        ['feature', 'n_fires', 'density', 'max']
        """
        return self.table.frame

    def examples(
        self,
        feature: int,
        k: int = 20,
        group: str = "top",
        context: int = 0,
        *,
        rule: Rule | None = None,
        folds: bool = True,
        n_intervals: int = 5,
        units: str = "sae",
    ) -> pl.DataFrame:
        """Text on which a feature fires, one row an example.

        Parameters
        ----------
        feature
            Feature number in ``[0, d_sae)``.
        k
            At most so many.
        group
            ``"top"`` (strongest first, at most one a context), ``"random"``, or ``"interval-5"`` to
            ``"interval-1"`` (drawn from each fifth of the range up to the maximum).
        context
            Tokens on each side of the peak, at most to the borders of context and document; 0
            for 64 to the left and 63 to the right.
        rule
            Which tokens count; by default the rule of the index.
        folds
            Show examples whose last eight tokens are the same once, and count them.
        n_intervals
            Equal parts of the range up to the maximum.
        units
            Of activations: ``"sae"``, as the SAE gives them, or ``"folded"``: see `in_units`.

        Returns
        -------
        polars.DataFrame
            ``feature, group, rank, activation, pos, token, tokens, activations, text, doc, …``.

        Raises
        ------
        UnknownFeatureError, UnknownNameError, InputError
            There is no such feature or group, or a number is out of range.
        NeedsPostingsError
            The index was made without postings, and its stored examples do not answer.

        Examples
        --------
        >>> shown = scope.examples(11, k=3)
        >>> shown["activation"].is_sorted(descending=True), shown["rank"].to_list()
        (True, [0, 1, 2])
        """
        if isinstance(k, bool) or not isinstance(k, int) or k < 1:
            raise InputError(f"k is a number of examples, at least 1, and {k!r} came.")
        found = examples_frame(
            self.require_index(),
            feature,
            k=k,
            group=group,
            context=context,
            rule=rule,
            folds=folds,
            n_intervals=n_intervals,
        )
        return self.in_units(found, units, feature=feature)

    def find_text(self, text: str, k: int = 20, context: int = 16, *, ignores_case: bool = False) -> pl.DataFrame:
        """Where a text occurs in the corpus, whatever the tokens it was cut into.

        Parameters
        ----------
        text
            Sought as it is, within contexts and documents.
        k
            At most so many; of more, an even draw, the same every time.
        context
            Tokens to show on each side.
        ignores_case
            Take ``A`` to ``Z`` for ``a`` to ``z``.

        Returns
        -------
        polars.DataFrame
            ``row, end`` (of the tokens in which it begins and ends)``, doc, source, text`` (with what
            stands around)``, n_found`` (occurrences in all), in the order of the corpus.

        Raises
        ------
        InputError
            The text is empty, or a number is out of range.
        NoIndexError
            Nothing has been indexed yet.

        Examples
        --------
        >>> scope.find_text(" the film", k=3)["text"].str.contains(" the film").all()
        True
        """
        return hits_frame(self.require_index(), text, k=k, context=context, ignores_case=ignores_case)

    def features_on(self, text: str, k: int = 50, *, ignores_case: bool = False, n_after: int = 0) -> pl.DataFrame:
        """Features that fire where a text occurs in the corpus, those that tell it best first.

        Parameters
        ----------
        k
            At most so many features.
        ignores_case
            Take ``A`` to ``Z`` for ``a`` to ``z``.
        n_after
            So many tokens after an occurrence belong to it too.

        Returns
        -------
        polars.DataFrame
            ``feature, score, n_hits`` (occurrences on which it fires)``, share`` (of those looked at)``,
            n_fires, specificity`` (share of its firings that lie on occurrences)``, max, n_taken`` (occurrences
            looked at: an even draw of at most 2,000)``, n_found`` (in all). Sorted by ``score``, the
            harmonic mean of ``share`` and ``specificity``.

        Raises
        ------
        InputError
            The text is empty, or a number is out of range.
        NoIndexError, NeedsPostingsError
            Nothing has been indexed yet, or without postings.
        """
        return features_on_text(self.require_index(), text, k=k, ignores_case=ignores_case, n_after=n_after)

    def lens(
        self, features: "int | Sequence[int]", k: int = 10, convention: Literal["norm_gain", "raw"] = "norm_gain"
    ) -> pl.DataFrame:
        """The tokens that features promote and suppress, through the model's unembedding, computed now.

        At a middle layer this is not the feature's effect on the output.

        Parameters
        ----------
        features
            One feature number, or several.
        k
            Tokens on each side, at most 10.
        convention
            ``"norm_gain"`` multiplies the decoder by the final norm's gain, as stored tables do;
            ``"raw"`` leaves it out, as SAEDashboard and Neuronpedia do.

        Returns
        -------
        polars.DataFrame
            ``feature, side`` (``"promoted"`` or ``"suppressed"``)``, rank, token, token_id, weight`` (logits per
            unit of activation).

        Raises
        ------
        UnknownFeatureError, InputError
            A number or the convention is none.
        NeedsModelError
            Only an index is open.

        Examples
        --------
        >>> scope.lens(11)["side"].unique().sort().to_list()
        ['promoted', 'suppressed']
        """
        from saescope.corpus import token_table
        from saescope.engine.lens import N_TOKENS, read_lens
        from saescope.engine.outward import stream_rows
        from saescope.index.vocabulary import readable

        model, sae, site = self._need_model("reading through the unembedding")
        if convention not in ("norm_gain", "raw"):
            raise UnknownNameError(f"there is no convention {convention!r}.", hint='Give "norm_gain" or "raw".')
        wanted = [features] if isinstance(features, int | np.integer) else features
        numbers = [check_feature(f, sae.d_sae) for f in wanted]
        if not 1 <= k <= N_TOKENS:
            raise InputError(f"k is a number of tokens from 1 to {N_TOKENS}, and {k} came.")
        table = token_table(model.tokenizer)
        with self.lock:
            rows = stream_rows(model.model, site, sae.sae.W_dec.detach()[numbers])
            found = read_lens(model.model, rows, len(table), convention=convention)
        table_rows = [
            (feature, side, rank, readable(table.contents[token]), token, weight)
            for n, feature in enumerate(numbers)
            for side, ids, weights in (
                ("promoted", found.promoted[n], found.promoted_weights[n]),
                ("suppressed", found.suppressed[n], found.suppressed_weights[n]),
            )
            for rank, (token, weight) in enumerate(zip(ids[:k].tolist(), weights[:k].tolist(), strict=True))
        ]
        return pl.DataFrame(table_rows, schema=LENS_SCHEMA, orient="row")
