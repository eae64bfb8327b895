import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import saescope
import tiny
from saescope.effects.writing import Writer
from saescope.engine.encoder import Encoder
from saescope.engine.reader import SiteReader
from saescope.errors import ComputeError, InputError, MismatchError, SaeSourceError
from saescope.sources.model import LoadedModel
from saescope.sources.sae import load_sae
from saescope.sources.site import find_site

SITES = ["blocks.0.hook_resid_post", "blocks.2.hook_mlp_out", "blocks.3.hook_resid_mid"]
N, D = 24, 32
IDS = torch.randint(1, 300, (2, 12), generator=torch.Generator().manual_seed(5))


def weights(n_places=3):
    draw = torch.Generator().manual_seed(1)
    made = {
        "W_enc": torch.randn(n_places, D, N, generator=draw) / 8,
        "W_dec": torch.randn(N, n_places, D, generator=draw),
        "b_enc": torch.randn(N, generator=draw) / 4,
        "b_dec": torch.randn(n_places, D, generator=draw) / 4,
    }
    made["W_dec"][0, 1:] = 0
    made["W_dec"][1, :-1] *= 1e-3
    made["W_dec"][2] = made["W_dec"][2, :1]
    return made


def other_layout(w, threshold=None):
    made = {
        "encoder.weight": w["W_enc"], "encoder.bias": w["b_enc"],
        "decoder.weight": w["W_dec"].transpose(0, 1).contiguous(), "decoder.bias": w["b_dec"],
    }  # fmt: skip
    return made if threshold is None else {**made, "threshold": torch.tensor(threshold)}


def by_plain_hooks(model):
    """The three sites' activations, in the order of `SITES`."""
    seen = {}
    blocks = model.model.layers
    handles = [
        blocks[0].register_forward_hook(lambda _m, _a, out: seen.update(a=out[0] if isinstance(out, tuple) else out)),
        blocks[2].mlp.register_forward_hook(lambda _m, _a, out: seen.update(b=out)),
        blocks[3].post_attention_layernorm.register_forward_pre_hook(lambda _m, args: seen.update(c=args[0])),
    ]
    with torch.no_grad():
        model(IDS)
    for handle in handles:
        handle.remove()
    return [seen[k] for k in "abc"]


def dense(sae, x):
    found = Encoder(sae).encode(x)
    made = torch.zeros(len(x), N)
    made[found.rows, found.features.astype("int64")] = torch.from_numpy(found.values)
    return made


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1]])
@pytest.mark.parametrize("threshold", [None, 2.0])
def test_a_crosscoder_over_layers_fires_by_the_sum_over_its_sites(tmp_path, order, threshold):
    w, model = weights(), tiny.model()
    save_file(w if threshold is None else other_layout(w, threshold), tmp_path / "model.safetensors")
    sites = [SITES[n] for n in order]
    loaded = load_sae(saescope.crosscoder(tmp_path, sites=sites))
    site = find_site(LoadedModel(model, None, "tiny"), loaded)
    x = SiteReader(model, site).read(IDS)
    at = by_plain_hooks(model)
    torch.testing.assert_close(x, torch.cat([at[n] for n in order], -1), rtol=1e-5, atol=1e-6)
    wanted = sum(at[n] @ w["W_enc"][p] for p, n in enumerate(order)) + w["b_enc"]
    wanted = wanted.relu().flatten(0, 1)
    if threshold is not None:
        wanted = wanted * (wanted * w["W_dec"].norm(dim=2).sum(1) > threshold)
    torch.testing.assert_close(dense(loaded.sae, x.flatten(0, 1)), wanted, rtol=1e-5, atol=1e-5)


def test_an_index_of_a_crosscoder_is_built_and_its_effects_are_refused(tmp_path, silent):
    scope = saescope.load((tiny.model(), tiny.tokenizer()), sae=saescope.crosscoder(weights(), sites=SITES))
    index = scope.build_index(tiny.texts(20), out=tmp_path / "index", progress=silent)
    assert index.manifest.d_sae == N
    assert index.manifest.lens == "none"
    with pytest.raises(ComputeError, match="several sites"):
        Writer(scope.sae)


def test_features_are_shared_or_one_place_s_own_by_their_decoder_norms():
    two = {k: v[:, :2] if k == "W_dec" else v[:2] if v.shape[0] == 3 else v for k, v in weights().items()}
    two["W_dec"] = two["W_dec"].clone()
    two["W_dec"][1, 0], two["W_dec"][1, 1] = 0.01 * torch.ones(D), torch.ones(D)
    table = saescope.crosscoder(two, models=["base", "chat"], site="blocks.1.hook_resid_pre").table()
    norms = two["W_dec"].norm(dim=2)
    np.testing.assert_allclose(table["relative_norm"], norms[:, 1] / norms.sum(1), rtol=1e-5, atol=1e-7)
    assert table["belongs"][:3].to_list() == ["base", "chat", "shared"]
    assert table["cosine"][2] == pytest.approx(1, abs=1e-5)
    three = saescope.crosscoder(weights(), sites=SITES).table()
    assert three["belongs"][:3].to_list() == [SITES[0], SITES[2], "shared"]


def test_places_in_other_models_are_not_run():
    two = {k: v[:, :2] if k == "W_dec" else v[:2] if v.shape[0] == 3 else v for k, v in weights().items()}
    given = saescope.crosscoder(two, models=["base", "chat"], site="blocks.1.hook_resid_pre")
    with pytest.raises(SaeSourceError, match="base and chat"):
        load_sae(given)


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (lambda w: w.pop("b_dec"), "no crosscoder layout"),
        (lambda w: w.update(W_dec=w["W_dec"].transpose(0, 1)), "do not agree"),
        (lambda w: w.update(W_enc=w["W_enc"][0]), "do not agree"),
        (lambda w: w["W_enc"].fill_(float("nan")), "not finite"),
    ],
)
def test_weights_that_make_no_crosscoder_are_refused(change, wanted):
    w = weights()
    change(w)
    with pytest.raises(SaeSourceError, match=wanted):
        saescope.crosscoder(w, sites=SITES)


def test_batch_rules_and_unknown_scales_are_refused(tmp_path):
    chosen = {**other_layout(weights(), -1.0), "k": torch.tensor(100)}
    with pytest.raises(SaeSourceError, match="largest of a batch"):
        saescope.crosscoder(chosen, sites=SITES)
    save_file(other_layout(weights(), 2.0), tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps({"code_normalization": "CodeNormalization.MIXED"}))
    with pytest.raises(SaeSourceError, match="mixed"):
        saescope.crosscoder(tmp_path, sites=SITES)


def test_pickles_and_missing_files_are_not_opened(tmp_path):
    torch.save(weights(), tmp_path / "cc_weights.pt")
    for path in (tmp_path, tmp_path / "cc_weights.pt", tmp_path / "none.safetensors"):
        with pytest.raises(SaeSourceError, match=r"wanted one \.safetensors"):
            saescope.crosscoder(path, sites=SITES)
    (tmp_path / "cut.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{")
    with pytest.raises(SaeSourceError, match="could not be read"):
        saescope.crosscoder(tmp_path, sites=SITES)


def test_as_many_places_as_the_weights_have_and_sites_of_its_width():
    with pytest.raises(InputError, match="3 places, and 2"):
        saescope.crosscoder(weights(), sites=SITES[:2])
    with pytest.raises(InputError, match="places"):
        saescope.crosscoder(weights(), sites=SITES, models=["a", "b", "c"])
    loaded = load_sae(saescope.crosscoder(weights(), sites=[*SITES[:2], "blocks.1.mlp.hook_post"]))
    with pytest.raises(MismatchError, match=r"blocks\.1\.mlp\.hook_post"):
        find_site(LoadedModel(tiny.model(), None, "tiny"), loaded)
