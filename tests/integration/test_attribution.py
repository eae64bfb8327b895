"""Attribution against plain hooks, torch's own autograd, and models in which each feature's effect is known."""

import numpy as np
import pytest
import torch
from test_ablation import IDS, make

import tiny
from saescope.effects.ablation import Ablator
from saescope.effects.attribution import REGISTRY
from saescope.effects.attribution.question import Question, Units
from saescope.effects.clean import CleanRun
from saescope.effects.writing import Writer
from saescope.engine.encoder import Encoder
from saescope.errors import ComputeError
from saescope.sources.model import LoadedModel
from saescope.sources.sae import load_sae
from saescope.sources.site import final_norm, find_site

TARGET, CONTRAST = 17, 90
TOLERANCE = 1e-4
FAMILIES = ("llama", "gpt2", "gemma2")
SITES = ("blocks.1.hook_resid_post", "blocks.0.hook_mlp_out")
LAST = len(IDS) - 1


def ready(family="llama", *, name="blocks.1.hook_resid_post", kind="jumprelu", model=None):
    model = model or make(family)
    loaded = load_sae(tiny.sae(kind, hook_name=name))
    site = find_site(LoadedModel(model, None, "tiny"), loaded)
    run = CleanRun(model, site, IDS)
    with torch.no_grad():
        loaded.sae.W_enc.mul_(3 / run.seen.std())
        loaded.sae.W_dec.mul_(0.1 * run.seen.std())
    return model, loaded.sae, site, Ablator(run, Writer(loaded.sae))


def question_of(ablator, sae, by="pair", contrast=None, positions=None):
    meant = np.zeros(len(IDS), dtype=bool)
    meant[1 if positions is None else positions] = True
    if positions is None:
        meant[1:] = True
    return Question(ablator, Units.of(Encoder(sae).encode(ablator.run.seen), meant, by), TARGET, contrast)


def answer(name, question):
    found = np.full(question.units.n, np.nan, dtype=np.float32)
    facts = {}
    for part in REGISTRY.get(name)(question):
        found[part.units] = part.values
        facts |= part.facts
    return found, facts


def plain_metric(model, site, edit, contrast=None):
    """The metric after one full forward with a plain hook that changes the site's activation ``[seq, d]``."""

    def hook(_module, _args, output):
        whole = output[0] if isinstance(output, tuple) else output
        new = edit(whole[0])[None]
        return (new, *output[1:]) if isinstance(output, tuple) else new

    handle = model.get_submodule(site.writes_to[0]).register_forward_hook(hook)
    try:
        logits = model(IDS[None], use_cache=False).logits[0, -1].float()
    finally:
        handle.remove()
    return logits.log_softmax(-1)[TARGET] if contrast is None else logits[TARGET] - logits[contrast]


def sae_acts(sae, run):
    with torch.no_grad():
        return sae.encode(run.seen)


@pytest.mark.parametrize("contrast", [None, CONTRAST])
@pytest.mark.parametrize("name", SITES)
@pytest.mark.parametrize("family", FAMILIES)
def test_gradient_is_torch_s_own_through_a_dense_decode(family, name, contrast):
    model, sae, site, ablator = ready(family, name=name)
    question = question_of(ablator, sae, contrast=contrast)
    acts = sae_acts(sae, ablator.run)
    delta = torch.zeros_like(acts, requires_grad=True)
    with torch.no_grad():
        before = sae.decode(acts)
    metric = plain_metric(model, site, lambda x: x - before + sae.decode(acts + delta), contrast)
    (slope,) = torch.autograd.grad(metric, delta)
    wanted = (acts * slope).detach().numpy()[question.units.pos, question.units.features]
    found, _ = answer("gradient", question)
    assert np.abs(wanted).max() > 100 * TOLERANCE
    np.testing.assert_allclose(found, wanted, atol=TOLERANCE, rtol=TOLERANCE)
    by_feature, _ = answer("gradient", question_of(ablator, sae, "feature", contrast))
    own = np.unique(question.units.features)
    np.testing.assert_allclose(by_feature, (acts * slope)[1:].sum(0).detach().numpy()[own], atol=TOLERANCE)


@pytest.mark.parametrize("by", ["pair", "feature", "token"])
@pytest.mark.parametrize("family", FAMILIES)
def test_exact_is_minus_the_change_of_a_full_forward_with_a_plain_hook(family, by):
    model, sae, site, ablator = ready(family)
    question = question_of(ablator, sae, by)
    order = np.random.default_rng(0).permutation(question.units.n)[:12]
    found, _ = answer("exact", question.only(order))
    assert np.isfinite(found).sum() == len(order)
    acts = sae_acts(sae, ablator.run)
    with torch.no_grad():
        clean = plain_metric(model, site, lambda x: x)
        for unit in order:
            pairs = question.units.pairs_of(int(unit))
            new = acts.clone()
            new[question.units.pos[pairs], question.units.features[pairs].astype(np.int64)] = 0
            change = plain_metric(model, site, lambda x, new=new: x - sae.decode(acts) + sae.decode(new)) - clean
            assert found[unit] == pytest.approx(-float(change), abs=TOLERANCE)
    assert np.nanmax(np.abs(found)) > 100 * TOLERANCE


def test_exact_of_a_contrast_is_in_logits_and_comes_in_the_order_asked_for():
    model, sae, site, ablator = ready()
    question = question_of(ablator, sae, contrast=CONTRAST)
    order = np.argsort(-question.units.pos, kind="stable")[::7].copy()
    parts = list(REGISTRY.get("exact")(question.only(order)))
    assert np.concatenate([part.units for part in parts]).tolist() == order.tolist()
    assert [part.done for part in parts][-1] == parts[0].total == len(order)
    unit = int(order[0])
    acts = sae_acts(sae, ablator.run)
    new = acts.clone()
    new[question.units.pos[unit], int(question.units.features[unit])] = 0
    with torch.no_grad():
        change = plain_metric(model, site, lambda x: x + sae.decode(new) - sae.decode(acts), CONTRAST)
        change = change - plain_metric(model, site, lambda x: x, CONTRAST)
    assert parts[0].values[0] == pytest.approx(-float(change), abs=TOLERANCE)


@pytest.mark.parametrize("contrast", [None, CONTRAST])
@pytest.mark.parametrize("family", FAMILIES)
def test_direct_is_the_logit_through_the_frozen_norm(family, contrast):
    model, sae, _site, ablator = ready(family)
    question = question_of(ablator, sae, contrast=contrast)
    acts = sae_acts(sae, ablator.run)
    x = ablator.run.final[-1]
    norm, head = final_norm(model), model.get_output_embeddings().weight
    with torch.no_grad():
        if isinstance(norm, torch.nn.LayerNorm):
            through = lambda d: (d - d.mean()) / (x.var(unbiased=False) + norm.eps).sqrt() * norm.weight  # noqa: E731
        else:
            eps = getattr(norm, "variance_epsilon", None) or norm.eps
            gain = norm.weight + (1 if family == "gemma2" else 0)
            through = lambda d: d / (x.square().mean() + eps).sqrt() * gain  # noqa: E731
        other = head.mean(0) if contrast is None else head[contrast]
        wanted = [
            float(a * (through(sae.W_dec[f]) @ (head[TARGET] - other))) for f, a in enumerate(acts[-1].tolist()) if a
        ]
    found, _ = answer("direct", question)
    is_last = question.units.pos == LAST
    assert (found[~is_last] == 0).all()
    assert np.abs(wanted).max() > 100 * TOLERANCE
    np.testing.assert_allclose(found[is_last], wanted, atol=1e-5, rtol=TOLERANCE)


def test_the_mean_row_follows_the_weights():
    from saescope.effects.attribution.direct import mean_row

    weight = torch.nn.Parameter(torch.randn(40, 8))
    before = mean_row(weight)
    assert mean_row(weight) is before
    with torch.no_grad():
        weight.add_(1)
    torch.testing.assert_close(mean_row(weight), before + 1)


@pytest.mark.parametrize("positions", [None, [LAST], [5, 9]])
@pytest.mark.parametrize("family", FAMILIES)
def test_integrated_gradients_add_up_to_the_effect_of_turning_all_off(family, positions):
    model, sae, site, ablator = ready(family)
    question = question_of(ablator, sae, positions=positions)
    found, facts = answer("integrated", question)
    acts = sae_acts(sae, ablator.run)
    off = acts.clone()
    off[slice(1, None) if positions is None else positions] = 0
    with torch.no_grad():
        clean = plain_metric(model, site, lambda x: x)
        effect = float(clean - plain_metric(model, site, lambda x: x - sae.decode(acts) + sae.decode(off)))
    assert facts["effect"] == pytest.approx(effect, abs=TOLERANCE)
    assert abs(effect) > 1e-3
    assert abs(found.sum() - effect) < 0.02 * abs(effect)
    assert abs(facts["error"]) < 0.02 * abs(effect)
    middle = torch.zeros_like(acts, requires_grad=True)
    mean = 0
    for share in (np.arange(150) + 0.5) / 150:
        metric = plain_metric(
            model, site, lambda x, s=share: x - sae.decode(acts) + sae.decode(off + s * (acts - off) + middle)
        )
        mean = mean + torch.autograd.grad(metric, middle)[0] / 150
    wanted = ((acts - off) * mean).detach().numpy()[question.units.pos, question.units.features]
    np.testing.assert_allclose(found, wanted, atol=0.02 * max(np.abs(wanted).max(), 0.01))


class Linear(torch.nn.Module):
    """A block that adds a fixed mixture of what it is given, so that every effect is known in closed form."""

    def __init__(self, mix):
        super().__init__()
        self.mix = torch.nn.Parameter(mix)

    def forward(self, hidden_states, *_args, **_kwargs):
        return hidden_states + hidden_states @ self.mix


@pytest.fixture
def planted():
    """A model that is linear after the site, an SAE with one feature a direction, and each pair's true effect."""
    model = make("llama")
    width = model.config.hidden_size
    draw = torch.Generator().manual_seed(3)
    for n in (2, 3):
        model.model.layers[n] = Linear(0.1 * torch.randn(width, width, generator=draw))
    model.model.norm = torch.nn.Identity()
    model, sae, _site, ablator = ready(model=model)
    with torch.no_grad():
        ablator.writer._sae.W_dec.zero_()
        sae.W_dec[:, 0] = 0.5
        later = torch.eye(width) + torch.zeros(width, width)
        for n in (2, 3):
            later = later @ (torch.eye(width) + model.model.layers[n].mix)
        head = model.get_output_embeddings().weight
        per_unit = float(sae.W_dec[0] @ later @ (head[TARGET] - head[CONTRAST]))
    return model, sae, ablator, per_unit


def test_planted_effects_are_found_by_every_method_and_nothing_else_gets_credit(planted):
    _model, sae, ablator, per_unit = planted
    question = question_of(ablator, sae, contrast=CONTRAST)
    units = question.units
    wanted = np.where(units.pos == LAST, units.values * per_unit, 0)
    assert np.abs(wanted).max() > 0.01
    for name in ("gradient", "integrated", "exact"):
        found, _ = answer(name, question)
        np.testing.assert_allclose(found, wanted, atol=2e-5, err_msg=name)
    activation, _ = answer("activation", question)
    np.testing.assert_array_equal(activation, units.values)


def test_a_feature_that_writes_only_to_the_target_raises_it_and_has_a_positive_figure(planted):
    model, sae, ablator, _ = planted
    head = model.get_output_embeddings().weight
    with torch.no_grad():
        for n in (2, 3):
            model.model.layers[n].mix.zero_()
        sae.W_dec.zero_()
        question = question_of(ablator, sae, positions=[LAST])
        good = int(question.units.features[0])
        sae.W_dec[good] = head[TARGET] - head.mean(0)
    question = question_of(ablator, sae, positions=[LAST])
    for name in ("direct", "gradient", "integrated", "exact"):
        found, _ = answer(name, question)
        assert found[0] > 0.01, name
        np.testing.assert_allclose(found[1:], 0, atol=1e-6, err_msg=name)


def test_no_gradient_is_left_on_the_user_s_model_and_nothing_of_it_is_changed():
    model = make("llama").train()
    next(model.parameters()).requires_grad_(False)
    before = {name: p.requires_grad for name, p in model.named_parameters()}
    model, sae, _site, ablator = ready(model=model)
    for p in (model.lm_head.weight, sae.W_dec):
        assert p.grad is None
    for name in REGISTRY.names():
        answer(name, question_of(ablator, sae, positions=[LAST]))
    assert {name: p.requires_grad for name, p in model.named_parameters()} == before
    assert all(p.grad is None for p in [*model.parameters(), *sae.parameters()])
    assert model.training
    assert sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules()) == 0
    with torch.no_grad():
        found, _ = answer("gradient", question_of(ablator, sae))
    assert np.abs(found).max() > 0


def test_a_slope_that_is_not_finite_is_told():
    _model, sae, _site, ablator = ready()
    question = question_of(ablator, sae)
    real = ablator.run.changed

    def broken(deltas, *args, **kwargs):
        return real(deltas, *args, **kwargs) * (deltas.sum() * 0 + 1e38) * 1e38

    ablator.run.changed = broken
    with pytest.raises(ComputeError, match="gradient of the prediction is not finite"):
        answer("gradient", question)


@pytest.mark.parametrize("name", REGISTRY.names())
def test_where_nothing_fires_there_is_nothing_to_tell(name):
    _model, sae, _site, ablator = ready()
    question = Question(
        ablator, Units.of(Encoder(sae).encode(ablator.run.seen), np.zeros(len(IDS), dtype=bool), "feature"), TARGET
    )
    found, _ = answer(name, question)
    assert found.shape == (0,)


def test_transcoders_credit_what_they_write_where_they_write_it():
    model = make("llama")
    loaded = load_sae(tiny.sae("transcoder", hook_name="blocks.1.mlp.hook_in", hook_name_out="blocks.1.hook_mlp_out"))
    site = find_site(LoadedModel(model, None, "tiny"), loaded)
    run = CleanRun(model, site, IDS)
    ablator = Ablator(run, Writer(loaded.sae))
    with torch.no_grad():
        loaded.sae.W_enc.mul_(3 / run.seen.std())
    question = question_of(ablator, loaded.sae, positions=[LAST])
    acts = sae_acts(loaded.sae, run)
    delta = torch.zeros_like(acts, requires_grad=True)
    metric = plain_metric(model, site, lambda x: x - loaded.sae.decode(acts).detach() + loaded.sae.decode(acts + delta))
    (slope,) = torch.autograd.grad(metric, delta)
    wanted = (acts * slope).detach().numpy()[question.units.pos, question.units.features]
    found, _ = answer("gradient", question)
    np.testing.assert_allclose(found, wanted, atol=TOLERANCE, rtol=TOLERANCE)
