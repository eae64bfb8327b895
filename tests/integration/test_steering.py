"""Steering against plain hooks that recompute everything, and what a run promises."""

import copy
import threading
import time

import numpy as np
import polars as pl
import pytest
import torch
from scipy import stats
from transformers import AutoConfig, AutoModelForCausalLM

import saescope
import tiny
from saescope.effects.steering.changes import Change, Condition
from saescope.effects.steering.drawing import Draw, Sampling, nucleus
from saescope.effects.steering.generating import Generator
from saescope.effects.steering.spelling import Speller
from saescope.effects.steering.steering import Places, Steering
from saescope.errors import CancelledError, InputError, NeedsModelError, SaescopeError, UnknownFeatureError
from saescope.sources.model import LoadedModel
from saescope.sources.sae import load_sae
from saescope.sources.site import find_site

SMALL = {
    "vocab_size": 320, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 4, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 128, "head_dim": 8,
}  # fmt: skip
FAMILIES = {
    "gpt2": {"vocab_size": 320, "n_embd": 32, "n_layer": 4, "n_head": 4, "n_positions": 128},
    "llama": SMALL,
    "gemma2": {**SMALL, "sliding_window": 8},
}
PROMPT = np.array([0, 17, 40, 88, 0, 12, 200, 31, 77, 140, 9, 60])
SPECIAL = [0]
N_NEW = 14
TOLERANCE = 1e-4
CHAT = "{% for m in messages %}{{ m['role'] + ': ' + m['content'] + ' ' }}{% endfor %}over "


def make(family):
    torch.manual_seed(0)
    config = AutoConfig.for_model(
        family, **FAMILIES[family], bos_token_id=0, eos_token_id=None, pad_token_id=0, initializer_range=0.2
    )
    return AutoModelForCausalLM.from_config(config).eval()


class Tokenizer:
    """As much of one as writing needs."""

    eos_token_id = None
    all_special_ids = SPECIAL

    def decode(self, ids, **_):
        return "".join(f" {i}" for i in ids)


def ready(model, kind="jumprelu", **options):
    loaded = load_sae(tiny.sae(kind, **options))
    site = find_site(LoadedModel(model, None, "tiny"), loaded)
    return loaded.sae, site, Generator(model, Tokenizer(), site)


def firing_features(model, sae, site, n=3):
    """Those that fire most often on the prompt, past the first token."""
    seen = []
    handle = model.get_submodule(site.module).register_forward_hook(
        lambda _m, _a, out: seen.append(out[0] if isinstance(out, tuple) else out)
    )
    with torch.no_grad():
        model(torch.from_numpy(PROMPT)[None])
        handle.remove()
        acts = sae.encode(seen[0][0])
    acts = acts.to_dense() if acts.layout != torch.strided else acts
    return (acts[1:] > 0).sum(0).topk(n).indices.tolist()


def written(generator, steering, sampling=None, first=1, **options):
    places = Places(first, SPECIAL, len(PROMPT))
    return generator.run(PROMPT, steering, places, sampling or Sampling(N_NEW), lambda *_: None, **options)


def plainly(model, site, change, n=N_NEW, first=1):
    """What a user writes: greedy, no cache, one full forward a token, and a hook; logits of each step too."""
    ids, logits, read = torch.from_numpy(PROMPT)[None], [], []

    def on_read(_module, _args, output):
        read[:] = [output[0] if isinstance(output, tuple) else output]

    def on_write(_module, _args, output):
        x = output[0] if isinstance(output, tuple) else output
        steered = (torch.arange(ids.shape[1]) >= first) & ~torch.isin(ids[0], torch.tensor(SPECIAL))
        new = torch.where(steered[:, None], change(read[0] if read else x, x), x)
        return (new, *output[1:]) if isinstance(output, tuple) else new

    module = model.get_submodule(site.writes_to[0])
    handles = [model.get_submodule(site.module).register_forward_hook(on_read)] if not site.written else []
    if site.written:
        handles = [
            model.get_submodule(site.module).register_forward_pre_hook(
                lambda _m, args: read.__setitem__(slice(None), [args[0]])
            )
        ]
    handles.append(module.register_forward_hook(on_write))
    try:
        with torch.no_grad():
            for _ in range(n):
                logits.append(model(ids, use_cache=False).logits[0, -1])
                ids = torch.cat([ids, logits[-1].argmax()[None, None]], 1)
    finally:
        for handle in handles:
            handle.remove()
    return ids[0, len(PROMPT) :].tolist(), torch.stack(logits)


@pytest.fixture
def recorded(monkeypatch):
    """Every step's logits ``[n_rows, n_vocab]``."""
    found, real = [], Draw.__call__

    def call(self, ids, scores):
        found.append(scores.clone())
        return real(self, ids, scores)

    monkeypatch.setattr(Draw, "__call__", call)
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_the_unsteered_text_is_the_model_s_own_greedy_text(family):
    model = make(family)
    sae, _, generator = ready(model)
    steering = Steering(sae, [Condition(), Condition((Change(3, "amplify", 9.0),))], {3: 1.0})
    rows = written(generator, steering)
    ids = torch.from_numpy(PROMPT)[None]
    wanted = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=N_NEW, do_sample=False)
    assert rows[0].tokens == wanted[0, len(PROMPT) :].tolist()
    assert rows[1].tokens != rows[0].tokens
    assert [r.ended for r in rows] == ["length", "length"]


@pytest.mark.parametrize("has_cache", [True, False])
@pytest.mark.parametrize("family", FAMILIES)
def test_amplified_logits_equal_those_of_a_plain_hook_at_every_step(family, has_cache, recorded):
    model = make(family)
    sae, site, generator = ready(model)
    conditions = [Condition(), Condition((Change(3, "amplify", 2.0), Change(7, "amplify", -1.0)))]
    rows = written(generator, Steering(sae, conditions, {3: 1.5, 7: 1.0}), has_cache=has_cache)
    vector = 3.0 * sae.W_dec[3] - sae.W_dec[7]
    tokens, logits = plainly(model, site, lambda _r, x: x + vector)
    assert rows[1].tokens == tokens
    torch.testing.assert_close(torch.stack(recorded)[:, 1], logits, rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize("kind", ["zero", "clamp", "scale"])
@pytest.mark.parametrize("architecture", ["jumprelu", "standard", "topk", "gated"])
def test_live_changes_equal_full_encoding_and_decoding_with_the_error(architecture, kind, recorded):
    model = make("llama")
    sae, site, generator = ready(model, architecture)
    features = firing_features(model, sae, site)
    changes = tuple(Change(f, kind, 2.5) for f in features)
    rows = written(generator, Steering(sae, [Condition(), Condition(changes)], dict.fromkeys(features, 1.2)))

    def replaced(_read, x):
        old = sae.encode(x)
        old = old.to_dense() if old.layout != torch.strided else old
        new = old.clone()
        new[..., features] = {"zero": 0.0 * old, "clamp": 0.0 * old + 3.0, "scale": 2.5 * old}[kind][..., features]
        return sae.decode(new) + (x - sae.decode(old))

    tokens, logits = plainly(model, site, replaced)
    assert rows[1].tokens == tokens
    found = torch.stack(recorded)
    torch.testing.assert_close(found[:, 1], logits, rtol=TOLERANCE, atol=TOLERANCE)
    assert (found[:, 0] - found[:, 1]).abs().max() > 100 * TOLERANCE


def test_a_transcoder_is_steered_where_it_writes(recorded):
    model = make("llama")
    sae, site, generator = ready(
        model, "transcoder", hook_name="blocks.1.mlp.hook_in", hook_name_out="blocks.1.hook_mlp_out"
    )
    with torch.no_grad():
        sae.b_enc.add_(3.0)
    assert site.written
    rows = written(generator, Steering(sae, [Condition(), Condition((Change(5, "clamp", 4.0),))], {5: 1.0}))

    def replaced(read, x):
        old = sae.encode(read)
        new = old.clone()
        new[..., 5] = 4.0
        return x + sae.decode(new) - sae.decode(old)

    tokens, logits = plainly(model, site, replaced)
    assert rows[1].tokens == tokens
    torch.testing.assert_close(torch.stack(recorded)[:, 1], logits, rtol=TOLERANCE, atol=TOLERANCE)


def test_an_sae_that_normalises_writes_in_the_token_s_own_scale():
    model = make("llama")
    sae, site, generator = ready(model)
    sae.cfg.normalize_activations = "layer_norm"
    sae = load_sae(type(sae)(sae.cfg)).sae
    with torch.no_grad():
        sae.W_dec.normal_()
        sae.W_enc.normal_(std=0.3)
    rows = written(generator, Steering(sae, [Condition(), Condition((Change(5, "amplify", 1.0),))], {5: 1.0}))

    def replaced(_read, x):
        old = sae.encode(x)
        before = sae.decode(old)
        sae.encode(x)
        return x + sae.decode(old + torch.nn.functional.one_hot(torch.tensor(5), sae.cfg.d_sae)) - before

    assert rows[1].tokens == plainly(model, site, replaced)[0]


def test_only_the_answer_is_steered_when_asked():
    model = make("llama")
    sae, site, generator = ready(model)
    steering = Steering(sae, [Condition(), Condition((Change(3, "amplify", 3.0),))], {3: 1.0})
    first = len(PROMPT) - 1
    rows = written(generator, steering, first=first)
    assert rows[1].tokens == plainly(model, site, lambda _r, x: x + 3 * sae.W_dec[3], first=first)[0]
    assert rows[1].tokens != written(generator, steering)[1].tokens


def test_drawn_tokens_follow_the_softmax_and_its_nucleus():
    logits = torch.tensor([2.0, 1.0, 0.5, 0.0, -0.5, -1.0])
    n, temperature = 20_000, 0.8
    for top_p in (1.0, 0.8):
        draw = Draw(Sampling(1, temperature, top_p, seed=5))
        drawn = torch.stack([draw(torch.zeros(1), logits[None])[0].argmax() for _ in range(n)])
        p = (logits.double() / temperature).softmax(-1).numpy()
        kept = p.cumsum() - p < top_p
        p = np.where(kept, p, 0) / p[kept].sum()
        counts = np.bincount(drawn.numpy(), minlength=6)
        assert counts[~kept].sum() == 0
        assert stats.chisquare(counts[kept], n * p[kept]).pvalue > 0.001
    assert (nucleus(logits[None], 1e-9)[0] > -np.inf).sum() == 1


def test_the_same_seed_gives_the_same_texts_and_the_unsteered_one_is_alone_in_what_it_is(tiny_scope):
    def texts(**options):
        options = {"temperature": 1.0, "seed": 4, "max_new_tokens": 10, **options}
        return tiny_scope.steer("the ship", **options)["text"].to_list()

    one = texts(features={3: 2.0})
    assert one == texts(features={3: 2.0})
    assert texts(features={9: 1.0, 5: 3.0}, kind="clamp", strengths=[1, 2, -1])[0] == one[0]
    assert texts(features={3: 2.0}, seed=5)[0] != one[0]
    assert texts(features={3: 1.0}, strengths=[0, 2])[1:] == one


def test_a_stop_keeps_what_was_written(tiny_scope):
    seen = []

    def on_token(rows, pace):
        seen.append([list(row.tokens) for row in rows])
        if pace.done == 5:
            raise KeyboardInterrupt

    found = tiny_scope.steer_text(tiny_scope.steered_prompt("the ship"), [Change(3)], Sampling(30), on_token=on_token)
    assert [one.written.tokens for one in found] == seen[-1]
    assert [len(one.written.tokens) for one in found] == [5, 5]
    assert {one.ended for one in found} == {"stopped"}
    assert not tiny_scope.lock.locked()
    with pytest.raises(CancelledError):
        tiny_scope.steer_text(tiny_scope.steered_prompt("the ship"), [Change(3)], Sampling(30), check=cancel)
    assert not tiny_scope.lock.locked()


def cancel():
    raise CancelledError("stopped.")


def test_others_have_the_model_between_tokens(tiny_scope):
    had, n_done = threading.Event(), []

    def other():
        with tiny_scope.lock:
            had.set()

    def on_token(_rows, pace):
        if pace.done == 2:
            threading.Thread(target=other).start()
            time.sleep(0.05)
            assert not had.is_set()
        n_done.append(had.is_set())

    tiny_scope.steer_text(tiny_scope.steered_prompt("the ship"), [Change(3)], Sampling(20), on_token=on_token)
    assert True in n_done[:8]


def test_the_user_s_model_keeps_its_hooks_mode_and_generation_settings():
    model = make("llama").train()
    model.generation_config.repetition_penalty = 3.0
    model.generation_config.do_sample = True
    before, called = copy.deepcopy(model.generation_config.to_dict()), []
    handle = model.model.layers[3].register_forward_hook(lambda *_: called.append(1))
    sae, _, generator = ready(model)
    model.train()
    rows = written(generator, Steering(sae, [Condition(), Condition((Change(3, "clamp", 2.0),))], {3: 1.0}))
    assert called == []
    assert all(m.training for m in model.modules())
    assert model.generation_config.to_dict() == before
    assert sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules()) == 1
    handle.remove()
    assert rows[0].tokens == plainly(model.eval(), generator.site, lambda _r, x: x)[0]


def test_a_text_ends_where_the_model_ends_it_and_the_others_go_on():
    model = make("llama")
    sae, _, generator = ready(model)
    steering = Steering(sae, [Condition(), Condition((Change(3, "amplify", 6.0),))], {3: 1.0})
    plain, steered = (row.tokens for row in written(generator, steering))
    end = next(t for i, t in enumerate(plain) if t not in plain[:i] and t not in steered and i > 1)
    model.generation_config.eos_token_id = [end, 319]
    rows = written(ready(model)[2], steering)
    assert rows[0].tokens == plain[: plain.index(end)]
    assert (rows[0].ended, rows[1].ended) == ("end", "length")
    assert rows[1].tokens == steered


def test_a_strength_that_breaks_the_model_is_told_and_hurts_no_other_text(tiny_scope):
    wanted = tiny_scope.steer("the ship", {3: 1.0}, max_new_tokens=6)
    found = tiny_scope.steer("the ship", {3: 1.0}, strengths=[1e38, 1], max_new_tokens=6)
    assert found["ended"].to_list()[1] == "broken"
    assert found["text"].to_list()[::2] == wanted["text"].to_list()


def test_figures_are_those_of_plain_forwards(tiny_scope):
    scope = tiny_scope
    found = scope.steer("the ship sailed", {3: 2.0}, max_new_tokens=9).row(1, named=True)
    prompt = scope.steered_prompt("the ship sailed")
    ids = torch.cat([torch.from_numpy(prompt), torch.tensor(found["tokens"])])
    maximum = scope.features.filter(pl.col("feature") == 3)["max"][0]
    special = set(scope.tokenizer.all_special_ids)
    mask = torch.tensor([i > 0 and int(t) not in special for i, t in enumerate(ids)])

    def logits(add):
        def hook(_m, _a, out):
            x = out[0] if isinstance(out, tuple) else out
            new = x + mask[:, None] * add
            return (new, *out[1:]) if isinstance(out, tuple) else new

        handle = scope.model.model.layers[2].register_forward_hook(hook)
        with torch.no_grad():
            made = scope.model(ids[None]).logits[0, len(prompt) - 1 : -1].log_softmax(-1)
        handle.remove()
        return made

    p, q = logits(torch.zeros(tiny.D_MODEL)), logits(2.0 * maximum * scope.sae.W_dec[3].detach())
    logprob = p.gather(-1, ids[len(prompt) :, None]).mean()
    assert found["logprob"] == pytest.approx(float(logprob), abs=1e-4)
    assert found["kl"] == pytest.approx(float((p.exp() * (p - q)).sum(-1).mean()), abs=1e-4)
    assert found["kl"] > 0.01


def test_long_texts_are_measured_part_by_part(tiny_scope, monkeypatch):
    from saescope.effects.steering import measuring

    whole = tiny_scope.steer("the ship", {3: 2.0}, max_new_tokens=30)
    monkeypatch.setattr(measuring, "MOST_BYTES", 2 * 4 * 320 * 7)
    parts = tiny_scope.steer("the ship", {3: 2.0}, max_new_tokens=30)
    for name in ("logprob", "kl"):
        np.testing.assert_allclose(whole[name].to_numpy(), parts[name].to_numpy(), atol=1e-4)


def test_a_planted_feature_makes_the_model_say_its_token(tiny_folder):
    model, sae = tiny.model(), tiny.sae(hook_name="blocks.3.hook_resid_post")
    token = tiny.tokenizer()(" Vienna", add_special_tokens=False)["input_ids"][0]
    with torch.no_grad():
        sae.W_dec[11] = model.lm_head.weight[token] / model.lm_head.weight[token].norm()
    scope = saescope.load((model, tiny.tokenizer()), sae=sae)
    found = scope.steer("the sea", {11: 300.0}, max_new_tokens=5)
    assert found["tokens"].to_list()[1] == [token] * 5
    assert token not in found["tokens"].to_list()[0]


def test_a_contrast_of_prompts_is_the_mean_difference_at_the_last_token(tiny_scope):
    scope = tiny_scope
    positive, negative = ["the green ship", "the bold star", "a navy"], ["the sea", "a star of Vienna", "sky"]

    def last(text):
        kept = []
        handle = scope.model.model.layers[2].register_forward_hook(lambda _m, _a, out: kept.append(out))
        with torch.no_grad():
            scope.model(torch.from_numpy(scope.steered_prompt(text))[None])
        handle.remove()
        return (kept[0][0] if isinstance(kept[0], tuple) else kept[0])[0, -1]

    pairs = torch.stack([last(p) - last(n) for p, n in zip(positive, negative, strict=True)])
    found = scope.steering_vector(positive, negative)
    torch.testing.assert_close(torch.from_numpy(found.vector), pairs.mean(0), rtol=1e-5, atol=1e-5)
    others = [torch.stack([pairs[j] for j in range(3) if j != i]).mean(0) for i in range(3)]
    agreement = np.mean([float(torch.cosine_similarity(p, o, dim=0)) for p, o in zip(pairs, others, strict=True)])
    assert found.agreement == pytest.approx(agreement, abs=1e-5)

    acts = [torch.stack([scope.sae.encode(last(t)) for t in texts]).mean(0).detach() for texts in (positive, negative)]
    difference = acts[0] - acts[1]
    v = pairs.mean(0)
    frame = found.features
    for row in frame.iter_rows(named=True):
        f = row["feature"]
        direction = scope.sae.W_dec[f].detach()
        assert row["difference"] == pytest.approx(float(difference[f]), abs=1e-4)
        assert row["share"] == pytest.approx(float(difference[f] * (direction @ v) / (v @ v)), abs=1e-4)
        assert row["cosine"] == pytest.approx(float(torch.cosine_similarity(direction, v, dim=0)), abs=1e-4)
    top = frame.head(4)["feature"].to_list()
    left = v - (difference[top, None] * scope.sae.W_dec[top].detach()).sum(0)
    assert frame["explained"][3] == pytest.approx(1 - float(left @ left) / float(v @ v), abs=1e-4)
    assert frame["share"].sum() + found.share_of_error == pytest.approx(1, abs=1e-4)
    assert set(difference.nonzero().flatten().tolist()) <= set(frame["feature"].to_list())

    steered = scope.steer("the ship", vector=found, coefficient=2.0, max_new_tokens=8)
    again = scope.steer("the ship", vector=2.0 * found.vector, max_new_tokens=8)
    assert steered["text"].to_list() == again["text"].to_list()
    assert steered["text"][0] != steered["text"][1]


def test_a_contrast_at_the_mean_leaves_the_first_and_special_tokens_out(tiny_scope):
    texts = ["the green ship sailed", "the bold star"]
    found = tiny_scope.steering_vector(texts[:1], texts[1:], at="mean")
    kept = []
    handle = tiny_scope.model.model.layers[2].register_forward_hook(lambda _m, _a, out: kept.append(out))
    with torch.no_grad():
        for text in texts:
            tiny_scope.model(torch.from_numpy(tiny_scope.steered_prompt(text))[None])
    handle.remove()
    p, q = ((k[0] if isinstance(k, tuple) else k)[0, 1:].mean(0) for k in kept)
    np.testing.assert_allclose(found.vector, (p - q).numpy(), atol=1e-5)
    assert found.agreement is None


@pytest.fixture
def chatty():
    tokenizer = copy.deepcopy(tiny.tokenizer())
    tokenizer.chat_template = CHAT
    return saescope.load((tiny.model(), tokenizer), sae=tiny.sae())


def test_a_conversation_is_written_by_the_tokenizer_s_template(chatty):
    tokens = chatty.steered_prompt([{"role": "system", "content": "the sea"}, {"role": "user", "content": "a ship"}])
    assert chatty.tokenizer.decode(tokens) == "system: the sea user: a ship over "
    assert (
        chatty.steered_prompt("a ship", chat=True) == chatty.steered_prompt([{"role": "user", "content": "a ship"}])
    ).all()
    found = chatty.steer("a ship", {3: 2.0}, chat=True, max_new_tokens=4)
    assert found["n_tokens"].to_list() == [4, 4]


def test_text_grows_by_whole_characters(tiny_scope):
    tokenizer = tiny_scope.tokenizer
    text = " 日本 🚢 ünïcode <b>bold</b> the"
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    before = tokenizer("the ship", add_special_tokens=False)["input_ids"]
    speller = Speller(tokenizer, before)
    pieces = [speller.add(i) for i in ids] + [speller.end()]
    assert "".join(pieces) == text
    assert not any("\ufffd" in piece for piece in pieces)
    cut = Speller(tokenizer, before)
    ship = tokenizer("🚢", add_special_tokens=False)["input_ids"]
    if len(ship) > 1:
        assert cut.add(ship[0]) == ""
        assert cut.end() == "\ufffd"


BAD = [
    ({"prompt": ""}, "holds no token"),
    ({"features": None}, "nothing is steered"),
    ({"features": {300: 1.0}}, "no feature 300"),
    ({"features": {3: float("nan")}}, "finite number"),
    ({"features": {3: "much"}}, "finite number"),
    ({"features": "3"}, "features is a number"),
    ({"features": [{"feature": 3, "power": 2}]}, "a change has"),
    ({"features": [3, 3]}, "twice"),
    ({"kind": "boost"}, "no kind of steering"),
    ({"strengths": []}, "strengths is empty"),
    ({"strengths": [float("inf")]}, "finite number"),
    ({"max_new_tokens": 0}, "at least 1"),
    ({"max_new_tokens": 127}, "the model takes 128"),
    ({"temperature": -1.0}, "temperature"),
    ({"top_p": 0.0}, "top_p"),
    ({"seed": -1}, "seed"),
    ({"where": "prompt"}, "where is"),
    ({"unit": "sigma"}, "unit is"),
    ({"vector": np.zeros(3)}, "32 finite numbers"),
    ({"chat": True}, "no chat template"),
    ({"prompt": [{"role": "user"}]}, "no chat template"),
    ({"features": {0: 1.0}}, "never fired"),
]


@pytest.mark.parametrize(("wrong", "said"), BAD, ids=[said for _, said in BAD])
def test_what_cannot_be_done_is_said(tiny_scope, wrong, said):
    given = {"prompt": "the ship", "features": {3: 1.0}, "max_new_tokens": 4, **wrong}
    prompt = given.pop("prompt")
    with pytest.raises(SaescopeError, match=said):
        tiny_scope.steer(prompt, given.pop("features"), **given)
    assert not tiny_scope.lock.locked()


def test_messages_that_are_none_are_refused(chatty):
    for wrong in ([{"role": "user"}], [{"role": 3, "content": "x"}], [{"role": "user", "content": "x"}, "y"]):
        with pytest.raises(InputError, match="a message is"):
            chatty.steered_prompt(wrong)
    chatty.tokenizer.chat_template = "{{ raise_exception('no system role') }}"
    with pytest.raises(InputError, match="no system role"):
        chatty.steered_prompt("a ship", chat=True)


def test_an_index_alone_says_that_it_needs_the_model(opened):
    with pytest.raises(NeedsModelError, match="steering needs the model"):
        opened.steer("the ship", {3: 1.0})
    with pytest.raises(NeedsModelError):
        opened.steering_vector(["a"], ["b"])


def test_without_an_index_strengths_are_activations(tiny_scope):
    bare = saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae())
    maximum = tiny_scope.features.filter(pl.col("feature") == 3)["max"][0]
    by_max = tiny_scope.steer("the ship", {3: 2.0}, max_new_tokens=6)
    by_activation = tiny_scope.steer("the ship", {3: 2.0 * maximum}, unit="activation", max_new_tokens=6)
    assert by_max["text"].to_list() == by_activation["text"].to_list()
    assert bare.steer("the ship", {3: 2.0 * maximum}, max_new_tokens=6)["text"].to_list() == by_max["text"].to_list()
    with pytest.raises(UnknownFeatureError):
        bare.steer("the ship", 999)
