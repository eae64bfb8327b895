"""Directions as a dictionary, SAEs in training, normalisations with a memory, and what a configuration says of the model."""

import json
import threading

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import dictionaries
import families
import saescope
import tiny
from saescope.effects.clean import CleanRun
from saescope.effects.writing import Writer
from saescope.engine.encoder import Encoder
from saescope.errors import ComputeError, InputError, SaeSourceError
from saescope.sources.model import LoadedModel
from saescope.sources.sae import load_sae
from saescope.sources.site import find_site

SITE = "blocks.1.hook_resid_post"
DRAW = torch.Generator().manual_seed(0)
ROWS = torch.randn(5, 32, generator=DRAW)
X = 2 * torch.randn(40, 32, generator=DRAW)


def dense(nonzeros, n_rows, width):
    made = torch.zeros(n_rows, width)
    made[nonzeros.rows, nonzeros.features.astype("int64")] = torch.from_numpy(nonzeros.values)
    return made


@pytest.mark.parametrize("signed", [False, True])
def test_directions_fire_with_the_product_where_it_exceeds_the_threshold(signed):
    center, bias = torch.full((32,), 0.3), torch.linspace(-1, 1, 5)
    given = saescope.directions(ROWS, site=SITE, bias=bias, threshold=0.7, center=center, signed=signed)
    found = dense(Encoder(load_sae(given).sae).encode(X), 40, 5)
    value = (X - center) @ ROWS.T + bias
    wanted = value * ((value.abs() if signed else value) > 0.7)
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-4)
    assert bool((found < 0).any()) == signed


def test_taking_a_direction_away_takes_away_what_the_activation_has_along_it():
    model = families.model("llama")
    loaded = load_sae(saescope.directions(ROWS[:1], site=SITE, signed=True))
    run = CleanRun(model, find_site(LoadedModel(model, None, "small"), loaded), families.IDS[0])
    acts = dense(Encoder(loaded.sae).encode(run.seen), len(run.seen), 1)
    delta = -acts * Writer(loaded.sae).directions([0])
    assert float(((run.seen + delta) @ ROWS[0]).abs().max()) < 1e-3
    unit = ROWS[0] / ROWS[0].norm()

    def project(_module, _args, output):
        x = output[0] if isinstance(output, tuple) else output
        new = x - (x @ unit)[..., None] * unit
        return (new, *output[1:]) if isinstance(output, tuple) else new

    handle = model.model.layers[1].register_forward_hook(project)
    with torch.no_grad():
        wanted = model(families.IDS[:1], use_cache=False).logits
    handle.remove()
    torch.testing.assert_close(run.changed(delta[None], 0, 20), wanted, rtol=1e-4, atol=1e-4)


def test_directions_come_from_files_with_the_names_that_they_have_there(tmp_path):
    save_file({"truth": ROWS[0].clone(), "tone": ROWS[1:3].clone()}, tmp_path / "probes.safetensors")
    np.savez(tmp_path / "probes.npz", truth=ROWS[0].numpy(), tone=ROWS[1:3].numpy())
    np.save(tmp_path / "probes.npy", ROWS.numpy())
    by_name = {"truth": ROWS[0], "tone": ROWS[1:3]}
    assert sorted(saescope.directions(by_name, site=SITE).names) == ["tone 0", "tone 1", "truth"]
    for end in ("safetensors", "npz"):
        found = saescope.directions(tmp_path / f"probes.{end}", site=SITE)
        assert sorted(found.names) == ["tone 0", "tone 1", "truth"]
        np.testing.assert_allclose(found.rows[found.names.index("truth")], ROWS[0])
    assert saescope.directions(tmp_path / "probes.npy", site=SITE).rows.shape == (5, 32)
    assert load_sae(saescope.directions(by_name, site=SITE)).names == ("truth", "tone 0", "tone 1")


@pytest.mark.parametrize(
    ("what", "options", "wanted"),
    [
        (np.zeros((2, 3)), {}, "is zero"),
        (np.full((2, 3), np.nan), {}, "not finite"),
        (np.ones((2, 3, 4)), {}, r"\[n, d\]"),
        (np.ones((2, 3)), {"names": ["a"]}, "2 directions"),
        (np.ones((2, 3)), {"names": ["a", "a"]}, "different names"),
        (np.ones((2, 3)), {"bias": [1, 2, 3]}, "biases"),
        (np.ones((2, 3)), {"threshold": -1}, "0 or above"),
        (np.ones((2, 3)), {"center": [1.0]}, "centre"),
        ({"a": np.ones(3), "b": np.ones(4)}, {}, "one width"),
        (np.array([["a"]]), {}, "numbers"),
    ],
)
def test_directions_that_make_no_sense_are_refused(what, options, wanted):
    with pytest.raises(InputError, match=wanted):
        saescope.directions(what, site=SITE, **options)


def test_files_that_can_run_code_are_not_opened(tmp_path):
    torch.save(ROWS, tmp_path / "probes.pt")
    np.save(tmp_path / "probes.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    (tmp_path / "cut.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{")
    for name, wanted in (
        ("probes.pt", "hold code"),
        ("probes.npy", "could not be read"),
        ("cut.safetensors", "whole|read"),
    ):
        with pytest.raises(SaeSourceError, match=wanted):
            saescope.directions(tmp_path / name, site=SITE)


def test_an_index_of_directions_is_built_like_any_other(tmp_path, silent):
    scope = saescope.load(
        (tiny.model(), tiny.tokenizer()), sae=saescope.directions(ROWS, site=SITE, names=list("abcde"))
    )
    index = scope.build_index(tiny.texts(20), out=tmp_path / "index", progress=silent)
    assert index.manifest.d_sae == 5
    again = saescope.load(
        (tiny.model(), tiny.tokenizer()), sae=saescope.directions(ROWS, site=SITE), index=tmp_path / "index"
    )
    assert again.n_features == 5


@pytest.mark.parametrize("kind", ["batchtopk", "matryoshka_batchtopk"])
@pytest.mark.parametrize("is_saved", [False, True])
def test_an_sae_in_training_is_read_as_sae_lens_saves_it(tmp_path, kind, is_saved):
    from sae_lens import SAE

    made = dictionaries.make(kind, 32, {"hook_name": SITE})
    before = {name: value.clone() for name, value in made.state_dict().items()}
    made.save_inference_model(tmp_path / "in use")
    made.save_model(tmp_path / "in training")
    loaded = load_sae(tmp_path / "in training" if is_saved else made)
    assert loaded.architecture == "jumprelu"
    with torch.no_grad():
        wanted = SAE.load_from_disk(tmp_path / "in use").encode(X)
    torch.testing.assert_close(
        dense(Encoder(loaded.sae).encode(X), 40, dictionaries.D_SAE), wanted, rtol=1e-5, atol=1e-5
    )
    assert all(torch.equal(before[name], value) for name, value in made.state_dict().items())


@pytest.mark.parametrize("kind", ["standard, layer_norm", "topk, constant_norm_rescale"])
def test_a_normalisation_remembers_by_thread_and_gives_back_twice(kind):
    made = dictionaries.make(kind, 32, {"hook_name": SITE})
    sae = load_sae(made).sae
    other = torch.randn(40, 32, generator=DRAW)
    with torch.no_grad():
        acts = made.encode(X)
        wanted = made.decode(acts)
        sae.encode(X)
        thread = threading.Thread(target=lambda: sae.encode(other))
        thread.start()
        thread.join()
        for _ in range(2):
            torch.testing.assert_close(sae.decode(acts), wanted, rtol=1e-5, atol=1e-5)
        made.encode(X)
        made.decode(acts)
    fresh = load_sae(dictionaries.make(kind, 32, {"hook_name": SITE})).sae
    with pytest.raises(ComputeError, match="decodes only what it has just encoded"):
        fresh.decode(acts)


def test_a_normalised_transcoder_writes_at_its_own_scale():
    made = dictionaries.make(
        "transcoder", 32, {"hook_name": "blocks.1.mlp.hook_in", "hook_name_out": "blocks.1.hook_mlp_out"}
    )
    made.cfg.normalize_activations = "layer_norm"
    made._setup_activation_normalization()
    writer = Writer(load_sae(made).sae)
    torch.testing.assert_close(writer.scales(X), torch.ones(40))


def saved(tmp_path, factor, **options):
    made = dictionaries.make("standard", 32, {"hook_name": SITE})
    made.cfg.normalize_activations = "expected_average_only_in"
    made.save_model(tmp_path)
    if factor is not None:
        (tmp_path / "activation_scaler.json").write_text(json.dumps({"scaling_factor": factor}))
    return made


def test_the_scale_that_lies_beside_an_sae_is_folded_in(tmp_path):
    made = saved(tmp_path, 0.25)
    with torch.no_grad():
        wanted = made.encode(0.25 * X)
        decoded = made.decode(wanted) / 0.25
    sae = load_sae(tmp_path).sae
    with torch.no_grad():
        torch.testing.assert_close(sae.encode(X), wanted, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(sae.decode(wanted), decoded, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("factor", "wanted"), [(None, "activation_scaler.json"), (0, "above 0"), ("x", "above 0")])
def test_without_a_scale_it_is_refused(tmp_path, factor, wanted):
    saved(tmp_path, factor)
    with pytest.raises(SaeSourceError) as caught:
        load_sae(tmp_path)
    assert wanted in caught.value.message + caught.value.hint


def kwargs(**given):
    return dictionaries.make("standard", 32, {"hook_name": SITE, "model_from_pretrained_kwargs": given})


def test_what_is_not_known_of_the_model_is_named(caplog):
    loaded = load_sae(kwargs(fold_ln=False, wobble=3, checkpoint_value=1000))
    assert any("wobble" in sentence for sentence in loaded.remarks)
    assert any("checkpoint_value=1000" in sentence for sentence in loaded.remarks)
    assert "wobble" in caplog.text
    assert load_sae(kwargs(fold_ln=False, center_writing_weights=True, n_devices=1)).remarks == ()


def test_weights_folded_together_are_refused_where_they_change_what_is_read():
    folded = dictionaries.make(
        "standard", 32, {"hook_name": "blocks.1.mlp.hook_in", "model_from_pretrained_kwargs": {"fold_ln": True}}
    )
    with pytest.raises(SaeSourceError, match="folded") as caught:
        load_sae(folded)
    assert "ln2.hook_normalized" in caught.value.hint
    values = {"hook_name": "blocks.1.attn.hook_z", "model_from_pretrained_kwargs": {"fold_value_biases": True}}
    with pytest.raises(SaeSourceError, match="value biases"):
        load_sae(dictionaries.make("standard", 32, values))


def test_a_temporal_sae_is_indexed_by_context_and_has_no_effects(tmp_path, silent):
    made = dictionaries.make("temporal", 32, {"hook_name": SITE})
    scope = saescope.load((tiny.model(), tiny.tokenizer()), sae=made)
    index = scope.build_index(tiny.texts(20), out=tmp_path / "index", progress=silent)
    tokens = torch.from_numpy(np.asarray(index.tokens[:16]).astype("int64"))
    with torch.no_grad():
        states = tiny.model()(tokens[None], output_hidden_states=True).hidden_states[2]
        acts = made.encode(states)[0]
    for feature in range(dictionaries.D_SAE):
        found = index.postings.postings(feature, feature + 1)
        rows = found.rows[found.rows < 16]
        np.testing.assert_array_equal(rows, np.flatnonzero(acts[:, feature].numpy()))
    with pytest.raises(ComputeError, match="mixes positions"):
        Writer(made)


def test_the_scale_of_activations_is_recorded_with_the_index(tmp_path, silent):
    for name in ("topk", "topk, rescaled"):
        made = dictionaries.make(name, 32, {"hook_name": SITE})
        scope = saescope.load((tiny.model(), tiny.tokenizer()), sae=made)
        index = scope.build_index(tiny.texts(10), out=tmp_path / name, progress=silent)
        wanted = {"normalize_activations": "none", "is_rescaled_by_decoder": name != "topk"}
        wanted |= {"input_scale": None, "is_decoder_folded": False}
        assert saescope.open_index(index.path).index.manifest.sae["scale"] == wanted
