"""Sites, and changes made at them, against HookedTransformer's own forward pass and its hooks."""

import pytest
import torch

import dictionaries
import families
from saescope.effects.clean import CleanRun
from saescope.engine.reader import SiteReader
from saescope.engine.splice import Splicer
from saescope.errors import ComputeError, MismatchError, SiteError
from saescope.sources.model import LoadedModel
from saescope.sources.sae import load_sae
from saescope.sources.site import find_blocks, find_site, hooks_of, width_of

TOLERANCE = 1e-5
IDS = families.IDS
PAIRS = [(family, 1) for family in families.CONVERTED] + [("qwen3", 0)]


def site_of(model, hook, *, layer=1, width=None, **metadata):
    name = hook if hook == "hook_embed" else f"blocks.{layer}.{hook}"
    plain = LoadedModel(model, None, "small")
    if width is None:
        probe = load_sae(dictionaries.make("standard", 7, {"hook_name": name}))
        try:
            return find_site(plain, probe)
        except MismatchError as err:
            width = err.data["came"]
    return find_site(plain, load_sae(dictionaries.make("standard", width, {"hook_name": name, **metadata})))


def all_hooks(model):
    return ["hook_embed", *hooks_of(model, find_blocks(model)[1][1])]


def flat(x):
    return x.flatten(2) if x.ndim == 4 else x


@pytest.mark.parametrize(("family", "layer"), PAIRS)
def test_every_site_is_what_hooked_transformer_computes(family, layer):
    model, lens = families.model(family), families.hooked(family)
    with torch.no_grad():
        _, caught = lens.run_with_cache(IDS)
    n_checked = 0
    for hook in all_hooks(model):
        site = site_of(model, hook, layer=layer)
        if site.name not in caught:
            continue
        wanted = flat(caught[site.name])
        scale = max(float(wanted.abs().max()), 1.0)
        torch.testing.assert_close(SiteReader(model, site).read(IDS), wanted, rtol=TOLERANCE, atol=scale * TOLERANCE)
        n_checked += 1
    assert n_checked >= 8


@pytest.mark.parametrize(("family", "layer"), PAIRS)
def test_a_change_at_every_site_gives_hooked_transformer_s_logits(family, layer):
    """Added at some tokens of one text, later positions and layers run again; and spliced into the model's loss."""
    model, lens = families.model(family), families.hooked(family)
    draw = torch.Generator().manual_seed(3)
    with torch.no_grad():
        clean = lens(IDS[:1])
    n_checked = 0
    for hook in all_hooks(model):
        site = site_of(model, hook, layer=layer)
        if not site.is_written or site.name not in lens.hook_dict:
            continue
        delta = torch.zeros(1, IDS.shape[1], width_of(model, site))
        delta[:, 7:12] = torch.randn(5, delta.shape[-1], generator=draw)
        with torch.no_grad():
            wanted = lens.run_with_hooks(
                IDS[:1], fwd_hooks=[(site.name, lambda x, hook, delta=delta: x + delta.view(x.shape))]
            )
            found = CleanRun(model, site, IDS[0]).changed(delta[:, 7:], 7, IDS.shape[1] - 7)
            spliced = Splicer(model, site).losses(IDS[:1], lambda _x, delta=delta: delta)
        moved = float((wanted - clean).abs().max())
        assert moved > 1e-2
        torch.testing.assert_close(found, wanted[:, 7:], rtol=1e-4, atol=1e-4)
        losses = torch.nn.functional.cross_entropy(wanted[0, :-1], IDS[0, 1:], reduction="none")
        torch.testing.assert_close(spliced[0], losses, rtol=1e-4, atol=1e-4)
        n_checked += 1
    assert n_checked >= 8


@pytest.mark.parametrize("family", families.CONFIGS)
def test_a_change_between_attention_and_mlp_is_one_of_what_attention_adds(family):
    """By plain hooks, in families that HookedTransformer does not run at this size too."""
    model = families.model(family)
    if "hook_resid_mid" not in all_hooks(model):
        pytest.skip("attention and MLP read the same")
    delta = torch.randn(1, IDS.shape[1], 32, generator=torch.Generator().manual_seed(4))
    added = model.get_submodule(site_of(model, "hook_attn_out").module)

    def add(_module, _args, output):
        return (output[0] + delta, *output[1:]) if isinstance(output, tuple) else output + delta

    handle = added.register_forward_hook(add)
    with torch.no_grad():
        wanted = model(IDS[:1], use_cache=False).logits
    handle.remove()
    found = CleanRun(model, site_of(model, "hook_resid_mid"), IDS[0]).changed(delta, 0, IDS.shape[1])
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


def test_gradients_go_through_a_change_of_the_passing_stream():
    model = families.model("llama")
    run = CleanRun(model, site_of(model, "hook_resid_mid"), IDS[0])
    delta = torch.zeros(1, IDS.shape[1], 32, requires_grad=True)
    run.changed(delta, 0, 1)[0, -1, 5].backward()
    step = torch.zeros_like(delta)
    step[0, -1, 3] = 1e-2
    with torch.no_grad():
        high, low = (run.changed(sign * step, 0, 1)[0, -1, 5] for sign in (1, -1))
    assert float(delta.grad[0, -1, 3]) == pytest.approx(float(high - low) / 2e-2, rel=1e-2)


@pytest.mark.parametrize("family", ["qwen3", "gptj", "opt"])
def test_one_head_is_read_and_changed_alone(family):
    model, lens = families.model(family), families.hooked(family)
    with torch.no_grad():
        _, caught = lens.run_with_cache(IDS)
    z = caught["blocks.1.attn.hook_z"]
    site = site_of(model, "attn.hook_z", width=z.shape[-1], hook_head_index=2)
    torch.testing.assert_close(SiteReader(model, site).read(IDS), z[:, :, 2], rtol=TOLERANCE, atol=TOLERANCE)
    delta = torch.randn(1, IDS.shape[1], z.shape[-1], generator=torch.Generator().manual_seed(4))

    def change(x, hook):
        x = x.clone()
        x[:, :, 2] += delta
        return x

    with torch.no_grad():
        wanted = lens.run_with_hooks(IDS[:1], fwd_hooks=[("blocks.1.attn.hook_z", change)])
    found = CleanRun(model, site, IDS[0]).changed(delta, 0, IDS.shape[1])
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


def test_a_head_that_is_not_there_is_refused():
    with pytest.raises(SiteError, match="heads 0 to 3"):
        site_of(families.model("llama"), "attn.hook_z", width=12, hook_head_index=4)
    with pytest.raises(SiteError, match="single heads"):
        site_of(families.model("llama"), "hook_resid_pre", width=32, hook_head_index=1)


def test_parallel_blocks_say_why_nothing_lies_between():
    with pytest.raises(SiteError, match="read the same residual stream") as caught:
        site_of(families.model("gpt_neox"), "hook_resid_mid", width=32)
    assert "hook_resid_pre" in caught.value.hint


def test_effects_are_refused_where_no_module_makes_the_site():
    model = families.model("llama")
    with pytest.raises(ComputeError, match=r"mlp\.hook_in"):
        CleanRun(model, site_of(model, "ln2.hook_normalized"), IDS[0])


def test_opt_with_late_norms_has_no_norm_before_its_mlp():
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.for_model("opt", **families.CONFIGS["opt"], do_layer_norm_before=False)
    model = AutoModelForCausalLM.from_config(config).eval()
    with pytest.raises(SiteError, match="norms come after"):
        site_of(model, "hook_resid_mid", width=32)


def test_a_type_that_no_table_names_is_read_by_how_its_blocks_are_made():
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(0)
    config = AutoConfig.for_model("helium", **families.GROUPED)
    model = AutoModelForCausalLM.from_config(config).eval()
    assert {"attn.hook_z", "hook_resid_mid", "mlp.hook_post"} <= set(all_hooks(model))
