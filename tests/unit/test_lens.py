import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import tiny
from saescope.engine.lens import BLOCK, N_TOKENS, largest, norm_gain, read_lens
from saescope.errors import InputError, NeedsModelError, UnknownFeatureError, UnknownNameError


@pytest.mark.parametrize(
    "width", [10, 63, 64, 65, 20 * 64, 20 * 64 + 1, 21 * 64, 21 * 64 + 1, 21 * 64 + 63, 5000, 50257]
)
@pytest.mark.parametrize("n", [1, 7])
def test_the_largest_are_those_of_topk(n, width):
    logits = torch.randn(n, width, generator=torch.Generator().manual_seed(width))
    found, wanted = largest(logits, N_TOKENS), logits.topk(N_TOKENS)
    assert torch.equal(found[0], wanted.values)
    assert torch.equal(found[1], wanted.indices)


@given(st.integers(1, 6), st.integers(1, 1000), st.integers(1, 12), st.integers(0, 1 << 30))
@settings(max_examples=150, deadline=None)
def test_the_largest_are_those_of_topk_for_any_shape_and_equal_numbers(n, width, k, seed):
    k = min(k, width)
    logits = torch.randint(-9, 9, (n, width), generator=torch.Generator().manual_seed(seed)).float()
    values, places = largest(logits, k)
    assert torch.equal(values, logits.topk(k).values)
    assert torch.equal(logits.gather(1, places), values)
    assert all(len(set(row)) == k for row in places.tolist())


@pytest.mark.parametrize("at", ["first", "last", "one block", "rest"])
def test_the_largest_are_found_wherever_they_stand(at):
    width = 30 * BLOCK + 17
    logits = torch.rand(2, width)
    places = {
        "first": torch.arange(10),
        "last": torch.arange(30 * BLOCK - 10, 30 * BLOCK),
        "one block": torch.arange(5 * BLOCK + 3, 5 * BLOCK + 13),
        "rest": torch.arange(width - 10, width),
    }[at]
    logits[:, places] = torch.arange(10, 0, -1).float() + 1
    assert largest(logits, 10)[1].tolist() == [places.tolist()] * 2


def test_both_sides_are_in_order_and_equal_a_plain_product():
    model, decoder = tiny.model(), tiny.sae().W_dec.detach()
    with torch.no_grad():
        model.model.norm.weight.copy_(torch.rand(tiny.D_MODEL) + 0.5)
        by_gain = (decoder * model.model.norm.weight) @ model.lm_head.weight.T
        plain = decoder @ model.lm_head.weight.T
    assert not torch.allclose(by_gain, plain, rtol=0.1)
    for convention, logits in (("norm_gain", by_gain), ("raw", plain)):
        found = read_lens(model, decoder, len(tiny.tokenizer()), convention=convention)
        assert found.convention == convention
        for sign, ids, weights in (
            (1, found.promoted, found.promoted_weights),
            (-1, found.suppressed, found.suppressed_weights),
        ):
            wanted = (sign * logits).topk(N_TOKENS)
            np.testing.assert_allclose(weights, sign * wanted.values, rtol=1e-3, atol=1e-4)
            np.testing.assert_allclose(np.take_along_axis(logits.numpy(), ids, 1), weights, rtol=1e-3, atol=1e-4)
            assert (np.diff(sign * weights) <= 0).all()
        assert (found.promoted_weights[:, 0] > found.suppressed_weights[:, 0]).all()


def test_chunks_change_nothing(monkeypatch):
    model, decoder, done = tiny.model(), tiny.sae().W_dec.detach(), []
    whole = read_lens(model, decoder, 320)
    monkeypatch.setattr("saescope.engine.lens.CHUNK_BYTES", 4 * 320 * 100)
    parts = read_lens(model, decoder, 320, done.append)
    assert done == [100, 100, 56]
    np.testing.assert_allclose(parts.promoted_weights, whole.promoted_weights, rtol=1e-5)
    assert (parts.promoted == whole.promoted).mean() > 0.99


def test_rows_of_the_unembedding_beyond_the_tokens_are_never_told():
    model = tiny.model()
    with torch.no_grad():
        model.lm_head.weight[300:] *= 1000
    found = read_lens(model, tiny.sae().W_dec.detach(), 300)
    assert max(found.promoted.max(), found.suppressed.max()) < 300


def test_the_gain_of_a_norm_and_whether_it_centres_are_found_by_probing():
    rms = tiny.model().model.norm
    with torch.no_grad():
        rms.weight.copy_(torch.linspace(0.5, 2, tiny.D_MODEL))
    gain, is_centring = norm_gain(rms, tiny.D_MODEL)
    torch.testing.assert_close(gain, rms.weight.detach(), rtol=1e-3, atol=1e-3)
    assert not is_centring
    layer = torch.nn.LayerNorm(tiny.D_MODEL)
    with torch.no_grad():
        layer.weight.copy_(torch.linspace(-1, 2, tiny.D_MODEL))
        layer.bias.copy_(torch.randn(tiny.D_MODEL))
    gain, is_centring = norm_gain(layer, tiny.D_MODEL)
    torch.testing.assert_close(gain, layer.weight.detach(), rtol=1e-3, atol=1e-3)
    assert is_centring


def test_a_scope_tells_the_lens_of_some_features_as_its_table_does(tiny_scope):
    found = tiny_scope.lens([5, 9], k=4)
    assert found.columns == ["feature", "side", "rank", "token", "token_id", "weight"]
    assert found["feature"].to_list() == [5] * 8 + [9] * 8
    assert found["side"].to_list() == (["promoted"] * 4 + ["suppressed"] * 4) * 2
    assert found["rank"].to_list() == [0, 1, 2, 3] * 4
    for feature in (5, 9):
        row = tiny_scope.features.row(feature, named=True)
        for side in ("promoted", "suppressed"):
            mine = found.filter((found["feature"] == feature) & (found["side"] == side))
            assert mine["token"].to_list() == row[side][:4]
            assert mine["weight"].to_list() == pytest.approx(row[f"{side}_weights"][:4], rel=1e-3)


@pytest.mark.parametrize("one", [5, np.int64(5), np.uint32(5)])
def test_one_feature_may_be_any_whole_number(tiny_scope, one):
    assert tiny_scope.lens(one).equals(tiny_scope.lens([5]))


def test_the_raw_lens_of_a_scope_is_the_decoder_through_the_unembedding(tiny_scope):
    found = tiny_scope.lens(7, convention="raw")
    with torch.no_grad():
        logits = tiny_scope.sae.W_dec[7] @ tiny_scope.model.lm_head.weight.T
    assert found.filter(found["side"] == "promoted")["token_id"].to_list() == logits.topk(10).indices.tolist()
    assert found["weight"].to_list() == pytest.approx(
        logits[found["token_id"].to_numpy().astype(int)].tolist(), rel=1e-4
    )


def test_of_no_features_the_lens_is_empty(tiny_scope):
    assert tiny_scope.lens([]).schema == tiny_scope.lens([1]).schema
    assert len(tiny_scope.lens([])) == 0


def test_what_the_lens_cannot_tell_is_told(tiny_scope, opened):
    with pytest.raises(UnknownFeatureError):
        tiny_scope.lens(tiny.D_SAE)
    with pytest.raises(UnknownFeatureError):
        tiny_scope.lens([1, -1])
    with pytest.raises(UnknownNameError, match="convention"):
        tiny_scope.lens(1, convention="best")
    for k in (0, 11):
        with pytest.raises(InputError, match="1 to 10"):
            tiny_scope.lens(1, k=k)
    with pytest.raises(NeedsModelError):
        opened.lens(1)
