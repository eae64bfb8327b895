"""What a feature's page shows, as tables."""

from dataclasses import asdict

import numpy as np
import polars as pl
import polars.selectors as cs
from numpy.typing import NDArray

from saescope.index.rule import Rule
from saescope.index.store import check_feature
from saescope.query.document import context_before, document_frame, fires_on_row, strongest_first
from saescope.query.shares import figures_by, group_shares
from saescope.query.tokens import with_texts
from saescope.query.weights import Weights, weights_of
from saescope.scope.scaling import Scaling

TOKEN_LISTS = ["top_tokens", "promoted", "suppressed"]
GROUP = pl.Struct(
    {
        "name": pl.String,
        "low": pl.Float32,
        "high": pl.Float32,
        "n_fires": pl.UInt64,
        "share": pl.Float64,
        "is_exact": pl.Boolean,
    }
)


class Paging(Scaling):
    """One feature's figures, the documents of its examples, and what else fires in them."""

    def feature(
        self, feature: int, *, rule: Rule | None = None, n_intervals: int = 5, units: str = "sae"
    ) -> pl.DataFrame:
        """All figures of one feature's page, in one row.

        Parameters
        ----------
        feature
            Feature number in ``[0, d_sae)``.
        rule
            Which tokens count; by default the rule of the index.
        n_intervals
            Equal parts of the range up to the maximum, for ``groups``.
        units
            Of activations: ``"sae"``, as the SAE gives them, or ``"folded"``: see `in_units`.

        Returns
        -------
        polars.DataFrame
            ``feature, label``, the columns of `features`, ``n_counted`` (tokens that count)``, groups`` (a list of
            ``name, low, high, n_fires, share, is_exact``: counted firings in each interval of the activation)``,
            cosine`` (of encoder and decoder direction)``, encoder_bias, threshold, decoder_norm``, and of
            crosscoders ``relative_norm, place_cosine`` (null where not known).

        Raises
        ------
        UnknownFeatureError, InputError
            There is no such feature, or ``n_intervals`` is out of range.
        NeedsPostingsError
            The rule is another one than the index's, and it was made without postings.

        Examples
        --------
        >>> scope.feature(11).select("feature", "groups").height
        1
        """
        index = self.require_index()
        row, n_counted = figures_by(index, feature, rule)
        columns = {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in row.items()}
        schema = {name: kind for name, kind in index.table.schema.items() if name in columns}
        frame = pl.DataFrame({name: [columns[name]] for name in schema}, schema=schema)
        shares = [asdict(s) for s in group_shares(index, feature, rule=rule, n_intervals=n_intervals)]
        if units != "sae":
            factor = float(self.fold_factors()[feature])
            shares = [s | {name: s[name] * factor for name in ("low", "high")} for s in shares]
        weights = asdict(self.weights_of(feature))
        page = (
            with_texts(frame.with_columns(cs.float().fill_nan(None)), TOKEN_LISTS, index.vocabulary)
            .with_columns(
                pl.lit(n_counted, dtype=pl.UInt64).alias("n_counted"),
                pl.Series("groups", [shares], dtype=pl.List(GROUP)),
                *(pl.lit(value, dtype=pl.Float32).alias(name) for name, value in weights.items()),
            )
            .insert_column(1, pl.Series("label", [self.labels_of([feature]).get(int(feature))], dtype=pl.String))
        )
        return self.in_units(page, units)

    def document(self, row: int, feature: int | None = None, before: int = 1000, after: int = 1000) -> pl.DataFrame:
        """The source document of an example, token by token.

        Parameters
        ----------
        row
            A row of the corpus, such as an example's ``row``.
        feature
            Whose activations to tell; ``None`` for none.
        before, after
            Tokens on each side of the row, at most to the document's ends.

        Returns
        -------
        polars.DataFrame
            ``row, place`` (in the document)``, pos`` (in the model's context)``, token, token_id, activation`` (null
            where it is not known: in an index without postings, outside of the feature's stored
            examples)``, is_passage`` (in the window that an example with this peak shows)``, doc, source``.

        Raises
        ------
        UnknownFeatureError, InputError
            There is no such feature or row, or a number is negative.
        """
        return document_frame(self.require_index(), row, feature=feature, before=before, after=after)

    def firing(self, row: int) -> pl.DataFrame:
        """Everything that fires on one token of the corpus.

        Parameters
        ----------
        row
            A row of the corpus, such as an example's ``row``.

        Returns
        -------
        polars.DataFrame
            ``feature`` u32, ``activation`` f32; strongest first. From the index's postings (rounded to half
            precision), or, without them, by running the model on the token's context.

        Raises
        ------
        InputError
            There is no such row, or it has not been read yet.
        NeedsModelError
            There are no postings and no model.

        Examples
        --------
        >>> scope.firing(1000).columns
        ['feature', 'activation']
        """
        index = self.require_index()
        has_postings = index.manifest.has_postings or not index.is_complete
        features, values = fires_on_row(index, row) if has_postings else self.fires_now(row)
        return pl.DataFrame({"feature": features.astype(np.uint32), "activation": values})

    def fires_now(self, row: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """What fires on a token of the corpus, by running the model on its context; strongest first."""
        model, sae, site = self._need_model("telling what fires on a token, in an index without postings,")
        tokens = context_before(self.require_index(), row)
        from saescope.engine.rows import fires_on_last

        with self.lock:
            features, values = fires_on_last(model.model, sae.sae, site, tokens)
        return strongest_first(features, values)

    def weights_of(self, feature: int) -> Weights:
        """What the weights say of a feature: from the loaded SAE, or from what the index holds of it."""
        if self._sae is None:
            return weights_of(self.require_index(), feature)
        from saescope.engine.directions import weight_facts

        feature = check_feature(feature, self.n_features)
        return Weights.of(weight_facts(self._sae.sae, feature, feature + 1), 0)
