"""The demo's recipe: what decides its text and its weights."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

RECIPE = Path(__file__).parents[2] / "examples" / "train_demo"


@pytest.fixture(autouse=True)
def recipe(monkeypatch):
    """Its modules, importable by their own short names and forgotten after the test."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(RECIPE)
    yield
    for name in set(sys.modules) - before:
        if str(RECIPE) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.mark.parametrize(
    ("tagged", "plain"),
    [
        ("the/DT file/NN is/VBZ in/IN", "the file is in"),
        ("/DT save./NN\nOoo/NNP doesn't/NN", "save.\nOoo doesn't"),
        ("NN its/PRP$ a//NN b/VB -/: '''/''", "its a/ b - '''"),
        ("crashes/NNS on/IN exit/V", "crashes on exit"),
        ("and/or http://x.org/NN I/O read/write", "and/or http://x.org I/O read/write"),
    ],
)
def test_tags_go_and_words_stay(tagged, plain):
    from tagged import without_tags

    assert without_tags(tagged) == plain


def tiny_model():
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=32, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=2,
            intermediate_size=24, max_position_embeddings=8, tie_word_embeddings=True,
        )
    )  # fmt: skip


def plan_of(stream, n_steps=6):
    from checkpoint import Plan, stream_digest

    return Plan(n_steps, 2, 8, 0.02, 3e-3, 0, stream_digest(stream))


def train(stream, plan, path):
    from training import train_model

    model = tiny_model()
    record = train_model(model, stream, plan, path, minutes_between=0.0, is_compiled=False)
    return model.state_dict(), record


@pytest.fixture
def stream():
    return torch.randint(1, 32, (70,), generator=torch.Generator().manual_seed(1))


def test_a_run_stopped_and_gone_on_with_gives_the_same_weights(stream, tmp_path, monkeypatch):
    import training

    plan = plan_of(stream)
    whole, record = train(stream, plan, tmp_path / "whole.pt")
    assert record.n_tokens == 6 * 2 * 8
    real = training.save_checkpoint

    def killed(path, plan, progress, *state):
        real(path, plan, progress, *state)
        if progress.step == 2:
            raise SystemExit

    monkeypatch.setattr(training, "save_checkpoint", killed)
    with pytest.raises(SystemExit):
        train(stream, plan, tmp_path / "part.pt")
    monkeypatch.setattr(training, "save_checkpoint", real)
    again, _ = train(stream, plan, tmp_path / "part.pt")
    assert all(torch.equal(whole[name], again[name]) for name in whole)


def test_a_checkpoint_of_another_run_is_refused_by_what_differs(stream, tmp_path):
    from training import train_model

    train(stream, plan_of(stream), tmp_path / "run.pt")
    other = replace(plan_of(stream), muon_rate=0.01)
    with pytest.raises(ValueError, match=r"muon_rate 0.02, not 0.01"):
        train_model(tiny_model(), stream, other, tmp_path / "run.pt", minutes_between=1.0, is_compiled=False)


def test_the_number_of_steps_may_change_on_the_plateau_only(stream, tmp_path):
    from checkpoint import Progress, load_checkpoint, save_checkpoint
    from training import build_optimizers

    plan, model = plan_of(stream, 100), tiny_model()
    optimizers = build_optimizers(model, plan)
    for step, shorter in ((30, 60), (40, 60)):
        save_checkpoint(tmp_path / "run.pt", plan, Progress(step), model, optimizers)
        if step <= shorter // 2:
            assert load_checkpoint(tmp_path / "run.pt", replace(plan, n_steps=shorter), model, optimizers).step == step
        else:
            with pytest.raises(ValueError, match="n_steps 100, not 60"):
                load_checkpoint(tmp_path / "run.pt", replace(plan, n_steps=shorter), model, optimizers)


def test_the_rate_warms_up_stays_and_falls_to_0(stream):
    from checkpoint import WARMUP_STEPS

    plan = plan_of(stream, 1000)
    assert plan.rate_factor(0) == pytest.approx(1 / WARMUP_STEPS)
    assert plan.rate_factor(WARMUP_STEPS) == plan.rate_factor(500) == 1
    assert plan.rate_factor(750) == pytest.approx(0.5)
    assert plan.rate_factor(999) == pytest.approx(1 / 500)


def test_each_pass_reads_other_rows_of_the_same_text(stream):
    from rows import Batches

    batches = Batches(stream, context=8, n_rows=2, seed=0)
    passes = [torch.cat([batches[p * batches.n_in_pass + i] for i in range(batches.n_in_pass)]) for p in (0, 1)]
    assert batches.n_in_pass == 3
    assert (passes[0][:, 0] == 0).all()
    text = stream.tolist()
    for rows in passes:
        for row in rows[:, 1:].tolist():
            assert any(text[i : i + 8] == row for i in range(len(text)))
    assert not torch.equal(passes[0], passes[1])
    assert torch.equal(batches[0], passes[0][:2])


def test_the_transcoder_codes_what_is_read_and_is_held_against_what_is_written(tmp_path):
    from coders import Coder
    from measure import JumpRelu
    from sae import make_coder

    torch.manual_seed(0)
    coder = Coder("t", block=0, d_sae=32, k=4, is_transcoder=True)
    made = make_coder(coder, torch.nn.Linear(8, 8), torch.ones(8))
    made.topk_threshold.fill_(0.3)
    read, written = torch.randn(50, 8), torch.randn(50, 8)
    pre = (3 * read) @ made.W_enc + made.b_enc
    acts = torch.where(pre * made.W_dec.norm(dim=1) > 0.3, pre, 0).relu()
    wanted = (acts @ made.W_dec + made.b_dec) / 5
    from sae_lens.saes.sae import TrainStepInput

    step = TrainStepInput(torch.cat([3 * read, 5 * written], 1), {}, None, 0, is_logging_step=False)
    out = made.training_forward_pass(step)
    assert torch.allclose(out.losses["mse_loss"], (out.sae_out - 5 * written).pow(2).sum(1).mean())
    made.topk_threshold.fill_(0.3)
    made.fold_scales(3.0, 5.0)
    made.save_inference_model(tmp_path)
    shipped = JumpRelu.load(tmp_path, "cpu")
    assert torch.allclose(shipped.decode(shipped.encode(read)), wanted, atol=1e-5)
    from sae_lens import SAE

    theirs = SAE.load_from_disk(str(tmp_path))
    assert theirs.cfg.architecture() == "jumprelu_transcoder"
    assert torch.allclose(theirs(read), wanted, atol=1e-5)
