"""Ablation against one full forward per feature with a plain hook, and against sae-lens."""

import copy

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

import tiny
from saescope.effects.ablation import Ablator, Measured, ValueChange
from saescope.effects.batches import Batcher, plan
from saescope.effects.clean import CleanRun
from saescope.effects.writing import Writer
from saescope.errors import ComputeError
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
    "qwen3": SMALL,
    "gemma2": {**SMALL, "sliding_window": 8},
    "gemma3_text": {**SMALL, "sliding_window": 8},
    "mixtral": {k: v for k, v in SMALL.items() if k != "head_dim"} | {"num_local_experts": 4},
}
SITES = (
    "hook_embed", "blocks.0.hook_resid_pre", "blocks.1.hook_resid_post", "blocks.3.hook_resid_post",
    "blocks.0.hook_mlp_out", "blocks.2.hook_mlp_out", "blocks.1.hook_attn_out",
)  # fmt: skip
IDS = torch.randint(1, 300, (24,), generator=torch.Generator().manual_seed(5))
TOLERANCE = 1e-4


def make(family):
    torch.manual_seed(0)
    config = AutoConfig.for_model(
        family, **FAMILIES[family], bos_token_id=0, eos_token_id=0, pad_token_id=0, initializer_range=0.2
    )
    return AutoModelForCausalLM.from_config(config).eval()


def plain_logits(model, site, change):
    """One full forward with a hook of the plainest kind: ``change`` maps the module's input or output to a new one."""
    module = model.get_submodule(site.writes_to[0])

    def on_output(_module, _args, output):
        return (change(output[0]), *output[1:]) if isinstance(output, tuple) else change(output)

    if site.writes_to[1] == "input":
        handle = module.register_forward_pre_hook(lambda _m, args: (change(args[0]), *args[1:]))
    else:
        handle = module.register_forward_hook(on_output)
    try:
        with torch.no_grad():
            return model(IDS[None], use_cache=False).logits[0]
    finally:
        handle.remove()


def ready(model, **options):
    loaded = load_sae(tiny.sae(**options))
    site = find_site(LoadedModel(model, None, "tiny"), loaded)
    run = CleanRun(model, site, IDS)
    with torch.no_grad():
        loaded.sae.W_enc.mul_(3 / run.seen.std())
    return loaded.sae, site, run, Ablator(run, Writer(loaded.sae))


def firing(sae, run):
    with torch.no_grad():
        acts = sae.encode(run.seen)
    return acts, [(int(f), np.flatnonzero(acts[:, f].numpy())) for f in acts.any(0).nonzero().flatten()]


def edited(change):
    return lambda x: torch.cat([x[:, :0], x + change], dim=1)


def values_of(kind, acts, feature, at):
    draw = np.random.default_rng(feature)
    old = acts[at, feature].numpy()
    new = {
        "zero": np.zeros_like(old),
        "mean": np.full_like(old, 0.3),
        "resample": draw.exponential(size=len(at)).astype(np.float32),
    }[kind]
    return ValueChange(feature, np.asarray(at), old, new)


@pytest.mark.parametrize("kind", ["zero", "mean", "resample"])
@pytest.mark.parametrize("name", SITES)
@pytest.mark.parametrize("family", FAMILIES)
def test_logits_equal_those_of_a_full_forward_with_a_plain_hook(family, name, kind):
    model = make(family)
    sae, site, run, ablator = ready(model, hook_name=name)
    acts, fires = firing(sae, run)
    assert len(fires) > 20
    changes = [values_of(kind, acts, f, at) for f, at in fires[:6]]
    changes += [values_of(kind, acts, f, [p]) for f, p in ((fires[7][0], 12), (fires[8][0], 23), (fires[9][0], 0))]
    changes += [values_of(kind, acts, fires[10][0], np.arange(24))]
    edits = [ablator.edit(c) for c in changes]
    assert run.has_prefix
    clean = plain_logits(model, site, lambda x: x)
    precise = copy.deepcopy(sae).double()
    seen, moved = set(), 0.0
    for batch, logits in Batcher(run).logits(edits, is_last_only=False):
        for row, found in zip(batch.rows, logits, strict=True):
            seen.add(row)
            change = changes[row]

            def replaced(x, change=change):
                """What a user writes: encode, change, decode, keep the error; in float64, as large numbers cancel."""
                with torch.no_grad():
                    old = acts.double()
                    new = old.clone()
                    new[change.positions, change.feature] = torch.from_numpy(change.new).double()
                    return (x - precise.decode(old) + precise.decode(new)).to(x)

            wanted = plain_logits(model, site, replaced)
            torch.testing.assert_close(found, wanted[batch.start :], rtol=TOLERANCE, atol=TOLERANCE)
            moved = max(moved, float((wanted - clean).abs().max()))
    assert seen == set(range(len(changes)))
    assert moved > 100 * TOLERANCE


def test_the_user_s_model_keeps_its_mode_hooks_and_gradients():
    model = make("llama").train()
    seen = []
    handle = model.model.layers[3].register_forward_hook(lambda *_: seen.append(1))
    before = {name: p.requires_grad for name, p in model.named_parameters()}
    _, _, _, ablator = ready(model)
    list(
        ablator.measure([ablator.edit(ValueChange(1, np.array([3]), np.ones(1, "f4"), np.zeros(1, "f4")))], measured())
    )
    assert seen == []
    assert model.training
    assert all(m.training for m in model.modules())
    assert {name: p.requires_grad for name, p in model.named_parameters()} == before
    assert all(p.grad is None for p in model.parameters())
    assert sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules()) == 1
    handle.remove()


def measured(**options):
    return Measured(torch.cat([IDS[1:], IDS[:1]]), **options)


def test_a_model_whose_layers_remember_otherwise_computes_every_position():
    model = make("llama")
    sae, site, run, ablator = ready(model)
    run._pairs = None
    acts, fires = firing(sae, run)
    change = values_of("zero", acts, fires[0][0], [20])
    ((batch, logits),) = Batcher(run).logits([ablator.edit(change)], is_last_only=False)
    wanted = plain_logits(model, site, lambda x: x.index_add(1, torch.tensor([20]), ablator.edit(change).vectors[None]))
    assert batch.start == 0
    torch.testing.assert_close(logits[0], wanted, rtol=TOLERANCE, atol=TOLERANCE)


def test_a_stop_ends_the_run_between_layers():
    model = make("llama")
    _, _, run, ablator = ready(model)
    calls = []

    def check():
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt

    run.check = check
    edit = ablator.edit(ValueChange(1, np.array([3]), np.ones(1, "f4"), np.zeros(1, "f4")))
    with pytest.raises(KeyboardInterrupt):
        list(ablator.measure([edit], measured()))
    assert len(calls) == 3


def test_a_batch_without_memory_is_halved_and_nothing_is_lost(monkeypatch):
    model = make("llama")
    sae, _, run, ablator = ready(model)
    acts, fires = firing(sae, run)
    edits = [ablator.edit(values_of("zero", acts, f, [20])) for f, _ in fires[:9]]
    wanted = {e.row: e.change.kl for e in ablator.measure(edits, measured())}
    real, sizes = run.changed, []

    def scarce(deltas, *args, **kwargs):
        sizes.append(len(deltas))
        if len(deltas) > 2:
            raise torch.OutOfMemoryError("no memory")
        return real(deltas, *args, **kwargs)

    monkeypatch.setattr(run, "changed", lambda d, *a, **k: real(d, *a, **k) if d is None else scarce(d, *a, **k))
    found = {e.row: e.change.kl for e in ablator.measure(edits, measured())}
    assert max(sizes) > 2
    assert found.keys() == wanted.keys()
    assert all(torch.allclose(found[r], wanted[r], atol=1e-6) for r in wanted)

    def none(deltas, *args, **kwargs):
        raise torch.OutOfMemoryError("no memory")

    monkeypatch.setattr(run, "changed", none)
    with pytest.raises(ComputeError, match="no memory for one run"):
        list(Batcher(run).logits(edits, is_last_only=True))


def test_a_model_that_is_not_finite_is_told():
    model = make("llama")
    with torch.no_grad():
        model.model.layers[3].mlp.down_proj.weight.fill_(float("nan"))
    with pytest.raises(ComputeError, match="not finite"):
        ready(model)


@pytest.mark.parametrize("most", [1, 40, 512])
def test_batches_hold_every_row_once_and_keep_to_their_size(most):
    firsts = [23, 3, 23, 20, 3, 0, 11, 12]
    batches = plan(firsts, 24, most)
    assert sorted(r for b in batches for r in b.rows) == list(range(8))
    for batch in batches:
        assert batch.start == min(firsts[r] for r in batch.rows)
        assert len(batch.rows) == 1 or len(batch.rows) * (24 - batch.start) <= most


@pytest.mark.parametrize("normalize", ["layer_norm", "constant_norm_rescale"])
def test_an_sae_that_normalises_writes_in_the_token_s_own_scale(normalize):
    sae = tiny.sae("standard")
    sae.cfg.normalize_activations = normalize
    sae._setup_activation_normalization()
    x = torch.randn(6, 32, generator=torch.Generator().manual_seed(2)) * 3 + 1
    writer = Writer(sae)
    with torch.no_grad():
        acts = sae.encode(x)
        decoded = sae.decode(acts)
        changed = acts.clone()
        changed[:, 5] += 2.5
        sae.encode(x)
        wanted = sae.decode(changed) - decoded
    found = 2.5 * writer.scales(x)[:, None] * writer.directions([5])
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


def test_a_decoder_we_do_not_know_is_asked_what_it_writes():
    sae = tiny.sae("standard")
    wanted = Writer(sae).directions([3, 9])
    writer = Writer(sae)
    writer._kind = "another"
    torch.testing.assert_close(writer.directions([3, 9]), wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("family", ["gpt2", "llama", "gemma2"])
def test_a_transcoder_is_changed_where_it_writes(family):
    model = make(family)
    sae, site, run, ablator = ready(
        model, kind="transcoder", hook_name="blocks.1.mlp.hook_in", hook_name_out="blocks.1.hook_mlp_out"
    )
    acts, fires = firing(sae, run)
    change = values_of("zero", acts, *fires[3])
    ((batch, logits),) = Batcher(run).logits([ablator.edit(change)], is_last_only=False)

    def replaced(x):
        new = acts.clone()
        new[change.positions, change.feature] = 0
        with torch.no_grad():
            return x + sae.decode(new) - sae.decode(acts)

    wanted = plain_logits(model, site, replaced)
    assert (wanted - plain_logits(model, site, lambda x: x)).abs().max() > 100 * TOLERANCE
    torch.testing.assert_close(logits[0], wanted[batch.start :], rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize("kind", ["standard", "topk", "gated"])
def test_other_architectures_are_changed_as_exactly(kind):
    model = make("llama")
    sae, site, run, ablator = ready(model, kind=kind)
    acts, fires = firing(sae, run)
    changes = [values_of("resample", acts, f, at) for f, at in fires[:4]]
    for batch, logits in Batcher(run).logits([ablator.edit(c) for c in changes], is_last_only=False):
        for row, found in zip(batch.rows, logits, strict=True):
            new = acts.clone()
            new[changes[row].positions, changes[row].feature] = torch.from_numpy(changes[row].new)
            with torch.no_grad():
                delta = sae.decode(new) - sae.decode(acts)
            wanted = plain_logits(model, site, lambda x, d=delta: x + d)
            torch.testing.assert_close(found, wanted[batch.start :], rtol=TOLERANCE, atol=TOLERANCE)
