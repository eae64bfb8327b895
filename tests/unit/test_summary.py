import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import plain
from saescope.engine.encoder import Nonzeros
from saescope.index.layout import Layout
from saescope.index.shards import Shards, shard_name
from saescope.index.summary import (
    GROUPS,
    N_AN_INTERVAL,
    N_BINS,
    N_INTERVALS,
    N_RANDOM,
    N_TOP,
    N_TOP_TOKENS,
    QUANTILES,
    Postings,
    choose,
    counted,
    position_hash,
    statistics,
    top,
)
from saescope.indexing.shard import write_shard

FEW_VALUES = np.array([0.5, 1.0, 1.5, 2.0, -1.0, -2.0], dtype=np.float32)
ALL_BUT_MAPS = settings(deadline=None, max_examples=60)


@st.composite
def measured(draw):
    """Postings of some features over a random stream; often with equal values, dead features and short contexts."""
    noise = np.random.default_rng(draw(st.integers(0, 1 << 30)))
    n_features, n_rows = draw(st.integers(1, 5)), draw(st.integers(2, 90))
    context_size, vocab = draw(st.integers(2, 12)), draw(st.integers(2, 30))
    density = draw(st.sampled_from([0.0, 0.05, 0.3, 1.0]))
    fires = noise.random((n_features, n_rows)) < density
    fires[noise.random(n_features) < 0.2] = False
    features, rows = np.nonzero(fires)
    if draw(st.booleans()):
        values = noise.choice(FEW_VALUES, len(rows))
    else:
        values = noise.exponential(3.0, len(rows)).astype(np.float32) + np.float32(1e-3)
    starts = np.unique(np.r_[0, noise.integers(0, n_rows, noise.integers(0, 6))])
    layout = Layout(
        noise.integers(0, vocab, n_rows).astype(np.uint16),
        context_size,
        starts.astype(np.int64),
        noise.random(vocab) < 0.1,
        draw(st.booleans()),
        draw(st.booleans()),
    )
    return Postings(draw(st.sampled_from([0, 64])), n_features, features, rows, values), layout


def listed(chosen, feature, group):
    mine = (chosen.features == feature) & (chosen.groups == GROUPS.index(group))
    assert chosen.ranks[mine].tolist() == list(range(mine.sum()))
    return list(zip(chosen.rows[mine].tolist(), chosen.values[mine].tolist(), strict=True))


@given(measured())
@ALL_BUT_MAPS
def test_statistics_equal_plain_loops(data):
    postings, layout = data
    kept = counted(postings, layout)
    found = statistics(kept, layout)
    for feature, everything in enumerate(plain.by_feature(postings)):
        pairs = [(r, v) for r, v in everything if plain.counts(r, layout)]
        values = [float(v) for _, v in pairs]
        maximum = max((abs(v) for v in values), default=0.0)
        assert found.n_fires[feature] == len(pairs)
        assert found.maxima[feature] == np.float32(maximum)
        assert found.sums[feature] == pytest.approx(sum(values), rel=1e-9, abs=1e-9)
        assert found.sums_of_squares[feature] == pytest.approx(sum(v * v for v in values), rel=1e-9)
        bins = [min(int(np.float32(abs(v)) / np.float32(maximum) * np.float32(N_BINS)), N_BINS - 1) for v in values]
        assert found.histogram[feature].tolist() == [bins.count(b) for b in range(N_BINS)]
        wanted = [plain.quantile(pairs, q) if pairs else 0.0 for q in QUANTILES]
        assert found.quantiles[feature].tolist() == wanted
        tokens = plain.top_tokens(pairs, layout, N_TOP_TOKENS)
        n_tokens = (found.top_tokens[feature] >= 0).sum()
        assert found.top_tokens[feature][:n_tokens].tolist() == [t for t, _ in tokens]
        np.testing.assert_allclose(found.top_token_shares[feature][:n_tokens], [s for _, s in tokens], rtol=1e-5)


@given(measured())
@ALL_BUT_MAPS
def test_top_is_the_strongest_of_each_context_and_ties_go_to_the_earlier_row(data):
    postings, layout = data
    for k in (1, 3, N_TOP):
        chosen = top(postings, layout, k)
        for feature, pairs in enumerate(plain.by_feature(postings)):
            assert listed(chosen, feature, "top") == plain.top(pairs, layout.context_size, k)


@given(measured())
@ALL_BUT_MAPS
def test_chosen_examples_equal_plain_draws(data):
    postings, layout = data
    kept = counted(postings, layout)
    chosen = choose(kept, statistics(kept, layout).maxima, layout)
    for feature, pairs in enumerate(plain.by_feature(kept)):
        number = feature + postings.first
        assert listed(chosen, feature, "top") == plain.top(pairs, layout.context_size, N_TOP)
        assert listed(chosen, feature, "random") == plain.drawn(pairs, number, N_RANDOM)
        maximum = max((abs(v) for _, v in pairs), default=1)
        for n in range(N_INTERVALS):
            inside = [(r, v) for r, v in pairs if plain.interval(v, maximum, N_INTERVALS) == n]
            assert listed(chosen, feature, f"interval-{n + 1}") == plain.drawn(inside, number, N_AN_INTERVAL)


@given(measured())
@ALL_BUT_MAPS
def test_every_chosen_example_fires_and_counts(data):
    postings, layout = data
    kept = counted(postings, layout)
    chosen = choose(kept, statistics(kept, layout).maxima, layout)
    fires = {(f, r): v for f, r, v in zip(postings.features, postings.rows, postings.values, strict=True)}
    for feature, row, value in zip(chosen.features, chosen.rows, chosen.values, strict=True):
        assert fires[feature, row] == value != 0
        assert plain.counts(int(row), layout)


@given(data=measured(), n_contexts=st.integers(1, 4))
@ALL_BUT_MAPS
def test_nothing_depends_on_how_rows_are_cut_into_shards(tmp_path_factory, data, n_contexts):
    postings, layout = data
    shard_rows, folder = n_contexts * layout.context_size, tmp_path_factory.mktemp("shards")
    order = np.lexsort((postings.features, postings.rows))
    rows, features, values = postings.rows[order], postings.features[order].astype(np.uint32), postings.values[order]
    n_shards = -(-layout.n_rows // shard_rows)
    for n in range(n_shards):
        inside = rows // shard_rows == n
        part = Nonzeros(rows[inside] - n * shard_rows, features[inside], values[inside])
        n_rows = min(shard_rows, layout.n_rows - n * shard_rows)
        assert write_shard(folder / shard_name(n), [part], n_rows, postings.n_features) == inside.sum()
    shards = Shards(folder, n_shards, shard_rows)
    read = shards.postings(0, postings.n_features)
    for name in ("features", "rows", "values"):
        np.testing.assert_array_equal(getattr(read, name), getattr(postings, name))
    for row in range(layout.n_rows):
        on_row = rows == row
        found, strengths = shards.row(row)
        np.testing.assert_array_equal(found, features[on_row])
        np.testing.assert_allclose(strengths, values[on_row], rtol=1e-3)


@given(measured())
@ALL_BUT_MAPS
def test_features_taken_in_blocks_give_the_same_examples(data):
    postings, layout = data
    whole = choose(postings, statistics(postings, layout).maxima, layout)
    for feature in range(postings.n_features):
        mine = postings.features == feature
        one = Postings(
            postings.first + feature, 1, postings.features[mine] * 0, postings.rows[mine], postings.values[mine]
        )
        alone = choose(one, statistics(one, layout).maxima, layout)
        for group in GROUPS:
            assert listed(alone, 0, group) == listed(whole, feature, group)


@given(st.integers(0, 1 << 20), st.integers(0, 1 << 39))
def test_the_hash_is_splitmix64_of_feature_and_row(feature, row):
    found = position_hash(np.array([feature], dtype=np.int64), np.array([row], dtype=np.int64))
    assert int(found[0]) == plain.position_hash(feature, row)


def test_random_draws_are_spread_over_the_rows():
    rows = np.arange(100_000)
    postings = Postings(0, 1, rows * 0, rows, np.ones(len(rows), dtype=np.float32))
    layout = Layout(np.zeros(len(rows), dtype=np.uint16), 128, np.zeros(1, dtype=np.int64), np.zeros(1, dtype=bool))
    means = []
    for first in range(40):
        shifted = Postings(first, 1, postings.features, rows, postings.values)
        means.append(choose(shifted, np.ones(1, dtype=np.float32), layout).rows[N_TOP : N_TOP + N_RANDOM].mean())
    assert abs(np.mean(means) / 50_000 - 1) < 0.1
    assert len(set(means)) == 40


@pytest.mark.parametrize("largest", [1.0, 65_504.0, 65_505.0, 3e6])
def test_row_values_beyond_half_precision_are_scaled(tmp_path, largest):
    values = np.array([largest, largest / 3], dtype=np.float32)
    write_shard(tmp_path / shard_name(0), [Nonzeros(np.arange(2), np.zeros(2, dtype=np.uint32), values)], 2, 4)
    shards = Shards(tmp_path, 1, 2)
    assert [float(shards.row(r)[1][0]) for r in (0, 1)] == pytest.approx(values.tolist(), rel=1e-3)
    assert shards.postings(0, 1).values.tolist() == values.tolist()
