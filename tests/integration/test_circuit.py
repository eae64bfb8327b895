"""Circuits against plain torch: hooks on the user's own model, and loops over heads and tokens."""

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

import tiny
from saescope.effects.circuit import weights
from saescope.effects.circuit.between import Between, activations_at, followed, ties_upstream
from saescope.effects.circuit.blocks import Blocks
from saescope.effects.circuit.downstream import Aimed, reach
from saescope.effects.circuit.place import place_of
from saescope.effects.circuit.trace import Tracer
from saescope.effects.circuit.upstream import decompose
from saescope.effects.clean import CleanRun
from saescope.effects.reading import Reading
from saescope.effects.writing import Writer
from saescope.engine.encoder import Encoder
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
    "granite": {k: v for k, v in SMALL.items() if k != "head_dim"}
    | {"residual_multiplier": 0.4, "logits_scaling": 3.0},
}
SITES = (
    "hook_embed",
    "blocks.1.hook_resid_post",
    "blocks.2.hook_resid_pre",
    "blocks.2.hook_attn_out",
    "blocks.1.hook_mlp_out",
)
IDS = torch.randint(1, 300, (24,), generator=torch.Generator().manual_seed(5))
POS = 19


def make(family, **options):
    torch.manual_seed(0)
    config = AutoConfig.for_model(
        family, **FAMILIES[family], bos_token_id=0, eos_token_id=0, pad_token_id=0, initializer_range=0.2
    )
    model = AutoModelForCausalLM.from_config(config, **options).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim == 1:
                parameter.add_(0.1 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(len(name))))
    return model


def ready(model, kind="jumprelu", **options):
    loaded = load_sae(tiny.sae(kind, **options))
    site = find_site(LoadedModel(model, None, "tiny"), loaded)
    run = CleanRun(model, site, IDS)
    with torch.no_grad():
        loaded.sae.W_enc.mul_(3 / run.seen.std())
    return loaded.sae, site, run


def never():
    """Nobody stops it."""


def fires_at(sae, run, pos):
    with torch.no_grad():
        found = sae.encode(run.seen)[pos]
    return int(found.argmax()), float(found.max())


def captured(model, paths, kind="output"):
    """What modules give (or take) on the text, with hooks of the plainest kind on the model itself."""
    found, handles = {}, []
    for path in paths:
        module = model.get_submodule(path)

        def keep(value, path=path):
            found[path] = (value[0] if isinstance(value, tuple) else value)[0].detach()

        if kind == "input":
            handles.append(module.register_forward_pre_hook(lambda _m, args, keep=keep: keep(args[0])))
        else:
            handles.append(module.register_forward_hook(lambda _m, _a, out, keep=keep: keep(out)))
    with torch.no_grad():
        model(input_ids=IDS[None], use_cache=False)
    for handle in handles:
        handle.remove()
    return found


@pytest.mark.parametrize("name", SITES)
@pytest.mark.parametrize("family", FAMILIES)
def test_the_parts_sum_to_the_sae_s_own_activation(family, name):
    model = make(family)
    sae, site, run = ready(model, hook_name=name)
    feature, activation = fires_at(sae, run, POS)
    assert activation > 0
    found = decompose(Tracer(model, site, never).run(IDS, POS), Reading(sae, site), feature, POS)
    assert found.notes == []
    size = sum(abs(part.score) for part in found.parts)
    assert found.total == pytest.approx(activation, abs=1e-4 * size)
    assert abs(found.rest) < 1e-4 * size
    heads = [part for part in found.parts if part.kind == "head"]
    assert len(heads) == {"hook_embed": 0, "blocks.1.hook_mlp_out": 0, "blocks.2.hook_attn_out": 4}.get(name, 8)
    for part in heads:
        assert part.sources[POS + 1 :].any() == 0
        assert part.sources.sum() == pytest.approx(part.score, abs=1e-4 * size)


@pytest.mark.parametrize("kind", ["standard", "topk", "gated", "jumprelu"])
@pytest.mark.parametrize("normalize", ["none", "layer_norm", "constant_norm_rescale"])
def test_a_pre_activation_is_the_activation_where_a_feature_fires(kind, normalize):
    model = make("llama")
    loaded = load_sae(tiny.sae(kind, hook_name="blocks.1.hook_resid_post"))
    loaded.sae.cfg.normalize_activations = normalize
    loaded.sae._setup_activation_normalization()
    site = find_site(LoadedModel(model, None, "tiny"), loaded)
    run = CleanRun(model, site, IDS)
    with torch.no_grad():
        loaded.sae.W_enc.mul_(3 / run.seen.std())
        acts = loaded.sae.encode(run.seen)
    found = Reading(loaded.sae, site).preactivations(run.seen)
    fires = acts > 0
    assert fires.sum() > 20
    torch.testing.assert_close(found[fires], acts[fires], rtol=1e-4, atol=1e-4)
    feature = int(acts[POS].argmax())
    parts = decompose(Tracer(model, site, never).run(IDS, POS), Reading(loaded.sae, site), feature, POS)
    assert parts.total == pytest.approx(float(acts[POS, feature]), rel=1e-3)


def test_a_transcoder_s_feature_reads_through_the_mlp_s_norm():
    for family in ("gpt2", "gpt_neox", "llama", "gemma2"):
        model = make(family)
        sae, site, run = ready(
            model, "transcoder", hook_name="blocks.2.mlp.hook_in", hook_name_out="blocks.2.hook_mlp_out"
        )
        feature, activation = fires_at(sae, run, POS)
        found = decompose(Tracer(model, site, never).run(IDS, POS), Reading(sae, site), feature, POS)
        assert found.total == pytest.approx(activation, rel=1e-3)
        n_blocks = 2 if family == "gpt_neox" else 3
        assert sum(part.kind == "head" for part in found.parts) == 4 * n_blocks


OUT = {
    "gpt2": ("transformer.h.{}.attn.c_proj", None),
    "llama": ("model.layers.{}.self_attn.o_proj", None),
    "gemma2": ("model.layers.{}.self_attn.o_proj", "model.layers.{}.post_attention_layernorm"),
}


@pytest.mark.parametrize("family", OUT)
def test_a_head_s_part_is_what_zeroing_its_slice_takes_away_with_all_else_frozen(family):
    model = make(family)
    sae, site, run = ready(model, hook_name="blocks.2.hook_resid_post")
    feature, _ = fires_at(sae, run, POS)
    found = decompose(Tracer(model, site, never).run(IDS, POS), Reading(sae, site), feature, POS)
    pattern, norm_pattern = OUT[family]
    reads = sae.W_enc[:, feature].detach()
    seen = 0
    for layer in range(3):
        path = pattern.format(layer)
        z = captured(model, [path], "input")[path][POS]
        project = model.get_submodule(path)
        for head in range(4):
            without = z.clone()
            without[head * 8 : head * 8 + 8] = 0
            with torch.no_grad():
                raw, lost = project(z), project(z) - project(without)
            if norm_pattern:
                norm = model.get_submodule(norm_pattern.format(layer))
                lost = lost * (1 + norm.weight) * torch.rsqrt(raw.square().mean() + norm.eps)
            own = next(p for p in found.parts if (p.kind, p.layer, p.head) == ("head", layer, head))
            assert own.score == pytest.approx(float((lost @ reads).detach()), abs=1e-4)
            seen += abs(own.score)
    assert seen > 0.1


def test_a_head_s_sources_are_attention_weights_times_values():
    model = make("llama", attn_implementation="eager")
    sae, site, run = ready(model, hook_name="blocks.2.hook_resid_post")
    feature, _ = fires_at(sae, run, POS)
    found = decompose(Tracer(model, site, never).run(IDS, POS), Reading(sae, site), feature, POS)
    with torch.no_grad():
        patterns = model(input_ids=IDS[None], use_cache=False, output_attentions=True).attentions
    reads = sae.W_enc[:, feature].detach()
    for layer in range(3):
        attention = model.model.layers[layer].self_attn
        values = captured(model, [f"model.layers.{layer}.self_attn.v_proj"]).popitem()[1]
        for head in range(4):
            shared = head // 2
            own = next(p for p in found.parts if (p.kind, p.layer, p.head) == ("head", layer, head))
            for source in range(24):
                mixed = patterns[layer][0, head, POS, source] * values[source, shared * 8 : shared * 8 + 8]
                wanted = float(attention.o_proj.weight[:, head * 8 : head * 8 + 8].detach() @ mixed @ reads)
                assert float(own.sources[source]) == pytest.approx(wanted, abs=1e-4)


def test_a_model_s_blocks_that_are_no_sums_are_given_whole():
    model = make("llama")
    block = model.model.layers[1]
    plain = block.forward
    block.forward = lambda *args, **kwargs: 1.1 * plain(*args, **kwargs)
    sae, site, run = ready(model, hook_name="blocks.2.hook_resid_post")
    feature, activation = fires_at(sae, run, POS)
    found = decompose(Tracer(model, site, never).run(IDS, POS), Reading(sae, site), feature, POS)
    assert [p.layer for p in found.parts if p.kind == "block"] == [1]
    assert "block 1" in found.notes[0]
    assert found.total == pytest.approx(activation, rel=1e-4)


def test_the_user_s_model_and_its_configuration_stay_as_they_were():
    model = make("llama").train()
    before = (
        model.config._attn_implementation,
        model.training,
        {n: p.requires_grad for n, p in model.named_parameters()},
    )
    configs = {id(m.config) for m in model.modules() if hasattr(m, "config")}
    sae, site, run = ready(model, hook_name="blocks.2.hook_resid_post")
    feature, activation = fires_at(sae, run, POS)
    decompose(Tracer(model, site, never).run(IDS, POS), Reading(sae, site), feature, POS)
    delta = -activation * Writer(sae).directions([feature])[0]
    reach(run, Blocks(model), place_of(model, *site.writes_to), delta, POS, Aimed(23, 7))
    after = (
        model.config._attn_implementation,
        model.training,
        {n: p.requires_grad for n, p in model.named_parameters()},
    )
    assert before == after
    assert before[0] != "eager"
    assert configs == {id(m.config) for m in model.modules() if hasattr(m, "config")}
    assert all(p.grad is None for p in model.parameters())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


def test_writers_and_readers_by_weights_equal_loops():
    model = make("llama")
    sae, site, _ = ready(model, hook_name="blocks.1.hook_resid_post")
    blocks, reading, writer = Blocks(model), Reading(sae, site), Writer(sae)
    place = place_of(model, site.module, site.kind)
    others = weights.others(9, 256)
    assert len(others) == weights.N_OTHERS
    assert 9 not in others

    def unit(rows):
        return rows / rows.norm()

    def slices(layer, head):
        attention, shared = model.model.layers[layer].self_attn, head // 2
        own = slice(8 * head, 8 * head + 8)
        kv = slice(8 * shared, 8 * shared + 8)
        return (
            attention.q_proj.weight[own], attention.k_proj.weight[kv],
            attention.v_proj.weight[kv], attention.o_proj.weight[:, own],
        )  # fmt: skip

    def write(layer, head, feature):
        gain = model.model.layers[layer].input_layernorm.weight
        _, _, value, out = slices(layer, head)
        return float(((out @ value * gain).T @ unit(sae.W_enc[:, feature])).norm())

    found = {(s.layer, s.head): s for s in weights.writers(blocks, place, reading, 9, never) if s.kind == "head"}
    assert set(found) == {(layer, head) for layer in range(2) for head in range(4)}
    with torch.no_grad():
        for (layer, head), own in found.items():
            assert own.score == pytest.approx(write(layer, head, 9), rel=1e-4)
            mean = np.mean([write(layer, head, other) for other in others])
            assert own.baseline == pytest.approx(mean, rel=1e-4)
        read = [s for s in weights.readers(blocks, place, writer, 9, 256, never) if s.kind == "head"]
        assert {s.layer for s in read} == {2, 3}
        for s in read:
            gain = model.model.layers[s.layer].input_layernorm.weight
            query, key, value, out = slices(s.layer, s.head)
            seen = gain * unit(sae.W_dec[9])
            made = {"query": query @ seen, "key": key @ seen, "value": out @ (value @ seen)}[s.role]
            assert s.score == pytest.approx(float(made.norm()), rel=1e-4)
        assert [s.head for s in read if (s.layer, s.role) == (2, "key")] == [0, 2]


def ablated(model, site, delta, pos):
    """Logits and hidden states with a vector added at one position, by a plain hook."""

    def change(_module, _args, output):
        tensor = (output[0] if isinstance(output, tuple) else output).clone()
        tensor[0, pos] += delta
        return (tensor, *output[1:]) if isinstance(output, tuple) else tensor

    handle = model.get_submodule(site.writes_to[0]).register_forward_hook(change)
    try:
        with torch.no_grad():
            return model(input_ids=IDS[None], use_cache=False).logits[0]
    finally:
        handle.remove()


@pytest.mark.parametrize("at", [POS, 23])
@pytest.mark.parametrize("name", ["blocks.0.hook_resid_post", "blocks.1.hook_mlp_out", "blocks.3.hook_resid_post"])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_last_steps_sum_to_the_effect_of_a_plain_hook(family, name, at):
    model = make(family)
    sae, site, run = ready(model, hook_name=name)
    feature, activation = fires_at(sae, run, POS)
    delta = -activation * Writer(sae).directions([feature])[0]
    place = place_of(model, *site.writes_to)
    found = reach(run, Blocks(model), place, delta, POS, Aimed(at, 42))
    clean, changed = ablated(model, site, 0 * delta, POS), ablated(model, site, delta, POS)
    wanted = float((clean.log_softmax(-1) - changed.log_softmax(-1))[at, 42])
    assert found.effect == pytest.approx(wanted, abs=1e-4)
    assert found.notes == []
    assert found.total == pytest.approx(wanted, abs=2e-3 * max(abs(wanted), 0.05))
    pair = reach(run, Blocks(model), place, delta, POS, Aimed(at, 42, 17))
    logits = (clean - changed)[at]
    assert pair.effect == pytest.approx(float(logits[42] - logits[17]), abs=1e-4)
    assert pair.total == pytest.approx(pair.effect, abs=2e-3 * max(abs(pair.effect), 0.05))


def pair_of(model, up_name="blocks.0.hook_resid_post", down_name="blocks.2.hook_resid_post"):
    up, up_site, run = ready(model, hook_name=up_name)
    down, down_site, down_run = ready(model, hook_name=down_name)
    return up, up_site, run, down, down_site, down_run


@pytest.mark.parametrize("family", ["gpt2", "llama", "gemma2"])
def test_upstream_features_taken_out_equal_plain_ablations_and_the_estimate_ranks_them(family):
    model = make(family)
    up, up_site, run, down, down_site, down_run = pair_of(model)
    feature, value = fires_at(down, down_run, POS)
    between = Between(run, Encoder(up).encode(run.seen), Writer(up), Reading(down, down_site))
    pulls = between.pulls(feature, POS)
    assert all(pull.pos <= POS for pull in pulls)
    some = pulls[:12]
    exact = between.verified(some, feature, POS, never)
    for pull in exact:
        delta = -pull.activation * up.W_dec[pull.feature].detach()
        kept = {}
        module = model.get_submodule(down_site.module)
        handle = module.register_forward_hook(lambda _m, _a, out, kept=kept: kept.update(x=out))
        ablated(model, up_site, delta, pull.pos)
        handle.remove()
        x = (kept["x"][0] if isinstance(kept["x"], tuple) else kept["x"])[0, POS]
        with torch.no_grad():
            changed = float((x - down.b_dec) @ down.W_enc[:, feature] + down.b_enc[feature])
        assert pull.is_exact
        assert pull.score == pytest.approx(value - changed, abs=1e-4)
    estimates, measured = [p.score for p in some], [p.score for p in exact]
    assert np.corrcoef(estimates, measured)[0, 1] > 0.5


def test_downstream_features_equal_a_plain_ablation():
    model = make("llama")
    up, up_site, run, down, down_site, _ = pair_of(model)
    feature, activation = fires_at(up, run, POS)
    delta = -activation * up.W_dec[feature].detach()
    found = followed(run, delta, POS, down, down_site)
    states = []
    for change in (0 * delta, delta):
        handle = model.get_submodule(down_site.module).register_forward_hook(
            lambda _m, _a, out: states.append((out[0] if isinstance(out, tuple) else out)[0])
        )
        ablated(model, up_site, change, POS)
        handle.remove()
    with torch.no_grad():
        clean, changed = (down.encode(x) for x in states)
    wanted = (clean - changed).abs()
    moved = {
        (int(p), int(f)): a - b
        for p, f, a, b in zip(found.positions, found.features, found.clean, found.changed, strict=True)
    }
    assert set(moved) == {(int(p), int(f)) for p, f in (wanted > 1e-5).nonzero()} | {
        k for k in moved if abs(moved[k]) <= 1e-5
    }
    for (pos, number), by in moved.items():
        assert by == pytest.approx(float(clean[pos, number] - changed[pos, number]), abs=1e-4)
    sizes = [abs(v) for v in moved.values()]
    assert sizes == sorted(sizes, reverse=True)


def test_ties_by_weights_equal_products_of_matrices():
    model = make("llama")
    up, up_site, _, down, down_site, _ = pair_of(model)
    places = (place_of(model, *up_site.writes_to), place_of(model, down_site.module, down_site.kind))
    paths = ties_upstream(Blocks(model), places, Writer(up), Reading(down, down_site), 9, 256, never)
    assert [(layer, head) for _, layer, head in paths] == [(None, None)] + [(n, h) for n in (1, 2) for h in range(4)]
    with torch.no_grad():
        for scores, layer, head in paths:
            if layer is None:
                wanted = up.W_dec @ down.W_enc[:, 9]
            else:
                block, shared = model.model.layers[layer], head // 2
                value = block.self_attn.v_proj.weight[8 * shared : 8 * shared + 8]
                out = block.self_attn.o_proj.weight[:, 8 * head : 8 * head + 8]
                wanted = (up.W_dec * block.input_layernorm.weight) @ value.T @ out.T @ down.W_enc[:, 9]
            torch.testing.assert_close(scores, wanted, rtol=1e-4, atol=1e-5)


def bare():
    """A Llama whose blocks add nothing and whose heads attend evenly; one dimension of all tokens outweighs noise."""
    model = make("llama")
    with torch.no_grad():
        for block in model.model.layers:
            for linear in (
                block.self_attn.q_proj,
                block.self_attn.k_proj,
                block.self_attn.v_proj,
                block.self_attn.o_proj,
            ):
                linear.weight.zero_()
            block.mlp.down_proj.weight.zero_()
            block.input_layernorm.weight.fill_(1)
        model.model.norm.weight.fill_(1)
        model.model.embed_tokens.weight.normal_(std=0.01, generator=torch.Generator().manual_seed(1))
        model.model.embed_tokens.weight[:, 0] = 5
        model.lm_head.weight.normal_(std=0.01, generator=torch.Generator().manual_seed(2))
    return model


A, B, C, TOKEN = 3, 11, 23, 57


def plant(model, layer, head, read, write, strength=20.0):
    """One head that copies a dimension of what it reads into another."""
    attention, shared = model.model.layers[layer].self_attn, head // 2
    with torch.no_grad():
        attention.v_proj.weight[8 * shared, read] = 1
        attention.o_proj.weight[write, 8 * head] = strength


def test_a_planted_head_that_copies_a_token_into_the_feature_comes_first():
    model = bare()
    plant(model, 1, 2, A, B)
    with torch.no_grad():
        model.model.embed_tokens.weight[IDS[6], A] = 5
    sae, site, _run = ready(model, hook_name="blocks.2.hook_resid_post")
    with torch.no_grad():
        sae.W_enc[:, 9] = 0
        sae.W_enc[B, 9] = 1
    found = decompose(Tracer(model, site, never).run(IDS, POS), Reading(sae, site), 9, POS)
    parts = [p for p in found.parts if p.kind != "bias"]
    best = max(parts, key=lambda p: abs(p.score))
    assert (best.kind, best.layer, best.head) == ("head", 1, 2)
    assert abs(best.score) > 0.95 * sum(abs(p.score) for p in parts)
    assert int(np.abs(best.sources).argmax()) == 6
    assert abs(best.sources[6]) > 0.8 * np.abs(best.sources).sum()
    strengths = list(
        weights.writers(Blocks(model), place_of(model, site.module, site.kind), Reading(sae, site), 9, never)
    )
    first = max(strengths, key=lambda s: s.score)
    assert (first.kind, first.layer, first.head) == ("head", 1, 2)
    assert first.score > 5 * first.baseline
    assert all(s.score < 1e-6 for s in strengths if s is not first)


def test_a_planted_head_that_reads_the_feature_comes_first():
    model = bare()
    plant(model, 2, 1, B, C)
    with torch.no_grad():
        model.lm_head.weight[TOKEN, C] = 3
    sae, site, run = ready(model, hook_name="blocks.0.hook_resid_post")
    with torch.no_grad():
        sae.W_dec[9] = 0
        sae.W_dec[9, B] = 1
    delta = -4 * Writer(sae).directions([9])[0]
    run = CleanRun(model, site, IDS)
    with_it = reach(run, Blocks(model), place_of(model, *site.writes_to), -delta, POS, Aimed(23, TOKEN))
    assert with_it.effect < -0.1
    best = max(with_it.steps, key=lambda s: abs(s.score))
    assert (best.kind, best.layer, best.head) == ("head", 2, 1)
    assert abs(best.score) > 0.95 * sum(abs(s.score) for s in with_it.steps)
    readers = list(weights.readers(Blocks(model), place_of(model, *site.writes_to), Writer(sae), 9, 256, never))
    first = max((s for s in readers if s.role == "value"), key=lambda s: s.score)
    assert (first.layer, first.head) == (2, 1)
    assert first.score > 3 * first.baseline


def test_a_later_site_reached_with_nothing_changed_is_the_clean_one():
    model = make("gemma2")
    _up, _up_site, run, _down, down_site, down_run = pair_of(model)
    x = activations_at(run, down_site, None, 0)[0]
    torch.testing.assert_close(x, down_run.seen, rtol=1e-4, atol=1e-5)


def test_sites_and_saes_without_a_linear_path_say_so():
    model = make("llama")
    sae, site, _ = ready(model)
    with pytest.raises(ComputeError, match="neither the residual stream"):
        place_of(model, "model.layers.1.self_attn.q_proj", "output")
    sae.cfg.architecture = lambda: "temporal"
    with pytest.raises(ComputeError, match="not linear"):
        Reading(sae, site)
