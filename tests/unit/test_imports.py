"""Files of other tools, well and badly made: what becomes of them, and what is said of them."""

import gzip
import json
import math

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import save_file

import saescope
from saescope.cli.main import main
from saescope.errors import ForeignFileError, OccupiedError, UnknownNameError
from saescope.imports.bars import Bars, bars_of
from saescope.progress import Silent
from saescope.rpc.transports.memory import MemoryPage

LONG = "x" * 10_000
HOSTILE = [
    "<script>alert(1)</script>",
    "\u202eevil",
    "a\u0000b",
    LONG,
    "</textarea>",
    "[x](javascript:0)",
    "日本",
    "\ud800",
]


def feature_row(index, **more):
    return {
        "modelId": "gpt2", "layer": "6-res", "index": str(index), "maxActApprox": 4.0, "frac_nonzero": 0.25,
        "pos_str": [" up", "up"], "pos_values": [1.5, 1.25], "neg_str": [" down"], "neg_values": [-2.0],
        "freq_hist_data_bar_values": [1.0, 2.0, 3.0], "freq_hist_data_bar_heights": [10, 5, 1],
        "hookName": "blocks.6.hook_resid_pre", **more,
    }  # fmt: skip


def activation_row(index, tokens=("The", " sea", "."), values=(0.0, 4.0, 1.0), **more):
    top = max(values)
    return {
        "modelId": "gpt2", "layer": "6-res", "index": str(index), "tokens": list(tokens), "values": list(values),
        "maxValue": top, "maxValueTokenIndex": list(values).index(top), "binMin": -1, "binMax": 4.0, "binContains": -1,
        "qualifyingTokenIndex": list(values).index(top), "dataSource": None, **more,
    }  # fmt: skip


def write_lines(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(row if isinstance(row, str) else json.dumps(row) + "\n" for row in rows)
    with gzip.open(path, "wt", encoding="utf-8", errors="surrogatepass") as stream:
        stream.write(text)


def neuronpedia(folder, features, activations, explanations=(), source=None):
    for name, rows in (("features", features), ("activations", activations), ("explanations", explanations)):
        if rows:
            write_lines(folder / name / "batch-0.jsonl.gz", rows)
    if source is not None:
        (folder / "source.jsonl").write_text(json.dumps(source) + "\n")
    return folder


def dashboard(folder, features, number=0, **more):
    folder.mkdir(exist_ok=True)
    head = {"model_id": "gpt2", "layer": 6, "sae_set": "res", "sae_id_suffix": None, "features": features, **more}
    (folder / f"batch-{number}.json").write_text(json.dumps(head))
    return folder


def dashboard_feature(index, activations=None, **more):
    given = [dashboard_activation()] if activations is None else activations
    return {
        "feature_index": index, "frac_nonzero": 0.25, "neg_str": [], "neg_values": [], "pos_str": ["a"], "pos_values": [1],
        "freq_hist_data_bar_values": [1.0, 2.0, 3.0], "freq_hist_data_bar_heights": [10, 5, 1],
        "n_prompts_total": 4, "n_tokens_in_prompt": 16, "dataset": "pile", "activations": given, **more,
    }  # fmt: skip


def dashboard_activation(tokens=("The", " sea", "."), values=(0.0, 3.0, 1.0), low=-1, high=3.0, at=1):
    return {
        "bin_min": low, "bin_max": high, "bin_contains": -1, "tokens": list(tokens), "values": list(values),
        "qualifying_token_index": at,
    }  # fmt: skip


def imported(kind, source, out, **options):
    saescope.import_index(kind, source, out, progress=Silent(), **options)
    return saescope.open_index(out)


def test_a_neuronpedia_export_is_browsed(tmp_path):
    source = {"num_prompts": 4, "num_tokens_in_prompt": 16, "dataset": "pile", "notes": "hello"}
    folder = neuronpedia(tmp_path / "np" / "gpt2" / "6-res", [feature_row(2), feature_row(0, frac_nonzero=0)], [
        activation_row(2, values=(0, 2.5, 0), binMin=2.4, binMax=3.2, qualifyingTokenIndex=1),
        activation_row(2),
        activation_row(2, values=(0, 0, 0)),
    ], source=source)  # fmt: skip
    scope = imported("neuronpedia", tmp_path / "np", tmp_path / "out")
    assert folder.exists()
    assert (scope.n_features, scope.hook_name, scope.model_name) == (3, "blocks.6.hook_resid_pre", "gpt2")
    row = scope.features.row(2, named=True)
    assert (row["n_fires"], row["density"], row["max"]) == (16, 0.25, 4.0)
    assert row["promoted"] == [" up", "up"]
    top, interval = (scope.examples(2, group=g).row(0, named=True) for g in ("top", "interval-4"))
    assert (top["tokens"], top["activations"], top["token"]) == (["The", " sea", "."], [0, 4, 1], " sea")
    assert interval["activation"] == 2.5
    origin = scope.index.manifest.origin
    assert origin.n_tokens == 64
    assert origin.left_out == {"examples on which their feature does not fire": 1}
    assert origin.notes == "hello"
    assert scope.index.lacks("features")
    assert scope.find_features(fires_on="sea")["feature"].to_list() == [2]


def test_pages_of_an_imported_index_are_valid_json_and_say_what_is_missing(tmp_path):
    folder = neuronpedia(tmp_path / "np", [feature_row(2), feature_row(5, freq_hist_data_bar_values=[],
        freq_hist_data_bar_heights=[], frac_nonzero=None)], [activation_row(2), activation_row(5)])  # fmt: skip
    scope = imported("neuronpedia", folder, tmp_path / "out")
    page = MemoryPage()
    for method, params in (
        ("scope.info", {}), ("health.get", {}),
        *(("feature.get", {"feature": f}) for f in (0, 2, 5)),
        *(("examples.list", {"feature": f}) for f in (0, 2, 5)),
        ("features.brief", {"features": [0, 2, 5]}), ("features.window", {"offset": 0, "count": 10, "sort": "max"}),
        ("features.histogram", {"column": "mean"}), ("document.get", {"row": 1, "feature": 2}),
    ):  # fmt: skip
        last = page.call(method, {"scope": scope.id, **params}).last
        assert last["t"] == "result", last
        json.dumps(last, allow_nan=False)
    info = page.call("scope.info", {"scope": scope.id}).last["data"]
    assert info["imported"].startswith("Imported from neuronpedia (gpt2/6-res).")
    pages = [page.call("feature.get", {"scope": scope.id, "feature": f}).last["data"] for f in (0, 2, 5)]
    assert [p["is_known"] for p in pages] == [False, True, True]
    assert pages[1]["mean"] is None
    assert pages[2]["density"] is None
    groups = page.call("examples.list", {"scope": scope.id, "feature": 5}).last["data"]["groups"]
    assert {g["share"] for g in groups} == {None}
    assert [g["name"] for g in groups] == ["top", *(f"interval-{n}" for n in (5, 4, 3, 2, 1))]
    health = page.call("health.get", {"scope": scope.id}).last["data"]
    assert any("Not in it" in text for text in health["warnings"])
    assert health["n_features"] == 2


def test_saedashboard_s_place_in_the_prompt_is_not_taken_for_one_in_a_part_of_it(tmp_path):
    text, size = ["a", "b", "c", "d", "e"], {"n_tokens_in_prompt": 16}
    top = dashboard_activation(text, [0, 0, 2.0, 3.0, 0], at=3)  # the fourth of the prompt, third of the part
    inside = dashboard_activation(text, [0, 0.7, 1.0, 3.0, 0], low=0.6, high=1.2, at=1)
    elsewhere = dashboard_activation(text, [1.0, 0, 0, 3.0, 0], low=0.6, high=1.2, at=50)
    folder = dashboard(tmp_path / "sd", [dashboard_feature(0, [top, inside, elsewhere], **size)])
    scope = imported("saedashboard", folder, tmp_path / "out")
    assert scope.examples(0)["token"].to_list() == ["c"]
    assert scope.examples(0, group="interval-2")["token"].to_list() == ["c", "a"]
    assert scope.index.n_counted == 64
    assert scope.features["density"][0] == 16 / 64


def test_saedashboard_s_whole_prompts_are_about_the_token_that_it_names(tmp_path):
    text, size = [f"t{i}" for i in range(15)], {"n_tokens_in_prompt": 16}
    values = [0.0] * 13 + [3.0, 2.0]
    given = [dashboard_activation(text, values, at=at) for at in (13, 14, -1, 0)]
    folder = dashboard(tmp_path / "sd", [dashboard_feature(0, given, **size)])
    scope = imported("saedashboard", folder, tmp_path / "out")
    # the same prompt stands in the top for each of its tokens; the first token of a prompt is not shown
    assert scope.examples(0)["token"].to_list() == ["t13", "t13", "t14"]
    assert scope.index.manifest.origin.left_out == {"examples whose token is not shown": 1}


def test_features_that_do_not_rise_from_file_to_file_are_sorted(tmp_path):
    folder = dashboard(tmp_path / "sd", [dashboard_feature(9), dashboard_feature(4)])
    dashboard(folder, [dashboard_feature(7), dashboard_feature(1)], number=1)
    scope = imported("saedashboard", folder, tmp_path / "out")
    assert np.flatnonzero(scope.features["n_fires"].to_numpy()).tolist() == [1, 4, 7, 9]
    np_folder = neuronpedia(tmp_path / "np", [feature_row(3)], [activation_row(8), activation_row(3)])
    write_lines(np_folder / "features" / "batch-1.jsonl.gz", [feature_row(8)])
    scope = imported("neuronpedia", np_folder, tmp_path / "out2")
    assert [len(scope.examples(f)) for f in (3, 8)] == [1, 1]


def test_the_same_text_is_stored_once(tmp_path):
    rows = [dashboard_feature(f) for f in range(50)]
    scope = imported("saedashboard", dashboard(tmp_path / "sd", rows), tmp_path / "out")
    assert scope.index.n_rows == 3
    assert len(scope.index.docs) == 1
    assert scope.find_features(fires_on=" sea")["feature"].len() == 50


@pytest.mark.parametrize("token", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_stays_text(tmp_path, token):
    folder = neuronpedia(tmp_path / "np", [feature_row(0, pos_str=[token, "b"])], [activation_row(0, (token, "b", token))],
        [{"index": "0", "description": f"label {token}", "typeName": token}])  # fmt: skip
    scope = imported("neuronpedia", folder, tmp_path / "out")
    shown = scope.examples(0)["tokens"][0].to_list()
    clean = {"a\u0000b": "a‹00›b", "\ud800": "‹ED A0 80›"}.get(token, token)
    assert shown[0] == shown[2] == clean
    assert scope.features["promoted"][0][0] == clean
    assert len(scope.notes.layers()) == 1
    page = MemoryPage().call("examples.list", {"scope": scope.id, "feature": 0})
    json.dumps(page.last)
    if token.isascii() and "\u0000" not in token:
        again = scope.export("saedashboard", tmp_path / "again", progress=Silent())
        (row,) = json.loads((again / "batch-0.json").read_text())["features"]
        assert row["activations"][0]["tokens"] == [token, "b", token]


def test_half_a_character_in_a_name_is_replaced(tmp_path):
    folder = dashboard(tmp_path / "sd", [dashboard_feature(0)], model_id="gpt\ud8002")
    assert imported("saedashboard", folder, tmp_path / "out").index.manifest.model["name"] == "gpt\ufffd2"


def test_windows_longer_than_ours_are_kept_whole_and_found_by_text(tmp_path):
    tokens = [f"w{i} " for i in range(900)]
    values = [0.0] * 900
    values[700], values[3] = 3.0, 1.0
    folder = dashboard(tmp_path / "sd", [dashboard_feature(0, [dashboard_activation(tokens, values, at=700)])])
    scope = imported("saedashboard", folder, tmp_path / "out")
    (row,) = scope.examples(0).iter_rows(named=True)
    assert (len(row["tokens"]), row["peak"], row["activations"][3]) == (900, 700, 1.0)
    assert scope.find_features(fires_on="w3 w4")["feature"].to_list() == [0]
    assert scope.find_features(fires_on="w898 w899")["feature"].to_list() == [0]


BAD_LINES = {
    "no JSON": ("{broken\n", r"features/batch-0.jsonl.gz, line 2: no JSON"),
    "a list": ("[1, 2]\n", r"line 2: wanted an object, and got list"),
    "NaN": (json.dumps(feature_row(1, frac_nonzero=math.nan)) + "\n", r"line 2: no JSON: NaN is no number"),
    "infinite": (json.dumps(feature_row(1)).replace("0.25", "1e999") + "\n", r"line 2: wanted a finite number"),
    "negative": (feature_row(-1), r"line 2: wanted a whole number from 0 on as 'index', and got '-1'"),
    "no index": ({k: v for k, v in feature_row(1).items() if k != "index"}, r"line 2: wanted a feature's number"),
    "twice": (feature_row(0), r"feature 0 is there twice.*line 1.*line 2"),
    "share": (feature_row(1, frac_nonzero=7), r"line 2: wanted a share from 0 to 1"),
    "texts": (feature_row(1, pos_str=[1, 2]), r"line 2: wanted a list of texts as 'pos_str'"),
    "lengths": (feature_row(1, pos_values=[1.0]), r"line 2: wanted as many pos_values"),
    "booleans": (feature_row(1, pos_values=[True, False]), r"line 2: wanted a list of numbers as 'pos_values'"),
    "bars": (feature_row(1, freq_hist_data_bar_heights=[-1, 2, 3]), r"line 2: no histogram"),
    "nested": ("[" * 100_000 + "\n", r"line 2: the JSON is nested too deeply"),
    "number": (feature_row(1, maxActApprox="4"), r"line 2: wanted a finite number as 'maxActApprox', and got '4'"),
    "huge": (feature_row(10**9), r"line 2.*feature 1,000,000,000, and there are"),
    "unlikely": (feature_row(3_000_000), r"feature 3,000,000, and the source holds few"),
}


@pytest.mark.parametrize("name", BAD_LINES)
def test_a_bad_feature_is_told_with_file_and_line_and_leaves_nothing(tmp_path, name):
    row, told = BAD_LINES[name]
    folder = neuronpedia(tmp_path / "np", [feature_row(0), row], [activation_row(0)])
    with pytest.raises(ForeignFileError, match=told):
        imported("neuronpedia", folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


BAD_ACTIVATIONS = {
    "lengths": (activation_row(0, values=(1.0, 2.0)), r"activations/batch-0.jsonl.gz, line 1: wanted tokens and as many"),
    "no tokens": (activation_row(0, tokens=(), values=(0.0,)), r"line 1: wanted tokens"),
    "token": (activation_row(0, tokens=("a", None, "b")), r"line 1: wanted a list of texts as 'tokens'"),
    "value": ({**activation_row(0), "values": [0.0, "4", 1.0]}, r"line 1: wanted a list of numbers as 'values'"),
    "overflow": ({**activation_row(0), "values": [0.0, 1e300, 1.0]}, r"line 1: wanted activations that fit 32 bits"),
    "stranger": (activation_row(77), r"line 1: an activation of feature 77, which is in no features"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_ACTIVATIONS)
def test_a_bad_activation_is_told_with_file_and_line_and_leaves_nothing(tmp_path, name):
    row, told = BAD_ACTIVATIONS[name]
    folder = neuronpedia(tmp_path / "np", [feature_row(0)], [row])
    with pytest.raises(ForeignFileError, match=told):
        imported("neuronpedia", folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_cut_off_is_told(tmp_path):
    folder = neuronpedia(tmp_path / "np", [feature_row(0)], [activation_row(0)] * 500)
    file = folder / "activations" / "batch-0.jsonl.gz"
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(ForeignFileError, match=r"batch-0\.jsonl\.gz is cut off"):
        imported("neuronpedia", folder, tmp_path / "out")
    file.write_bytes(b"\x1f\x8b\x08\x00 this is no gzip")
    with pytest.raises(ForeignFileError, match=r"batch-0.jsonl.gz is (no whole gzip file|cut off)"):
        imported("neuronpedia", folder, tmp_path / "out")
    json_folder = dashboard(tmp_path / "sd", [dashboard_feature(0)])
    file = json_folder / "batch-0.json"
    file.write_bytes(file.read_bytes()[:-30])
    with pytest.raises(ForeignFileError, match=r"batch-0\.json: no JSON"):
        imported("saedashboard", json_folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("features", "told"),
    [
        ([{"feature_index": None}], r"features\[0\].*wanted a number as 'feature_index'"),
        ([dashboard_feature(3), dashboard_feature(3)], r"feature 3 is there twice"),
        (
            [dashboard_feature(3, [dashboard_activation(values=(1.0,))])],
            r"\(feature 3\), activations\[0\]: wanted tokens",
        ),
        ([dashboard_feature(3, [{"tokens": ["a"], "values": [None]}])], r"wanted a list of numbers as 'values'"),
        ([dashboard_feature(3, freq_hist_data_bar_heights=[1 << 36, 0, 0])], r"bars tell of 68,719,476,736 firings"),
        ([dashboard_feature(3, [])], "no example on which a feature fires"),
        ([], "no example on which a feature fires"),
        ({"a": 1}, "wanted a list as 'features'"),
    ],
)
def test_a_bad_dashboard_is_told_with_its_place_and_leaves_nothing(tmp_path, features, told):
    with pytest.raises(ForeignFileError, match=told):
        imported("saedashboard", dashboard(tmp_path / "sd", features), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("width", [(1 << 22) + 1, 1 << 40])
def test_a_width_out_of_all_proportion_has_to_be_given(tmp_path, width):
    folder = dashboard(tmp_path / "sd", [dashboard_feature(0)])
    (folder / "run_settings.json").write_text(json.dumps({"saescope": {"d_sae": width}}))
    with pytest.raises(ForeignFileError, match=f"says that its SAE has {width:,} features, and holds 1"):
        imported("saedashboard", folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_features_that_a_source_does_not_hold_are_blank_rows_in_order(tmp_path):
    folder = dashboard(tmp_path / "sd", [dashboard_feature(n) for n in (5, 1500, 1501, 4100)])
    scope = imported("saedashboard", folder, tmp_path / "out", d_sae=5000)
    assert scope.features["feature"].to_list() == list(range(5000))
    assert scope.features.filter(pl.col("n_fires") > 0)["feature"].to_list() == [5, 1500, 1501, 4100]


def test_wrong_folders_and_occupied_ones_are_told(tmp_path):
    (tmp_path / "empty").mkdir()
    for kind, told in (("neuronpedia", "no features/"), ("saedashboard", "no batch-N.json"), ("delphi", "no cache")):
        with pytest.raises(ForeignFileError, match=told):
            imported(kind, tmp_path / "empty", tmp_path / "out")
        with pytest.raises(ForeignFileError, match="nothing at"):
            imported(kind, tmp_path / "absent", tmp_path / "out")
    with pytest.raises(UnknownNameError, match="neuronpedia"):
        imported("sae_vis", tmp_path / "empty", tmp_path / "out")
    folder = dashboard(tmp_path / "sd", [dashboard_feature(0)])
    with pytest.raises(OccupiedError):
        imported("saedashboard", folder, folder)
    imported("saedashboard", folder, tmp_path / "out")
    with pytest.raises(OccupiedError, match="there is an index"):
        imported("saedashboard", folder, tmp_path / "out")
    assert imported("saedashboard", folder, tmp_path / "out", overwrite=True).n_features == 1
    for name in ("a", "b"):
        neuronpedia(tmp_path / "many" / name, [feature_row(0)], [activation_row(0)])
    with pytest.raises(ForeignFileError, match="2 sources: a, b"):
        imported("neuronpedia", tmp_path / "many", tmp_path / "out2")


def test_bars_drawn_anew_keep_their_total_and_lie_where_they_were():
    noise = np.random.default_rng(0)
    for _ in range(50):
        values = noise.gamma(2.0, 2.0, noise.integers(1, 3000))
        heights, edges = np.histogram(values, 50)
        made = bars_of(heights.astype(float), (edges[1:] + edges[:-1]) / 2)
        assert isinstance(made, Bars)
        assert made.n_fires == len(values)
        bins, counts = made.fine()
        assert counts.sum() == made.counts(values.max()).sum() == len(values)
        borders = np.linspace(0, values.max(), 33)
        plain = np.array([(values < b).sum() for b in borders[1:-1]])
        drawn = np.cumsum(made.counts(values.max()))[:-1]
        at = np.clip(np.searchsorted(edges, borders[1:-1], side="right") - 1, 0, 49)
        assert (np.abs(plain - drawn) <= heights[at] + 1).all()
        lows = (bins.astype(np.uint32) << 18).view(np.float32)
        assert (np.diff(lows) > 0).all()
        assert lows[0] <= edges[1]


def delphi(folder, dense, splits, kind=np.uint16, tokens=None):
    """A cache as delphi lays it out, of dense activations ``[batch, position, latent]``."""
    folder.mkdir(parents=True, exist_ok=True)
    for start, last in splits:
        part = dense[..., start : last + 1]
        at = np.argwhere(np.abs(part) > 1e-5)
        arrays = {
            "locations": np.ascontiguousarray(at, dtype=kind),
            "activations": part[tuple(at.T)].astype(np.float16),
        }
        save_file(
            arrays | ({} if tokens is None else {"tokens": np.ascontiguousarray(tokens)}),
            folder / f"{start}_{last}.safetensors",
        )
    return folder


@pytest.fixture
def dense():
    noise = np.random.default_rng(3)
    made = np.where(noise.random((40, 16, 100)) < 0.03, noise.gamma(2, 2, (40, 16, 100)), 0).astype(np.float16)
    made[..., 7] = 0
    return made, noise.integers(0, 300, (40, 16))


@pytest.mark.parametrize("kind", [np.uint16, np.uint32, np.int64])
def test_a_delphi_cache_keeps_every_nonzero(tmp_path, dense, kind, monkeypatch):
    import tiny

    monkeypatch.setattr("saescope.imports.dealing.STEP", 100)
    monkeypatch.setattr("saescope.imports.delphi.SHARD_ROWS", 100)
    activations, tokens = dense
    splits = [(0, 33), (34, 66), (67, 99)]
    folder = delphi(tmp_path / "latents" / "layers.2", activations, splits, kind, tokens.astype(np.int64))
    scope = imported("delphi", tmp_path / "latents", tmp_path / "out", tokenizer=tiny.tokenizer(), model="tiny")
    index = scope.index
    assert folder.exists()
    assert index.has_postings
    assert index.manifest.n_shards > 3
    found = index.postings.postings(0, 100)
    plain = np.zeros((40 * 16, 100), dtype=np.float32)
    plain[found.rows, found.features] = found.values
    assert (plain == activations.reshape(-1, 100).astype(np.float32)).all()
    assert (np.asarray(index.tokens).reshape(40, 16) == tokens).all()
    rows = np.arange(index.n_rows)
    features, values, counts = index.row_shards.gather(rows)
    assert (plain[np.repeat(rows, counts), features] == values).all()
    special = index.vocabulary.is_special[tokens].reshape(-1)
    counts_too = (rows % 16 >= 1) & ~special
    table = scope.features
    assert table["n_fires"].to_list() == (plain[counts_too] > 0).sum(0).tolist()
    assert index.n_counted == counts_too.sum()
    example = scope.examples(3, k=1).row(0, named=True)
    assert example["activation"] == plain[counts_too, 3].max()
    everything = saescope.Rule(0, skips_special=False)
    n_fires = scope.feature(3, rule=everything)["n_fires"][0]
    assert n_fires == (activations[..., 3] > 0).sum()
    told = " ".join(index.manifest.origin.told())
    assert "directions" in told
    with pytest.raises(saescope.SaescopeError, match="abnormal norm"):
        scope.feature(3, rule=saescope.Rule(1, max_norm_ratio=10.0))


def test_tokens_and_tokenizer_of_a_cache_are_asked_for(tmp_path, dense):
    import tiny

    activations, tokens = dense
    folder = delphi(tmp_path / "cache", activations, [(0, 99)])
    with pytest.raises(ForeignFileError, match="holds no tokens") as caught:
        imported("delphi", folder, tmp_path / "out", tokenizer=tiny.tokenizer())
    assert "tokens=" in caught.value.hint
    np.save(tmp_path / "tokens.npy", tokens)
    with pytest.raises(ForeignFileError, match="which tokenizer"):
        imported("delphi", folder, tmp_path / "out", tokens=tmp_path / "tokens.npy")
    with pytest.raises(ForeignFileError, match=r"token 9,000 is in the cache"):
        imported("delphi", folder, tmp_path / "out", tokens=tokens * 0 + 9000, tokenizer=tiny.tokenizer())
    np.save(tmp_path / "pickled.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(ForeignFileError, match="cannot be read"):
        imported("delphi", folder, tmp_path / "out", tokens=tmp_path / "pickled.npy", tokenizer=tiny.tokenizer())
    assert not (tmp_path / "out").exists()
    scope = imported("delphi", folder, tmp_path / "out", tokens=tmp_path / "tokens.npy", tokenizer=tiny.tokenizer())
    assert scope.index.n_rows == tokens.size


BAD_CACHES = {
    "row": (
        lambda a: a["locations"].__setitem__((5, 0), 999),
        r"entry 5: the row of the batch is 999, and there are 40",
    ),
    "position": (lambda a: a["locations"].__setitem__((5, 1), 16), r"entry 5: the position is 16, and there are 16"),
    "latent": (lambda a: a["locations"].__setitem__((5, 2), 100), r"entry 5: the latent is 100"),
    "NaN": (lambda a: a["activations"].__setitem__(5, np.nan), r"entry 5: the activation is nan"),
    "twice": (lambda a: a["locations"].__setitem__(6, a["locations"][5]), r"latent \d+ is there twice at row"),
    "shape": (lambda a: a.update(locations=a["locations"][:, :2].copy()), r"wanted locations \[n, 3\]"),
    "lengths": (lambda a: a.update(activations=a["activations"][:-1].copy()), r"wanted \d+ activations"),
    "absent": (lambda a: a.pop("activations"), r"holds no activations"),
    "tokens": (lambda a: a.update(tokens=a["tokens"].ravel()), r"wanted tokens \[n_contexts, context_size\]"),
    "negative": (lambda a: a.update(locations=a["locations"].astype(np.int64) - 1), r"is -1, and there are"),
}


@pytest.mark.parametrize("name", BAD_CACHES)
def test_a_bad_cache_is_told_with_its_entry_and_leaves_nothing(tmp_path, dense, name):
    from safetensors.numpy import load_file

    import tiny

    spoil, told = BAD_CACHES[name]
    folder = delphi(tmp_path / "cache", dense[0], [(0, 99)], tokens=dense[1])
    arrays = load_file(folder / "0_99.safetensors")
    spoil(arrays)
    save_file(arrays, folder / "0_99.safetensors")
    with pytest.raises(ForeignFileError, match=told):
        imported("delphi", folder, tmp_path / "out", tokenizer=tiny.tokenizer())
    assert not (tmp_path / "out").exists()


def test_files_of_a_cache_that_overlap_or_are_cut_off_are_told(tmp_path, dense):
    import tiny

    folder = delphi(tmp_path / "cache", dense[0], [(0, 50), (50, 99)], tokens=dense[1])
    with pytest.raises(ForeignFileError, match="both hold latent 50"):
        imported("delphi", folder, tmp_path / "out", tokenizer=tiny.tokenizer())
    (folder / "0_50.safetensors").unlink()
    file = folder / "50_99.safetensors"
    file.write_bytes(file.read_bytes()[:200])
    with pytest.raises(ForeignFileError, match="no whole safetensors file"):
        imported("delphi", folder, tmp_path / "out", tokenizer=tiny.tokenizer())
    delphi(tmp_path / "two" / "layers.1", dense[0], [(0, 99)], tokens=dense[1])
    delphi(tmp_path / "two" / "layers.2", dense[0], [(0, 99)], tokens=dense[1])
    with pytest.raises(ForeignFileError, match=r"2 hookpoints: layers.1, layers.2"):
        imported("delphi", tmp_path / "two", tmp_path / "out", tokenizer=tiny.tokenizer())
    scope = imported("delphi", tmp_path / "two", tmp_path / "out", tokenizer=tiny.tokenizer(), hookpoint="layers.2")
    assert scope.hook_name == "layers.2"


def test_an_import_that_is_stopped_leaves_nothing(tmp_path):
    class Stop(Silent):
        def advance(self, n):
            raise KeyboardInterrupt

    folder = neuronpedia(tmp_path / "np", [feature_row(0)], [activation_row(0)])
    with pytest.raises(KeyboardInterrupt):
        saescope.import_index("neuronpedia", folder, tmp_path / "out", progress=Stop())
    assert not (tmp_path / "out").exists()


def test_import_and_export_from_the_shell(tmp_path, capsys):
    folder = dashboard(tmp_path / "sd", [dashboard_feature(3)])
    assert main(["import", "saedashboard", str(folder), str(tmp_path / "out"), "--model", "mine"]) == 0
    assert "Not in it" in capsys.readouterr().out
    assert main(["info", str(tmp_path / "out"), "--verify"]) == 0
    shown = capsys.readouterr().out
    assert "imported" in shown
    assert "mine" in shown
    assert main(["export", "csv", str(tmp_path / "out"), str(tmp_path / "t.csv")]) == 0
    assert (tmp_path / "t.csv").read_text().count("\n") == 2
    options = ["--set", "creator_id=me", "--features", "3"]
    assert main(["export", "neuronpedia", str(tmp_path / "out"), str(tmp_path / "np"), *options]) == 0
    assert main(["import", "neuronpedia", str(tmp_path / "np"), str(tmp_path / "again")]) == 0
    assert main(["import", "saedashboard", str(tmp_path / "absent"), str(tmp_path / "x")]) == 1
    assert "there is nothing at" in capsys.readouterr().err
    assert main(["export", "csv", str(tmp_path / "out"), str(tmp_path / "u.csv"), "--set", "x"]) == 1


def test_an_import_needs_no_torch(tmp_path, child_env):
    import subprocess
    import sys

    folder = dashboard(tmp_path / "sd", [dashboard_feature(3)])
    code = f"""
import sys, saescope
from saescope.progress import Silent
saescope.import_index("saedashboard", {str(folder)!r}, {str(tmp_path / "out")!r}, progress=Silent())
saescope.open_index({str(tmp_path / "out")!r}).export("csv", {str(tmp_path / "t.csv")!r}, progress=Silent())
print([n for n in ("torch", "transformers", "sae_lens") if n in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], env=child_env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
