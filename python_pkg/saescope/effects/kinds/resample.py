"""The feature says what it says elsewhere.

Source: resampling ablation, Chan et al. (2022), "Causal scrubbing", here of one feature.
"""

import numpy as np
from numpy.typing import NDArray

from saescope.effects.kinds.kind import About, Subject, told
from saescope.index.store import Index
from saescope.index.summary import bin_edges


@told(
    About(
        title="resample",
        meaning="Sets the activation to what it is on another token: drawn from the corpus, or of another text.",
        where="all",
        needs=("index",),
        takes_other=True,
    )
)
def resample(subject: Subject) -> NDArray[np.float32]:
    """Of the other text, aligned at the ends, or of tokens of the corpus, drawn with the seed.

    Positions before the other text begins keep what they have.
    """
    if subject.other is not None:
        at = subject.positions + (len(subject.other) - subject.n_tokens)
        return np.where(at >= 0, subject.other[np.maximum(at, 0)], subject.activations).astype(np.float32)
    index = subject.require_index("a draw from the corpus")
    draw = np.random.default_rng([subject.seed, subject.feature])
    return drawn(index, subject.feature, len(subject.positions), draw)


def drawn(index: Index, feature: int, n: int, draw: np.random.Generator) -> NDArray[np.float32]:
    """Activations ``[n]`` float32 of ``n`` counted tokens of the corpus, each drawn alike.

    With postings they are those of real tokens; without, those that fire are drawn from the fine
    histogram, evenly within a bin, which is 1/32 of its value wide.
    """
    row = index.figures.row(feature, ["n_fires", "fine_bins", "fine_counts"])
    n_fires = int(row["n_fires"])
    fires = draw.random(n) * index.n_counted < n_fires
    made = np.zeros(n, dtype=np.float32)
    n_drawn = int(fires.sum())
    if not n_drawn:
        return made
    if index.has_postings:
        postings = index.postings.postings(feature, feature + 1)
        values = postings.values[index.layout.is_counted(postings.rows)]
        made[fires] = values[draw.integers(len(values), size=n_drawn)]
        return made
    counts = np.asarray(row["fine_counts"], dtype=np.float64)
    low, high = bin_edges(
        np.asarray(row["fine_bins"], dtype=np.uint16)[draw.choice(len(counts), n_drawn, p=counts / counts.sum())]
    )
    made[fires] = low + (high - low) * draw.random(n_drawn, dtype=np.float32)
    return made
