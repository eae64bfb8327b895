"""Features that fire on the same tokens.

1. The rows on which the feature fires, of those that count, come from its postings.
2. What else fires on each comes from the postings by row, and is counted by feature.
3. The other features' own counts, sums and sums of squares stand in the feature table.

Up to ``MOST_ROWS`` rows this is exact. Above, so many rows with the smallest hashes stand
for all, and each score states its standard error.

Notes
-----
A count of co-firings is then hypergeometric. Its error is the binomial one, with two
successes and two failures added, so that a feature that was not met has an error too
(A. Agresti, B. Coull, The American Statistician 52, 1998), times ``sqrt(1 - m / n)`` for ``m`` rows
drawn of ``n``. It is carried through the Jaccard index to first order.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from saescope.index.store import Index
from saescope.index.summary import counted
from saescope.query.firing import evenly, firing_on
from saescope.query.neighbors.metric import POSTINGS, About, Scores, Space, told

Floats = NDArray[np.float64]

MOST_ROWS = 1 << 17
BLOCK_ROWS = 1 << 13
ADDED = 2


@dataclass(frozen=True)
class CoFiring:
    """What fires with one feature: sums over ``n_rows`` of its ``n_fires`` counted rows.

    ``counts``, and where they were asked for ``products`` and their ``squares``, are ``[d_sae]``
    float64; a product is that of the two activations.
    """

    n_fires: int
    n_rows: int
    counts: Floats
    products: Floats
    squares: Floats

    @property
    def is_exact(self) -> bool:
        """Whether every row was taken."""
        return self.n_rows == self.n_fires

    @property
    def scale(self) -> float:
        """Rows that each row taken stands for."""
        return self.n_fires / max(self.n_rows, 1)

    def error_of_sum(self, sums: Floats, squares: Floats, typical: Floats) -> Floats:
        """Standard error of the sum over all rows, from sums over the rows taken.

        Parameters
        ----------
        sums, squares
            Of a quantity and of its square, over the rows taken.
        typical
            The square of the quantity where it is not 0, for the rows that are added.
        """
        if self.is_exact:
            return np.zeros_like(sums)
        m = self.n_rows + 2 * ADDED
        mean = (sums + ADDED * np.sqrt(typical)) / m
        variance = np.maximum((squares + ADDED * typical) / m - mean**2, 0)
        return self.n_fires * np.sqrt(variance / self.n_rows * (1 - self.n_rows / self.n_fires))


@told(
    About(
        "Jaccard of firing",
        "Tokens on which both fire, of those on which either does: 1 for always together, 0 for never.",
        0,
        1,
        (POSTINGS,),
    )
)
def jaccard(space: Space, feature: int) -> Scores:
    """Tokens on which both fire, of those on which either does: from 0 to 1.

    Raises
    ------
    NoIndexError, NeedsPostingsError
        There is no index, or one without postings.
    """
    index = space.require_index()
    found = cofiring(index, feature, check=space.check)
    either = found.n_fires + index.table["n_fires"].to_numpy().astype(np.float64)
    both = np.minimum(found.counts * found.scale, either - found.n_fires)
    union = np.maximum(either - both, 1)
    error = found.error_of_sum(found.counts, found.counts, np.ones_like(both))
    return _scores(both / union, error * either / union**2)


@told(
    About(
        "correlation",
        "Pearson's correlation of the two activations over all tokens that count: 1 for proportional, 0 for unrelated.",
        -1,
        1,
        (POSTINGS,),
    )
)
def correlation(space: Space, feature: int) -> Scores:
    """Pearson's correlation of the two activations over all tokens that count, from -1 to 1; 0 with a dead feature.

    Raises
    ------
    NoIndexError, NeedsPostingsError
        There is no index, or one without postings.
    """
    index = space.require_index()
    found = cofiring(index, feature, with_products=True, check=space.check)
    table = index.table.select("n_fires", "sum", "sum_of_squares")
    n_fires, sums, squares = (c.to_numpy().astype(np.float64) for c in table)
    n = max(index.n_counted, 1)
    means = sums / n
    variances = np.maximum(squares / n - means**2, 0)
    spread = n * np.sqrt(variances[feature] * variances)
    spread[spread == 0] = np.inf
    typical = squares / np.maximum(n_fires, 1)
    error = found.error_of_sum(found.products, found.squares, typical[feature] * typical)
    return _scores((found.products * found.scale - n * means[feature] * means) / spread, error / spread)


def cofiring(
    index: Index, feature: int, *, with_products: bool = False, check: Callable[[], None] = lambda: None
) -> CoFiring:
    """Count what fires with one feature, itself included, on rows that count; ``check`` may stop it by raising."""
    own = counted(index.postings.postings(feature, feature + 1), index.layout)
    taken = evenly(own.rows, MOST_ROWS, feature)
    rows, values = own.rows[taken], own.values[taken].astype(np.float64)
    counts, products, squares = np.zeros((3, index.manifest.d_sae))
    for start in range(0, len(rows), BLOCK_ROWS):
        block = slice(start, start + BLOCK_ROWS)
        check()
        features, others, lengths = firing_on(index, rows[block])
        counts += np.bincount(features, minlength=len(counts))
        if with_products:
            product = np.repeat(values[block], lengths) * others
            products += np.bincount(features, weights=product, minlength=len(counts))
            if len(rows) < len(own.rows):
                squares += np.bincount(features, weights=product * product, minlength=len(counts))
    return CoFiring(len(own.rows), len(rows), counts, products, squares)


def _scores(values: Floats, errors: Floats) -> Scores:
    return Scores(values.astype(np.float32), errors.astype(np.float32))
