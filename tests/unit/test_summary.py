from dataclasses import fields
from itertools import pairwise

import numpy as np
import pytest
import streams
from hypothesis import given, settings
from hypothesis import strategies as st

import plain
from saescope.index.layout import Layout
from saescope.index.postings import Postings
from saescope.index.rule import EVERYTHING
from saescope.index.summary import (
    N_BINS,
    N_TOP_TOKENS,
    QUANTILES,
    bin_edges,
    counted,
    quantile_of,
    statistics,
)

VALUES = st.lists(st.floats(2.0**-100, 2.0**100, width=32), min_size=1, max_size=200)


def layout_of(tokens, vocab=None):
    tokens = np.asarray(tokens, dtype=np.uint16)
    special = np.zeros(vocab or int(tokens.max()) + 1, dtype=bool)
    return Layout(tokens, 1 << 16, np.zeros(1, dtype=np.int64), special, EVERYTHING)


def one_feature(values, tokens=None):
    values = np.asarray(values, dtype=np.float32)
    rows = np.arange(len(values))
    return Postings(0, 1, rows * 0, rows, values), layout_of(rows * 0 if tokens is None else tokens)


def fine(found, feature):
    part = slice(*found.fine_offsets[feature : feature + 2])
    return found.fine_bins[part], found.fine_counts[part]


@given(streams.measured())
@streams.SOME
def test_statistics_equal_plain_loops(data):
    postings, layout = data
    kept = counted(postings, layout)
    found = statistics(kept, layout)
    for feature, everything in enumerate(plain.by_feature(postings)):
        pairs = [(r, v) for r, v in everything if streams.is_counted(r, layout)]
        values = [float(v) for _, v in pairs]
        n, maximum = len(values), max((abs(v) for v in values), default=0.0)
        assert found.n_fires[feature] == n
        assert found.maxima[feature] == np.float32(maximum)
        assert found.sums[feature] == pytest.approx(sum(values), rel=1e-9, abs=1e-9)
        assert found.sums_of_squares[feature] == pytest.approx(sum(v * v for v in values), rel=1e-9)
        assert found.means[feature] == pytest.approx(np.mean(values) if n else 0, rel=1e-9, abs=1e-9)
        assert found.deviations[feature] == pytest.approx(np.std(values) if n else 0, rel=1e-6, abs=1e-6)
        bins = [min(int(np.float32(abs(v)) / np.float32(maximum) * np.float32(N_BINS)), N_BINS - 1) for v in values]
        assert found.histogram[feature].tolist() == [bins.count(b) for b in range(N_BINS)]
        wanted = [plain.quantile(pairs, q) if pairs else 0.0 for q in QUANTILES]
        assert found.quantiles[feature].tolist() == wanted
        tokens = plain.top_tokens(pairs, layout, N_TOP_TOKENS)
        missing = N_TOP_TOKENS - len(tokens)
        assert found.top_tokens[feature].tolist() == [t for t, _ in tokens] + [-1] * missing
        np.testing.assert_allclose(found.top_token_shares[feature], [s for _, s in tokens] + [0] * missing, rtol=1e-5)


@given(streams.measured())
@streams.SOME
def test_what_counts_is_the_same_whether_the_rows_are_counted_before_or_not(data):
    postings, layout = data
    before = counted(postings, layout)
    layout.n_counted()
    after = counted(postings, layout)
    for name in ("features", "rows", "values"):
        np.testing.assert_array_equal(getattr(before, name), getattr(after, name))
    assert before.rows.tolist() == [r for r in postings.rows.tolist() if streams.is_counted(r, layout)]


@given(streams.measured())
@streams.SOME
def test_features_taken_in_parts_have_the_same_statistics(data):
    postings, layout = data
    whole = statistics(postings, layout)
    for feature in range(postings.n_features):
        mine = postings.features == feature
        lone = Postings(
            postings.first + feature, 1, postings.features[mine] * 0, postings.rows[mine], postings.values[mine]
        )
        part = statistics(lone, layout)
        for field in fields(part):
            if not field.name.startswith("fine"):
                np.testing.assert_array_equal(getattr(part, field.name)[0], getattr(whole, field.name)[feature])
        for a, b in zip(fine(part, 0), fine(whole, feature), strict=True):
            np.testing.assert_array_equal(a, b)


def test_ten_tokens_are_kept_and_equal_ones_go_by_their_number():
    tokens = [11, 3, 12, 4, 5, 6, 7, 8, 9, 10, 2, 1, 0]
    found = statistics(*one_feature([1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3], tokens))
    assert found.top_tokens[0].tolist() == [0, 3, 1, 2, 4, 5, 6, 7, 8, 9]
    np.testing.assert_allclose(found.top_token_shares[0], np.array([3, 2, *[1] * 8]) / 16)


def test_a_token_s_share_is_of_strength_where_activations_are_negative():
    found = statistics(*one_feature([-3, 1, 0.5, 0.5], [5, 5, 2, 7]))
    assert found.top_tokens[0][:3].tolist() == [5, 2, 7]
    assert found.top_token_shares[0][:3].tolist() == pytest.approx([0.8, 0.1, 0.1])
    assert (found.maxima[0], found.sums[0], found.quantiles[0].tolist()) == (3, -1, [0.5, 0.5, 0.5, 1, 3, 3])


def test_a_vocabulary_of_a_quarter_million_and_four_thousand_features_fit_in_one_number():
    noise, n = np.random.default_rng(0), 4096
    tokens = noise.integers(0, 1 << 18, 300)
    layout = layout_of(tokens[:1], 1 << 18)
    layout = Layout(tokens.astype(np.uint32), 1 << 16, layout.doc_starts, layout.is_special, EVERYTHING)
    features = np.sort(noise.choice(n, 300, replace=False))
    features[-1] = n - 1
    values = noise.exponential(1, 300).astype(np.float32)
    found = statistics(Postings(0, n, features, np.arange(300), values), layout)
    assert found.top_tokens[features, 0].tolist() == tokens.tolist()
    assert (found.top_tokens >= 0).sum() == 300


def test_no_postings_give_zeros():
    none = np.zeros(0, dtype=np.int64)
    found = statistics(Postings(0, 3, none, none, none.astype(np.float32)), layout_of([0]))
    for name in ("n_fires", "sums", "maxima", "quantiles", "histogram", "means", "deviations"):
        assert not getattr(found, name).any()
        assert len(getattr(found, name)) == 3
    assert (found.fine_offsets.tolist(), found.top_tokens.max()) == ([0, 0, 0, 0], -1)
    assert quantile_of(*fine(found, 1), 0.5) == 0


@given(VALUES, st.floats(0, 1))
@settings(deadline=None, max_examples=300)
def test_any_quantile_of_the_fine_histogram_is_within_a_64th(values, q):
    signs = np.resize([1, -1], len(values))
    bins, counts = fine(statistics(*one_feature(signs * np.array(values))), 0)
    exact = sorted(values)[max(int(np.ceil(q * len(values))), 1) - 1]
    assert quantile_of(bins, counts, q) == pytest.approx(exact, rel=1 / 64)


@given(VALUES)
@streams.SOME
def test_each_value_is_in_its_fine_bin_and_bins_are_rising_and_disjoint(values):
    bins, counts = fine(statistics(*one_feature(values)), 0)
    low, high = bin_edges(bins)
    inside = [[bool(a <= v < b) for v in values] for a, b in zip(low, high, strict=True)]
    assert np.sum(inside, axis=1).tolist() == counts.tolist()
    assert (np.sum(inside, axis=0) == 1).all()
    assert (high <= low * np.float32(1 + 1 / 32)).all()
    assert all(a < b for a, b in pairwise(bins.tolist()))


@given(streams.measured(), st.integers(0, 90))
@streams.SOME
def test_fine_histograms_of_parts_add_up(data, border):
    postings, layout = data
    whole = statistics(postings, layout)
    parts = [statistics(postings.take(mask), layout) for mask in (postings.rows < border, postings.rows >= border)]
    for feature in range(postings.n_features):
        added = np.zeros(1 << 14, dtype=np.int64)
        for part in parts:
            bins, counts = fine(part, feature)
            added[bins] += counts
        bins, counts = fine(whole, feature)
        assert np.flatnonzero(added).tolist() == bins.tolist()
        assert added[bins].tolist() == counts.tolist()
        assert counts.sum() == whole.n_fires[feature]
