"""What a model's weights take in memory, by its files' headers against the model itself; and a refusal in time."""

import json
import shutil

import pytest
import torch
from transformers import AutoModelForCausalLM
from transformers.utils import logging as hf_logging

import saescope
from saescope.errors import MemoryShortError
from saescope.sources import model, room
from saescope.sources.model import load_model
from saescope.sources.registry import memory
from saescope.sources.room import check_room, weight_bytes


@pytest.fixture
def folder(tiny_folder, tmp_path):
    return shutil.copytree(tiny_folder / "tiny-model", tmp_path / "model")


def taken(model):
    return sum(p.numel() * p.element_size() for p in model.parameters())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("shard", ["10GB", "20KB"])
def test_bytes_are_those_of_the_model_s_parameters(folder, tmp_path, dtype, shard):
    AutoModelForCausalLM.from_pretrained(folder).save_pretrained(tmp_path / "saved", max_shard_size=shard)
    assert (len(list((tmp_path / "saved").glob("*.safetensors"))) > 1) == (shard == "20KB")
    found = weight_bytes(tmp_path / "saved", dtype)
    assert found == taken(AutoModelForCausalLM.from_pretrained(tmp_path / "saved", dtype=dtype))


def test_its_own_dtype_is_that_of_its_files(folder, tmp_path):
    made = AutoModelForCausalLM.from_pretrained(folder).to(torch.float16)
    made.save_pretrained(tmp_path / "half")
    assert weight_bytes(tmp_path / "half", "auto") == taken(made)


def test_a_second_copy_of_the_weights_is_not_counted(folder):
    before = weight_bytes(folder, torch.float32)
    shutil.copy(folder / "model.safetensors", folder / "consolidated.safetensors")
    assert weight_bytes(folder, torch.float32) == before


def test_a_model_in_the_hub_s_cache_is_known_by_its_id(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(room, "hub_cache", lambda: tmp_path / "hub")
    assert weight_bytes("lab/model", torch.float32) is None
    shutil.copytree(folder, tmp_path / "hub/models--lab--model/snapshots/0")
    assert weight_bytes("lab/model", torch.float32) == weight_bytes(folder, torch.float32)


@pytest.mark.parametrize("what", ["quantised", "no weights", "no configuration", "broken"])
def test_what_its_files_do_not_tell_is_not_guessed(folder, what):
    if what == "quantised":
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | {"quantization_config": {"load_in_4bit": True}}))
    elif what == "no configuration":
        (folder / "config.json").unlink()
    elif what == "broken":
        (folder / "model.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0not a header")
    else:
        (folder / "model.safetensors").unlink()
    assert check_room(folder, torch.float32, "cpu") is None


def test_a_model_that_is_too_large_is_refused_before_it_is_read(folder, tiny_folder, monkeypatch):
    wanted = weight_bytes(folder, torch.float32)
    monkeypatch.setattr(room, "free_bytes", lambda: wanted - 1)
    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", lambda *_, **__: pytest.fail("it was read"))
    with pytest.raises(MemoryShortError, match=r"GB in float32, and .* GB are free on cpu") as caught:
        saescope.load(folder, sae=tiny_folder / "tiny-sae")
    assert caught.value.data == {"wanted": wanted, "free": wanted - 1}
    assert 'dtype="bfloat16"' in caught.value.hint


def test_a_model_that_just_fits_is_loaded(folder, tiny_folder, monkeypatch):
    monkeypatch.setattr(room, "free_bytes", lambda: weight_bytes(folder, torch.bfloat16))
    with pytest.raises(MemoryShortError):
        saescope.load(folder, sae=tiny_folder / "tiny-sae")
    assert check_room(folder, torch.bfloat16, "cpu") == weight_bytes(folder, torch.bfloat16)


@pytest.mark.parametrize("is_wanted", [True, False])
def test_only_a_large_model_has_a_bar_and_the_setting_stays(folder, monkeypatch, capfd, is_wanted):
    monkeypatch.setattr(hf_logging, "_tqdm_active", is_wanted)
    load_model(folder, device="cpu")
    assert "Loading weights" not in capfd.readouterr().err
    assert hf_logging.is_progress_bar_enabled() == is_wanted
    monkeypatch.setattr(model, "BARRED_BYTES", weight_bytes(folder, torch.float32))
    load_model(folder, device="cpu")
    assert ("Loading weights" in capfd.readouterr().err) == is_wanted


def test_a_container_s_limit_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "CGROUP", tmp_path)
    whole = memory.free_bytes()
    for name, text in (
        ("memory.max", "5000"),
        ("memory.current", "3000"),
        ("memory.stat", "anon 9\ninactive_file 500"),
    ):
        (tmp_path / name).write_text(text)
    assert memory.free_bytes() == 2500
    (tmp_path / "memory.max").write_text("max")
    assert abs(memory.free_bytes() - whole) < 0.5 * whole
