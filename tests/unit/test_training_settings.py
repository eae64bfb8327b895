"""How an SAE was trained decides how text is laid out for it."""

import copy

import pytest

import tiny
from saescope.errors import InputError, SourceError
from saescope.indexing.settings import DEFAULT_CONTEXT, choose_settings
from saescope.sources.model import LoadedModel
from saescope.sources.sae import load_sae

BOS = tiny.tokenizer().bos_token_id


def settings_of(*, tokenizer=None, own=None, **metadata):
    model = LoadedModel(tiny.model(), tokenizer or tiny.tokenizer(), "tiny")
    return choose_settings(model, load_sae(tiny.sae(**metadata)), context_size=own)


@pytest.mark.parametrize(("said", "wanted"), [(True, BOS), (False, None), (None, BOS)])
def test_bos_stands_where_the_sae_was_trained_with_it(said, wanted):
    assert settings_of(prepend_bos=said).bos == wanted


def test_contexts_are_as_long_as_in_training_unless_the_model_takes_less():
    assert settings_of(context_size=16).context_size == 16
    assert settings_of(context_size=16, own=24).context_size == 24
    with pytest.raises(InputError, match="4096 tokens does not fit tiny, which takes 2 to 128"):
        settings_of(context_size=4096)
    assert settings_of(context_size=None).context_size == DEFAULT_CONTEXT


def test_positions_that_training_left_out_do_not_count():
    assert settings_of(seqpos_slice=[5, None]).rule.n_skipped == 5
    assert settings_of(seqpos_slice=[None]).rule.n_skipped == 1


def test_bos_that_the_tokenizer_lacks_is_told():
    bare = copy.deepcopy(tiny.tokenizer())
    bare.bos_token = bare.eos_token = None
    with pytest.raises(SourceError, match="has neither BOS nor EOS"):
        settings_of(tokenizer=bare, prepend_bos=True)
    assert settings_of(tokenizer=bare, prepend_bos=False).bos is None
