import copy
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


def of_two(w):
    """The same over its first two places."""
    return {k: v[:, :2] if k == "W_dec" else v[:2] if v.shape[0] == 3 else v for k, v in w.items()}


def two_models():
    chat = tiny.model()
    with torch.no_grad():
        for p in chat.parameters():
            p.add_(torch.randn(p.shape, generator=torch.Generator().manual_seed(7)) * 0.05)
    return {"base": (tiny.model(), tiny.tokenizer()), "chat": (chat, tiny.tokenizer())}


@pytest.mark.parametrize("scales", [(), (0.5, 0.25)])
def test_a_crosscoder_of_two_models_reads_both_on_the_same_tokens(scales):
    models, w = two_models(), of_two(weights())
    given = saescope.crosscoder(w, models=["base", "chat"], site="blocks.1.hook_resid_post", scales=scales)
    scope = saescope.load(dict(reversed(models.items())), sae=given)
    at = []
    for model, _ in models.values():
        with torch.no_grad():
            at.append(model(IDS, output_hidden_states=True).hidden_states[2])
    x = SiteReader(scope.model, scope.parts[2]).read(IDS)
    torch.testing.assert_close(x, torch.cat(at, -1), rtol=1e-5, atol=1e-6)
    scaled = [a * s for a, s in zip(at, scales or (1, 1), strict=True)]
    wanted = sum(a @ w["W_enc"][p] for p, a in enumerate(scaled)) + w["b_enc"]
    torch.testing.assert_close(dense(scope.sae, x.flatten(0, 1)), wanted.relu().flatten(0, 1), rtol=1e-5, atol=1e-5)
    with torch.no_grad():
        back = scope.sae.decode(wanted.relu())
    for n, part in enumerate(back.split(D, -1)):
        made = (wanted.relu() @ w["W_dec"][:, n] + w["b_dec"][n]) / (scales or (1, 1))[n]
        torch.testing.assert_close(part, made, rtol=1e-5, atol=1e-4)


def test_planted_shared_and_own_features_stand_in_the_table(tmp_path, silent):
    w = of_two(weights())
    w["W_dec"][1, 0], w["W_dec"][1, 1] = 0.01 * torch.ones(D), torch.ones(D)
    given = saescope.crosscoder(w, models=["base", "chat"], site="blocks.1.hook_resid_post")
    scope = saescope.load(two_models(), sae=given)
    scope.build_index(tiny.texts(20), out=tmp_path / "index", progress=silent)
    norms = w["W_dec"].norm(dim=2)
    share = (norms[:, 1] / norms.sum(1)).numpy()
    alone = saescope.open_index(tmp_path / "index")
    for opened in (scope, alone):
        frame = opened.features
        np.testing.assert_allclose(frame["relative_norm"], share, rtol=1e-5, atol=1e-6)
        assert frame["belongs"][:3].to_list() == ["base", "chat", "shared"]
        assert frame["place_cosine"][2] == pytest.approx(1, abs=1e-5)
    own = alone.find_features(ranges={"relative_norm": (0.9, None)}, hides_dead=False, sort="relative_norm")
    assert own["feature"].to_list() == [int(f) for f in np.argsort(-share, kind="stable") if share[f] >= 0.9]
    assert alone.feature(2).row(0, named=True)["relative_norm"] == pytest.approx(0.5, abs=1e-5)


def test_models_that_do_not_go_together_are_refused():
    given = saescope.crosscoder(of_two(weights()), models=["base", "chat"], site="blocks.1.hook_resid_post")
    with pytest.raises(MismatchError, match="base and chat, and 1 came"):
        saescope.load((tiny.model(), tiny.tokenizer()), sae=given)
    with pytest.raises(InputError, match="not its places: base, chat"):
        saescope.load({"a": None, "b": None}, sae=given)
    with pytest.raises(InputError, match="are not its places"):
        saescope.load(two_models(), sae=tiny.sae())
    other = two_models()
    pieces = copy.deepcopy(tiny.tokenizer())
    pieces.get_vocab = lambda: {piece: number + 1 for piece, number in tiny.tokenizer().get_vocab().items()}
    other["chat"] = (other["chat"][0], pieces)
    with pytest.raises(MismatchError, match="do not have the same tokens"):
        saescope.load(other, sae=given)
    with pytest.raises(InputError, match="scale above 0"):
        saescope.crosscoder(of_two(weights()), models=["a", "b"], site="x", scales=[1.0, 0.0])


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
    with pytest.raises(SaeSourceError, match="no whole safetensors file"):
        saescope.crosscoder(tmp_path, sites=SITES)


def test_as_many_places_as_the_weights_have_and_sites_of_its_width():
    with pytest.raises(InputError, match="3 places, and 2"):
        saescope.crosscoder(weights(), sites=SITES[:2])
    with pytest.raises(InputError, match="places"):
        saescope.crosscoder(weights(), sites=SITES, models=["a", "b", "c"])
    loaded = load_sae(saescope.crosscoder(weights(), sites=[*SITES[:2], "blocks.1.mlp.hook_post"]))
    with pytest.raises(MismatchError, match=r"blocks\.1\.mlp\.hook_post"):
        find_site(LoadedModel(tiny.model(), None, "tiny"), loaded)
