"""Several SAEs on one model, what is freed with a scope, and models that cannot be read whole."""

import gc
import weakref

import pytest
import torch

import dictionaries
import saescope
import tiny
from saescope.errors import ModelSourceError
from saescope.sources.base import id_of, remark_on_base
from saescope.sources.model import LoadedModel, load_model
from saescope.sources.registry.models import BASES

N_WIDE = 1 << 14


def wide_sae(seed):
    made = tiny.sae(hook_name=f"blocks.{seed}.hook_resid_post")
    with torch.no_grad():
        for name, weight in list(made.named_parameters()):
            shape = [N_WIDE if n == tiny.D_SAE else n for n in weight.shape]
            setattr(made, name, torch.nn.Parameter(torch.full(shape, 0.01)))
    made.cfg.d_sae = N_WIDE
    return made


def n_bytes_alive(least, kinds=(torch.nn.Parameter,)):
    """Bytes of all weights of at least so many numbers that are alive, each storage once."""
    found = {}
    for one in gc.get_objects():
        if type(one) in kinds and one.numel() >= least:
            found[one.untyped_storage().data_ptr()] = one.untyped_storage().nbytes()
    return sum(found.values())


def test_saes_on_one_model_share_it_and_are_freed_with_their_scopes():
    pair = tiny.model(), tiny.tokenizer()
    own = {p.data_ptr() for p in pair[0].parameters()}
    gc.collect()
    before, least = n_bytes_alive(N_WIDE), 2 * N_WIDE * tiny.D_MODEL * 4
    scopes = [saescope.load(pair, sae=wide_sae(n)) for n in range(3)]
    for scope in scopes:
        assert {p.data_ptr() for p in scope.model.parameters()} == own
        scope.activations("the sea")
    with_three = n_bytes_alive(N_WIDE) - before
    assert 3 * least <= with_three <= 3.3 * least
    saes = [weakref.ref(scope.sae) for scope in scopes]
    scopes[:] = scopes[2:]
    del scope
    gc.collect()
    assert [ref() is None for ref in saes] == [True, True, False]
    assert n_bytes_alive(N_WIDE) - before <= 1.1 * least
    scopes.clear()
    gc.collect()
    assert n_bytes_alive(N_WIDE) == before
    assert n_bytes_alive(64 * N_WIDE, (torch.Tensor,)) == 0
    assert {p.data_ptr() for p in pair[0].parameters()} == own


def test_a_model_whose_weights_are_offloaded_is_refused():
    accelerate = pytest.importorskip("accelerate")
    away = accelerate.cpu_offload(tiny.model(), execution_device=torch.device("cpu"))
    with pytest.raises(ModelSourceError, match=r"weights of LlamaForCausalLM are not in memory") as caught:
        saescope.load((away, tiny.tokenizer()), sae=tiny.sae())
    assert "device_map" in caught.value.hint


def test_a_model_that_accelerate_dispatched_reads_the_same(tmp_path):
    accelerate = pytest.importorskip("accelerate")
    model = tiny.model()
    spread = accelerate.dispatch_model(tiny.model(), {"": "cpu"}, force_hooks=True)
    text = "the sea and the sky"
    wanted, found = (saescope.load((m, tiny.tokenizer()), sae=tiny.sae()).activations(text) for m in (model, spread))
    assert found.equals(wanted)


@pytest.mark.parametrize(
    ("wanted", "came", "words"),
    [
        ("google/gemma-2-9b-it", "google/gemma-2-9b", "fine-tuned"),
        ("Qwen/Qwen3-8B-Base", "Qwen/Qwen3-8B", "fine-tuned"),
        ("gpt2-small", "EleutherAI/pythia-70m-deduped", "was trained on gpt2-small"),
        ("gpt2-small", "openai-community/gpt2", ""),
        ("gemma-2-2b", "unsloth/gemma-2-2b", ""),
        ("", "openai-community/gpt2", ""),
        ("gpt2", "", ""),
    ],
)
def test_another_model_than_the_sae_names_is_told(wanted, came, words):
    said = remark_on_base(wanted, came, "release/id")
    assert (words in said) if words else said == ""


def test_every_model_of_the_registry_is_itself():
    assert all(remark_on_base(name.rpartition("/")[2], name, "x") == "" for name in BASES)


def test_a_remark_on_the_base_stands_in_the_scope_and_in_its_index(tmp_path, silent, monkeypatch):
    model = tiny.model()
    model.config._name_or_path = model.name_or_path = "google/gemma-2-9b"
    made = dictionaries.make("standard", 32, {"hook_name": "blocks.1.hook_resid_post", "model_name": "gemma-2-9b-it"})
    scope = saescope.load((model, tiny.tokenizer()), sae=made)
    assert "trained on gemma-2-9b-it, and google/gemma-2-9b came" in scope.remarks[0]
    scope.build_index(tiny.texts(5), out=tmp_path / "index", progress=silent)
    assert saescope.open_index(tmp_path / "index").remarks == scope.remarks


def test_models_in_a_person_s_own_folder_have_no_id(tmp_path):
    model = tiny.model()
    for named, wanted in (
        (str(tmp_path), ""),
        ("/nowhere/cache/models--google--gemma-2-2b/snapshots/0f", "google/gemma-2-2b"),
        ("gpt2", "openai-community/gpt2"),
        ("", ""),
    ):
        model.config._name_or_path = model.name_or_path = named
        assert id_of(LoadedModel(model, None, "x")) == wanted
    assert load_model((model, tiny.tokenizer())).name
