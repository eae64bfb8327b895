"""The registry as a table, against a plain reading of sae-lens's own list."""

import json
import os
import re
import time
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml
from safetensors.numpy import save_file

import saescope
from saescope.errors import InputError, SaeSourceError, UnknownNameError
from saescope.sources.registry import folders, listing, memory, table
from saescope.sources.registry.caching import with_cached
from saescope.sources.registry.models import BASES, hub_id
from saescope.sources.registry.naming import model_of, resolve
from saescope.sources.registry.reading import Listed, read_listed, registry_file
from saescope.sources.registry.words import short_width, words_of


@pytest.fixture(scope="module")
def plain():
    """(release, block, SAE) of every SAE, read with the plain loader; the nested block's are the outer's."""
    with registry_file().open() as file:
        blocks = yaml.safe_load(file)
    return [(name, block, one) for name, block in blocks.items() for one in block["saes"]]


@pytest.fixture(scope="module")
def listed(tmp_path_factory):
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))
    table._read.clear()
    yield table.listed_table()
    del os.environ["XDG_CACHE_HOME"]
    table._read.clear()


@pytest.fixture
def everything(listed):
    return listed.with_columns(is_cached=pl.lit(value=False))


def counts(frame, column):
    return dict(frame[column].value_counts().rows())


def test_every_id_of_the_list_is_there_once_and_in_order(plain, listed):
    wanted = [(name, str(one["id"])) for name, _, one in plain]
    assert listed.select("release", "sae_id").rows() == wanted
    assert len(set(wanted)) == len(wanted)


def test_a_release_block_inside_another_adds_nothing_and_loses_nothing(plain, listed):
    outer = [one for name, _, one in plain if name == "gpt2-small-res_scefr-ajt"]
    nested = next(one["saes"] for one in outer if "saes" in one)
    found = set(listed.filter(release="gpt2-small-res_scefr-ajt")["sae_id"])
    assert found == {one["id"] for one in outer} | {one["id"] for one in nested}


def test_an_id_that_only_a_nested_block_has_is_found(tmp_path):
    inner = {
        "id": "b",
        "path": "b",
        "repo_id": "x/y",
        "model": "m",
        "conversion_func": None,
        "saes": [{"id": "c", "path": 3}],
    }
    path = tmp_path / "list.yaml"
    path.write_text(yaml.safe_dump({"r": {"repo_id": "x/y", "model": "m", "saes": [{"id": "a", "path": "a"}, inner]}}))
    assert [(one.sae_id, one.path) for one in read_listed(path)] == [("a", "a"), ("b", "b"), ("c", "3")]


def test_loaders_are_counted_as_in_the_list(plain, listed):
    assert counts(listed, "loader") == Counter(block.get("conversion_func") or "sae_lens" for _, block, _ in plain)


def plain_site(name, block, one):
    """The site's kind, told from release and path by words that differ from those of the rules."""
    loader, path, sae_id = block.get("conversion_func"), str(one["path"]), str(one["id"])
    if "transcoder" in path or "transcoder" in name or "clt" in name:
        return "transcoder"
    if loader == "gemma_2":
        return (
            "embed"
            if path.startswith("embedding")
            else {"res": "resid_post", "att": "z", "mlp": "mlp_out"}[name.removesuffix("-canonical").rpartition("-")[2]]
        )
    if loader == "gemma_3":
        return {"resid": "resid_post", "attn": "z", "mlp": "mlp_out"}[path.split("_", maxsplit=1)[0]]
    if loader == "llama_scope":
        return {"r": "resid_post", "a": "attn_out", "m": "mlp_out"}[sae_id.split("_", maxsplit=1)[0][-1]]
    if loader == "connor_rob_hook_z":
        return "z"
    if loader is None:
        return re.sub(r"_\d+$", "", sae_id.split("hook_")[1])
    return "resid_post"


def test_sites_are_counted_as_a_plain_reading_counts_them(plain, listed):
    assert counts(listed, "site") == Counter(plain_site(*row) for row in plain)


def test_architectures_are_counted_as_a_plain_reading_counts_them(plain, listed):  # noqa: C901
    def kind(name, block, one):
        loader, path = block.get("conversion_func"), str(one["path"])
        if loader in ("gemma_2", "llama_scope", "llama_scope_r1_distill"):
            return "jumprelu"
        if loader == "gemma_2_transcoder":
            return "jumprelu_transcoder"
        if loader == "gemma_3" and "transcoder" in path:
            return "jumprelu_skip_transcoder" if path.endswith("affine") else "jumprelu_transcoder"
        if loader == "gemma_3":
            return "jumprelu"
        if loader in ("mwhanna_transcoder", "mntss_clt_layer_transcoder"):
            return "transcoder"
        if loader in ("qwen_scope", "temporal"):
            return {"qwen_scope": "topk", "temporal": "temporal"}[loader]
        if loader in ("goodfire", "deepseek_r1", "connor_rob_hook_z"):
            return "standard"
        if name.startswith("saebench_"):
            return "jumprelu"
        if name.startswith("sae_bench"):
            return next(
                w
                for w in ("topk", "gated", "standard")
                if w in name.replace("vanilla", "standard").replace("panneal", "standard")
            )
        return "per cfg.json"

    assert counts(listed, "architecture") == Counter(kind(*row) for row in plain)


def test_l0_and_variance_are_the_lists_own(plain, listed):
    given = {(name, str(one["id"])): one["l0"] for name, _, one in plain if one.get("l0") is not None}
    found = {(r, i): l0 for r, i, l0 in listed.select("release", "sae_id", "l0").rows()}
    assert all(found[key] == value for key, value in given.items())
    filled = listed.filter(pl.col("l0").is_not_null()).height - len(given)
    named = listed.filter(pl.col("path").str.contains("average_l0_")).filter(
        pl.struct("release", "sae_id").map_elements(
            lambda s: (s["release"], s["sae_id"]) not in given, return_dtype=pl.Boolean
        )
    )
    assert filled == len(named)
    assert listed["explained_variance"].drop_nulls().len() == sum("variance_explained" in one for _, _, one in plain)


def test_labels_are_those_of_the_same_files_under_any_name(plain, listed):
    own = {(block["repo_id"], str(one["path"])) for _, block, one in plain if one.get("neuronpedia")}
    wanted = sum((block["repo_id"], str(one["path"])) in own for _, block, one in plain)
    assert listed["has_labels"].sum() == wanted


def test_wrong_base_names_are_mended_and_said(listed):
    it = listed.filter(release="gemma-scope-9b-it-res")
    assert set(it["model"]) == {"google/gemma-2-9b-it"}
    assert all("The registry names google/gemma-2-9b;" in notes[0] for notes in it["notes"])
    mended = listed.filter(pl.col("notes").list.join("").str.contains("The registry names"))
    assert set(mended["release"]) == {"gemma-scope-9b-it-res"}


def test_centred_models_are_the_33_that_the_list_overrides(plain, listed):
    wanted = sum(
        bool((block.get("config_overrides") or {}).get("model_from_pretrained_kwargs")) for _, block, _ in plain
    )
    assert listed["is_centered"].sum() == wanted == 33
    assert listed.filter("is_centered")["notes"].list.join("").str.contains("subtracts the mean").all()


def test_layers_lie_in_their_models(listed):
    for model, layer in listed.select("model", "layer").drop_nulls().unique().rows():
        assert model not in BASES or 0 <= layer < BASES[model].n_layers, (model, layer)


@pytest.mark.parametrize(
    ("release", "sae_id", "width", "n_bytes"),
    [
        ("gemma-scope-2b-pt-res-canonical", "layer_12/width_16k/canonical", 16_384, 4 * (2 * 2304 * 16_384 + 2 * 16_384 + 2304)),
        ("llama_scope_lxr_8x", "l0r_8x", 32_768, 2 * (2 * 4096 * 32_768 + 2 * 32_768 + 4096)),
        ("goodfire-llama-3.1-8b-instruct", "layer_19", 65_536, 4 * (2 * 4096 * 65_536 + 65_536 + 4096)),
        ("gemma-scope-2-4b-pt-transcoders-all", "layer_0_width_16k_l0_big_affine", 16_384,
         4 * (2 * 2560 * 16_384 + 2 * 16_384 + 2560 + 2560 * 2560)),
        ("gemma-scope-2b-pt-att-canonical", "layer_0/width_16k/canonical", 16_384, 4 * (2 * 2048 * 16_384 + 2 * 16_384 + 2048)),
        ("gpt2-small-res-jb", "blocks.8.hook_resid_pre", None, None),
        ("pythia-70m-deduped-res-sm", "blocks.0.hook_resid_post", None, None),
    ],
)  # fmt: skip
def test_sizes_follow_from_width_and_site_or_are_unknown(listed, release, sae_id, width, n_bytes):
    row = listed.row(by_predicate=(pl.col("release") == release) & (pl.col("sae_id") == sae_id), named=True)
    assert (row["width"], row["disk_bytes"]) == (width, n_bytes)


def test_widths_in_names_are_powers_of_two_or_as_written(plain, listed):
    ids = [re.search(r"width_(\d+)([km])", str(one["path"])) for _, _, one in plain]
    wanted = [2 ** round(np.log2(int(m[1]) * (1e3 if m[2] == "k" else 1e6))) if m else None for m in ids]
    found = listed["width"].to_list()
    assert all(w == f for w, f in zip(wanted, found, strict=True) if w is not None)


def test_the_table_is_kept_and_a_damaged_one_is_made_anew(listed):
    kept = table.kept_path(registry_file())
    assert kept.exists()
    kept.write_bytes(kept.read_bytes()[:1000])
    table._read.clear()
    assert table.listed_table().equals(listed)
    assert pl.read_parquet(kept).equals(listed)
    assert not list(kept.parent.glob("*.part"))


def test_another_list_makes_another_table(tmp_path, listed):
    path = tmp_path / "list.yaml"
    path.write_text(
        yaml.safe_dump(
            {"r": {"repo_id": "x/y", "model": "gpt2-small", "saes": [{"id": "blocks.1.hook_resid_pre", "path": "a"}]}}
        )
    )
    assert table.listed_table(path).height == 1
    assert table.kept_path(path) != table.kept_path(registry_file())


@pytest.mark.parametrize(
    "content", ["", "[1, 2]", "r: {model: x}", "r: {saes: [", "r: {saes: [{id: a}], repo_id: b, model: c}"]
)
def test_a_broken_list_is_refused(tmp_path, content):
    path = tmp_path / "list.yaml"
    path.write_text(content)
    with pytest.raises(SaeSourceError, match="no list of SAEs"):
        read_listed(path)


def test_nothing_is_kept_where_nothing_can_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(table.platformdirs, "user_cache_path", lambda _: tmp_path / "file" / "below")
    path = tmp_path / "list.yaml"
    path.write_text(
        yaml.safe_dump({"r": {"repo_id": "x/y", "model": "m", "saes": [{"id": "blocks.1.hook_z", "path": "a"}]}})
    )
    assert table.listed_table(path).height == 1


# --- search


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("gemma 2b res 16k layer 12", ("gemma-scope-2b-pt-res-canonical", "layer_12/width_16k/canonical")),
        ("GEMMA-2-2B  res, 16384 L12", ("gemma-scope-2b-pt-res-canonical", "layer_12/width_16k/canonical")),
        ("gpt-2 small res jb layer 8", ("gpt2-small-res-jb", "blocks.8.hook_resid_pre")),
        ("transcodr qwen3 4b layer 3", ("mwhanna-qwen3-4b-transcoders", "layer_3")),
        ("llama 3.1 8b residual 131k l15", ("llama_scope_lxr_32x", "l15r_32x")),
        ("gema 9b instruct canonical", ("gemma-scope-9b-it-res-canonical", "layer_9/width_16k/canonical")),
        ("gpt2-small-res-jb/blocks.8.hook_resid_pre", ("gpt2-small-res-jb", "blocks.8.hook_resid_pre")),
    ],
)
def test_a_search_finds_what_is_meant(everything, query, first):
    assert listing.find(everything, query).table.select("release", "sae_id").row(0) == first


def test_every_id_is_found_by_its_own_name(everything):
    sample = everything.gather_every(97)
    for release, sae_id in sample.select("release", "sae_id").rows():
        found = listing.find(everything, f"{release}/{sae_id}").table.select("release", "sae_id").rows()
        assert (release, sae_id) == found[0], (release, sae_id)


def test_all_words_must_be_had_and_the_missed_ones_are_told(everything):
    found = listing.find(everything, "gemma qqqqq")
    assert found.table.height == 0
    assert found.missed == ["qqqqq"]
    assert listing.find(everything, "  ").table.height == len(everything)


def test_rows_found_have_the_words(everything):
    found = listing.find(everything, "layer 3 65k mlp").table
    assert set(found["layer"]) == {3}
    assert set(found["width"]) == {65_536}
    assert set(found["site"]) <= {"mlp_out", "transcoder"}
    assert (
        found.height
        == everything.filter(layer=3, width=65_536).filter(pl.col("site").is_in(["mlp_out", "transcoder"])).height
    )


@pytest.mark.parametrize(
    "query", ["(", "[a-z", "\\", "\x00", "🙂", "a" * 5000, "layer", "layer 999", "'; drop table", "::", "<script>"]
)
def test_odd_searches_are_answered(everything, query):
    listing.find(everything, query)


def test_words_are_read_as_people_write_them():
    assert words_of("L12 l50") == ["l12", "l50"]
    assert words_of("Gemma 2B res 16k layer_12") == ["gemma", "2b", "res", "16k", "layer:12"]
    assert words_of("l0 50, width_65k blocks.3") == ["l0:50", "65k", "layer:3"]
    assert [short_width(w) for w in (4096, 16_384, 24_576, 65_536, 131_072, 1 << 20, 768)] == [
        "4k",
        "16k",
        "24k",
        "65k",
        "131k",
        "1m",
        "768",
    ]


def test_cached_ones_come_first(everything):
    query = "gemma 2 2b res 16k layer 3"
    last = listing.find(everything, query).table.row(-1, named=True)
    marked = everything.with_columns(
        is_cached=(pl.col("release") == last["release"]) & (pl.col("sae_id") == last["sae_id"])
    )
    first = listing.find(marked, query).table.row(0, named=True)
    assert (first["sae_id"], first["is_cached"]) == (last["sae_id"], True)


@pytest.mark.parametrize(
    ("filters", "condition"),
    [
        ({"model": "gpt2-small"}, pl.col("model") == "openai-community/gpt2"),
        ({"model": "gemma-2"}, pl.col("model").str.starts_with("google/gemma-2-")),
        (
            {"model": ["google/gemma-2-2b", "gpt2"]},
            pl.col("model").is_in(["google/gemma-2-2b", "openai-community/gpt2"]),
        ),
        ({"site": "resid"}, pl.col("hook_name").str.contains("resid|embed")),
        (
            {"site": "hook_mlp_out"},
            pl.col("hook_name").str.ends_with("hook_mlp_out") & pl.col("hook_name_out").is_null(),
        ),
        ({"site": "blocks.3.hook_resid_post"}, pl.col("hook_name") == "blocks.3.hook_resid_post"),
        ({"layer": range(2, 4), "width": 16_384}, pl.col("layer").is_in([2, 3]) & (pl.col("width") == 16_384)),
        ({"architecture": "gated"}, pl.col("architecture") == "gated"),
        ({"l0": (40, 60)}, pl.col("l0").is_between(40, 60)),
        ({"l0": (None, 5)}, pl.col("l0") <= 5),
        ({"has_labels": True, "layer": np.int64(7)}, pl.col("has_labels") & (pl.col("layer") == 7)),
    ],
)
def test_filters_take_what_they_say(everything, filters, condition):
    found = listing.find(everything, "", listing.Filters(**filters)).table
    assert found.height == everything.filter(condition).height > 0
    assert found.filter(condition).height == found.height


@pytest.mark.parametrize(
    ("filters", "error", "said"),
    [
        ({"model": "gema-2-2b"}, UnknownNameError, "gemma-2-2b"),
        ({"site": "resid_posst"}, UnknownNameError, "resid_post"),
        ({"architecture": "jumprel"}, UnknownNameError, "jumprelu"),
        ({"release": "gpt2-small-res-jbb"}, UnknownNameError, "gpt2-small-res-jb"),
        ({"layer": "12"}, InputError, "whole number"),
    ],
)
def test_filters_on_what_nothing_has_are_refused(everything, filters, error, said):
    with pytest.raises(error, match=said):
        listing.find(everything, "", listing.Filters(**filters))


def test_a_search_over_all_ids_answers_within_50_ms(everything):
    listing.find(everything, "warm")
    times = []
    for query in ("gemma 2b res 16k layer 12", "llama", "g", "jumprelu", "transcodr", "layer 7 65k attention", ""):
        begun = time.process_time()
        listing.find(everything, query)
        times.append(time.process_time() - begun)
    assert max(times) < 0.05, times


# --- own SAEs and the cache


def write_sae(folder, **config):
    folder.mkdir(parents=True)
    cfg = {
        "architecture": "standard",
        "d_in": 8,
        "d_sae": 32,
        "dtype": "float32",
        "metadata": {"hook_name": "blocks.1.hook_resid_post", "model_name": "gpt2-small"},
    }
    (folder / "cfg.json").write_text(json.dumps(cfg | config))
    save_file(
        {"W_enc": np.zeros((8, 32), np.float32), "W_dec": np.zeros((32, 8), np.float32)},
        folder / "sae_weights.safetensors",
    )
    return folder


def test_own_saes_are_found_first_in_the_same_table(tmp_path, listed, monkeypatch):
    mine = write_sae(tmp_path / "a" / "b" / "mine")
    write_sae(tmp_path / "1" / "2" / "3" / "4" / "5" / "too-deep")
    write_sae(tmp_path / ".hidden" / "sae")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    monkeypatch.chdir(tmp_path)
    found = saescope.registry()
    assert found.head(1).select("source", "path", "model", "layer", "width", "site").row(0) == (
        "folder", str(mine), "openai-community/gpt2", 1, 32, "resid_post")  # fmt: skip
    assert found.height == len(listed) + 1
    assert found["disk_bytes"][0] == (mine / "sae_weights.safetensors").stat().st_size
    assert saescope.registry("mine own").height == 1
    assert "It reads 8 numbers, and openai-community/gpt2 has 768" in found["notes"][0][0]


def test_a_setting_names_more_folders(tmp_path, listed, monkeypatch):
    write_sae(tmp_path / "x" / "one")
    write_sae(tmp_path / "y" / "two")
    monkeypatch.chdir(tmp_path / "y" / "two")
    monkeypatch.setenv(folders.SETTING, os.pathsep.join([str(tmp_path / "x"), str(tmp_path / "gone")]))
    assert saescope.registry(source="folder")["sae_id"].to_list() == ["one", "two"]


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"[]",
        b"{}",
        b'{"d_in": 1&, "d_sae": 1}'.replace(b"&", b"0" * 400),
        b'{"d_in": "x", "d_sae": 3}',
        b"\xff\xfe",
        b'{"d_in": 1e999, "d_sae": 1}',
        b" " * (2 << 20),
    ],
)
def test_an_own_sae_with_a_broken_configuration_says_so(tmp_path, listed, content):
    folder = write_sae(tmp_path / "bad")
    (folder / "cfg.json").write_bytes(content)
    row = saescope.registry(folders=[tmp_path], source="folder").row(0, named=True)
    assert row["notes"][0].startswith("Its cfg.json could not be read")
    assert row["width"] is None


def test_what_is_cached_is_told_without_the_network(tmp_path, listed):
    repo = tmp_path / "models--google--gemma-scope-2b-pt-res" / "snapshots" / "abc"
    for sub, name in (
        ("layer_12/width_16k/average_l0_82", "params.npz"),
        ("layer_11/width_16k/average_l0_80", "other.npz"),
    ):
        (repo / sub).mkdir(parents=True)
        (repo / sub / name).write_bytes(b"x")
    dangling = repo / "layer_10/width_16k/average_l0_77"
    dangling.mkdir(parents=True)
    (dangling / "params.npz").symlink_to(tmp_path / "blobs" / "gone")
    found = with_cached(listed, tmp_path).filter("is_cached")
    assert set(found["sae_id"]) == {"layer_12/width_16k/average_l0_82", "layer_12/width_16k/canonical"}


def test_the_cache_is_read_as_huggingface_hub_reads_it(tmp_path, listed):
    huggingface_hub = pytest.importorskip("huggingface_hub")
    repo = tmp_path / "models--jbloom--GPT2-Small-SAEs-Reformatted"
    blob = repo / "blobs" / "e3b0"
    blob.parent.mkdir(parents=True)
    blob.write_bytes(b"weights")
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text("abc")
    file = repo / "snapshots" / "abc" / "blocks.8.hook_resid_pre" / "sae_weights.safetensors"
    file.parent.mkdir(parents=True)
    file.symlink_to(os.path.relpath(blob, file.parent))
    theirs = {
        (r.repo_id, f.file_path.relative_to(v.snapshot_path).as_posix())
        for r in huggingface_hub.scan_cache_dir(tmp_path).repos for v in r.revisions for f in v.files
    }  # fmt: skip
    ours = with_cached(listed, tmp_path).filter("is_cached")
    assert {(r, f"{p}/sae_weights.safetensors") for r, p in ours.select("repo", "path").rows()} == theirs


# --- names and memory


def test_an_unknown_release_names_the_nearest(listed):
    with pytest.raises(SaeSourceError, match="no release 'gpt2-small-res-jbx'") as raised:
        resolve("gpt2-small-res-jbx/blocks.8.hook_resid_pre")
    assert "gpt2-small-res-jb/blocks.8.hook_resid_pre" in raised.value.hint
    with pytest.raises(SaeSourceError) as raised:
        resolve("jumprelu-llama/layer 3")
    assert raised.value.data["near"]


def test_an_unknown_id_names_the_nearest(listed):
    with pytest.raises(SaeSourceError) as raised:
        resolve("gemma-scope-2b-pt-res-canonical/layer_12/width_17k/canonical")
    assert "layer_12/width_16k/canonical" in raised.value.data["near"]


def test_a_release_alone_lists_its_ids_with_layers(listed):
    with pytest.raises(SaeSourceError, match="13 SAEs") as raised:
        resolve("gpt2-small-res-jb")
    assert "blocks.8.hook_resid_pre (layer 8)" in raised.value.hint
    assert resolve("llama-3-8b-it-res-jh") == ("llama-3-8b-it-res-jh", "blocks.25.hook_resid_post")


def test_the_model_of_an_sae_is_read_from_where_it_is_said(tmp_path, listed):
    assert model_of("gemma-scope-9b-it-res/layer_20/width_131k/average_l0_13") == "google/gemma-2-9b-it"
    assert model_of(write_sae(tmp_path / "a")) == "openai-community/gpt2"
    assert model_of(write_sae(tmp_path / "b", metadata={"hook_name": "blocks.0.hook_resid_pre"})) is None
    assert hub_id("GPT2-small") == "openai-community/gpt2"
    assert hub_id("/my/model") == "/my/model"


def test_load_says_what_is_missing(tmp_path):
    with pytest.raises(InputError, match="no SAE was given"):
        saescope.load("gpt2")
    with pytest.raises(InputError, match="does not say which one"):
        saescope.load(sae=write_sae(tmp_path / "b", metadata={"hook_name": "blocks.0.hook_resid_pre"}))


def test_memory_is_estimated_from_what_is_known(listed, monkeypatch):
    monkeypatch.setattr(memory, "free_bytes", lambda: 12 * 10**9)
    monkeypatch.setattr(memory, "gpu_free_bytes", lambda: None)
    row = listed.filter(release="gemma-scope-2b-pt-res-canonical", sae_id="layer_12/width_16k/canonical").row(
        0, named=True
    )
    need = memory.estimate(row)
    assert (need.model_bytes, need.sae_bytes, need.fits) == (
        2_614_000_000 * 4,
        4 * (2 * 2304 * 16_384 + 2 * 16_384 + 2304),
        True,
    )
    monkeypatch.setattr(memory, "free_bytes", lambda: 8 * 10**9)
    assert memory.estimate(row).fits is False
    assert memory.estimate(row, "bfloat16").fits is True
    assert memory.estimate(row | {"memory_bytes": None}, "bfloat16").fits is None
    unknown = memory.estimate(row | {"n_model_params": None})
    assert (unknown.total_bytes, unknown.fits) == (None, None)


def test_what_is_listed_is_what_sae_lens_lists(listed):
    directory = pytest.importorskip("sae_lens.loading.pretrained_saes_directory").get_pretrained_saes_directory()
    assert {(r, i) for r, one in directory.items() for i in one.saes_map} == set(
        listed.select("release", "sae_id").rows()
    )


def test_a_listed_sae_is_a_plain_record():
    one = Listed("r", "blocks.2.hook_resid_pre_768", "p", "x/y", "gpt2-small", "sae_lens")
    row = table.make_table([one]).row(0, named=True)
    assert (row["width"], row["layer"], row["hook_name"], row["d_in"]) == (768, 2, "blocks.2.hook_resid_pre", 768)
    assert Path(row["path"]) == Path("p")
