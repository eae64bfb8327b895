import numpy as np
import pytest

import saescope
import tiny
from saescope.errors import CancelledError, InputError, NeedsPostingsError, UnknownFeatureError
from saescope.progress import Silent
from saescope.query.contrast import common_rows
from saescope.rpc.calls import Call
from saescope.rpc.messages.compare import CompareParams, ContrastParams
from saescope.rpc.messages.frames import RequestFrame
from saescope.rpc.methods import find_method

N_HASHED = 8
SHARD = 256


def dense(index):
    """All activations, ``[n_rows, d_sae]``, and which rows count."""
    table = np.zeros((index.n_rows, index.manifest.d_sae), dtype=np.float32)
    for feature in range(index.manifest.d_sae):
        own = index.postings.postings(feature, feature + 1)
        table[own.rows, feature] = own.values
    return table, index.layout.is_counted(np.arange(index.n_rows))


@pytest.fixture(scope="module")
def plain(opened):
    return dense(opened.index)


@pytest.fixture(scope="module")
def busy(plain):
    """Four features that fire together now and then."""
    table, counts = plain
    fires = (table != 0) & counts[:, None]
    together = fires.T.astype(int) @ fires.astype(int)
    n = np.diag(together)
    partly = (together > 20) & (together < 0.8 * np.minimum.outer(n, n))
    first, second = np.unravel_index(np.argmax(np.where(partly, together, 0)), together.shape)
    others = [f for f in np.argsort(-together[first]) if f not in (first, second)][:2]
    return [int(f) for f in (first, second, *others)]


def contexts_of(index, rows):
    return index.layout.context_of(rows)


def plain_contrast(index, plain, feature, without, also, within):
    """Rows that match, and the examples of them, by a loop over rows."""
    table, counts = plain
    contexts = contexts_of(index, np.arange(index.n_rows))
    matching = []
    for row in np.flatnonzero((table[:, feature] != 0) & counts):
        near = [
            r
            for r in range(row - within, row + within + 1)
            if 0 <= r < index.n_rows and contexts[r] == contexts[row] and counts[r]
        ]
        fires = {f: any(table[r, f] != 0 for r in near) for f in (*without, *also)}
        if not any(fires[f] for f in without) and all(fires[f] for f in also):
            matching.append(int(row))
    best = {}
    for row in matching:
        held = best.get(contexts[row])
        if held is None or abs(table[row, feature]) > abs(table[held, feature]):
            best[contexts[row]] = row
    chosen, seen = [], set()
    for row in sorted(best.values(), key=lambda r: (-abs(table[r, feature]), r)):
        start = index.layout.context_bounds(np.array([row]))[0][0]
        ending = tuple(index.tokens[max(row - N_HASHED + 1, start) : row + 1].tolist())
        if ending not in seen:
            seen.add(ending)
            chosen.append(row)
    return matching, chosen


def ask(scope, method, params):
    events = []
    call = Call(RequestFrame(rid="1", method=method), lambda frame, _: events.append(frame["data"]))
    return find_method(method).handler(call, params), [e for part in events for e in part["examples"]]


@pytest.mark.parametrize(("without", "also"), [([1], []), ([], [1]), ([1, 2, 3], []), ([2], [1]), ([], [1, 2])])
@pytest.mark.parametrize("within", [0, 1, 4])
def test_a_contrast_is_what_a_loop_over_all_rows_finds(opened, plain, busy, without, also, within):
    feature, without, also = busy[0], [busy[i] for i in without], [busy[i] for i in also]
    matching, chosen = plain_contrast(opened.index, plain, feature, without, also, within)
    found = opened.contrast(feature, without, also, k=30, within=within)
    assert found["row"].to_list() == chosen[:30]
    np.testing.assert_array_equal(found["activation"], plain[0][chosen[:30], feature])
    params = ContrastParams(scope=opened.id, feature=feature, without=without, also=also, within=within, k=30)
    end, shown = ask(opened, "contrast.list", params)
    assert (end.n_match, end.n_examples) == (len(matching), len(chosen[:30]))
    assert end.n_fires == opened.features["n_fires"][feature]
    assert [s["example"]["rank"] for s in shown] == list(range(len(shown)))


def test_the_others_are_told_on_every_token_of_a_window(opened, plain, busy):
    found = opened.contrast(busy[0], [busy[1]], [busy[2]], k=10, context=6)
    assert len(found) > 0
    for row in found.iter_rows(named=True):
        assert row["others"] == [busy[1], busy[2]]
        start = row["row"] - row["peak"]
        expected = plain[0][start : start + len(row["tokens"]), row["others"]].T
        np.testing.assert_array_equal(np.array(row["other_activations"], dtype=np.float32), expected)
        np.testing.assert_array_equal(row["activations"], plain[0][start : start + len(row["tokens"]), busy[0]])
        assert row["peak"] <= 6


def test_what_fires_together_and_apart_is_all(opened, busy):
    a, b = busy[:2]
    n = opened.compare([a, b]).row(0, named=True)
    ends = [
        ask(opened, "contrast.list", ContrastParams(scope=opened.id, feature=a, without=w, also=o))[0]
        for w, o in (([b], []), ([], [b]))
    ]
    assert ends[1].n_match == n["n_both"]
    assert ends[0].n_match == n["n_fires"] - n["n_both"]


def test_pairs_equal_plain_figures(opened, plain, busy):
    table, counts = plain
    values = table[counts].astype(np.float64)
    sae = tiny.sae()
    found = opened.compare(busy)
    assert len(found) == 12
    for row in found.iter_rows(named=True):
        a, b = values[:, row["feature"]], values[:, row["other"]]
        both = int(((a != 0) & (b != 0)).sum())
        assert (row["n_fires"], row["n_both"]) == (int((a != 0).sum()), both)
        assert row["share"] == pytest.approx(both / (a != 0).sum())
        assert row["jaccard"] == pytest.approx(both / ((a != 0) | (b != 0)).sum())
        assert row["correlation"] == pytest.approx(np.corrcoef(a, b)[0, 1], abs=1e-6)
        for name, weights in (("decoder", sae.W_dec), ("encoder", sae.W_enc.T)):
            rows = weights.detach().numpy().astype(np.float64)
            x, y = rows[row["feature"]], rows[row["other"]]
            assert row[name] == pytest.approx(x @ y / np.linalg.norm(x) / np.linalg.norm(y), abs=2e-3)


def test_pairs_agree_with_neighbors(opened, busy):
    a, b = busy[:2]
    row = opened.compare([a, b]).row(0, named=True)
    for metric in ("decoder", "encoder", "jaccard", "correlation"):
        near = opened.neighbors(a, k=255, metric=metric)
        assert near.filter(near["feature"] == b)["score"].item() == pytest.approx(row[metric], abs=2e-3)


def test_a_dead_feature_has_nothing_in_common(opened, busy):
    dead = int(opened.features.filter(opened.features["n_fires"] == 0)["feature"][0])
    row = opened.compare([dead, busy[0]]).row(0, named=True)
    assert (row["n_fires"], row["n_both"], row["share"], row["jaccard"], row["correlation"]) == (0, 0, 0, 0, 0)
    assert len(opened.contrast(dead, [busy[0]])) == 0
    assert len(opened.contrast(busy[0], [], [dead])) == 0


def test_common_rows_are_found_either_way_round():
    a, b = np.array([1, 4, 6, 9]), np.array([0, 4, 5, 6, 7, 8, 11])
    for first, second in ((a, b), (b, a), (a, a[:0])):
        in_first, in_second = common_rows(first, second)
        np.testing.assert_array_equal(first[in_first], np.intersect1d(first, second))
        np.testing.assert_array_equal(second[in_second], np.intersect1d(first, second))


def test_bad_questions_are_told(opened):
    for features in ([3], [3, 3], list(range(17)), []):
        with pytest.raises(InputError):
            opened.compare(features)
    with pytest.raises(UnknownFeatureError):
        opened.compare([0, 256])
    for bad in ({}, {"without": [3]}, {"without": [4], "also": [4]}, {"without": [4], "within": -1}):
        with pytest.raises(InputError):
            opened.contrast(3, **bad)
    with pytest.raises(UnknownFeatureError):
        opened.contrast(3, [256])
    with pytest.raises(InputError, match="1 to 4"):
        ask(opened, "compare.get", CompareParams(scope=opened.id, features=[1, 2, 3, 4, 5]))


def test_side_by_side_is_what_each_page_says(opened, busy):
    answer, _ = ask(opened, "compare.get", CompareParams(scope=opened.id, features=busy[:3], n_examples=2))
    assert [c.brief.feature for c in answer.features] == busy[:3]
    assert [c.page.n_fires for c in answer.features] == [opened.features["n_fires"][f] for f in busy[:3]]
    for c in answer.features:
        strongest = opened.examples(c.brief.feature, k=2)["activation"].to_list()
        assert [e.activation for e in c.examples] == pytest.approx(strongest, rel=1e-5)
    assert [(p.feature, p.other) for p in answer.pairs] == [
        (busy[0], busy[1]), (busy[0], busy[2]), (busy[1], busy[2])
    ]  # fmt: skip
    table = opened.compare(busy[:2])
    assert answer.pairs[0].share == pytest.approx(table["share"][0], rel=1e-5)
    assert answer.pairs[0].share_of_other == pytest.approx(table["share"][1], rel=1e-5)
    one, _ = ask(opened, "compare.get", CompareParams(scope=opened.id, features=busy[:1], n_examples=0))
    assert (len(one.features), one.features[0].examples, one.pairs) == (1, [], [])


class StopAfterThree(Silent):
    """Progress that stops a build when some shards are made."""

    def __init__(self):
        self._is_reading, self._left = False, 3.5 * SHARD

    def start(self, what, total, unit, done=0):
        self._is_reading = what == "Running the model"

    def advance(self, n):
        self._left -= n if self._is_reading else 0
        if self._left < 0:
            raise CancelledError("stop")


def test_while_an_index_grows_all_is_that_of_an_index_of_what_is_done(tmp_path, monkeypatch, busy):
    for module in ("build", "text"):
        monkeypatch.setattr(f"saescope.indexing.{module}.SHARD_ROWS", SHARD)
    monkeypatch.setattr("saescope.indexing.worker.BATCH_TOKENS", 64)
    scope = saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae())
    with pytest.raises(CancelledError):
        scope.build_index(tiny.texts(60), out=tmp_path / "growing", progress=StopAfterThree(), lens=False)
    growing = saescope.open_index(tmp_path / "growing")
    assert not growing.index.is_complete
    assert growing.index.n_rows > 0
    whole = saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae())
    whole.build_index(
        tiny.texts(60), out=tmp_path / "whole", progress=Silent(), lens=False, max_tokens=growing.index.n_rows
    )
    for within in (0, 2):
        found = [s.contrast(busy[0], busy[1:3], k=9, within=within) for s in (growing, whole)]
        assert len(found[0]) > 0
        assert found[0].equals(found[1])
    firing = ["n_fires", "n_both", "share", "jaccard"]
    assert growing.compare(busy).select(firing).equals(whole.compare(busy).select(firing))
    near = [s.neighbors(busy[0], k=9, metric="jaccard") for s in (growing, whole)]
    assert near[0].equals(near[1])


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """Model, SAE and an index without postings; and the same index alone."""
    scope = saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae())
    out = tmp_path_factory.mktemp("bare") / "index"
    scope.build_index(tiny.texts(60), out=out, postings=False, progress=Silent())
    return scope, saescope.open_index(out)


@pytest.mark.parametrize("within", [0, 8])
def test_without_postings_the_model_reads_the_stored_examples(bare, opened, plain, busy, within):
    scope, _ = bare
    n_shown = 0
    for a in busy:
        other, second = [f for f in busy if f != a][:2]
        stored = {w.row for g in range(7) for w in scope.index.figures.windows(a, g)}
        for without, also in (([other, second], []), ([other], [second]), ([], [second, other])):
            matching, _ = plain_contrast(opened.index, plain, a, without, also, within)
            params = ContrastParams(
                scope=scope.id, feature=a, without=without, also=also, within=within, k=99, context=2
            )
            end, shown = ask(scope, "contrast.live", params)
            assert end.n_fires == len(stored)
            assert end.n_match == end.n_examples == len(shown) == len(stored & set(matching))
            found = scope.contrast(a, without, also, k=99, within=within, context=2)
            assert set(found["row"]) == stored & set(matching)
            assert found["activation"].is_sorted(descending=True)
            for row in found.iter_rows(named=True):
                start = row["row"] - row["peak"]
                expected = plain[0][start : start + len(row["tokens"]), [*without, *also]].T
                np.testing.assert_allclose(np.array(row["other_activations"]), expected, atol=1e-3)
            n_shown += len(found)
    assert n_shown > 0


def test_the_model_does_not_look_at_tokens_that_do_not_count(bare, plain):
    scope, _ = bare
    (table, counts), index = plain, scope.index
    for a in range(index.manifest.d_sae):
        for window in index.figures.windows(a, 0):
            start = int(index.layout.context_bounds(np.array([window.row]))[0][0])
            near = np.arange(max(window.row - 3, start), window.row + 1)
            fires = table[near] != 0
            apart = np.flatnonzero(fires[~counts[near]].any(axis=0) & ~fires[counts[near]].any(axis=0))
            others = [int(f) for f in apart if not (table[window.row : window.row + 4, f] != 0).any()]
            if others:
                found = scope.contrast(a, [others[0]], k=99, within=3)
                assert window.row in found["row"].to_list()
                return
    pytest.fail("no feature fires only on a token that does not count")


def test_without_postings_and_model_it_says_what_is_missing(bare, busy):
    _, alone = bare
    with pytest.raises(NeedsPostingsError, match="without postings") as caught:
        alone.contrast(busy[0], [busy[1]])
    assert "Load the model" in caught.value.hint
    row = alone.compare(busy[:2]).row(0, named=True)
    assert row["decoder"] is not None
    assert row["n_fires"] > 0
    assert [row[name] for name in ("n_both", "share", "jaccard", "correlation")] == [None] * 4


def test_the_panel_takes_its_features_and_keeps_its_answers(opened, busy):
    panel = opened.show("compare", features=[*busy, 0, 1])
    assert panel.features == busy
    assert panel.frame().equals(opened.compare(busy))
    kept = {a["method"]: a for a in panel._repr_mimebundle_()[0]["application/vnd.saescope.v1+json"]["answers"]}
    assert kept["compare.get"]["params"]["features"] == busy
    assert kept["contrast.list"]["events"]
    assert opened.show("compare", busy[0]).frame().is_empty()
