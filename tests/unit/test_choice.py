import numpy as np
import pytest
import streams
from hypothesis import given, settings
from hypothesis import strategies as st

import plain
from saescope.errors import InputError
from saescope.index import choice
from saescope.index.choice import GROUPS, Wanted, choose, drawn, position_hash, top
from saescope.index.layout import Layout
from saescope.index.postings import Postings, partition
from saescope.index.rule import EVERYTHING
from saescope.index.summary import counted, statistics

WANTED = st.builds(Wanted, st.integers(0, 25), st.integers(0, 12), st.integers(1, 9), st.integers(0, 6), st.booleans())


def listed(chosen, feature, group):
    """(row, value, n_same) of one feature and group, in the order of their ranks."""
    mine = (chosen.features == feature) & (chosen.groups == group)
    assert chosen.ranks[mine].tolist() == list(range(mine.sum()))
    return list(zip(*(x[mine].tolist() for x in (chosen.rows, chosen.values, chosen.n_same)), strict=True))


def chosen_of(postings, layout, wanted):
    return choose(postings, statistics(postings, layout).maxima, layout, wanted)


def contexts_of(tails, strengths, size=12):
    """One feature that fires at the end of each context; the context's last tokens are told by a number."""
    tokens = np.zeros((len(tails), size), dtype=np.uint16)
    tokens[:, -1] = tails
    layout = Layout(
        tokens.reshape(-1), size, np.zeros(1, dtype=np.int64), np.zeros(max(tails) + 1, dtype=bool), EVERYTHING
    )
    rows = np.arange(len(tails)) * size + size - 1
    return Postings(0, 1, rows * 0, rows, np.asarray(strengths, dtype=np.float32)), layout


@given(streams.measured(), st.integers(0, 25), st.booleans())
@streams.SOME
def test_top_is_the_strongest_of_each_context_and_ties_go_to_the_earlier_row(data, k, folds):
    postings, layout = data
    chosen = top(postings, layout, k, folds=folds)
    for feature, pairs in enumerate(plain.by_feature(postings)):
        assert listed(chosen, feature, 0) == streams.top(pairs, layout, k, folds)


@given(streams.measured(vocab=2), st.integers(1, 8), st.integers(1, 3))
@streams.SOME
def test_alike_examples_are_one_and_counted_however_few_are_looked_at_first(data, k, spare):
    postings, layout = data
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choice, "SPARE", spare)
        chosen = top(postings, layout, k)
    for feature, pairs in enumerate(plain.by_feature(postings)):
        assert listed(chosen, feature, 0) == streams.top(pairs, layout, k, folds=True)


@pytest.mark.parametrize("n_alike", [20, 79, 80, 500, 3000])
def test_many_strong_duplicates_do_not_keep_weaker_examples_out(n_alike, monkeypatch):
    takes, best = [], choice._best
    monkeypatch.setattr(choice, "_best", lambda *a: takes.append(a[2]) or best(*a))
    tails = [0] * n_alike + list(range(1, 30))
    strengths = [100 + n % 7 for n in range(n_alike)] + list(range(30, 1, -1))
    postings, layout = contexts_of(tails, strengths)
    found = listed(top(postings, layout, 20), 0, 0)
    assert [v for _, v, _ in found] == [max(strengths), *range(30, 11, -1)]
    assert [n for _, _, n in found] == [n_alike - 1] + [0] * 19
    assert (len(takes) > 1) == (n_alike > 61)


def test_features_with_and_without_duplicates_are_each_done_once():
    (first, layout), (second, _) = (contexts_of([0] * 200, range(1, 201)), contexts_of([0] * 200, [1] * 200))
    tails = np.arange(200) % 90
    layout = contexts_of(tails, tails)[1]
    both = Postings(0, 3, np.repeat([0, 2], 200), np.r_[first.rows, second.rows], np.r_[first.values, second.values])
    chosen = top(both, layout, 20)
    assert listed(chosen, 1, 0) == []
    assert [(v, n) for _, v, n in listed(chosen, 0, 0)] == [(200 - i, 2 if i < 20 else 1) for i in range(20)]
    assert [(r, n) for r, _, n in listed(chosen, 2, 0)] == [(12 * i + 11, 2) for i in range(20)]


@pytest.mark.parametrize("n_tails", [1, 3, 19, 20, 21, 1000])
def test_equal_activations_go_by_row_and_are_folded(n_tails):
    tails = [n % n_tails for n in range(1000)]
    found = listed(top(*contexts_of(tails, [1.5] * 1000), 20), 0, 0)
    wanted = [(12 * n + 11, 1.5, tails.count(n) - 1) for n in range(min(n_tails, 20))]
    assert found == wanted


def test_a_negative_activation_is_as_strong_as_its_magnitude_and_keeps_its_sign():
    found = listed(top(*contexts_of([1, 2, 3, 4], [-5, 1, -3, 4]), 3), 0, 0)
    assert [v for _, v, _ in found] == [-5, 4, -3]


def test_folding_counts_each_feature_by_itself():
    one, layout = contexts_of([7] * 6, range(1, 7))
    postings = Postings(0, 2, np.repeat([0, 1], [6, 2]), np.r_[one.rows, one.rows[:2]], np.r_[one.values, 9, 9])
    chosen = top(postings, layout, 5)
    assert (listed(chosen, 0, 0), listed(chosen, 1, 0)) == ([(71, 6, 5)], [(11, 9, 1)])


@given(streams.measured(), WANTED)
@streams.SOME
def test_chosen_examples_equal_plain_draws_for_any_number_wanted(data, wanted):
    postings, layout = data
    kept = counted(postings, layout)
    chosen = chosen_of(kept, layout, wanted)
    n_found = 0
    for feature, pairs in enumerate(plain.by_feature(kept)):
        number = feature + postings.first
        expected = [streams.top(pairs, layout, wanted.n_top, wanted.folds)]
        expected.append([(*p, 0) for p in plain.drawn(pairs, number, wanted.n_random)])
        maximum = max((abs(v) for _, v in pairs), default=1)
        for n in reversed(range(wanted.n_intervals)):
            inside = [(r, v) for r, v in pairs if plain.interval(v, maximum, wanted.n_intervals) == n]
            expected.append([(*p, 0) for p in plain.drawn(inside, number, wanted.n_an_interval)])
        assert [listed(chosen, feature, g) for g in range(len(wanted.groups))] == expected
        n_found += sum(map(len, expected))
    assert len(chosen.rows) == n_found
    assert (np.lexsort((chosen.ranks, chosen.groups, chosen.features)) == np.arange(n_found)).all()


@given(
    st.lists(st.integers(0, 3000), min_size=1, max_size=6), st.integers(0, 30), st.sampled_from([1, 4, 100]), st.data()
)
@settings(deadline=None, max_examples=100)
def test_a_draw_is_the_k_smallest_hashes_whatever_the_size_of_the_cell(sizes, k, spare, data):
    cells = np.repeat(np.arange(len(sizes)), sizes)
    cells = np.random.default_rng(data.draw(st.integers(0, 99))).permutation(cells)
    noise = position_hash(np.full(len(cells), data.draw(st.integers(0, 99))), np.arange(len(cells)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choice, "SPARE", spare)
        found = drawn(noise, cells, len(sizes), k)
    by_cell = [sorted(np.flatnonzero(cells == c).tolist(), key=lambda at: noise[at])[:k] for c in range(len(sizes))]
    assert found.tolist() == [at for cell in by_cell for at in cell]


@pytest.mark.parametrize("largest", [0, 1, (1 << 64) - 1])
def test_a_draw_takes_extreme_hashes_too(largest):
    noise = np.full(100, largest, dtype=np.uint64)
    assert drawn(noise, np.zeros(100, dtype=np.int64), 1, 7).tolist() == list(range(7))


@given(streams.measured())
@streams.SOME
def test_every_chosen_example_fires_and_counts(data):
    postings, layout = data
    chosen = chosen_of(counted(postings, layout), layout, Wanted())
    fires = {(f, r): v for f, r, v in zip(postings.features, postings.rows, postings.values, strict=True)}
    for feature, row, value in zip(chosen.features, chosen.rows, chosen.values, strict=True):
        assert fires[feature, row] == value != 0
        assert streams.is_counted(int(row), layout)


@given(streams.measured(), st.integers(1, 60), st.integers(1, 4))
@streams.SOME
def test_features_taken_in_blocks_of_any_size_give_the_same_examples(data, most, limit):
    postings, layout = data
    whole = chosen_of(postings, layout, Wanted(3, 3, 3, 2))
    counts = np.bincount(postings.features, minlength=postings.n_features)
    for first, end in partition(counts, most, limit):
        mine = (postings.features >= first) & (postings.features < end)
        block = Postings(
            postings.first + first,
            end - first,
            postings.features[mine] - first,
            postings.rows[mine],
            postings.values[mine],
        )
        part = chosen_of(block, layout, Wanted(3, 3, 3, 2))
        for feature in range(first, end):
            for group in range(5):
                assert listed(part, feature - first, group) == listed(whole, feature, group)


@given(st.integers(0, 1 << 20), st.integers(0, 1 << 39))
def test_the_hash_is_splitmix64_of_feature_and_row(feature, row):
    found = position_hash(np.array([feature], dtype=np.int64), np.array([row], dtype=np.int64))
    assert int(found[0]) == plain.position_hash(feature, row)


def test_random_draws_are_spread_over_the_rows():
    rows, means = np.arange(100_000), []
    layout = Layout(np.zeros(len(rows), dtype=np.uint16), 128, np.zeros(1, dtype=np.int64), np.zeros(1, dtype=bool))
    for first in range(40):
        postings = Postings(first, 1, rows * 0, rows, np.ones(len(rows), dtype=np.float32))
        means.append(chosen_of(postings, layout, Wanted().only(1)).rows.mean())
    assert abs(np.mean(means) / 50_000 - 1) < 0.1
    assert len(set(means)) == 40


def test_groups_are_named_from_the_strongest_interval_down():
    assert GROUPS == ("top", "random", "interval-5", "interval-4", "interval-3", "interval-2", "interval-1")
    assert Wanted(n_intervals=2).groups == ("top", "random", "interval-2", "interval-1")
    postings, layout = contexts_of([1, 2, 3, 4], [1, 3, 9, 10])
    chosen = chosen_of(postings, layout, Wanted(n_intervals=2))
    assert [sorted(v for _, v, _ in listed(chosen, 0, g)) for g in (2, 3)] == [[9, 10], [1, 3]]


@given(streams.measured(), st.integers(0, 6))
@streams.SOME
def test_one_group_alone_is_that_group_of_all(data, group):
    postings, layout = data
    whole, alone = chosen_of(postings, layout, Wanted()), chosen_of(postings, layout, Wanted().only(group))
    for feature in range(postings.n_features):
        assert listed(alone, feature, group) == listed(whole, feature, group)
    if group < 2:
        assert set(alone.groups.tolist()) <= {group}


@pytest.mark.parametrize(
    "wrong",
    [
        {"n_top": -1},
        {"n_random": 2.0},
        {"n_an_interval": True},
        {"n_intervals": 0},
        {"n_intervals": 101},
        {"n_top": 1 << 21},
    ],
)
def test_numbers_of_examples_that_make_no_sense_are_refused(wrong):
    with pytest.raises(InputError):
        Wanted(**wrong)
