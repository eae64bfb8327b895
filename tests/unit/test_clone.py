import threading

import pytest
import torch

import saescope
import tiny
from saescope.engine.clone import structural_clone
from saescope.engine.reader import SiteReader
from saescope.types import Site

SITE = Site("blocks.1.hook_resid_post", "model.layers.1", "output", 1)
IDS = torch.arange(40).reshape(2, 20)


def n_hooks(model):
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())


def test_a_clone_computes_the_same_with_the_same_weights():
    model = tiny.model()
    clone = structural_clone(model)
    with torch.no_grad():
        assert torch.equal(clone(IDS).logits, model(IDS).logits)
    ours, theirs = dict(clone.named_parameters()), dict(model.named_parameters())
    assert set(ours) == set(theirs)
    assert all(ours[n] is theirs[n] for n in ours)
    assert not {id(m) for m in clone.modules()} & {id(m) for m in model.modules()}


def test_hooks_on_the_clone_are_not_on_the_model_and_the_other_way():
    model = tiny.model()
    model.model.layers[0].register_forward_hook(lambda *_: pytest.fail("the user's hook ran in the clone"))
    clone = structural_clone(model)
    seen = []
    clone.model.layers[0].register_forward_hook(lambda *_: seen.append(1))
    assert n_hooks(model) == n_hooks(clone) == 1
    with torch.no_grad():
        clone(IDS)
    assert seen == [1]


def test_weights_changed_by_the_user_are_seen_by_the_clone():
    model = tiny.model()
    clone = structural_clone(model)
    with torch.no_grad():
        model.lm_head.weight.mul_(2)
        assert torch.equal(clone(IDS).logits, model(IDS).logits)


def test_reading_and_building_leave_the_model_as_it_was(tmp_path, silent):
    model = tiny.model()
    before = {n: p.clone() for n, p in model.named_parameters()}
    modules = {n: id(m) for n, m in model.named_modules()}
    scope = saescope.load((model, tiny.tokenizer()), sae=tiny.sae())
    scope.activations("the sea")
    scope.build_index(tiny.texts(3), out=tmp_path / "index", progress=silent)
    assert n_hooks(model) == 0
    assert {n: id(m) for n, m in model.named_modules()} == modules
    assert all(torch.equal(before[n], p) for n, p in model.named_parameters())


def test_the_model_computes_as_ever_while_another_thread_reads():
    model = tiny.model()
    with torch.no_grad():
        wanted = model(IDS).logits
    reader, stop, wrong = SiteReader(model, SITE), threading.Event(), []

    def read():
        while not stop.is_set():
            reader.read(IDS)

    thread = threading.Thread(target=read)
    thread.start()
    with torch.no_grad():
        for _ in range(40):
            logits = model(IDS).logits
            wrong += [] if torch.equal(logits, wanted) else [1]
    stop.set()
    thread.join()
    assert wrong == []


def test_a_reader_leaves_no_hook_behind_even_on_its_clone():
    reader = SiteReader(tiny.model(), SITE)
    first = reader.read(IDS)
    assert torch.equal(first, reader.read(IDS))
    assert n_hooks(reader._model) == 0


def test_a_model_in_training_mode_stays_so_and_is_read_without_dropout():
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    config = GPT2Config(vocab_size=len(tiny.tokenizer()), n_embd=32, n_layer=4, n_head=4, initializer_range=0.6)
    model = GPT2LMHeadModel(config).train()
    scope = saescope.load((model, tiny.tokenizer()), sae=tiny.sae())
    assert model.training
    first, second = scope.activations("the sea"), scope.activations("the sea")
    assert first.equals(second)
    assert len(first) > 0
    assert all(m.training for m in model.modules())
