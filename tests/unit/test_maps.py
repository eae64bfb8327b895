"""Maps: principal components, neighbors, clusters and their names, what is kept, and what pages are told."""

import json
import sys
import time

import numpy as np
import polars as pl
import pytest

import saescope
from saescope import live
from saescope.errors import ComputeError, InputError, MissingExtraError, UnknownNameError
from saescope.index.plane import principal_plane
from saescope.progress import Silent
from saescope.query.maps import lay_out
from saescope.query.maps.clusters import levels
from saescope.query.maps.names import label_words, name_clusters, token_words
from saescope.query.maps.nearest import _best_by_numpy, _best_by_torch, nearest
from saescope.rpc.transports.memory import MemoryPage
from saescope.scope import mapping
from saescope.scope.drawing import draw, drawing_of


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture
def rows():
    random = np.random.default_rng(3)
    return unit(random.normal(size=(500, 24)) * np.linspace(3, 0.5, 24)).astype(np.float16)


def test_the_plane_is_that_of_a_singular_value_decomposition(rows, monkeypatch):
    monkeypatch.setattr("saescope.index.plane.BLOCK_NUMBERS", 24 * 70)
    found = principal_plane(rows)
    centered = rows.astype(np.float64) - rows.astype(np.float64).mean(axis=0)
    _, _, right = np.linalg.svd(centered, full_matrices=False)
    for i in range(2):
        wanted = centered @ right[i]
        sign = np.sign(right[i][np.abs(right[i]).argmax()])
        np.testing.assert_allclose(found[:, i], sign * wanted, atol=2e-5)


def test_a_row_without_a_direction_has_no_place_and_moves_no_other(rows):
    with_bad = np.concatenate([rows, np.zeros((1, 24)), np.full((1, 24), np.nan)]).astype(np.float16)
    found = principal_plane(with_bad)
    assert np.isnan(found[-2:]).all()
    np.testing.assert_allclose(found[:-2], principal_plane(rows), atol=1e-6)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_features_have_a_plane_too(n):
    found = lay_out("pca", np.eye(4, dtype=np.float16)[:n], Silent())
    assert found.shape == (n, 2)
    assert np.isfinite(found).all()
    if n == 2:
        assert np.linalg.norm(found[0] - found[1]) == pytest.approx(np.sqrt(2), abs=1e-3)


def test_one_dimension_is_a_line():
    found = principal_plane(np.array([[1.0], [-1.0], [1.0]], dtype=np.float32))
    assert found[:, 1].tolist() == [0, 0, 0]


def test_neighbors_are_those_of_all_products(rows, monkeypatch):
    monkeypatch.setattr("saescope.query.maps.nearest.QUERIES", 64)
    monkeypatch.setattr("saescope.query.maps.nearest.KEYS", 100)
    of, distances = nearest(rows, 6, Silent())
    wide = rows.astype(np.float32)
    cosines = wide @ wide.T
    np.fill_diagonal(cosines, 9)
    wanted = np.sort(-cosines, axis=1)[:, 1:6]
    np.testing.assert_allclose(distances[:, 1:], 1 + wanted, atol=1e-6)
    assert (of[:, 0] == np.arange(500)).all()
    assert (distances[:, 0] == 0).all()


def test_torch_finds_the_same_neighbors_as_numpy(rows, monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr("saescope.query.maps.nearest.KEYS", 100)
    (scores, found), (wanted, _) = (
        made(slice(40, 90)) for made in (_best_by_torch(torch, rows, 6, "cpu"), _best_by_numpy(rows, 6))
    )
    np.testing.assert_allclose(np.sort(scores), np.sort(wanted), atol=1e-6)
    wide = rows.astype(np.float32)
    np.testing.assert_allclose(np.take_along_axis(wide[40:90] @ wide.T, found, axis=1), scores, atol=1e-6)


def test_separate_clouds_are_separate_clusters():
    random = np.random.default_rng(0)
    centers = np.array([[np.cos(a), np.sin(a)] for a in np.linspace(0, 2 * np.pi, 12, endpoint=False)]) * 10
    of = np.repeat(np.arange(12), 60)
    places = (centers[of] + random.normal(scale=0.05, size=(720, 2))).astype(np.float32)
    places[5] = np.nan
    coarse, fine = levels(places)
    assert coarse.of[5] == -1
    assert coarse.sizes.sum() == fine.sizes.sum() == 719
    assert (np.diff(coarse.sizes) <= 0).all()
    pairs = set(zip(of[coarse.of >= 0], coarse.of[coarse.of >= 0], strict=True))
    assert len(pairs) == len(coarse.sizes) == 12
    assert np.array_equal(levels(places)[1].of, fine.of)


@pytest.mark.parametrize("places", [np.zeros((0, 2)), np.full((4, 2), np.nan), np.zeros((3, 2))])
def test_a_map_without_spread_has_at_most_one_cluster(places):
    (level,) = levels(places.astype(np.float32))
    assert len(level.sizes) == int(np.isfinite(places).any())


def named(tokens, texts, of, labels=None):
    lists = pl.Series(tokens, dtype=pl.List(pl.Int32))
    level = levels(np.repeat([[0.0, 0.0], [9.0, 9.0]], [40, 40], axis=0).astype(np.float32))[0]
    level = type(level)(np.array(of, dtype=np.int32), level.centers, np.bincount(of))
    return name_clusters(level, token_words(lists, texts), label_words(labels or {}, len(of)))


TEXTS = [" cat", "Cat", " dog", " the", ".", "!", "‹E2›"]


def test_a_cluster_is_named_by_what_tells_it_from_the_others():
    names = named([[0, 3, 4]] * 20 + [[1, 3]] * 20 + [[2, 3, 4]] * 40, TEXTS, [0] * 40 + [1] * 40)
    assert names == ["cat", "dog"]


def test_a_word_counts_once_a_feature_whatever_its_case_and_spaces():
    words = token_words(pl.Series([[0, 3, 1], [], [1]], dtype=pl.List(pl.Int32)), TEXTS)
    assert [(f, words.texts[w]) for f, w in zip(words.features, words.words, strict=True)] == [
        (0, "cat"),
        (0, "the"),
        (2, "cat"),
    ]


def test_punctuation_names_only_a_cluster_that_is_about_it():
    names = named([[4, 0]] * 40 + [[2, 5]] * 40, TEXTS, [0] * 40 + [1] * 40)
    assert names[0].split(" · ")[:2] in (["cat", "."], [".", "cat"])
    assert names[1] == "dog"


def test_labels_name_a_cluster_when_enough_features_have_one():
    tokens = [[0]] * 40 + [[2]] * 40
    labels = dict.fromkeys(range(15), "the Felines of the house") | {50: "lonely"}
    names = named(tokens, TEXTS, [0] * 40 + [1] * 40, labels)
    assert names == ["felines · house", "dog"]


def test_nothing_known_names_nothing():
    assert named([[]] * 80, TEXTS, [0] * 40 + [1] * 40) == ["", ""]


def test_the_build_leaves_a_map_that_is_the_computed_one(opened):
    assert "maps.safetensors" in [p.name for p in opened.index.manifest.parts]
    np.testing.assert_allclose(opened.index.maps["pca"], principal_plane(opened.index.directions["decoder"]), atol=1e-6)


def test_the_table_of_a_map(opened):
    found = opened.map()
    schema = {"feature": pl.UInt32, "x": pl.Float32, "y": pl.Float32, "cluster": pl.Int32, "cluster_name": pl.String}
    assert found.schema == schema
    assert found["feature"].to_list() == list(range(256))
    assert found["x"].is_finite().all()
    assert found["cluster"].n_unique() == len(opened.atlas_of("pca").levels[1].sizes)


def test_a_map_that_was_not_made_says_how(opened):
    with pytest.raises(InputError, match=r'scope.build_map\("umap"\)'):
        opened.map("umap")
    with pytest.raises(UnknownNameError, match="pca, umap"):
        opened.map("tsne")


def test_without_directions_it_says_what_to_do(opened, monkeypatch):
    scope = saescope.open_index(opened.index.path)
    monkeypatch.setitem(scope.__dict__, "_directions", {})
    monkeypatch.setitem(scope.index.__dict__, "maps", {})
    with pytest.raises(ComputeError, match="Load the SAE"):
        scope.map()


def test_without_the_extra_it_says_how_to_install_it(opened, monkeypatch):
    for name in ("umap", "umap.layouts"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtraError, match=r'pip install "saescope\[map\]"'):
        opened.build_map("umap", progress=Silent())


def spiral(rows, progress):
    progress.start("Winding", len(rows), "feature")
    progress.advance(len(rows))
    turns = np.linspace(0, 9, len(rows), dtype=np.float32)
    return np.stack([turns * np.cos(turns), turns * np.sin(turns)], axis=1)


@pytest.fixture
def plugged(monkeypatch, opened):
    """A method of ours, and a scope of its own whose folder has no map of it yet."""
    monkeypatch.setitem(mapping.REGISTRY._ours, "spiral", "test_maps:spiral")
    monkeypatch.setitem(sys.modules, "test_maps", sys.modules[__name__])
    yield saescope.open_index(opened.index.path)
    (opened.index.path / "maps" / "spiral.safetensors").unlink(missing_ok=True)


def test_a_map_is_kept_beside_the_index_and_used_from_then_on(plugged, opened):
    made = plugged.build_map("spiral", progress=Silent())
    assert [f.name for f in (opened.index.path / "maps").iterdir()] == ["spiral.safetensors"]
    again = saescope.open_index(opened.index.path)
    assert again.map("spiral").equals(made)


def test_a_map_of_another_sae_is_not_used(plugged, monkeypatch):
    plugged.build_map("spiral", progress=Silent())
    again = saescope.open_index(plugged.index.path)
    monkeypatch.setitem(again.index.manifest.sae, "fingerprint", "another")
    assert again.places_of("spiral") is None


def get(page, scope, **params):
    return page.call("map.get", {"scope": scope.id, **params})


def test_a_page_gets_places_and_colors(opened):
    page = MemoryPage()
    answer = get(page, opened, color="max")
    data = answer.last["data"]
    color, x, y, fires = answer.buffers
    table = opened.index.table
    assert (data["n"], data["n_placed"], data["is_drawn"]) == (256, 256, True)
    np.testing.assert_array_equal(np.frombuffer(x, "<f4"), opened.index.maps["pca"][:, 0])
    np.testing.assert_array_equal(np.frombuffer(y, "<f4"), opened.index.maps["pca"][:, 1])
    alive = np.frombuffer(fires, "u1").astype(bool)
    np.testing.assert_array_equal(alive, table["n_fires"].to_numpy() > 0)
    values = np.frombuffer(color, "<f4")
    np.testing.assert_array_equal(values[alive], table["max"].to_numpy()[alive])
    assert np.isnan(values[~alive]).all()
    assert {c["level"] for c in data["clusters"]} == {0, 1} or len(opened.atlas_of("pca").levels) == 1
    assert sum(c["n"] for c in data["clusters"] if c["level"] == 0) == 256
    json.dumps(data, allow_nan=False)


def test_a_new_color_brings_no_places(opened):
    answer = get(MemoryPage(), opened, color="cluster", with_places=False)
    assert len(answer.buffers) == 1
    values = np.frombuffer(answer.buffers[0], "<f4")
    assert set(values.tolist()) == set(range(len(answer.last["data"]["color"]["categories"])))


def test_an_unknown_color_names_those_there_are(opened):
    failed = get(MemoryPage(), opened, color="taste").last["error"]
    assert failed["code"] == "unknown_name"
    assert "density" in failed["hint"]


def wait_for(condition, timeout_s=10.0):
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_map_is_drawn_in_a_thread_that_tells_how_far_it_is(plugged):
    heard = []

    def hear(topic, data, _origin):
        if topic == "maps":
            heard.append(data)

    live.listen(hear)
    page = MemoryPage()
    assert get(page, plugged, method="spiral").last["data"]["is_drawn"] is False
    page.call("map.draw", {"scope": plugged.id, "method": "spiral"})
    wait_for(lambda: heard and heard[-1]["is_over"])
    assert heard[-1]["error"] == ""
    assert "Winding" in [h["stage"] for h in heard]
    assert get(page, plugged, method="spiral").last["data"]["is_drawn"] is True


def slow(rows, progress):
    progress.start("Waiting", 10_000, "step")
    for _ in range(10_000):
        time.sleep(0.001)
        progress.advance(1)
    return np.zeros((len(rows), 2), dtype=np.float32)


def test_a_drawing_stops_when_it_is_asked_to(plugged, monkeypatch):
    monkeypatch.setitem(mapping.REGISTRY._ours, "slow", "test_maps:slow")
    page = MemoryPage()
    running = page.call("map.draw", {"scope": plugged.id, "method": "slow"}).last["data"]["drawing"]
    assert running["method"] == "slow"
    assert draw(plugged, "slow") is drawing_of(plugged)
    page.call("map.stop", {"scope": plugged.id})
    wait_for(lambda: drawing_of(plugged) is None)
    assert plugged.places_of("slow") is None


def test_the_panel_holds_the_table_and_a_small_recording(opened):
    panel = opened.show("map")
    try:
        assert panel.frame().equals(opened.map())
        (answer,) = panel._repr_mimebundle_()[0]["application/vnd.saescope.v1+json"]["answers"]
        assert (answer["method"], len(answer["buffers"])) == ("map.get", 4)
    finally:
        panel.close()
