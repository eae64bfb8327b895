"""Compare: two to four features side by side."""

from collections.abc import Iterable
from typing import Any, ClassVar

import polars as pl

from saescope.index.store import check_feature
from saescope.panels.core import Panel
from saescope.panels.snapshot import Requests
from saescope.query.contrast import PAIR_SCHEMA
from saescope.scope import Scope

MOST = 4
N_EXAMPLES, CONTEXT = 10, 12


class Compare(Panel):
    """Features side by side, and the text on which one fires and another does not.

    Parameters
    ----------
    scope, feature, state
        See `Panel`.
    features
        Which, at most four; by default those picked, or the selected one.

    Raises
    ------
    UnknownFeatureError
        There is no such feature.
    """

    view: ClassVar[str] = "compare"

    def __init__(
        self,
        scope: Scope,
        feature: int | None = None,
        *,
        features: Iterable[int] | None = None,
        state: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        if features is not None:
            numbers = list(dict.fromkeys(check_feature(f, scope.n_features) for f in features))
            state = {**(state or {}), "features": numbers[:MOST]}
        super().__init__(scope, feature, state=state, **options)

    @property
    def features(self) -> list[int]:
        """The features that it shows."""
        chosen = self.state.get("features")
        picked = self.scope.picked
        return [int(f) for f in chosen or (picked[:MOST] if len(picked) > 1 else [self.feature])]

    def frame(self) -> pl.DataFrame:
        """How alike they are: `Scope.compare`."""
        features = self.features
        return self.scope.compare(features) if len(features) > 1 else pl.DataFrame(schema=PAIR_SCHEMA)

    def recorded(self) -> Requests:
        """The features side by side, and where the first fires alone."""
        features = self.features
        side_by_side = ("compare.get", {"features": features, "n_examples": 3})
        if len(features) < 2:
            return [side_by_side]
        alone = {"feature": features[0], "without": features[1:], "k": N_EXAMPLES, "context": CONTEXT}
        return [side_by_side, ("contrast.list", alone)]
