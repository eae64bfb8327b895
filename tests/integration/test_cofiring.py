"""Neighbors by what fires together, against the dense matrix of the SAE's own encoder."""

import numpy as np
import pytest
import torch

import saescope
import tiny
from saescope.errors import NeedsPostingsError, NoIndexError
from saescope.query.neighbors import REGISTRY, Space, cofiring

METRICS = ["jaccard", "correlation"]
LAYER = 2


@pytest.fixture(scope="module")
def dense(tiny_scope):
    """Activations of all counted tokens, ``[n_counted, d_sae]``, with neither postings nor index tables."""
    index, sae, parts = tiny_scope.index, tiny.sae(), []
    tokens = np.asarray(index.tokens, dtype=np.int64)
    with torch.no_grad():
        for start in range(0, len(tokens), tiny.CONTEXT):
            ids = torch.from_numpy(tokens[start : start + tiny.CONTEXT])[None]
            hidden = tiny_scope.model(ids, output_hidden_states=True).hidden_states[LAYER + 1][0]
            parts.append(sae.encode(hidden).numpy()[1:])
    kept = np.concatenate([tokens[s + 1 : s + tiny.CONTEXT] for s in range(0, len(tokens), tiny.CONTEXT)])
    return np.concatenate(parts)[kept != tiny.tokenizer().eos_token_id]


def plain_scores(dense, metric):
    """The scores of all pairs ``[d_sae, d_sae]``; 0 where one never fires."""
    if metric == "correlation":
        with np.errstate(invalid="ignore"):
            return np.nan_to_num(np.corrcoef(dense.astype(np.float64), rowvar=False))
    fires = (dense != 0).astype(np.int64)
    both, n = fires.T @ fires, fires.sum(0)
    return both / np.maximum(n[:, None] + n[None] - both, 1)


@pytest.mark.parametrize("metric", METRICS)
def test_scores_of_all_pairs_equal_the_dense_matrix(opened, dense, metric):
    assert len(dense) == opened.index.n_counted
    space = Space({}, opened.index)
    found = [REGISTRY.get(metric)(space, f) for f in range(tiny.D_SAE)]
    assert all((f.errors == 0).all() for f in found)
    np.testing.assert_allclose(np.stack([f.values for f in found]), plain_scores(dense, metric), atol=1e-3)


@pytest.mark.parametrize("metric", METRICS)
def test_the_frame_holds_the_nearest_in_order(opened, dense, metric):
    wanted = plain_scores(dense, metric)[3]
    wanted[3] = -np.inf
    found = opened.neighbors(3, k=12, metric=metric)
    assert found.columns == ["feature", "score", "error", "label", "top_tokens"]
    np.testing.assert_allclose(found["score"], np.sort(wanted)[::-1][:12], atol=1e-3)
    np.testing.assert_allclose(found["score"], wanted[found["feature"].to_numpy()], atol=1e-3)
    assert found["error"].to_list() == [0.0] * 12


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("most", [200, 600])
def test_a_sample_is_within_four_of_its_errors(opened, monkeypatch, metric, most):
    n_fires = opened.features["n_fires"].to_numpy()
    space, common, is_alive = Space({}, opened.index), np.flatnonzero(n_fires > 1.3 * most), n_fires > 0
    exact = np.stack([REGISTRY.get(metric)(space, f).values for f in common])
    monkeypatch.setattr(cofiring, "MOST_ROWS", most)
    found = [REGISTRY.get(metric)(space, f) for f in common]
    off, errors = np.stack([f.values for f in found]) - exact, np.stack([f.errors for f in found])
    off[np.arange(len(common)), common] = 0
    assert (errors[:, is_alive] > 0).all()
    in_errors = off[:, is_alive] / errors[:, is_alive]
    assert (np.abs(in_errors) <= 4).mean() > 0.997
    assert 0.8 < np.sqrt(np.mean(in_errors**2)) < 1.1
    assert abs(np.mean(in_errors)) < 0.2


@pytest.mark.parametrize("metric", METRICS)
def test_a_dead_feature_is_near_nothing(opened, metric):
    assert opened.neighbors(tiny.DEAD_STEP, k=255, metric=metric)["score"].to_list() == [0.0] * 255
    assert not REGISTRY.get(metric)(Space({}, opened.index), 3).values[:: tiny.DEAD_STEP].any()


@pytest.fixture
def make(monkeypatch, tmp_path, silent):
    """Build an index of small shards."""
    monkeypatch.setattr("saescope.indexing.text.SHARD_ROWS", 256)

    def build(name, **options):
        scope = saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae())
        return scope.build_index(tiny.texts(40), out=tmp_path / name, progress=silent, **options)

    return build


def test_without_postings_or_index_this_is_told(make, tiny_scope):
    bare = saescope.open_index(make("bare", postings=False).path)
    alone = saescope.load((tiny_scope.model, tiny_scope.tokenizer), sae=tiny_scope.sae)
    for metric in METRICS:
        with pytest.raises(NeedsPostingsError):
            bare.neighbors(3, metric=metric)
        with pytest.raises(NoIndexError, match="build_index"):
            alone.neighbors(3, metric=metric)


@pytest.mark.parametrize("metric", METRICS)
def test_while_an_index_grows_scores_are_of_what_is_there(make, metric):
    growing, whole = make("growing", share="1/2"), make("whole")
    assert not growing.is_complete
    assert 0 < growing.n_rows < whole.n_rows
    assert len(growing.row_shards) > 1
    rows = np.concatenate([np.arange(s, s + growing.manifest.shard_rows(n)) for n, s in enumerate(whole.manifest.shard_starts) if n in growing._taken])  # fmt: skip
    everything = np.zeros((whole.n_rows, tiny.D_SAE), dtype=np.float32)
    found = whole.postings.postings(0, tiny.D_SAE)
    everything[found.rows, found.features] = found.values
    wanted = plain_scores(everything[rows[whole.layout.is_counted(rows)]], metric)
    for feature in (1, 3, 200):
        scores = REGISTRY.get(metric)(Space({}, growing), feature).values
        np.testing.assert_allclose(scores, wanted[feature], atol=1e-3)
