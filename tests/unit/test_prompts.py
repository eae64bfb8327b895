"""Texts that effects are measured on: what is run, what is kept, which token is asked for."""

import numpy as np
import pytest
import torch

import saescope
import tiny
from saescope.effects.targets import aim, token_of
from saescope.errors import CancelledError, InputError, NeedsModelError


@pytest.fixture
def scope():
    return saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae())


def test_a_clean_run_is_kept_and_its_features_are_those_of_try_it(scope):
    tried = scope.activations("the sea under a green sky")
    with scope.prompted("the sea under a green sky") as first:
        found = {(int(r), int(f)): float(v) for r, f, v in zip(*vars(first.nonzeros).values(), strict=True)}
        wanted = {(r["pos"], r["feature"]): r["activation"] for r in tried.iter_rows(named=True)}
        assert found.keys() == wanted.keys()
        assert all(found[k] == pytest.approx(wanted[k], rel=1e-5) for k in wanted)
        assert first.counted.tolist() == [False] + [True] * (first.n_tokens - 1)
    with scope.prompted("the sea under a green sky") as second:
        assert second is first


def test_only_the_last_texts_are_kept(scope):
    texts = ["the sea", "a ship", "a star", "the sky", "the navy"]
    runs = []
    for text in texts:
        with scope.prompted(text) as prompt:
            runs.append(prompt)
    with scope.prompted(texts[-1]) as prompt:
        assert prompt is runs[-1]
    with scope.prompted(texts[0]) as prompt:
        assert prompt is not runs[0]


@pytest.mark.parametrize("part", ["model", "sae"])
def test_a_clean_run_is_forgotten_when_weights_are_written_to(scope, part):
    with scope.prompted("the sea") as before:
        wanted = before.ablator.output(0).logits.clone()
    with torch.no_grad():
        (scope.model.lm_head.weight if part == "model" else scope.sae.W_dec).mul_(2)
    with scope.prompted("the sea") as after:
        assert after is not before
        assert torch.allclose(after.ablator.output(0).logits, wanted) == (part == "sae")


def test_token_ids_are_taken_as_they_are(scope):
    ids = scope.tokenizer("the sea", add_special_tokens=False)["input_ids"]
    with scope.prompted(ids) as prompt:
        assert prompt.tokens.tolist() == ids
    with scope.prompted("the sea") as prompt:
        assert prompt.tokens.tolist() == [scope.tokenizer.bos_token_id, *ids]


@pytest.mark.parametrize("text", ["", [], [1.5], [-1], [10**9], [[1, 2]]])
def test_what_is_no_text_is_refused(scope, text):
    with pytest.raises(InputError):
        scope.tokens_of(text)


def test_a_text_longer_than_the_context_is_refused_with_its_lengths(scope):
    with pytest.raises(InputError, match="the text has 129 tokens and the model takes 128") as caught:
        scope.tokens_of([1] * 129)
    assert (caught.value.data["n_tokens"], caught.value.data["n_fit"]) == (129, 128)


def test_an_index_alone_has_no_effects(opened):
    with pytest.raises(NeedsModelError), opened.prompted("the sea"):
        pass


def test_a_stop_while_another_has_the_model_is_heard(scope):
    def stop():
        raise CancelledError("stopped.")

    stages = []
    scope.lock.acquire()
    try:
        with pytest.raises(CancelledError), scope.prompted("the sea", check=stop, on_stage=lambda *s: stages.append(s)):
            pass
    finally:
        scope.lock.release()
    assert stages[0][0] == "waiting"
    assert not scope.lock.locked()


def test_a_target_is_one_token():
    tokenizer = tiny.tokenizer()
    piece = tokenizer.decode([257])
    assert piece.startswith(" ")
    assert token_of(tokenizer, piece, 320) == 257 == token_of(tokenizer, 257, 320)
    with pytest.raises(InputError, match=r"tokens \(.* \+ .*\), and one was wanted") as caught:
        token_of(tokenizer, "zebra", 320)
    assert caught.value.data["pieces"][0] in caught.value.hint
    for wrong in ("", -1, 320, True, 1.5, None):
        with pytest.raises(InputError):
            token_of(tokenizer, wrong, 320)


def test_without_a_target_each_position_expects_what_follows():
    tokens = np.array([5, 6, 7])
    found = aim(tiny.tokenizer(), tokens, 42, None, 320)
    assert (found.targets.tolist(), found.contrast, found.is_given) == ([6, 7, 42], None, False)
    found = aim(tiny.tokenizer(), tokens, 42, (8, 9), 320)
    assert (found.targets.tolist(), found.contrast, found.is_given) == ([6, 7, 8], 9, True)
    with pytest.raises(InputError, match="two different tokens"):
        aim(tiny.tokenizer(), tokens, 42, (8, 8), 320)
    with pytest.raises(InputError, match="of two tokens, and 3 came"):
        aim(tiny.tokenizer(), tokens, 42, (8, 9, 10), 320)
