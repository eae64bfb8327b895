"""What the model expects after a text."""

import numpy as np
import pytest
import torch

import tiny
from saescope.errors import InputError, NeedsModelError


def test_next_tokens_are_those_of_a_plain_forward(tiny_scope):
    text = tiny.texts(1)[0][:40]
    tokens = tiny_scope.tokens_of(text)
    with torch.no_grad():
        p = tiny_scope.model(torch.from_numpy(tokens)[None]).logits[0, -1].float().softmax(-1).numpy()
    found = tiny_scope.next_tokens(text, 7)
    assert found["token_id"].to_list() == np.argsort(-p)[:7].tolist()
    np.testing.assert_allclose(found["probability"].to_numpy(), np.sort(p)[::-1][:7], rtol=1e-4)
    np.testing.assert_allclose(found["logprob"].to_numpy(), np.log(found["probability"].to_numpy()), rtol=1e-6)
    assert tiny_scope.next_tokens(tokens.tolist(), 7).equals(found)


def test_what_is_typed_is_told_in_the_model_s_tokens(tiny_scope):
    text = tiny.texts(1)[0][:40]
    typed = "zq Xx9"
    ids = tiny_scope.tokenizer(typed, add_special_tokens=False)["input_ids"]
    assert len(ids) > 1
    found = tiny_scope.expect(text, 3, [typed, ""])
    (one,) = found.typed
    assert (one.text, one.ids) == (typed, ids)
    assert 0 <= one.probability <= 1


@pytest.mark.parametrize("k", [0, 1001, True, 2.0])
def test_a_number_that_is_none_is_refused(tiny_scope, k):
    with pytest.raises(InputError, match="k is a number of tokens"):
        tiny_scope.next_tokens("a text", k)


def test_an_index_alone_has_no_model_to_ask(opened):
    with pytest.raises(NeedsModelError):
        opened.next_tokens("a text")
