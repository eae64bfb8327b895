import numpy as np
import pytest
import torch

import tiny
from saescope.engine.encoder import CHUNK, Encoder


def dense(found, n_rows):
    made = np.zeros((n_rows, tiny.D_SAE), dtype=np.float32)
    made[found.rows, found.features] = found.values
    return made


@pytest.mark.parametrize("kind", ["jumprelu", "standard", "topk", "gated"])
@pytest.mark.parametrize("n_rows", [1, CHUNK, 2 * CHUNK + 7])
def test_nonzeros_equal_those_of_the_sae(kind, n_rows):
    sae = tiny.sae(kind)
    x = 2 * torch.randn(n_rows, tiny.D_MODEL, generator=torch.Generator().manual_seed(n_rows))
    with torch.no_grad():
        wanted = sae.encode(x)
    wanted = (wanted.to_dense() if wanted.layout != torch.strided else wanted).numpy()
    found = Encoder(sae).encode(x)
    assert len(found.rows) == len(set(zip(found.rows.tolist(), found.features.tolist(), strict=True)))
    np.testing.assert_array_equal(dense(found, n_rows) != 0, wanted != 0)
    np.testing.assert_allclose(dense(found, n_rows), wanted, atol=1e-6, rtol=1e-6)
    assert (wanted != 0).any()
    order = np.lexsort((found.features, found.rows))
    np.testing.assert_array_equal(order, np.arange(len(order)))
    assert (found.rows.dtype, found.features.dtype, found.values.dtype) == (np.int64, np.uint32, np.float32)


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
