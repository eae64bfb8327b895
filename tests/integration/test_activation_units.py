"""Activations in either unit, held against what the decoder writes."""

import json

import numpy as np
import polars as pl
import pytest
import torch

import dictionaries
import saescope
import tiny
from saescope.errors import ComputeError, InputError, UnknownNameError

SITE = "blocks.2.hook_resid_post"
X = 2 * torch.randn(40, 32, generator=torch.Generator().manual_seed(3))


def scope_of(sae):
    return saescope.load((tiny.model(), tiny.tokenizer()), sae=sae)


def length_written(sae, acts, row, feature):
    """How long what one feature writes is: its part of the decoding, by taking it out."""
    without = acts[row : row + 1].clone()
    without[0, feature] = 0
    with torch.no_grad():
        return float((sae.decode(acts[row : row + 1]) - sae.decode(without)).norm())


@pytest.mark.parametrize("kind", ["standard", "gated", "jumprelu", "topk", "topk, rescaled"])
def test_a_folded_activation_is_the_length_of_what_the_feature_writes(kind):
    made = dictionaries.make(kind, 32, {"hook_name": SITE})
    scope = scope_of(made)
    with torch.no_grad():
        acts = made.encode(X)
    rows, features = acts.nonzero(as_tuple=True)
    frame = pl.DataFrame({"feature": features.numpy(), "activation": acts[rows, features].numpy()})
    folded = scope.in_units(frame)["activation"].to_numpy()
    for n in range(0, len(rows), 9):
        assert folded[n] == pytest.approx(
            length_written(made, acts, int(rows[n]), int(features[n])), rel=1e-4, abs=1e-5
        )


def test_an_sae_trained_on_scaled_activations_keeps_their_scale_and_is_folded_to_the_model_s(tmp_path):
    made = dictionaries.make("standard", 32, {"hook_name": SITE})
    made.cfg.normalize_activations = "expected_average_only_in"
    made.save_model(tmp_path)
    (tmp_path / "activation_scaler.json").write_text(json.dumps({"scaling_factor": 0.25}))
    scope = scope_of(tmp_path)
    with torch.no_grad():
        wanted = torch.relu((0.25 * X - made.b_dec) @ made.W_enc + made.b_enc)
        found = scope.sae.encode(X)
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)
    assert "times 0.25" in scope.units_told()
    row, feature = map(int, (found > 0.1).nonzero()[0])
    frame = pl.DataFrame({"feature": [feature], "activation": [float(found[row, feature])]})
    own = float(found[row, feature] * made.W_dec.detach()[feature].norm() / 0.25)
    assert scope.in_units(frame)["activation"][0] == pytest.approx(own, rel=1e-4)
    assert own == pytest.approx(length_written(scope.sae, found, row, feature), rel=1e-4)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("standard, layer_norm", "by itself"), ("topk, constant_norm_rescale", "by itself"), ("temporal", "mixes")],
)
def test_where_there_is_no_factor_for_a_feature_it_is_said(kind, reason):
    scope = scope_of(dictionaries.make(kind, 32, {"hook_name": SITE}))
    with pytest.raises(ComputeError, match=reason):
        scope.in_units(pl.DataFrame({"feature": [0], "activation": [1.0]}))
    assert reason in scope.why_not_folded()


def test_pages_and_examples_of_an_index_go_by_the_length_of_the_decoder_row(tiny_scope, opened):
    norms = tiny_scope.sae.W_dec.detach().norm(dim=1).numpy()
    feature = int(tiny_scope.features["max"].arg_max())
    for scope in (tiny_scope, opened):
        for call in (scope.examples, scope.feature):
            own, folded = call(feature), call(feature, units="folded")
            assert own.columns == folded.columns
            for name, kind in own.schema.items():
                power = {"sum_of_squares": 2, "promoted_weights": -1, "suppressed_weights": -1}.get(
                    name,
                    int(
                        name in ("activation", "activations", "max", "mean", "std", "sum", "encoder_bias", "threshold")
                        or name[0] == "q"
                    ),
                )
                if name == "groups":
                    values = [[(g["low"], g["high"]) for g in f["groups"][0]] for f in (own, folded)]
                    np.testing.assert_allclose(values[1], np.array(values[0]) * norms[feature], rtol=1e-5)
                elif power and kind == pl.List(pl.Float32):
                    np.testing.assert_allclose(
                        folded[name].explode(), own[name].explode() * norms[feature] ** power, rtol=1e-5
                    )
                elif power:
                    np.testing.assert_allclose(folded[name], own[name] * norms[feature] ** power, rtol=1e-5)
                else:
                    assert own[name].equals(folded[name], null_equal=True), name
        table = scope.in_units(scope.features)
        np.testing.assert_allclose(table["max"], scope.features["max"] * norms, rtol=1e-5)
        assert scope.index.manifest.sae["scale"]["is_decoder_folded"] is False
        assert scope.in_units(scope.features, "sae").equals(scope.features, null_equal=True)


def test_what_is_not_known_of_a_table_is_asked_for(opened):
    with pytest.raises(UnknownNameError, match="no units 'volts'"):
        opened.in_units(opened.features, "volts")
    with pytest.raises(InputError, match="does not say which feature"):
        opened.in_units(pl.DataFrame({"activation": [1.0]}))


def test_names_of_directions_are_labels_of_their_index(tmp_path, silent):
    given = saescope.directions(torch.randn(3, 32), site=SITE, names=["sea", "sky", "navy"])
    scope = scope_of(given)
    scope.build_index(tiny.texts(10), out=tmp_path / "index", progress=silent)
    for one in (scope, saescope.open_index(tmp_path / "index")):
        assert one.find_features("navy", hides_dead=False)["feature"].to_list() == [2]
        assert one.find_features(hides_dead=False, sort="feature", descending=False)["layer"].to_list() == [
            "sea",
            "sky",
            "navy",
        ]
