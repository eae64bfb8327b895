"""Round trips through the files of other tools, with every field filled."""

import gzip
import json

import numpy as np
import polars as pl
import pytest
import torch

import saescope
from saescope.errors import InputError, MismatchError, OccupiedError, UnknownFeatureError, UnknownNameError
from saescope.index.choice import GROUPS
from saescope.progress import Silent

FEATURES = [5, 0, 100, 17, 200, 33]
NASTY = "<script>alert(1)</script> \u202ertl\u202c 日本 🚢 [x](javascript:alert(1))"
FLOAT32 = 1e-6
ROUNDED = 6e-4


@pytest.fixture
def noted(tiny_scope, tmp_path):
    """The tiny scope with labels, a list, and notes of its own."""
    scope = saescope.open_index(tiny_scope.index.path)
    scope.open_notes(tmp_path / "own.sqlite")
    scope.notes.set(5, label=NASTY, remark="# private", status="checked")
    scope.notes.set(17, label="a ship", tags=["sea"])
    scope.notes.set(33, label="wrong", status="rejected")
    scope.notes.add("mine", [17, 5])
    return scope


def lines(path):
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


def windows(scope, feature, group):
    frame = scope.examples(feature, k=20 if group == "top" else 5, group=group)
    return frame.select("token", "tokens", "activations", "activation", "peak").rows()


def same_examples(before, after, feature, groups, tolerance):
    for group in groups:
        then, now = windows(before, feature, group), windows(after, feature, group)
        assert len(then) == len(now) > 0 or not then
        for a, b in zip(then, now, strict=True):
            assert (a[0], a[1], a[4]) == (b[0], b[1], b[4])
            np.testing.assert_allclose(b[2], a[2], rtol=tolerance, atol=tolerance)


def same_figures(before, after, feature, *, density=1e-9, values=FLOAT32):
    then, now = (s.features.row(feature, named=True) for s in (before, after))
    assert now["n_fires"] == then["n_fires"]
    assert now["density"] == pytest.approx(then["density"], abs=density)
    assert now["max"] == pytest.approx(then["max"], rel=values, abs=values)
    for side in ("promoted", "suppressed"):
        assert now[side] == then[side]
        assert now[f"{side}_weights"] == pytest.approx(then[f"{side}_weights"], rel=values, abs=values)


KINDS = {
    "neuronpedia": ({"creator_id": "user1"}, FLOAT32),
    "saedashboard": ({}, FLOAT32),
    "saedashboard-rounded": ({"exact": False}, ROUNDED),
}


@pytest.mark.parametrize("name", KINDS)
def test_features_examples_and_values_come_back(noted, tmp_path, name):
    kind, (options, tolerance) = name.partition("-")[0], KINDS[name]
    noted.export(kind, tmp_path / "out", progress=Silent(), n_a_batch=50, **options)
    made = saescope.import_index(kind, tmp_path / "out", tmp_path / "index", progress=Silent())
    after = saescope.open_index(tmp_path / "index")
    assert (made.manifest.d_sae, made.n_counted, made.n_alive) == (
        256, noted.index.n_counted, noted.index.n_alive,
    )  # fmt: skip
    assert made.l0 == pytest.approx(noted.index.l0)
    assert made.layout.rule == noted.index.layout.rule
    alive = np.flatnonzero(noted.features["n_fires"].to_numpy())
    for feature in [0, *alive[::7].tolist()]:
        same_figures(noted, after, feature, values=tolerance)
        same_examples(noted, after, feature, [g for g in GROUPS if g != "random"], tolerance)
    origin = made.manifest.origin
    assert "features" not in origin.missing
    assert {"mean", "postings", "quantiles", "top_tokens"} <= set(origin.missing)
    assert (after.index.lacks("lens"), made.manifest.lens) == (False, noted.index.manifest.lens)


@pytest.mark.parametrize("kind", ["neuronpedia", "saedashboard"])
def test_what_the_source_does_not_hold_is_null_and_told(noted, tmp_path, kind):
    options = {"creator_id": "u"} if kind == "neuronpedia" else {}
    noted.export(kind, tmp_path / "out", [5, 100], progress=Silent(), **options)
    saescope.import_index(kind, tmp_path / "out", tmp_path / "index", progress=Silent(), d_sae=256)
    after = saescope.open_index(tmp_path / "index")
    row = after.features.row(5, named=True)
    assert [row[n] for n in ("mean", "std", "sum", "q50")] == [None] * 4
    assert row["top_tokens"] == []
    absent = after.features.row(6, named=True)
    assert [absent[n] for n in ("density", "max", "mean")] == [None] * 3
    assert len(after.examples(6)) == 0
    told = " ".join(after.index.manifest.origin.told())
    assert kind in told
    assert "mean activations" in told
    assert "some features" in told
    assert after.index.manifest.origin.n_features == 2
    with pytest.raises(saescope.SaescopeError, match=f"imported from {kind}"):
        after.examples(5, k=1000, group="random", n_intervals=3)


@pytest.mark.parametrize("kind", ["neuronpedia", "saedashboard"])
def test_histograms_keep_their_total_and_their_shape(noted, tmp_path, kind):
    options = {"creator_id": "u"} if kind == "neuronpedia" else {}
    noted.export(kind, tmp_path / "out", progress=Silent(), **options)
    saescope.import_index(kind, tmp_path / "out", tmp_path / "index", progress=Silent())
    then = np.array(noted.features["histogram"].to_list(), dtype=np.int64)
    now = np.array(saescope.open_index(tmp_path / "index").features["histogram"].to_list(), dtype=np.int64)
    assert (then.sum(1) == now.sum(1)).all()
    # a bar is a fiftieth of the range and a bin a 32nd: the totals below each border differ by what one bar holds
    bars = 1 + np.abs(np.cumsum(then, 1) - np.cumsum(now, 1)).max(1)
    assert (bars <= 1 + np.maximum(then.max(1), 3)).all()


def test_neuronpedia_s_rows_have_the_same_keys_and_all_of_them(noted, tmp_path):
    noted.export("neuronpedia", tmp_path / "out", creator_id="user1", n_a_batch=100, progress=Silent())
    folder = tmp_path / "out" / "model" if (tmp_path / "out" / "model").exists() else next((tmp_path / "out").iterdir())
    source = next(folder.iterdir())
    assert {f.name for f in source.iterdir()} == {
        "release.jsonl", "model.jsonl", "sourceset.jsonl", "source.jsonl", "features", "activations", "explanations",
    }  # fmt: skip
    for name in ("features", "activations", "explanations"):
        rows = [row for file in sorted((source / name).iterdir()) for row in lines(file)]
        assert len({tuple(row) for row in rows}) == 1
        assert {row["modelId"] for row in rows} == {folder.name}
        assert {row["layer"] for row in rows} == {source.name}
        assert all(isinstance(row["index"], str) for row in rows)
    features = [row for file in sorted((source / "features").iterdir()) for row in lines(file)]
    assert sorted(int(row["index"]) for row in features) == list(range(256))
    activations = [row for file in sorted((source / "activations").iterdir()) for row in lines(file)]
    assert len({row["id"] for row in activations}) == len(activations)
    for row in activations[::50]:
        assert row["maxValue"] == max(row["values"]) == row["values"][row["maxValueTokenIndex"]]
        assert row["minValue"] == min(row["values"])
        assert len(row["tokens"]) == len(row["values"])
        inside = row["values"][row["qualifyingTokenIndex"]]
        assert row["binMin"] - 1e-6 <= inside <= row["binMax"] + 1e-6 or row["binMin"] == -1
    assert all(row["creatorId"] == "user1" for row in [*features, *activations])
    saved = json.loads((source / "source.jsonl").read_text())
    assert saved["num_prompts"] * saved["num_tokens_in_prompt"] >= noted.index.n_rows
    assert "Not counted" in saved["notes"]


def test_figures_of_an_export_equal_a_plain_count(tiny_scope, tmp_path):
    index = tiny_scope.index
    tiny_scope.export("saedashboard", tmp_path / "out", [100], progress=Silent())
    (row,) = json.loads((tmp_path / "out" / "batch-0.json").read_text())["features"]
    found = index.postings.postings(100, 101)
    values = found.values[index.layout.counted_mask[found.rows]].astype(np.float64)
    n = index.n_counted
    assert row["frac_nonzero"] == len(values) / n
    assert sum(row["freq_hist_data_bar_heights"]) == len(values)
    assert len(row["freq_hist_data_bar_heights"]) == len(row["freq_hist_data_bar_values"]) == 50
    step = (values.max() - values.min()) / 50
    assert row["freq_hist_data_bar_values"] == pytest.approx(values.min() + step * (np.arange(50) + 0.5), rel=1e-5)
    edges = values.min() + step * np.arange(51)
    plain = [int(((values >= edges[i]) & ((values < edges[i + 1]) | (i == 49))).sum()) for i in range(50)]
    assert np.abs(np.array(plain) - row["freq_hist_data_bar_heights"]).sum() <= 2  # a value on a border
    for example in row["activations"]:
        low, high = example["bin_min"], example["bin_max"]
        if low == -1:
            assert example["bin_contains"] == -1
            continue
        inside = ((values >= low) & (values < high)) | ((values == values.max()) & (high >= values.max()))
        wanted = (inside.sum() + (n - len(values) if low == 0 else 0)) / n
        assert example["bin_contains"] == pytest.approx(wanted, abs=1.5 / n)


def test_logits_are_those_of_the_decoder_row_straight_through_the_unembedding(tiny_scope, tmp_path):
    norm = tiny_scope.model.model.norm.weight
    kept = norm.detach().clone()
    with torch.no_grad():
        norm.copy_(torch.linspace(0.1, 3.0, len(norm)))  # the other tools leave the final norm's gain out
    try:
        tiny_scope.export("saedashboard", tmp_path / "out", [5, 100], progress=Silent())
    finally:
        norm.data.copy_(kept)
    rows = json.loads((tmp_path / "out" / "batch-0.json").read_text())["features"]
    unembedding = tiny_scope.model.get_output_embeddings().weight.detach().numpy()[: len(tiny_scope.index.vocabulary)]
    for row in rows:
        decoder = tiny_scope.sae.W_dec.detach().numpy()[row["feature_index"]]
        logits = unembedding @ decoder
        assert row["pos_values"] == pytest.approx(sorted(logits)[::-1][:10], rel=1e-4)
        assert row["neg_values"] == pytest.approx(sorted(logits)[:10], rel=1e-4)
        assert row["pos_str"][0] == tiny_scope.index.vocabulary.text(int(logits.argmax()))
        counts, edges = np.histogram(logits, 50)
        assert sum(row["logits_hist_data_bar_heights"]) == len(logits)
        assert np.abs(counts - row["logits_hist_data_bar_heights"]).sum() <= 4
        assert row["logits_hist_data_bar_values"] == pytest.approx((edges[1:] + edges[:-1]) / 2, abs=1e-4)
        unit = decoder / np.linalg.norm(decoder)
        assert row["neuron_alignment_indices"] == np.argsort(-np.abs(unit))[:3].tolist()
        assert row["neuron_alignment_values"][0] == pytest.approx(unit[np.abs(unit).argmax()], abs=ROUNDED)


def test_folded_units_are_times_the_length_of_the_decoder_row(tiny_scope, tmp_path):
    tiny_scope.export("neuronpedia", tmp_path / "sae", [100], creator_id="u", vectors=True, progress=Silent())
    tiny_scope.export(
        "neuronpedia", tmp_path / "folded", [100], creator_id="u", vectors=True, units="folded", progress=Silent()
    )
    plain, folded = (saescope.import_index("neuronpedia", tmp_path / n, tmp_path / f"i-{n}", progress=Silent())
                     for n in ("sae", "folded"))  # fmt: skip
    norm = float(tiny_scope.sae.W_dec.detach()[100].norm())
    assert folded.table["max"][100] == pytest.approx(norm * plain.table["max"][100], rel=1e-5)
    assert folded.table["promoted_weights"][100].to_list() == pytest.approx(
        [w / norm for w in plain.table["promoted_weights"][100]], rel=1e-5
    )
    assert "folded" in folded.manifest.origin.notes
    assert (plain.weights["decoder_norm"][100], folded.weights["decoder_norm"][100]) == pytest.approx(
        (norm, 1), rel=1e-5
    )
    row = tiny_scope.sae.W_dec.detach()[100].numpy() / norm
    np.testing.assert_allclose(folded.directions["decoder"][100], row, atol=1e-3)


def test_labels_go_out_as_explanations_and_come_back_as_a_layer(noted, tmp_path):
    noted.export("neuronpedia", tmp_path / "out", creator_id="c", author_id="a", type_name="by-hand", progress=Silent())
    (file,) = (tmp_path / "out").rglob("explanations/*.gz")
    rows = lines(file)
    assert {int(r["index"]): r["description"] for r in rows} == {5: NASTY, 17: "a ship"}
    assert {(r["authorId"], r["typeName"], r["notes"]) for r in rows} == {("a", "by-hand", None)}
    saescope.import_index("neuronpedia", tmp_path / "out", tmp_path / "index", progress=Silent())
    after = saescope.open_index(tmp_path / "index")
    assert after.notes.labels() == {}
    (layer,) = after.notes.layers().iter_rows(named=True)
    assert layer["name"] == "neuronpedia: by-hand"
    assert dict(after.notes.layer(layer["name"]).iter_rows()) == {5: NASTY, 17: "a ship"}


def test_an_imported_index_is_not_taken_for_one_of_a_loaded_model(noted, tmp_path):
    import tiny

    noted.export("saedashboard", tmp_path / "out", [5], progress=Silent())
    saescope.import_index("saedashboard", tmp_path / "out", tmp_path / "index", progress=Silent())
    with pytest.raises(MismatchError, match="imported from saedashboard"):
        saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae(), index=tmp_path / "index")


def test_a_list_is_exported_and_tables_hold_labels(noted, tmp_path):
    path = noted.export("csv", tmp_path / "mine.csv", "mine", progress=Silent())
    table = pl.read_csv(path)
    assert table["feature"].to_list() == [17, 5]
    assert table["label"].to_list() == ["a ship", NASTY]
    assert json.loads(table["tags"][0]) == ["sea"]
    assert json.loads(table["top_tokens"][0]) == noted.features["top_tokens"][17].to_list()
    whole = pl.read_parquet(noted.export("parquet", tmp_path / "all.parquet", progress=Silent()))
    assert whole.select(noted.features.columns).equals(noted.features)
    assert not [name for name in whole.columns if name.endswith("_right")]
    assert whole.filter(pl.col("feature") == 5)["remark"].to_list() == ["# private"]
    assert whole.filter(pl.col("label") == "a ship")["tags"].to_list() == [["sea"]]


def test_an_export_appears_whole_or_not_at_all(noted, tmp_path):
    class Stop(Silent):
        n = 0

        def advance(self, n):
            self.n += n
            if self.n > 20:
                raise KeyboardInterrupt

    for kind, name in (("neuronpedia", "a"), ("saedashboard", "b")):
        with pytest.raises(KeyboardInterrupt):
            noted.export(kind, tmp_path / name, progress=Stop(), **({"creator_id": "u"} if name == "a" else {}))
    assert [f.name for f in tmp_path.iterdir() if "sqlite" not in f.name] == []


def test_what_is_there_is_not_overwritten(noted, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("x")
    with pytest.raises(OccupiedError, match="holds other files"):
        noted.export("saedashboard", tmp_path / "full", progress=Silent())
    (tmp_path / "t.csv").write_text("mine")
    with pytest.raises(OccupiedError, match="there already"):
        noted.export("csv", tmp_path / "t.csv", progress=Silent())
    assert (tmp_path / "t.csv").read_text() == "mine"
    noted.export("csv", tmp_path / "t.csv", [5], overwrite=True, progress=Silent())
    assert (tmp_path / "t.csv").read_text().startswith("feature,")
    (tmp_path / "empty").mkdir()
    noted.export("saedashboard", tmp_path / "empty", [5], progress=Silent())
    assert (tmp_path / "empty" / "batch-0.json").exists()


@pytest.mark.parametrize(
    ("kind", "features", "options", "error", "told"),
    [
        ("neuronpedia", None, {}, InputError, "creator_id"),
        ("neuronpedia", None, {"creator_id": "u", "model_id": "../up"}, InputError, "model_id"),
        ("neuronpedia", None, {"creator_id": "u", "suffix": "a/b"}, InputError, "suffix"),
        ("neuronpedia", None, {"creator_id": "u", "visibility": "OPEN"}, InputError, "visibility"),
        ("neuronpedia", None, {"creator": "u"}, InputError, "creator"),
        ("saedashboard", None, {"n_a_batch": 0}, InputError, "n_a_batch"),
        ("saedashboard", None, {"units": "furlongs"}, InputError, "furlongs"),
        ("saedashboard", [1000], {}, UnknownFeatureError, "1000"),
        ("saedashboard", [], {}, InputError, "no features"),
        ("saedashboard", 5, {}, InputError, "numbers or the name"),
        ("csv", "no such list", {}, UnknownNameError, "no such list"),
        ("html", None, {}, UnknownNameError, "html"),
    ],
)  # fmt: skip
def test_a_wrong_option_is_told_and_nothing_is_written(noted, tmp_path, kind, features, options, error, told):
    with pytest.raises(error, match=told):
        noted.export(kind, tmp_path / "out", features, progress=Silent(), **options)
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".out*"))
