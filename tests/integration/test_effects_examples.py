"""Ablation over examples and by strength, against plain hooks."""

import numpy as np
import pytest
import torch
from test_effects import TEXT, acts_of, close, plain, planted, some_feature

import tiny
from saescope.errors import CancelledError, InputError, NeedsModelError, NoIndexError
from saescope.scope.ablating import Ask

__all__ = ["planted"]

FEATURE = 101


def steps_of(scope, tokens, feature, pos, factor=-1.0):
    row = scope.sae.W_dec.detach()[feature]
    return [(p, factor * acts_of(scope, tokens)[p, feature] * row) for p in pos]


@pytest.mark.parametrize("where", ["peak", None])
def test_each_example_is_what_plain_hooks_give(tiny_scope, where):
    index = tiny_scope.index
    found = tiny_scope.ablate_examples(FEATURE, 6, pos=where, n_after=5, controls=0)
    stored = tiny_scope.examples(FEATURE, 6)
    assert found["row"].to_list() == stored["row"].to_list()
    assert found["token"].to_list() == stored["token"].to_list()
    for row in found.iter_rows(named=True):
        at = row["row"]
        (start,), (end,) = index.layout.context_bounds(np.array([at]))
        starts = index.layout.doc_starts
        end = min(end, *starts[starts > at].tolist(), at + 6)
        tokens = index.tokens[start:end].astype(np.int64)
        peak = at - start
        fires = np.flatnonzero(acts_of(tiny_scope, tokens)[:, FEATURE].numpy())
        fires = [p for p in fires if index.layout.is_counted(np.array([start + p]))[0]]
        before = plain(tiny_scope, tokens)[0]
        after = plain(tiny_scope, tokens, steps_of(tiny_scope, tokens, FEATURE, [peak] if where else fires))[0]
        kl = (before.exp() * (before - after)).sum(-1)
        close(row["kl"], kl[peak])
        close(row["kl_after"], kl[peak + 1 : -1].sum())
        assert row["n_after"] == max(len(tokens) - 2 - peak, 0)
        assert row["n_changed"] == (1 if where else len(fires))
        if peak + 1 == len(tokens):
            assert row["delta_logprob"] is None
            continue
        delta = (after - before)[:-1].gather(1, torch.as_tensor(tokens[1:, None]))[:, 0]
        close(row["delta_logprob"], delta[peak])
        close(row["delta_logprob_after"], delta[peak + 1 :].sum())
        assert row["next_token_id"] == tokens[peak + 1]


def test_a_summary_has_means_and_intervals_of_feature_control_and_difference(tiny_scope):
    frame = tiny_scope.ablate_examples(FEATURE, 12)
    found = tiny_scope.effect_summary(frame)
    assert found.height == 12
    row = found.filter(quantity="kl", of="difference").to_dicts()[0]
    apart = (frame["kl"] - frame["control_kl"]).to_numpy()
    draw = np.random.default_rng(0)
    means = apart[draw.integers(len(apart), size=(10_000, len(apart)))].mean(axis=1)
    close([row["mean"], row["low"], row["high"]], [apart.mean(), *np.quantile(means, [0.025, 0.975])])
    assert tiny_scope.effect_summary(FEATURE, k=3, controls=0)["of"].unique().to_list() == ["feature"]
    (one,) = tiny_scope.effect_summary(FEATURE, k=1, controls=0).filter(quantity="kl").to_dicts()
    assert one["n"] == 1
    assert one["low"] is None


def test_examples_come_one_by_one_with_the_model_free_between(tiny_scope):
    run = tiny_scope.effects_on_examples(Ask((), [FEATURE], n_controls=0), 5)
    first = next(run)
    assert first.rank == 0
    assert not tiny_scope.lock.locked()

    def stop():
        raise CancelledError("stopped.")

    with pytest.raises(CancelledError):
        list(tiny_scope.effects_on_examples(Ask((), [FEATURE]), 5, check=stop))
    assert not tiny_scope.lock.locked()


def test_runs_of_examples_do_not_push_out_the_text_that_is_looked_at(tiny_scope):
    tiny_scope.ablate(TEXT, FEATURE, controls=0)
    kept = list(tiny_scope._prompts)
    tiny_scope.ablate_examples(FEATURE, 6, controls=0)
    assert list(tiny_scope._prompts) == kept


def test_a_sweep_is_what_plain_hooks_give(tiny_scope):
    tokens = tiny_scope.tokens_of(TEXT)
    feature = some_feature(tiny_scope, tokens)
    acts = acts_of(tiny_scope, tokens)[:, feature]
    at = [p for p in range(1, len(tokens)) if acts[p] > 0]
    current, high = float(acts[at].max()), tiny_scope.index.table["max"][feature]
    found = tiny_scope.sweep(TEXT, feature, target=(40, 50), controls=2)
    wanted = np.unique(np.append(np.linspace(-1, 3, 17) * high, current))
    close(found["strength"], wanted)
    close(found["relative"], wanted / high)
    assert found["is_natural"].to_list() == [0 <= s <= high for s in wanted]
    (now,) = found.filter(pl_current(found)).to_dicts()
    assert now["strength"] == pytest.approx(current)
    assert (now["delta_logprob"], now["kl"], now["control_kl"], now["delta_contrast"]) == (0, 0, 0, 0)
    before = plain(tiny_scope, tokens)[0][-1]
    close(found["logprob_before"], [float(before[40])] * len(found))
    controls = tiny_scope.controls(feature, 2)["feature"].to_list()
    rows = tiny_scope.sae.W_dec.detach()
    for row in found.iter_rows(named=True):
        steps = [(p, float(acts[p]) * (row["strength"] / current - 1)) for p in at]
        after = plain(tiny_scope, tokens, [(p, s * rows[feature]) for p, s in steps])[0][-1]
        close(row["delta_logprob"], after[40] - before[40])
        close(row["kl"], (before.exp() * (before - after)).sum())
        close(row["delta_contrast"], (after[40] - after[50]) - (before[40] - before[50]))
        kls = []
        for control in controls:
            direction = rows[control] / rows[control].norm() * rows[feature].norm()
            beside = plain(tiny_scope, tokens, [(p, s * direction) for p, s in steps])[0][-1]
            kls.append((before.exp() * (before - beside)).sum())
        close(row["control_kl"], sum(kls) / 2)
    zero = tiny_scope.ablate(TEXT, feature, target=(40, 50), controls=0)
    at_zero = found.filter(strength=0.0)
    close(at_zero["delta_logprob"], zero["delta_logprob"])


def pl_current(frame):
    return frame["is_current"]


def test_a_sweep_of_what_does_not_fire_is_at_the_last_position(tiny_scope, planted):
    tokens = tiny_scope.tokens_of(TEXT)
    acts = acts_of(tiny_scope, tokens)
    high = tiny_scope.index.table["max"].to_numpy()
    feature = next(f for f in range(256) if high[f] and not acts[1:, f].any())
    found = tiny_scope.sweep(TEXT, feature, controls=0)
    assert found["at"].to_list()[0] == [len(tokens) - 1]
    assert found.filter(found["is_current"])["strength"].to_list() == [0]
    step = torch.as_tensor(3 * float(high[feature])) * tiny_scope.sae.W_dec.detach()[feature]
    before, after = plain(tiny_scope, tokens)[0][-1], plain(tiny_scope, tokens, [(len(tokens) - 1, step)])[0][-1]
    close(found["kl"][-1], (before.exp() * (before - after)).sum())
    with pytest.raises(InputError, match="neither on this text nor in an index"):
        planted.sweep([0, 70, 80], 9)
    given = planted.sweep([0, 70, 80], 9, strengths=[5, 0], controls=0)
    assert given["strength"].to_list() == [0, 5]
    assert given["natural_high"].to_list() == [None, None]
    own = planted.sweep([0, 70, 80, 65], 7, controls=0)
    assert own["strength"].max() == 15


def test_what_cannot_be_done_is_told(tiny_scope, planted, opened):
    with pytest.raises(InputError, match="strengths are 1 to"):
        tiny_scope.sweep(TEXT, FEATURE, strengths=[])
    with pytest.raises(InputError, match="strengths are 1 to"):
        tiny_scope.sweep(TEXT, FEATURE, strengths=[float("inf")])
    with pytest.raises(NoIndexError):
        planted.ablate_examples(3)
    with pytest.raises(NeedsModelError):
        opened.ablate_examples(3)
    with pytest.raises(InputError, match="k is a number of examples"):
        tiny_scope.ablate_examples(3, 0)
    with pytest.raises(InputError, match="n_after"):
        tiny_scope.ablate_examples(3, n_after=-1)
    assert tiny_scope.ablate_examples(16).height == 0
    assert tiny_scope.effect_summary(16)["n"].to_list() == [0] * len(tiny_scope.effect_summary(16))


def test_a_text_is_run_once_for_many_questions(tiny_scope, monkeypatch):
    from saescope.effects import prompt

    runs = []
    real = prompt.run_prompt
    monkeypatch.setattr(prompt, "run_prompt", lambda *a: runs.append(1) or real(*a))
    text = tiny.texts(5)[4][:60]
    tiny_scope.ablate(text, FEATURE)
    tiny_scope.ablate(text, [3, 5], kind="mean")
    tiny_scope.sweep(text, FEATURE)
    tiny_scope.next_tokens(text)
    assert len(runs) == 1
