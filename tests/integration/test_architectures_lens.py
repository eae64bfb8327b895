"""What features at sites inside a block write to the residual stream, and say to the unembedding."""

import pytest
import torch

import dictionaries
import families
import saescope
import tiny
from saescope.effects.clean import CleanRun
from saescope.engine.outward import stream_rows
from saescope.errors import SiteError
from saescope.sources.model import LoadedModel
from saescope.sources.sae import load_sae
from saescope.sources.site import find_site

IDS = families.IDS
WIDTHS = {"attn.hook_z": {"llama": 48, "gpt2": 32, "opt": 32}, "mlp.hook_post": {"llama": 48, "gpt2": 128, "opt": 48}}


def sae_at(hook, width, **metadata):
    return dictionaries.make("jumprelu", width, {"hook_name": f"blocks.1.{hook}", **metadata})


@pytest.mark.parametrize("family", ["llama", "gpt2", "opt"])
@pytest.mark.parametrize(
    ("hook", "options"), [("attn.hook_z", {}), ("mlp.hook_post", {}), ("attn.hook_z", {"hook_head_index": 1})]
)
def test_a_row_reaches_the_stream_as_a_change_there_does(family, hook, options):
    model = families.model(family)
    width = WIDTHS[hook][family] // (4 if options else 1)
    sae = load_sae(sae_at(hook, width, **options))
    site = find_site(LoadedModel(model, None, family), sae)
    rows = stream_rows(model, site, sae.sae.W_dec.detach()[:3])
    run = CleanRun(model, site, IDS[0])
    final = {}
    added = "hook_attn_out" if hook == "attn.hook_z" else "hook_mlp_out"
    at = find_site(
        LoadedModel(model, None, family),
        load_sae(dictionaries.make("standard", 32, {"hook_name": f"blocks.1.{added}"})),
    )
    direct = CleanRun(model, at, IDS[0])
    for n, row in enumerate(rows):
        delta = sae.sae.W_dec.detach()[n].expand(1, IDS.shape[1], -1)
        final[n] = run.changed(delta, 0, 4)
        torch.testing.assert_close(
            final[n], direct.changed(row.expand(1, IDS.shape[1], -1), 0, 4), rtol=1e-4, atol=1e-4
        )


def test_before_an_activation_function_there_is_no_direction():
    model = families.model("llama")
    sae = load_sae(sae_at("mlp.hook_pre", 48))
    site = find_site(LoadedModel(model, None, "llama"), sae)
    with pytest.raises(SiteError, match="activation function"):
        stream_rows(model, site, sae.sae.W_dec.detach())


@pytest.mark.parametrize(("hook", "has_lens"), [("mlp.hook_post", True), ("mlp.hook_pre", False)])
def test_an_index_is_built_there_with_a_lens_where_it_means_something(tmp_path, silent, hook, has_lens):
    model = tiny.model()
    scope = saescope.load((model, tiny.tokenizer()), sae=sae_at(hook, 64))
    scope.build_index(tiny.texts(20), out=tmp_path / "index", progress=silent)
    opened = saescope.open_index(tmp_path / "index")
    assert (opened.index.manifest.lens != "none") == has_lens
    if has_lens:
        through = sae_at(hook, 64).W_dec.detach() @ model.model.layers[1].mlp.down_proj.weight.T
        wanted = (through * model.model.norm.weight) @ model.lm_head.weight.T
        found = scope.lens(3)
        assert found.filter(found["side"] == "promoted")["token_id"][0] == int(wanted[3].argmax())
