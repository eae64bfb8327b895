"""The index against a plain loop: transformers with output_hidden_states, and sae.encode."""

import numpy as np
import pytest
import torch

import plain
import saescope
import tiny
from saescope.progress import Silent

DOCUMENTS = [*tiny.texts(25), "", "the sea", tiny.texts(1, seed=9)[0] * 6]
LAYER = 2


class PlainLoop:
    """Every activation ``[n_rows, d_sae]`` of a corpus, and what may be rounding at the threshold."""

    def __init__(self, model, sae, prepend_bos):
        tokenizer = tiny.tokenizer()
        documents = [tokenizer(t, add_special_tokens=False)["input_ids"] for t in DOCUMENTS]
        self.tokens, self.starts = plain.pack(documents, tiny.CONTEXT, tokenizer.bos_token_id if prepend_bos else None)
        dense, steady, possible = [], [], []
        with torch.no_grad():
            for start in range(0, len(self.tokens), tiny.CONTEXT):
                ids = torch.tensor([self.tokens[start : start + tiny.CONTEXT]])
                x = model(ids, output_hidden_states=True).hidden_states[LAYER + 1][0]
                a, b, c = (self._encode(sae, x * f) for f in (1.0, 1 + 1e-5, 1 - 1e-5))
                dense.append(a)
                steady.append((b != 0) & (c != 0))
                possible.append((b != 0) | (c != 0) | (a != 0))
        self.dense, self.steady, self.possible = (np.concatenate(x) for x in (dense, steady, possible))
        special = set(tokenizer.all_special_ids)
        rows = enumerate(self.tokens)
        self.counts = np.array([r % tiny.CONTEXT != 0 and t not in special for r, t in rows])

    @staticmethod
    def _encode(sae, x):
        found = sae.encode(x)
        return (found.to_dense() if found.layout != torch.strided else found).numpy()


@pytest.fixture(scope="module", params=["jumprelu", "standard", "topk", "gated"])
def kind(request):
    return request.param


@pytest.fixture(scope="module", params=[True, False], ids=["bos", "no-bos"])
def both(request, kind, tmp_path_factory):
    model, sae = tiny.model(), tiny.sae(kind, prepend_bos=request.param)
    scope = saescope.load((model, tiny.tokenizer()), sae=sae)
    scope.build_index(DOCUMENTS, out=tmp_path_factory.mktemp(kind) / "index", progress=Silent())
    return scope, PlainLoop(model, sae, request.param)


def test_the_tokens_are_those_of_plain_packing(both):
    scope, loop = both
    assert scope.index.tokens.tolist() == loop.tokens
    assert scope.index.docs["start"].to_list() == loop.starts
    assert scope.index.manifest.n_counted == loop.counts.sum()


def test_maximum_count_and_mean_of_every_feature_equal_the_plain_loop(both):
    scope, loop = both
    frame, counted = scope.features, loop.dense[loop.counts]
    n = frame["n_fires"].to_numpy()
    assert (loop.steady[loop.counts].sum(0) <= n).all()
    assert (n <= loop.possible[loop.counts].sum(0)).all()
    plain_n = (counted != 0).sum(0)
    assert (n == plain_n).mean() > 0.99
    np.testing.assert_allclose(frame["max"], counted.max(0), rtol=1e-5, atol=1e-5)
    same = (n == plain_n) & (n > 0)
    np.testing.assert_allclose(frame["mean"].to_numpy()[same], (counted.sum(0) / np.maximum(n, 1))[same], rtol=1e-5)
    assert scope.index.manifest.l0 == pytest.approx(plain_n.sum() / loop.counts.sum(), rel=1e-3)


def test_the_top_ten_of_every_feature_equal_the_plain_loop(both):
    scope, loop = both
    n_examples = 0
    for feature in range(tiny.D_SAE):
        rows = np.flatnonzero((loop.dense[:, feature] != 0) & loop.counts)
        wanted = plain.top([(int(r), loop.dense[r, feature]) for r in rows], tiny.CONTEXT, 10)
        found = scope.examples(feature, k=10)
        assert len(found) == len(wanted)
        np.testing.assert_allclose(found["activation"], [v for _, v in wanted], rtol=1e-5, atol=1e-5)
        for row, (plain_row, _) in zip(found.iter_rows(named=True), wanted, strict=True):
            at_row = loop.dense[row["row"], feature]
            assert row["row"] == plain_row or at_row == pytest.approx(row["activation"], rel=1e-5)
            start = row["row"] - row["peak"]
            end = start + len(row["tokens"])
            np.testing.assert_allclose(row["activations"], loop.dense[start:end, feature], rtol=1e-5, atol=1e-4)
            n_examples += 1
    assert n_examples > tiny.D_SAE


def test_live_text_equals_the_plain_loop(both):
    scope, _ = both
    text = "the emperor sailed over the sea"
    found = scope.activations(text)
    ids = tiny.tokenizer()(text, add_special_tokens=False)["input_ids"]
    ids = ([0] if scope.sae.cfg.metadata.prepend_bos else []) + ids
    with torch.no_grad():
        x = scope.model(torch.tensor([ids]), output_hidden_states=True).hidden_states[LAYER + 1][0]
        dense = PlainLoop._encode(scope.sae, x)
    made = np.zeros_like(dense)
    made[found["pos"].to_numpy(), found["feature"].to_numpy()] = found["activation"].to_numpy()
    np.testing.assert_allclose(made, dense, rtol=1e-5, atol=1e-5)
    assert found.columns[:4] == ["pos", "token", "feature", "activation"]


def test_the_lens_equals_the_decoder_through_gain_and_unembedding(tiny_scope):
    model = tiny_scope.model
    with torch.no_grad():
        logits = (tiny_scope.sae.W_dec * model.model.norm.weight) @ model.lm_head.weight.T
    high = logits.topk(10)
    np.testing.assert_allclose(tiny_scope.index.table["promoted_weights"].to_list(), high.values, rtol=1e-3, atol=1e-3)
    assert tiny_scope.index.table["promoted"].to_list()[5] == high.indices[5].tolist()
