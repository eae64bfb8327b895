"""Ablation on a text, over examples and by strength, against plain hooks; planted effects."""

import numpy as np
import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

import saescope
import tiny
from saescope.errors import ComputeError, InputError, NeedsModelError, NoIndexError, UnknownFeatureError

TEXT = tiny.texts(3)[1][:90]
TOLERANCE = 1e-4


def gpt2():
    torch.manual_seed(0)
    size = {"n_embd": 32, "n_layer": 4, "n_head": 4, "n_positions": 128, "initializer_range": 0.2}
    return GPT2LMHeadModel(GPT2Config(vocab_size=len(tiny.tokenizer()), **size)).eval()


@pytest.fixture(scope="module", params=["llama", "gpt2"])
def scope(request, tiny_scope):
    if request.param == "llama":
        return tiny_scope
    model = gpt2()
    sae = tiny.sae()
    tokens = torch.tensor([tiny.tokenizer()(TEXT)["input_ids"]])
    with torch.no_grad():
        sae.W_enc.mul_(3 / model(tokens, output_hidden_states=True).hidden_states[3].std())
    return saescope.load((model, tiny.tokenizer()), sae=sae)


def block(model):
    return model.transformer.h[2] if hasattr(model, "transformer") else model.model.layers[2]


def plain(scope, tokens, edits=()):
    """Log-probabilities ``[seq, vocab]`` and what leaves the block, with vectors added by the plainest hook."""
    seen = {}

    def on_output(_module, _args, output):
        x = (output[0] if isinstance(output, tuple) else output).clone()
        seen["x"] = x[0]
        for pos, vector in edits:
            x[0, pos] += vector
        return (x, *output[1:]) if isinstance(output, tuple) else x

    handle = block(scope.model).register_forward_hook(on_output)
    try:
        with torch.no_grad():
            logits = scope.model(torch.as_tensor(tokens)[None], use_cache=False).logits[0]
    finally:
        handle.remove()
    return logits.log_softmax(-1), seen["x"]


def acts_of(scope, tokens):
    with torch.no_grad():
        return scope.sae.encode(plain(scope, tokens)[1])


def some_feature(scope, tokens, n_least=3):
    acts = acts_of(scope, tokens)[1:]
    fires = [(int(f), int((acts[:, f] > 0).sum())) for f in acts.any(0).nonzero().flatten()]
    return next(f for f, n in fires if n >= n_least and n < len(acts) // 2)


@pytest.mark.parametrize("where", ["fires", "all", 7, [3, -2], None])
@pytest.mark.parametrize("kind", ["zero", "scale", "clamp"])
def test_ablate_is_what_plain_hooks_give(scope, kind, where):
    options = {"zero": {}, "scale": {"factor": -2}, "clamp": {"value": 1.5, "relative": False}}[kind]
    tokens = scope.tokens_of(TEXT)
    acts = acts_of(scope, tokens)
    feature = some_feature(scope, tokens)
    old = acts[:, feature]
    counted = np.arange(1, len(tokens))
    fires = counted[(old[1:] > 0).numpy()]
    named = {7: [7], "fires": fires, "all": counted, None: counted if kind == "clamp" else fires}
    at = [3, len(tokens) - 2] if isinstance(where, list) else list(named[where])
    new = {"zero": 0 * old, "scale": -2 * old, "clamp": torch.full_like(old, 1.5)}[kind]
    at = [p for p in at if new[p] != old[p]]
    before, _ = plain(scope, tokens)
    row = scope.sae.W_dec.detach()[feature]
    after, _ = plain(scope, tokens, [(p, (new[p] - old[p]) * row) for p in at])
    found = scope.ablate(TEXT, feature, kind=kind, pos=where, controls=2, **options)
    if not at:
        assert found.select("delta_logprob", "kl", "control_kl").rows() == [(0, 0, 0)]
        assert found["at"].to_list() == [[]]
        return
    assert found["at"].to_list() == [at] * (len(tokens) - at[0])
    assert found["pos"].to_list() == list(range(at[0], len(tokens)))
    targets = torch.tensor([*tokens[1:], int(before[-1].argmax())])
    assert found["next_token_id"].to_list() == targets[at[0] :].tolist()
    delta = (after - before).gather(1, targets[:, None])[at[0] :, 0]
    kl = (before.exp() * (before - after)).sum(-1)[at[0] :]
    close(found["delta_logprob"], delta)
    close(found["kl"], kl)
    close(found["logprob"], after.gather(1, targets[:, None])[at[0] :, 0])
    close(found["delta_loss"][:-1], -delta[:-1])
    assert found["delta_loss"][-1] is None
    close(found["activation"], old[at[0] :])
    moved = after.exp() - before.exp()
    for i, pos in enumerate(range(at[0], len(tokens))):
        top = moved[pos].topk(5)
        close([r["after"] - r["before"] for r in found["raised"][i]], top.values)
        low = (-moved[pos]).topk(5)
        close([r["before"] - r["after"] for r in found["lowered"][i]], low.values)
    check_controls(scope, tokens, found, feature, [(p, float(new[p] - old[p])) for p in at], before, targets)


def check_controls(scope, tokens, found, feature, steps, before, targets):
    """The same steps along each control's direction, at the feature's own length."""
    start, rows = steps[0][0], scope.sae.W_dec.detach()
    deltas, kls = [], []
    for control in found["controls"][0]:
        direction = rows[control] / rows[control].norm() * rows[feature].norm()
        after, _ = plain(scope, tokens, [(p, step * direction) for p, step in steps])
        deltas.append((after - before).gather(1, targets[:, None])[start:, 0])
        kls.append((before.exp() * (before - after)).sum(-1)[start:])
    assert len(deltas) == 2
    close(found["control_delta_logprob"], torch.stack(deltas).mean(0))
    close(found["control_kl"], torch.stack(kls).mean(0))


def close(found, wanted):
    np.testing.assert_allclose(np.asarray(found, float), np.asarray(wanted, float), rtol=TOLERANCE, atol=TOLERANCE)


def test_a_target_is_measured_at_the_last_position_alone(scope):
    tokens = scope.tokens_of(TEXT)
    feature = some_feature(scope, tokens)
    whole = scope.ablate(TEXT, feature, last_only=False, controls=0)
    at = whole["at"][0].to_list()
    row, acts = scope.sae.W_dec.detach()[feature], acts_of(scope, tokens)
    before, _ = plain(scope, tokens)
    after, _ = plain(scope, tokens, [(p, -acts[p, feature] * row) for p in at])
    (found,) = scope.ablate(TEXT, feature, target=(40, 50), controls=0).iter_rows(named=True)
    assert found["pos"] == len(tokens) - 1
    close(found["delta_logprob"], after[-1, 40] - before[-1, 40])
    close(found["delta_contrast"], (after[-1, 40] - after[-1, 50]) - (before[-1, 40] - before[-1, 50]))
    close(found["kl"], whole["kl"][-1])
    assert found["control_kl"] is None
    assert found["delta_loss"] is None


def test_features_alone_and_together(scope):
    tokens = scope.tokens_of(TEXT)
    acts = acts_of(scope, tokens)
    features = [int(f) for f in acts[1:].any(0).nonzero().flatten()[:3]]
    alone = scope.ablate(TEXT, features, controls=0)
    assert set(alone["feature"]) == set(features)
    for f in features:
        one = scope.ablate(TEXT, f, controls=0)
        close(alone.filter(feature=f)["delta_logprob"], one["delta_logprob"])
    joint = scope.ablate(TEXT, features, joint=True, controls=1)
    assert joint["features"].to_list()[0] == features
    assert joint["feature"].null_count() == len(joint)
    steps = [(p, -acts[p, f] * scope.sae.W_dec.detach()[f]) for f in features for p in range(1, len(tokens))]
    before, after = plain(scope, tokens)[0], plain(scope, tokens, steps)[0]
    close(joint["kl"], (before.exp() * (before - after)).sum(-1)[joint["pos"][0] :])


def test_a_feature_that_does_not_fire_changes_nothing(tiny_scope):
    found = tiny_scope.ablate(TEXT, [16, 32], kind="zero")
    assert found["at"].to_list() == [[], []]
    assert found["delta_logprob"].to_list() == [0, 0]
    assert found["control_delta_logprob"].to_list() == [0, 0]
    assert found["raised"].to_list() == [[], []]


def test_resampling_from_another_text_takes_its_activations(tiny_scope):
    other = "the sea of Vienna"
    theirs = acts_of(tiny_scope, tiny_scope.tokens_of(other)).numpy()
    tokens = tiny_scope.tokens_of(TEXT)
    own = acts_of(tiny_scope, tokens).numpy()
    n, m = len(tokens), len(theirs)
    feature = next(f for f in range(256) if theirs[1:, f].any() and own[n - m + 1 :, f].any())
    found = tiny_scope.ablate(TEXT, feature, kind="resample", other=other, controls=0)
    moved = [p for p in range(max(1, n - m), n) if theirs[p - n + m, feature] != own[p, feature]]
    assert found["at"][0].to_list() == moved
    steps = [
        (p, torch.tensor(theirs[p - n + m, feature] - own[p, feature]) * tiny_scope.sae.W_dec[feature]) for p in moved
    ]
    before, after = plain(tiny_scope, tokens)[0], plain(tiny_scope, tokens, steps)[0]
    close(found["kl"], (before.exp() * (before - after)).sum(-1)[moved[0] :])


FEATURE, TARGET = 7, 33


@pytest.fixture(scope="module")
def planted():
    """A model whose blocks do nothing, and a feature whose direction only token 33 reads.

    Dimension 0 is read by token 33 alone; dimensions 16 to 30 by none, and there all other features write; 31 is large, so
    that the final norm's scale stays the same. Feature 7 reads dimension 0, which only token 65 has.
    """
    n = len(tiny.tokenizer())
    torch.manual_seed(3)
    size = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 4, "num_attention_heads": 4}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=n, max_position_embeddings=128, **size)).eval()
    sae = tiny.sae("standard")
    with torch.no_grad():
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
        embedding = torch.zeros(n, 32)
        embedding[:, 1:16] = torch.randn(n, 15)
        embedding[:, 31] = 3000
        embedding[65, 0] = 5
        model.model.embed_tokens.weight.copy_(embedding)
        head = torch.zeros(n, 32)
        head[:, 1:16] = torch.randn(n, 15) * 40
        head[TARGET] = 0
        head[TARGET, 0] = 300
        model.lm_head.weight.copy_(head)
        for weight in (sae.W_enc, sae.W_dec, sae.b_dec, sae.b_enc):
            weight.zero_()
        sae.W_enc[0, FEATURE] = 1
        sae.W_dec[:, 16:31] = torch.nn.functional.normalize(torch.randn(256, 15), dim=-1)
        sae.W_dec[FEATURE] = torch.eye(32)[0]
        sae.b_enc[:] = -1
        sae.b_enc[FEATURE] = 0
    return saescope.load((model, tiny.tokenizer()), sae=sae)


def test_a_planted_effect_is_found_and_nothing_else(planted):
    text = [0, 70, 80, 65]
    before, _ = plain(planted, text)
    lost = 5 * 300 / (3000 / 32**0.5)
    (found,) = planted.ablate(text, FEATURE, target=TARGET).iter_rows(named=True)
    p = float(before[-1, TARGET].exp())
    wanted = -lost - np.log(1 - p + p * np.exp(-lost))
    assert found["at"] == [3]
    assert found["activation"] == pytest.approx(5)
    assert found["delta_logprob"] == pytest.approx(wanted, rel=1e-3)
    assert found["lowered"][0]["token_id"] == TARGET
    rest = [r for r in found["lowered"][1:] if r["before"] - r["after"] > 1e-4]
    assert rest == []
    assert abs(found["control_delta_logprob"]) < 1e-3
    assert found["control_kl"] < 1e-4
    against = planted.ablate(text, FEATURE, target=(TARGET, 40), controls=0)
    assert against["delta_contrast"][0] == pytest.approx(-lost, rel=1e-3)
    others = planted.ablate(text, FEATURE, target=(41, 40), controls=0)
    assert abs(others["delta_contrast"][0]) < 1e-3
    (twice,) = planted.ablate(text, FEATURE, kind="scale", factor=2, target=(TARGET, 40)).iter_rows(named=True)
    assert twice["delta_contrast"] == pytest.approx(lost, rel=1e-3)
    elsewhere = planted.ablate(text, [9, 200], target=TARGET)
    assert elsewhere["at"].to_list() == [[], []]


def test_what_cannot_be_done_is_told(tiny_scope, planted, opened):
    with pytest.raises(InputError, match=r"has \d+ tokens and the model takes 128"):
        tiny_scope.ablate(TEXT * 4, 3)
    with pytest.raises(InputError, match="and one was wanted") as caught:
        tiny_scope.ablate(TEXT, 3, target="flotilla Vienna")
    assert caught.value.data["ids"]
    with pytest.raises(UnknownFeatureError):
        tiny_scope.ablate(TEXT, 256)
    with pytest.raises(InputError, match="no feature was given"):
        tiny_scope.ablate(TEXT, [])
    with pytest.raises(InputError, match="no position 999"):
        tiny_scope.ablate(TEXT, 3, pos=999)
    with pytest.raises(InputError, match='"fires" or "all"'):
        tiny_scope.ablate(TEXT, 3, pos="everywhere")
    with pytest.raises(NoIndexError, match="'mean' needs an index"):
        planted.ablate([0, 1], 3, kind="mean")
    with pytest.raises(InputError, match="takes nothing from another text"):
        tiny_scope.ablate(TEXT, 3, kind="zero", other="x")
    with pytest.raises(InputError, match="number of controls"):
        tiny_scope.ablate(TEXT, 3, controls=-1)
    with pytest.raises(NeedsModelError):
        opened.ablate(TEXT, 3)


def test_a_model_that_is_not_finite_is_told():
    model = tiny.model()
    with torch.no_grad():
        model.model.layers[3].mlp.down_proj.weight[0, 0] = float("nan")
    with pytest.raises(ComputeError, match="not finite"):
        saescope.load((model, tiny.tokenizer()), sae=tiny.sae()).ablate(TEXT, 3)


def test_controls_are_alike_far_and_drawn_with_the_seed(tiny_scope):
    index, rows = tiny_scope.index, tiny_scope.sae.W_dec.detach().numpy()
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    found = tiny_scope.controls(101, 5)
    assert len(found) == found["feature"].n_unique() == 5
    assert 101 not in found["feature"]
    close(found["cosine"], unit[found["feature"]] @ unit[101])
    assert (found["cosine"].abs() < 0.2).all()
    assert (found["density"] > 0).all()
    close(found["norm"], np.linalg.norm(rows[found["feature"]], axis=1))
    density = index.table["density"].to_numpy()
    apart = np.abs(np.log(density[found["feature"]]) - np.log(density[101]))
    fires = density > 0
    assert apart.mean() < np.abs(np.log(density[fires]) - np.log(density[101])).mean()
    assert tiny_scope.controls(101, 5).equals(found)
    assert set(tiny_scope.controls(101, 5, seed=4)["feature"]) != set(found["feature"])
    assert (tiny_scope.controls(16, 40)["density"] > 0).all(), "of a dead feature too, controls are alive"
    avoided = found["feature"].to_list()
    assert not set(tiny_scope.controls(101, 5, avoided=avoided)["feature"]) & set(avoided)
