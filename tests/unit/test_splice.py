from dataclasses import replace

import numpy as np
import pytest
import torch

import saescope
import tiny
from saescope.engine.splice import Splicer
from saescope.index.layout import Layout
from saescope.index.rule import EVERYTHING, Rule
from saescope.indexing.recovery import measure_recovery
from saescope.types import Site

LAYER = 2
SITES = {
    "output": Site("blocks.2.hook_resid_post", "model.layers.2", "output", LAYER),
    "input": Site("blocks.2.hook_resid_pre", "model.layers.2", "input", LAYER),
    "embedding": Site("hook_embed", "model.embed_tokens", "output", -1),
    "centered": Site("blocks.2.hook_resid_post", "model.layers.2", "output", LAYER, is_centered=True),
}
SPANS = [(0, 20), (20, 40), (40, 60)]


def written_by(model):
    """Tokens that the model itself draws, so that taking its activations away costs something."""
    draw, tokens = torch.Generator().manual_seed(0), torch.tensor([[1], [2], [3]])
    while tokens.shape[1] < 20:
        with torch.no_grad():
            chances = model(input_ids=tokens).logits[:, -1].softmax(-1)
        tokens = torch.cat([tokens, torch.multinomial(chances, 1, generator=draw)], 1)
    return tokens


TOKENS = written_by(tiny.model())


@pytest.fixture
def model():
    return tiny.model()


@pytest.fixture
def parts():
    return saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae()).parts


@pytest.fixture(params=SITES)
def site(request):
    return SITES[request.param]


def layout(rule):
    return Layout(TOKENS.flatten().numpy(), 20, np.arange(1), np.zeros(320, dtype=bool), rule)


def losses(model, tokens=TOKENS):
    with torch.no_grad():
        logits = model(input_ids=tokens).logits
    return torch.stack(
        [torch.nn.functional.cross_entropy(logits[n, :-1], tokens[n, 1:], reduction="none") for n in range(len(tokens))]
    )


def hooked(model, site, added):
    """Losses with a plain hook on the model itself."""
    module = model.get_submodule(site.module)

    def on_input(_module, args):
        return (args[0] + added(args[0]), *args[1:])

    def on_output(_module, _args, output):
        x = output[0] if isinstance(output, tuple) else output
        return (x + added(x), *output[1:]) if isinstance(output, tuple) else x + added(x)

    is_input = site.kind == "input"
    handle = module.register_forward_pre_hook(on_input) if is_input else module.register_forward_hook(on_output)
    try:
        return losses(model)
    finally:
        handle.remove()


def test_without_a_change_the_losses_are_the_model_s(model, site):
    found = Splicer(model, site).losses(TOKENS, None)
    assert (found.shape, found.dtype) == ((3, 19), torch.float32)
    torch.testing.assert_close(found, losses(model))


def test_adding_nothing_changes_nothing(model, site):
    splicer = Splicer(model, site)
    assert torch.equal(splicer.losses(TOKENS, torch.zeros_like), splicer.losses(TOKENS, None))


@pytest.mark.parametrize("change", [lambda x: -x, lambda x: 0.5 * x.abs()], ids=["zero", "half"])
def test_a_change_equals_a_plain_hook_on_the_model(model, site, change):
    centre = (lambda x: x - x.mean(-1, keepdim=True)) if site.is_centered else (lambda x: x)
    found = Splicer(model, site).losses(TOKENS, change)
    torch.testing.assert_close(found, hooked(model, site, lambda x: change(centre(x))))
    assert (found - losses(model)).abs().max() > 0.1


def test_the_change_is_given_what_the_sae_sees(model, site):
    seen = []
    Splicer(model, site).losses(TOKENS, lambda x: seen.append(x) or torch.zeros_like(x))
    with torch.no_grad():
        states = model(input_ids=TOKENS, output_hidden_states=True).hidden_states
    number = {"blocks.2.hook_resid_post": 3, "blocks.2.hook_resid_pre": 2, "hook_embed": 0}[site.name]
    wanted = states[number]
    torch.testing.assert_close(seen[0], wanted - wanted.mean(-1, keepdim=True) if site.is_centered else wanted)


def test_a_change_at_a_position_moves_no_earlier_loss(model, site):
    def late(x):
        return torch.where(torch.arange(x.shape[1])[:, None] >= 12, -x, 0)

    splicer = Splicer(model, site)
    found, clean = splicer.losses(TOKENS, late), splicer.losses(TOKENS, None)
    torch.testing.assert_close(found[:, :12], clean[:, :12])
    assert (found[:, 12:] - clean[:, 12:]).abs().min(1).values.max() > 0


def test_the_user_s_model_keeps_no_hooks_and_sees_none(model, site):
    during = []

    def look(x):
        during.append([len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules()])
        return -x

    before = losses(model)
    splicer = Splicer(model, site)
    splicer.losses(TOKENS, look)
    with pytest.raises(ZeroDivisionError):
        splicer.losses(TOKENS, lambda _x: 1 // 0)
    assert not any(map(any, during))
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())
    assert torch.equal(losses(model), before)
    torch.testing.assert_close(splicer.losses(TOKENS, None), before)


def recovery(parts, rule=EVERYTHING, spans=SPANS, site=None, **weights):
    model, sae, own = parts
    with torch.no_grad():
        for name, value in weights.items():
            getattr(sae.sae, name).copy_(value)
    done = []
    found = measure_recovery(model, sae, site or own, layout(rule), spans, done.append)
    assert sum(done) == sum(end - start for start, end in spans)
    return found


def identity(parts, scale=1.0):
    """Weights by which each number of the activation, and its negative, is a feature: it comes out as it went in."""
    sae = parts[1].sae
    d = tiny.D_MODEL
    enc, dec = torch.zeros_like(sae.W_enc), torch.zeros_like(sae.W_dec)
    for sign, at in ((1, 0), (-1, d)):
        enc[range(d), range(at, at + d)] = sign
        dec[range(at, at + d), range(d)] = sign * scale
    return {
        "W_enc": enc, "W_dec": dec, "b_enc": torch.zeros_like(sae.b_enc),
        "b_dec": torch.zeros_like(sae.b_dec), "threshold": torch.zeros_like(sae.threshold),
    }  # fmt: skip


def test_an_sae_that_gives_back_what_it_reads_recovers_all(parts):
    found = recovery(parts, **identity(parts))
    assert found["spliced"] == pytest.approx(found["clean"], abs=1e-5)
    assert found["zero"] > found["clean"] + 0.1
    assert found["n_tokens"] == 57
    assert found["recovered"] == pytest.approx(1, abs=1e-4)
    assert found["standard_error"] == pytest.approx(0, abs=1e-4)


def test_an_sae_that_gives_back_nothing_recovers_nothing(parts):
    found = recovery(parts, **identity(parts, scale=0))
    assert found["spliced"] == pytest.approx(found["zero"], abs=1e-5)
    assert found["recovered"] == pytest.approx(0, abs=1e-4)


def test_losses_are_those_of_a_plain_hook(parts):
    found, (model, sae, site) = recovery(parts), parts
    with torch.no_grad():
        spliced = hooked(model.model, site, lambda x: sae.sae.decode(sae.sae.encode(x)) - x)
    wanted = {"clean": losses(model.model), "spliced": spliced, "zero": hooked(model.model, site, lambda x: -x)}
    for name, loss in wanted.items():
        assert found[name] == pytest.approx(float(loss.double().mean()), rel=1e-5)


@pytest.mark.parametrize("n_skipped", [1, 5])
def test_positions_that_do_not_count_keep_their_activation(parts, n_skipped):
    found, (model, _, site) = recovery(parts, Rule(n_skipped, skips_special=False)), parts

    def taken_away(x):
        return torch.where(torch.arange(x.shape[1])[:, None] >= n_skipped, -x, 0)

    everything = recovery(parts)
    assert found["zero"] == pytest.approx(float(hooked(model.model, site, taken_away).double().mean()), rel=1e-5)
    assert found["clean"] == pytest.approx(everything["clean"])
    assert abs(found["zero"] - everything["zero"]) > 1e-3


def test_contexts_of_any_length_are_measured_together(parts):
    model, spans = parts[0], [(0, 20), (20, 33), (40, 60)]
    found = recovery(parts, spans=spans)
    rows = TOKENS.flatten()
    sums = [float(losses(model.model, rows[start:end][None]).double().sum()) for start, end in spans]
    assert found["n_tokens"] == 19 + 12 + 19
    assert found["clean"] == pytest.approx(sum(sums) / 50, rel=1e-5)


def test_an_input_site_is_measured_at_the_input(parts):
    model, sae, site = parts
    before = replace(site, kind="input", name="blocks.2.hook_resid_pre")
    found = recovery(parts, site=before)
    with torch.no_grad():
        wanted = hooked(model.model, before, lambda x: sae.sae.decode(sae.sae.encode(x)) - x)
    assert found["spliced"] == pytest.approx(float(wanted.double().mean()), rel=1e-5)
    assert found["spliced"] != pytest.approx(recovery(parts)["spliced"], rel=1e-3)
