import numpy as np
import pytest
import torch

import tiny
from saescope.engine.encoder import CHUNK, FIRST_ROOM, Encoder


def dense(found, n_rows):
    made = np.zeros((n_rows, tiny.D_SAE), dtype=np.float32)
    made[found.rows, found.features] = found.values
    return made


def make(kind):
    """A SAE of some kind; ``topk-rescaled`` multiplies by the decoder's norms."""
    sae = tiny.sae(kind.removesuffix("-rescaled"))
    if kind.endswith("-rescaled"):
        sae.cfg.rescale_acts_by_decoder_norm = True
        with torch.no_grad():
            sae.W_dec.mul_(torch.logspace(-1, 1, tiny.D_SAE)[torch.randperm(tiny.D_SAE)][:, None])
    return sae


def draw(n_rows, seed=0):
    return 2 * torch.randn(n_rows, tiny.D_MODEL, generator=torch.Generator().manual_seed(seed))


def encoded(sae, x):
    with torch.no_grad():
        found = sae.encode(x)
    return (found.to_dense() if found.layout != torch.strided else found).numpy()


def same(found, wanted):
    assert len(found.rows) == len(set(zip(found.rows.tolist(), found.features.tolist(), strict=True)))
    np.testing.assert_array_equal(dense(found, len(wanted)) != 0, wanted != 0)
    np.testing.assert_allclose(dense(found, len(wanted)), wanted, atol=1e-6, rtol=1e-5)
    assert (wanted != 0).any()
    order = np.lexsort((found.features, found.rows))
    np.testing.assert_array_equal(order, np.arange(len(order)))
    assert (found.rows.dtype, found.features.dtype, found.values.dtype) == (np.int64, np.uint32, np.float32)


KINDS = ["jumprelu", "standard", "topk", "topk-rescaled", "gated"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_rows", [1, CHUNK, 2 * CHUNK + 7])
def test_nonzeros_equal_those_of_the_sae(kind, n_rows):
    sae, x = make(kind), draw(n_rows, n_rows)
    same(Encoder(sae).encode(x), encoded(sae, x))


def test_rescaling_changes_which_features_are_the_largest():
    sae = make("topk-rescaled")
    rescaled = encoded(sae, draw(50)) != 0
    sae.cfg.rescale_acts_by_decoder_norm = False
    assert (rescaled != (encoded(sae, draw(50)) != 0)).any()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tile", [1, 7, 100, tiny.D_SAE - 1, tiny.D_SAE])
def test_features_taken_in_tiles_give_the_same(kind, tile):
    sae, x = make(kind), draw(CHUNK + 30)
    encoder = Encoder(sae, tile_bytes=tile * 4 * CHUNK)
    assert (encoder._tile, encoder._chunk) == (tile, tile if kind == "gated" else CHUNK)
    same(encoder.encode(x), encoded(sae, x))
    held = 0 if kind == "gated" else tile * CHUNK
    assert (0 if encoder._buffer is None else encoder._buffer.numel()) == held


@pytest.mark.parametrize("tile_bytes", [0, 1, 1023])
def test_room_for_less_than_one_feature_takes_one_at_a_time(tile_bytes):
    sae, x = make("jumprelu"), draw(3)
    same(Encoder(sae, tile_bytes).encode(x), encoded(sae, x))


@pytest.fixture
def compacts(monkeypatch):
    """What runs on a GPU, here; counts the tiles."""
    tiles, on_device = [], Encoder._on_device

    def counted(self, x, low):
        tiles.append(low)
        return on_device(self, x, low)

    monkeypatch.setattr(Encoder, "_on_host", counted)
    monkeypatch.setattr(Encoder, "_on_device", counted)
    return tiles


@pytest.mark.parametrize("kind", ["jumprelu", "standard"])
@pytest.mark.parametrize("tile", [100, tiny.D_SAE])
@pytest.mark.parametrize("room", [1, FIRST_ROOM])
def test_compacting_on_the_device_gives_the_same_also_without_enough_room(compacts, monkeypatch, kind, tile, room):
    monkeypatch.setattr("saescope.engine.encoder.FIRST_ROOM", room)
    sae, encoder = make(kind), Encoder(make(kind), tile_bytes=tile * 4 * CHUNK)
    lots = [draw(n, n) for n in (CHUNK + 30, 1, 40)]
    for x, found in [(x, encoder.submit(x)) for x in lots]:
        same(found(), encoded(sae, x))
    n_tiles = 4 * -(-tiny.D_SAE // tile)
    assert (len(compacts) > n_tiles) == (room == 1)
    assert len(compacts) >= n_tiles
    before = len(compacts)
    same(encoder.encode(lots[0]), encoded(sae, lots[0]))
    assert len(compacts) - before == n_tiles // 2


def test_a_second_call_does_not_alter_what_the_first_gave():
    encoder = Encoder(tiny.sae())
    first = encoder.encode(2 * torch.randn(100, tiny.D_MODEL))
    kept = first.values.copy()
    encoder.encode(5 * torch.randn(100, tiny.D_MODEL))
    np.testing.assert_array_equal(first.values, kept)


def test_jumprelu_with_a_threshold_below_zero_never_fires_negative():
    sae = tiny.sae()
    with torch.no_grad():
        sae.threshold.fill_(-1.0)
        x = 2 * torch.randn(50, tiny.D_MODEL)
        np.testing.assert_allclose(dense(Encoder(sae).encode(x), 50), sae.encode(x).numpy(), atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_activations_are_encoded_as_the_sae_does(dtype):
    sae, x = tiny.sae(), (2 * torch.randn(60, tiny.D_MODEL)).to(dtype)
    with torch.no_grad():
        np.testing.assert_allclose(dense(Encoder(sae).encode(x), 60), sae.encode(x).float().numpy(), atol=1e-6)


def test_no_rows_give_no_nonzeros():
    sae = tiny.sae()
    with torch.no_grad():
        sae.b_enc.fill_(-1e6)
    found = Encoder(sae).encode(torch.randn(5, tiny.D_MODEL))
    assert len(found.rows) == len(found.features) == len(found.values) == 0
