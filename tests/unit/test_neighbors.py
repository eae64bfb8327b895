import sys
from types import SimpleNamespace

import numpy as np
import pytest

import tiny
from saescope.errors import CancelledError, ComputeError, InputError, UnknownFeatureError, UnknownNameError
from saescope.query.neighbors import REGISTRY, About, Space, about, cofiring, cosine, cosines, neighbors, told
from saescope.rpc.calls import Call
from saescope.rpc.messages.frames import RequestFrame
from saescope.rpc.messages.neighbors import NeighborsParams
from saescope.rpc.messages.scopes import ScopeParams
from saescope.rpc.methods import find_method


def plain_cosines(rows, feature):
    rows = np.asarray(rows, dtype=np.float64)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit @ unit[feature]


@pytest.mark.parametrize("metric", ["decoder", "encoder"])
@pytest.mark.parametrize("feature", [0, 100, 255])
def test_neighbors_equal_a_plain_product_of_unit_rows(opened, metric, feature):
    sae = tiny.sae()
    scores = plain_cosines((sae.W_dec if metric == "decoder" else sae.W_enc.T).detach().numpy(), feature)
    found = opened.neighbors(feature, k=15, metric=metric)
    scores[feature] = -np.inf
    assert found.columns == ["feature", "score", "error", "label", "top_tokens"]
    assert found["error"].null_count() == 15
    np.testing.assert_allclose(found["score"], np.sort(scores)[::-1][:15], atol=2e-3)
    np.testing.assert_allclose(found["score"], scores[found["feature"].to_numpy()], atol=2e-3)
    assert feature not in found["feature"].to_list()
    assert found["score"].is_sorted(descending=True)


def test_with_the_sae_alone_neighbors_are_the_same(tiny_scope, opened):
    import saescope

    alone = saescope.load((tiny_scope.model, tiny_scope.tokenizer), sae=tiny_scope.sae)
    assert alone.index is None
    for metric in ("decoder", "encoder"):
        found = alone.neighbors(7, k=9, metric=metric)
        assert found.drop("top_tokens").equals(opened.neighbors(7, k=9, metric=metric).drop("top_tokens"))
        assert found["top_tokens"].null_count() == 9


def test_equal_scores_are_ordered_by_number():
    rows = {"decoder": np.ones((40, 4), dtype=np.float16)}
    assert neighbors(Space(rows), 3, 40, k=39, metric="decoder")["feature"].to_list() == [
        n for n in range(40) if n != 3
    ]


@pytest.mark.parametrize("k", [1, 9, 10, 500])
def test_at_most_all_others_are_neighbors(k):
    rows = {"decoder": np.eye(10, dtype=np.float16)}
    assert len(neighbors(Space(rows), 0, 10, k=k, metric="decoder")) == min(k, 9)


def test_a_row_of_zeros_is_near_nothing():
    rows = {"decoder": np.zeros((5, 3), dtype=np.float16)}
    assert neighbors(Space(rows), 0, 5, k=4, metric="decoder")["score"].to_list() == [0.0] * 4


def test_bad_questions_are_told(opened):
    with pytest.raises(UnknownFeatureError):
        opened.neighbors(256)
    with pytest.raises(InputError, match="k is 0"):
        opened.neighbors(0, k=0)
    with pytest.raises(UnknownNameError, match="correlation, decoder, encoder, jaccard"):
        opened.neighbors(0, metric="colour")
    with pytest.raises(ComputeError, match="holds none") as caught:
        neighbors(Space({}), 0, 5, k=1, metric="decoder")
    assert "sae=" in caught.value.hint


@pytest.mark.parametrize("name", REGISTRY.names())
def test_every_metric_scores_every_feature(opened, name):
    found = REGISTRY.get(name)(Space(opened.index.directions, opened.index), 3)
    assert found.values.shape == (256,)
    assert found.values.dtype == np.float32
    assert int(np.argmax(found.values)) == 3


@pytest.mark.parametrize("shape", [(5000, 24), (700, 576), (3, 1)])
def test_with_torch_and_without_the_nearest_are_the_same(monkeypatch, shape):
    assert "torch" in sys.modules
    rows = np.random.default_rng(3).standard_normal(shape)
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16)
    rows.flags.writeable = False
    space, k = Space({"decoder": rows}), min(shape[0] - 1, 500)
    with_torch = neighbors(space, 1, shape[0], k=k, metric="decoder")
    whole = cosine.decoder(space, 1).values
    monkeypatch.delitem(sys.modules, "torch")
    assert neighbors(space, 1, shape[0], k=k, metric="decoder")["feature"].equals(with_torch["feature"])
    exact = rows.astype(np.float64) @ rows[1].astype(np.float64)
    np.testing.assert_allclose(cosine.decoder(space, 1).values, exact, atol=2e-6)
    np.testing.assert_allclose(whole, exact, atol=1e-3)


def test_single_precision_is_looked_up_exactly():
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16).reshape(256, 256)
    np.testing.assert_array_equal(cosine._single(halves[:, ::2]), halves[:, ::2].astype(np.float32))


def ask(scope, method, params_class, **params):
    call = Call(RequestFrame(rid="1", method=method), lambda _frame, _buffers: None)
    return find_method(method).handler(call, params_class(scope=scope.id, **params))


@pytest.mark.parametrize("metric", REGISTRY.names())
def test_the_page_gets_what_the_table_holds(opened, metric):
    feature = int(opened.features.sort("n_fires")["feature"][-1])
    table = opened.neighbors(feature, k=12, metric=metric)
    answer = ask(opened, "neighbors.list", NeighborsParams, feature=feature, metric=metric, k=12)
    assert [n.brief.feature for n in answer.neighbors] == table["feature"].to_list()
    np.testing.assert_allclose([n.score for n in answer.neighbors], table["score"], rtol=1e-5)
    assert [n.error is None for n in answer.neighbors] == table["error"].is_null().to_list()
    shown = [n.brief.top_tokens for n in answer.neighbors]
    assert shown == [tokens[: len(s)] for tokens, s in zip(table["top_tokens"].to_list(), shown, strict=True)]
    assert answer.center.feature == feature
    assert answer.metric.name == metric


def test_links_are_the_cosines_among_feature_and_neighbors(opened):
    answer = ask(opened, "neighbors.list", NeighborsParams, feature=9, k=7)
    numbers = [9, *(n.brief.feature for n in answer.neighbors)]
    rows = tiny.sae().W_dec.detach().numpy()
    plain = [plain_cosines(rows, a)[b] for i, a in enumerate(numbers) for b in numbers[i + 1 :]]
    assert len(answer.links) == 8 * 7 // 2
    np.testing.assert_allclose(answer.links, plain, atol=2e-3)


def test_a_scope_without_index_has_neighbors_by_direction_only(tiny_scope):
    import saescope

    alone = saescope.load((tiny_scope.model, tiny_scope.tokenizer), sae=tiny_scope.sae)
    answer = ask(alone, "neighbors.list", NeighborsParams, feature=3, k=4)
    assert [n.brief.top_tokens for n in answer.neighbors] == [[]] * 4
    problems = {m.name: m.problem for m in ask(alone, "neighbors.metrics", ScopeParams).metrics}
    assert problems["decoder"] == problems["encoder"] == ""
    assert "no index yet" in problems["jaccard"]


def test_metrics_say_what_they_are_and_what_they_lack(opened, monkeypatch):
    metrics = ask(opened, "neighbors.metrics", ScopeParams).metrics
    assert {m.name for m in metrics} == set(REGISTRY.names())
    assert all(m.title and m.meaning.endswith(".") and not m.problem for m in metrics)
    assert {m.name for m in metrics if m.is_by_firing} == {"jaccard", "correlation"}
    bare = Space({}, SimpleNamespace(has_postings=False))
    for name in REGISTRY.names():
        assert about(REGISTRY.get(name), name).problem(bare)


def test_a_metric_of_one_file_needs_no_words_of_its_own():
    def near(space, feature):
        """How near the numbers are.

        More.
        """

    assert about(near, "near") == About("near", "How near the numbers are.")
    given = told(About("Nearness", "One.", 0, 1))(near)
    assert about(given, "near").title == "Nearness"


def test_counting_what_fires_together_can_be_stopped(opened):
    def stop():
        raise CancelledError("stopped.")

    feature = int(opened.features.sort("n_fires")["feature"][-1])
    with pytest.raises(CancelledError):
        cofiring.jaccard(Space({}, opened.index, stop), feature)


def test_cosines_need_directions_of_that_name():
    assert cosines(Space({}), "decoder", [0, 1]) is None
    zeros = Space({"decoder": np.zeros((2, 3), dtype=np.float16)})
    np.testing.assert_array_equal(cosines(zeros, "decoder", [0, 1]), np.zeros((2, 2)))


def test_the_panel_keeps_its_neighbors(opened):
    panel = opened.show("neighbors", 5, state={"metric": "jaccard", "k": 10})
    assert panel.frame().equals(opened.neighbors(5, k=10, metric="jaccard"))
    assert ("neighbors.list", {"feature": 5, "metric": "jaccard", "k": 10}) in panel.recorded()
