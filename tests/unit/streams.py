"""Random token streams and postings over them, and what the index says of them in plain loops."""

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from saescope.engine.encoder import Nonzeros
from saescope.index.layout import N_HASHED, Layout
from saescope.index.postings import Postings, shard_name
from saescope.index.rows import rows_name
from saescope.index.rule import Rule
from saescope.indexing import shards

SOME = settings(deadline=None, max_examples=60)
FEW_VALUES = np.array([0.5, 1.0, 1.5, 2.0, -1.0, -2.0], dtype=np.float32)


@st.composite
def layouts(draw, max_rows=200, vocab=None, is_packed=None):
    """Streams of one context length or with contexts of their own, under any rule."""
    noise = np.random.default_rng(draw(st.integers(0, 1 << 30)))
    n_rows, size = draw(st.integers(1, max_rows)), draw(st.integers(2, 100))
    vocab = vocab or draw(st.integers(2, 30))
    docs = np.unique(np.r_[0, noise.integers(0, n_rows, noise.integers(0, 12))]).astype(np.int64)
    is_packed = draw(st.booleans()) if is_packed is None else is_packed
    return Layout(
        noise.integers(0, vocab, n_rows).astype(np.uint16),
        size,
        docs,
        noise.random(vocab) < 0.2,
        draw(rules()),
        None if is_packed else context_starts(docs, n_rows, size),
        noise.lognormal(0, 2, n_rows).astype(np.float32),
        float(noise.lognormal(0, 1)),
    )


def rules():
    return st.builds(Rule, st.integers(0, 3), st.booleans(), st.sampled_from([None, 0.5, 3.0]))


def context_starts(docs, n_rows, size):
    """Each document in contexts of its own, the last of them shorter."""
    ends = [*docs[1:].tolist(), n_rows]
    return np.array([s for a, b in zip(docs.tolist(), ends, strict=True) for s in range(a, b, size)], dtype=np.int64)


@st.composite
def measured(draw, **options):
    """Postings of some features over a random stream; often with equal values, dead features and short contexts."""
    layout = draw(layouts(max_rows=90, **options))
    noise = np.random.default_rng(draw(st.integers(0, 1 << 30)))
    n_features = draw(st.integers(1, 5))
    fires = noise.random((n_features, layout.n_rows)) < draw(st.sampled_from([0.0, 0.05, 0.3, 1.0]))
    fires[noise.random(n_features) < 0.2] = False
    features, rows = np.nonzero(fires)
    values = noise.exponential(3.0, len(rows)).astype(np.float32) + np.float32(1e-3)
    values = noise.choice(FEW_VALUES, len(rows)) if draw(st.booleans()) else values
    return Postings(draw(st.sampled_from([0, 64])), n_features, features, rows, values), layout


def shard_borders(layout, n_contexts):
    """First rows of shards of so many contexts."""
    starts = [low for low, _ in contexts(layout)]
    return starts[::n_contexts]


def write_shards(folder, postings, layout, borders):
    """Both files of each shard, as a worker writes them; features count from 0."""
    order = np.lexsort((postings.features, postings.rows))
    rows, features, values = postings.rows[order], postings.features[order].astype(np.uint32), postings.values[order]
    for number, (low, high) in enumerate(zip(borders, [*borders[1:], layout.n_rows], strict=True)):
        inside = (rows >= low) & (rows < high)
        found = Nonzeros(rows[inside] - low, features[inside], values[inside])
        norms = np.ones(high - low, dtype=np.float32) if layout.norms is None else layout.norms[low:high]
        by_row = shards.by_row(found, high - low, postings.n_features, norms, np.array([1.0, number, 2.0]))
        shards.save_shard(folder, number, shards.Shard(shards.by_feature(found, postings.n_features), by_row))
    numbers = range(len(borders))
    return [folder / shard_name(n) for n in numbers], [folder / rows_name(n) for n in numbers]


def contexts(layout):
    """First row and end of each context, walked row by row."""
    starts = range(0, layout.n_rows, layout.context_size)
    starts = list(starts) if layout.context_starts is None else layout.context_starts.tolist()
    return list(zip(starts, [*starts[1:], layout.n_rows], strict=True))


def context_of(row, layout):
    """Number, first row and end of a row's context."""
    return next((n, low, high) for n, (low, high) in enumerate(contexts(layout)) if low <= row < high)


def is_counted(row, layout):
    """Whether a row counts."""
    rule, (_, low, _) = layout.rule, context_of(row, layout)
    if row - low < rule.n_skipped:
        return False
    if rule.skips_special and layout.is_special[layout.tokens[row]]:
        return False
    is_by_norm = rule.max_norm_ratio is not None and layout.norms is not None
    return not (is_by_norm and layout.norms[row] > rule.max_norm_ratio * layout.median_norm)


def tail(row, layout):
    """The last tokens of a context up to a row."""
    _, low, _ = context_of(row, layout)
    return tuple(layout.tokens[max(low, row + 1 - N_HASHED) : row + 1].tolist())


def window(row, layout, side):
    """First row and end of the window round a row, walked token by token."""
    (_, first, end), docs = context_of(row, layout), set(layout.doc_starts.tolist())
    low, high = row, row + 1
    while low > max(first, row - side) and low not in docs:
        low -= 1
    while high < min(end, row + side) and high not in docs:
        high += 1
    return low + (low < row and bool(layout.is_special[layout.tokens[low]])), high


def top(pairs, layout, k, folds):
    """The k strongest (row, value, n_same), one a context, of equal ones the earlier row; alike ones counted."""
    best = {}
    for row, value in pairs:
        context = context_of(row, layout)[0]
        if context not in best or abs(value) > abs(best[context][1]):
            best[context] = (row, value)
    ranked = sorted(best.values(), key=lambda p: (-abs(p[1]), p[0]))
    if not folds:
        return [(row, value, 0) for row, value in ranked][:k]
    tails = [tail(row, layout) for row, _ in ranked]
    return [(*p, tails.count(t) - 1) for n, (p, t) in enumerate(zip(ranked, tails, strict=True)) if t not in tails[:n]][
        :k
    ]
