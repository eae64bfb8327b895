"""Files as a stranger could make them are refused with a reason, and nothing in them runs."""

import io
import json
import os
import pickle
import struct
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, Phase, given, seed, settings
from safetensors.torch import save_file

import hostile
import saescope
from saescope.errors import DamagedIndexError, ModelSourceError, SaeSourceError
from saescope.index.manifest import read_manifest
from saescope.sources.model import load_model
from saescope.sources.registry.folders import folder_table
from saescope.sources.sae import describe, load_sae

N_EACH = 16


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


@pytest.fixture
def folder(tmp_path):
    """A well-made SAE."""
    made = tmp_path / "sae"
    made.mkdir()
    for name, raw in hostile._sae_files("jumprelu").items():
        (made / name).write_bytes(raw)
    return made


def with_config(folder, **changes):
    path = folder / "cfg.json"
    config = json.loads(path.read_text())
    metadata = changes.pop("metadata", {})
    config |= changes
    config["metadata"] |= metadata
    path.write_text(json.dumps(config))


def with_weights(folder, **changes):
    from safetensors.torch import load_file

    path = folder / "sae_weights.safetensors"
    save_file({**load_file(path), **changes}, path)


def refused(folder, words):
    with pytest.raises(SaeSourceError, match=words) as caught:
        load_sae(folder)
    return caught.value


@pytest.mark.parametrize("subject", hostile.SUBJECTS, ids=lambda s: s.name)
def test_a_changed_file_is_loaded_or_refused_and_nothing_else(subject, tmp_path):
    assert hostile.run(subject, [], tmp_path / "whole") == "loaded"

    @seed(7)
    @settings(
        max_examples=N_EACH,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(hostile.EDITS)
    def each(edits):
        hostile.run(subject, edits, tmp_path / "input")

    each()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"auto_map": {"AutoModel": "evil.Model"}}, "names code to run, by 'auto_map'"),
        ({"_target_": "os.system"}, "names code to run"),
        ({"metadata": {"x": [{"py/object": "posix.system"}]}}, "names code to run"),
        ({"metadata": {"__reduce__": ["os.system", "true"]}}, "names code to run"),
        ({"metadata": {"hook_name": "blocks.0.__class__"}}, "hook_name is the name of a site"),
        ({"metadata": {"hf_hook_name": "model.__init__.__globals__"}}, "hf_hook_name is the name of a site"),
        ({"metadata": {"hook_name": ["a"]}}, "the name of a site"),
        ({"metadata": {"context_size": "much"}}, "context_size is a whole number"),
        ({"metadata": {"prepend_bos": "no"}}, "prepend_bos is true or false"),
        ({"metadata": {"model_from_pretrained_kwargs": ["center_writing_weights"]}}, "is an object"),
        ({"d_sae": 1 << 33}, "does not match"),
        ({"d_in": 9}, "does not match"),
        ({"architecture": "os.system"}, "does not match"),
        ({"dtype": "float7"}, "configuration|does not match|loaded"),
        ({"n_attn_layers": 10**9}, "n_attn_layers"),
    ],
)  # fmt: skip
def test_a_configuration_that_is_none_is_refused(folder, change, words):
    if "loaded" in words:
        with_config(folder, **change)
        assert load_sae(folder).sae.W_dec.dtype == torch.float32
        return
    with_config(folder, **change)
    refused(folder, words)


def test_large_deep_and_ambiguous_configurations_are_refused(folder):
    path = folder / "cfg.json"
    whole = path.read_text()
    path.write_text(whole[:-1] + ', "x": "' + "y" * (1 << 20) + '"}')
    refused(folder, "at most 1,048,576")
    path.write_text(whole[:-1] + ', "x": ' + "[" * 100_000 + "}")
    refused(folder, "nested too deeply")
    path.write_text('{"d_in": 1, ' + whole.lstrip()[1:])
    refused(folder, "'d_in' is in it twice")


@pytest.mark.parametrize(
    ("part", "value"), [("W_enc", "nan"), ("W_dec", "inf"), ("b_dec", "-inf"), ("threshold", "nan")]
)
def test_weights_that_are_not_finite_are_refused(folder, part, value):
    from safetensors.torch import load_file

    tensor = load_file(folder / "sae_weights.safetensors")[part]
    tensor.view(-1)[-1] = float(value)
    with_weights(folder, **{part: tensor})
    refused(folder, f"{part} of the SAE sae holds numbers that are not finite")
    sae = load_sae(folder_of_whole(folder.parent)).sae
    with torch.no_grad():
        getattr(sae, part).view(-1)[-1] = float(value)
    with pytest.raises(SaeSourceError, match="not finite"):
        describe(sae, "one in memory")


def folder_of_whole(parent):
    made = parent / "whole"
    made.mkdir(exist_ok=True)
    for name, raw in hostile._sae_files("jumprelu").items():
        (made / name).write_bytes(raw)
    return made


def test_weights_of_other_shapes_and_types_are_refused(folder):
    with_weights(folder, W_enc=torch.zeros(64, 8))
    refused(folder, "does not match")
    with_weights(folder, W_enc=torch.zeros(8, 64, dtype=torch.int8))
    refused(folder, "dtype I8")


@pytest.mark.parametrize("change", ["shape", "beyond", "huge", "cut"])
def test_a_header_that_lies_is_refused_before_anything_is_allocated(folder, change):
    path = folder / "sae_weights.safetensors"
    raw = path.read_bytes()
    n = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8 : 8 + n])
    if change == "shape":
        header["W_enc"]["shape"] = [1 << 20, 1 << 20]
    elif change == "beyond":
        header["W_enc"]["data_offsets"] = [0, 1 << 40]
        header["W_enc"]["shape"] = [1 << 19, 1 << 19]
    text = json.dumps(header).encode()
    size = 1 << 62 if change == "huge" else len(text)
    path.write_bytes(struct.pack("<Q", size) + text + (raw[8 + n : -100] if change == "cut" else raw[8 + n :]))
    refused(folder, "no whole safetensors file")


def test_links_out_of_the_folder_are_refused_and_those_of_the_hub_cache_are_not(folder, tmp_path):
    weights = folder / "sae_weights.safetensors"
    outside = tmp_path / "elsewhere.safetensors"
    weights.rename(outside)
    weights.symlink_to(outside)
    refused(folder, "leads out of the folder")
    blobs, snapshot = tmp_path / "models--a--b" / "blobs", tmp_path / "models--a--b" / "snapshots" / "0f" / "sae"
    blobs.mkdir(parents=True)
    snapshot.mkdir(parents=True)
    for name, source in (("cfg.json", folder / "cfg.json"), ("sae_weights.safetensors", outside)):
        (blobs / name).write_bytes(source.read_bytes())
        (snapshot / name).symlink_to(blobs / name)
    assert load_sae(snapshot).d_sae == 64


@pytest.mark.parametrize("name", ["sae_weights.safetensors", "cfg.json"])
def test_a_pickle_under_another_name_is_not_run(folder, tmp_path, name):
    (folder / name).write_bytes(pickle.dumps(Bomb(tmp_path / "ran")))
    refused(folder, "safetensors|JSON")
    torch.save({"W_enc": Bomb(tmp_path / "ran")}, folder / "sae_weights.pt")
    (folder / name).unlink()
    refused(folder, "there is no")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("end", ["pt", "bin", "pkl", "npy", "npz", "safetensors"])
def test_arrays_that_are_pickles_are_not_run(tmp_path, end):
    path, ran = tmp_path / f"probes.{end}", tmp_path / "ran"
    if end in ("npy", "npz"):
        array = np.array([Bomb(ran)], dtype=object)
        with path.open("wb") as stream:
            np.save(stream, array, allow_pickle=True) if end == "npy" else np.savez(stream, a=array)
        words = "Python objects"
    else:
        path.write_bytes(pickle.dumps(Bomb(ran)))
        words = "hold code|no whole safetensors"
    with pytest.raises(SaeSourceError, match=words):
        saescope.directions(path, site=hostile.SITE)
    with pytest.raises(SaeSourceError):
        saescope.crosscoder(path, sites=[hostile.SITE])
    assert not ran.exists()


def test_a_zip_that_grows_when_unpacked_is_refused(tmp_path):
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<f4", "fortran_order": False, "shape": (1 << 20, 1 << 20)})
    with zipfile.ZipFile(tmp_path / "probes.npz", "w") as files:
        files.writestr("a.npy", head.getvalue() + b"\0" * 64)
    with pytest.raises(SaeSourceError, match="declares"):
        saescope.directions(tmp_path / "probes.npz", site=hostile.SITE)


def test_a_model_that_brings_its_own_code_is_refused(tmp_path):
    ran = tmp_path / "ran"
    config = {"model_type": "own", "auto_map": {"AutoConfig": "own.Config", "AutoModelForCausalLM": "own.Model"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "own.py").write_text(f"open({str(ran)!r}, 'w')\n")
    with pytest.raises(ModelSourceError, match="code") as caught:
        load_model(tmp_path, device="cpu")
    assert "give the model" in caught.value.hint
    assert not ran.exists()


def test_a_model_whose_weights_are_a_pickle_is_refused(tmp_path):
    import tiny

    tiny.model().config.save_pretrained(tmp_path)
    ran = tmp_path / "ran"
    (tmp_path / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb(ran)))
    with pytest.raises(ModelSourceError, match="could not be loaded"):
        load_model(tmp_path, device="cpu")
    assert not ran.exists()


@pytest.mark.parametrize(
    "change",
    [{"folder": "../.."}, {"folder": "/etc"}, {"n_rows": "many"}, {"parts": [{"name": "../../x", "n_bytes": 1, "digest": ""}]},
     {"shard_starts": [5, 1]}, {"rule": {"n_skipped": "x"}}, {"version": [2, {}]}, {"model": {"name": 5}}],
)  # fmt: skip
def test_a_manifest_that_leads_elsewhere_or_has_other_types_is_refused(tmp_path, change):
    ((name, raw),) = hostile._manifest_only().items()
    (tmp_path / name).write_text(json.dumps(json.loads(raw) | change))
    with pytest.raises(DamagedIndexError, match="no manifest"):
        read_manifest(tmp_path)


def test_a_folder_that_cannot_be_loaded_is_listed_with_the_reason(folder):
    with_config(folder, auto_map={"AutoModel": "evil.Model"})
    assert "names code to run" in folder_table([folder])["notes"][0][0]
