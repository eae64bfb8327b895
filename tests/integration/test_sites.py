import re

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

import tiny
from saescope.engine.reader import SiteReader
from saescope.errors import MismatchError, SiteError
from saescope.sources.model import LoadedModel
from saescope.sources.sae import load_sae
from saescope.sources.site import find_site

SMALL = {
    "vocab_size": 320, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 4, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 128, "head_dim": 8,
}  # fmt: skip
FAMILIES = {
    "gpt2": {"vocab_size": 320, "n_embd": 32, "n_layer": 4, "n_head": 4, "n_positions": 128},
    "gpt_neox": {k: v for k, v in SMALL.items() if k not in ("num_key_value_heads", "head_dim")},
    "llama": SMALL,
    "qwen2": SMALL,
    "qwen3": SMALL,
    "gemma2": SMALL,
    "gemma3_text": SMALL,
}
IDS = torch.arange(1, 61).reshape(3, 20)


def make(family):
    torch.manual_seed(0)
    config = AutoConfig.for_model(family, **FAMILIES[family], bos_token_id=0, eos_token_id=0, pad_token_id=0)
    return AutoModelForCausalLM.from_config(config).eval()


@pytest.fixture(scope="module", params=FAMILIES)
def model(request):
    return make(request.param)


def read(model, hook_name, **metadata):
    sae = load_sae(tiny.sae(hook_name=hook_name, **metadata))
    site = find_site(LoadedModel(model, None, "tiny"), sae)
    return SiteReader(model, site).read(IDS)


def hidden_states(model):
    with torch.no_grad():
        return model(IDS, output_hidden_states=True, use_cache=False).hidden_states


def last_block(model):
    base = model.base_model
    return (base.h if hasattr(base, "h") else base.layers)[-1]


def by_hook(module, model):
    seen = []
    handle = module.register_forward_hook(lambda _m, _a, out: seen.append(out[0] if isinstance(out, tuple) else out))
    with torch.no_grad():
        model(IDS, use_cache=False)
    handle.remove()
    return seen[0]


@pytest.mark.parametrize("layer", range(4))
def test_the_residual_stream_is_that_of_transformers(model, layer):
    states = hidden_states(model)
    torch.testing.assert_close(read(model, f"blocks.{layer}.hook_resid_pre"), states[layer], rtol=1e-5, atol=1e-6)
    if layer < 3:
        torch.testing.assert_close(
            read(model, f"blocks.{layer}.hook_resid_post"), states[layer + 1], rtol=1e-5, atol=1e-6
        )


def test_after_the_last_block_is_before_the_final_norm(model):
    wanted = by_hook(last_block(model), model)
    torch.testing.assert_close(read(model, "blocks.3.hook_resid_post"), wanted, rtol=1e-5, atol=1e-6)


def test_the_embedding_is_the_embedding_module_s_output(model):
    wanted = by_hook(model.get_input_embeddings(), model)
    torch.testing.assert_close(read(model, "hook_embed"), wanted)


def test_a_layer_beyond_the_last_names_those_there_are(model):
    with pytest.raises(SiteError, match=r"blocks\.4\.hook_resid_post.*blocks 0 to 3") as caught:
        read(model, "blocks.4.hook_resid_post")
    assert caught.value.hint


def test_later_layers_do_not_run(model):
    block = last_block(model)
    forward = type(block).forward
    type(block).forward, ran = (lambda self, *a, **k: ran.append(self) or forward(self, *a, **k)), []
    try:
        read(model, "blocks.1.hook_resid_post")
        assert len(ran) == 2
        ran.clear()
        read(model, "blocks.1.hook_resid_pre")
        assert len(ran) == 1
    finally:
        type(block).forward = forward


@pytest.mark.parametrize(
    ("family", "is_centered"), [("gpt2", True), ("gpt_neox", True), ("llama", False), ("gemma2", False)]
)
def test_centred_writing_weights_are_a_subtracted_mean_on_layer_norm_only(family, is_centered):
    model = make(family)
    wanted = hidden_states(model)[2]
    wanted = wanted - wanted.mean(-1, keepdim=True) if is_centered else wanted
    found = read(model, "blocks.1.hook_resid_post", model_from_pretrained_kwargs={"center_writing_weights": True})
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["blocks.1.attn.hook_q", "ln_final.hook_normalized", "layers.1"])
def test_a_site_that_cannot_be_read_yet_names_those_that_can(model, name):
    with pytest.raises(SiteError, match=re.escape(name)) as caught:
        read(model, name)
    assert "hook_resid_post" in caught.value.hint


def test_a_module_that_the_sae_names_itself_wins():
    model = make("llama")
    found = read(model, "blocks.1.hook_mlp_out", hf_hook_name="model.layers.1.mlp.output")
    torch.testing.assert_close(found, by_hook(model.model.layers[1].mlp, model))


def test_an_sae_of_another_width_is_refused():
    sae = load_sae(tiny.sae(d_in=48))
    with pytest.raises(MismatchError, match=r"reads 48 numbers .* has 32") as caught:
        find_site(LoadedModel(make("llama"), None, "tiny"), sae)
    assert (caught.value.data["wanted"], caught.value.data["came"]) == (48, 32)


@pytest.mark.parametrize("family", ["gpt2", "llama", "gemma2", "gpt_neox"])
def test_sites_equal_those_of_transformer_lens(tmp_path, family):
    bridge = pytest.importorskip("transformer_lens.model_bridge")
    make(family).save_pretrained(tmp_path)
    tiny.tokenizer().save_pretrained(tmp_path)
    names = ["blocks.1.hook_resid_pre", "blocks.3.hook_resid_post", "blocks.1.hook_attn_out", "blocks.2.hook_mlp_out"]
    names += ["hook_embed"] if family != "gemma2" else []
    lens = bridge.TransformerBridge.boot_transformers(str(tmp_path), device="cpu")
    with torch.no_grad():
        _, cache = lens.run_with_cache(IDS)
    fresh = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    for name in names:
        torch.testing.assert_close(read(fresh, name), cache[name], rtol=1e-4, atol=1e-5)


def test_attention_and_mlp_sites_are_what_the_residual_stream_gains(model):
    before, after = read(model, "blocks.1.hook_resid_pre"), read(model, "blocks.1.hook_resid_post")
    added = read(model, "blocks.1.hook_attn_out") + read(model, "blocks.1.hook_mlp_out")
    torch.testing.assert_close(before + added, after, rtol=1e-5, atol=1e-5)


def test_a_transcoder_reads_the_mlp_s_input_and_writes_to_its_output(model):
    sae = load_sae(tiny.sae("transcoder", hook_name="blocks.1.mlp.hook_in", hook_name_out="blocks.1.hook_mlp_out"))
    site = find_site(LoadedModel(model, None, "tiny"), sae)
    assert (site.kind, site.writes_to[1]) == ("input", "output")
    read_there = SiteReader(model, site).read(IDS)
    mlp = model.get_submodule(site.module)
    with torch.no_grad():
        wanted = mlp(read_there)
        if site.written != site.module:
            wanted = model.get_submodule(site.written)(wanted)
    torch.testing.assert_close(read(model, "blocks.1.hook_mlp_out"), wanted, rtol=1e-5, atol=1e-5)
