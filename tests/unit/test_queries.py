import numpy as np
import pytest
import streams

import plain
import saescope
import tiny
from saescope.errors import InputError, NeedsPostingsError, UnknownNameError
from saescope.index.rule import EVERYTHING, Rule
from saescope.index.summary import statistics
from saescope.progress import Silent

CONTEXT = 128
TEXTS = [" ".join(tiny.texts(12, seed=n)) for n in range(6)] + tiny.texts(1) * 8
N_FEATURES = range(1, tiny.D_SAE, 9)
NORM = Rule(2, skips_special=False, max_norm_ratio=1.1)


@pytest.fixture(scope="module")
def indexes(tmp_path_factory):
    """The same corpus with postings and without."""
    scope = saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae())
    folder, options = tmp_path_factory.mktemp("queries"), {"context_size": CONTEXT, "progress": Silent()}
    return [scope.build_index(TEXTS, out=folder / str(p), postings=p, **options) for p in (True, False)]


@pytest.fixture(scope="module")
def index(indexes):
    return indexes[0]


def pairs_of(index, feature, layout):
    """All firings of a feature, and those that count."""
    (pairs,) = plain.by_feature(index.postings.postings(feature, feature + 1))
    return dict(pairs), [(r, v) for r, v in pairs if streams.is_counted(r, layout)]


def wanted(index, feature, group, k, *, rule=None, folds=True, n_intervals=5, side=64):
    """(row, value, n_same, start, activations) by plain loops."""
    layout = index.layout_for(rule)
    fires, pairs = pairs_of(index, feature, layout)
    if group == "top":
        chosen = streams.top(pairs, layout, k, folds)
    elif group == "random":
        chosen = [(*p, 0) for p in plain.drawn(pairs, feature, k)]
    else:
        number, maximum = int(group.removeprefix("interval-")) - 1, max((abs(v) for _, v in pairs), default=1)
        inside = [(r, v) for r, v in pairs if plain.interval(v, maximum, n_intervals) == number]
        chosen = [(*p, 0) for p in plain.drawn(inside, feature, k)]
    found = []
    for row, value, n_same in chosen:
        low, high = streams.window(row, layout, side)
        found.append((row, value, n_same, low, [fires.get(r, 0.0) for r in range(low, high)]))
    return found


def told(windows):
    assert [w.rank for w in windows] == list(range(len(windows)))
    return [(w.row, w.activation, w.n_same, w.start, w.activations.tolist()) for w in windows]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"k": 3},
        {"k": 500},
        {"folds": False},
        {"folds": False, "k": 200},
        {"rule": EVERYTHING},
        {"rule": Rule(40), "folds": False},
        {"rule": NORM},
        {"side": 100},
        {"side": 7},
        {"side": 128, "rule": EVERYTHING, "folds": False, "k": 60},
        {"group": "random", "k": 10},
        {"group": "random", "k": 99, "rule": EVERYTHING},
        {"group": "interval-4"},
        {"group": "interval-2", "n_intervals": 3, "k": 7},
        {"group": "interval-3", "n_intervals": 3, "rule": EVERYTHING},
        {"group": "interval-9", "n_intervals": 9, "rule": NORM, "side": 90},
    ],
    ids=str,
)
def test_examples_by_any_options_equal_a_plain_loop(index, options):
    asked = {"group": "top", "k": 20} | options
    n_found = 0
    for feature in N_FEATURES:
        found = told(index.windows(feature, **asked))
        assert found == wanted(index, feature, **asked)
        n_found += len(found)
    assert n_found > len(N_FEATURES) / 2


def test_each_option_changes_something(index):
    plainly = [told(index.windows(f)) for f in N_FEATURES]
    for options in ({"folds": False}, {"rule": EVERYTHING}, {"rule": NORM}, {"side": 100}):
        assert [told(index.windows(f, **options)) for f in N_FEATURES] != plainly
    assert any(n_same for found in plainly for _, _, n_same, _, _ in found)


def test_stored_examples_are_taken_where_they_answer(index, monkeypatch):
    busy = max(N_FEATURES, key=lambda f: index.table["n_fires"][f])
    rare = next((f, g) for f in N_FEATURES for g in index.manifest.groups[2:] if 0 < len(index.windows(f, g)) < 5)
    monkeypatch.setattr("saescope.index.store.choose_windows", lambda *_a, **_k: pytest.fail("the postings were asked"))
    assert len(index.windows(busy, "random", k=10)) == 10
    assert index.windows(busy, k=5, rule=index.layout.rule)[0].activation == index.table["max"][busy]
    assert 0 < len(index.windows(*rare, k=500)) < 5
    with pytest.raises(pytest.fail.Exception):
        index.windows(busy, "random", k=11)


@pytest.mark.parametrize(
    "options",
    [{"rule": EVERYTHING}, {"rule": NORM}, {"folds": False}, {"n_intervals": 3, "group": "interval-3"}, {"side": 70}],
)
def test_without_postings_what_is_not_stored_cannot_be_asked(indexes, options):
    with pytest.raises(NeedsPostingsError) as caught:
        indexes[1].windows(10, **options)
    assert "postings" in caught.value.hint
    with pytest.raises(NeedsPostingsError):
        indexes[1].measure(0, 1)


def test_without_postings_what_is_stored_is_all_there_is(indexes):
    with_them, without = indexes
    for feature in N_FEATURES:
        for group in without.manifest.groups:
            n_stored = {"top": 20, "random": 10}.get(group, 5)
            assert told(without.windows(feature, group, k=500)) == told(with_them.windows(feature, group, n_stored))
    assert len(without.row_shards) == 0
    assert not list(without.folder.glob("rows-*"))


@pytest.mark.parametrize("rule", [None, EVERYTHING, NORM, Rule(7)])
def test_statistics_by_another_rule_are_those_of_the_rows_that_count(index, rule):
    layout, found = index.layout_for(rule), index.measure(3, 40, rule)
    for feature in range(3, 40):
        _, pairs = pairs_of(index, feature, layout)
        assert found.n_fires[feature - 3] == len(pairs)
        assert found.sums[feature - 3] == pytest.approx(sum(float(v) for _, v in pairs))
    if rule is None:
        assert found.n_fires.tolist() == index.table["n_fires"][3:40].to_list()
        assert found.quantiles[:, 2].tolist() == index.table["q50"][3:40].to_list()
    else:
        assert found.n_fires.tolist() != index.table["n_fires"][3:40].to_list()


def test_measuring_equals_the_statistics_of_counted_postings(index):
    layout = index.layout
    postings = index.postings.postings(0, 20)
    mask = np.array([streams.is_counted(int(r), layout) for r in postings.rows])
    assert index.measure(0, 20).maxima.tolist() == statistics(postings.take(mask), layout).maxima.tolist()


@pytest.mark.parametrize(("group", "n"), [("interval-4", 3), ("interval-0", 5), ("best", 5), ("interval-6", 5)])
def test_a_group_that_there_is_not_names_those_there_are(index, group, n):
    with pytest.raises(UnknownNameError, match=group) as caught:
        index.windows(3, group, n_intervals=n)
    assert f"interval-{n}" in caught.value.hint


def test_a_scope_s_examples_take_the_same_options(index):
    scope = saescope.open_index(index.path)
    busy = max(N_FEATURES, key=lambda f: index.table["n_fires"][f])
    frame = scope.examples(busy, k=60, folds=False, rule=EVERYTHING)
    assert frame["row"].to_list() == [w.row for w in index.windows(busy, k=60, folds=False, rule=EVERYTHING)]
    assert frame["n_same"].sum() == 0
    far = scope.examples(busy, k=60, context=100)
    near = scope.examples(busy, k=60, context=3)
    assert 64 < far["peak"].max() <= 100
    assert max(len(t) for t in near["tokens"]) == 7
    third = scope.examples(busy, group="interval-1", n_intervals=2, k=9)
    assert third["activation"].max() < scope.features["max"][busy] / 2
    with pytest.raises(InputError):
        scope.examples(busy, n_intervals=0)
