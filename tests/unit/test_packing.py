import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import plain
from saescope.corpus import Document, Packer, pack
from saescope.errors import CorpusError, InputError

LENGTHS = st.lists(st.integers(0, 40), max_size=30)


class Numbers:
    """A tokenizer for texts that are numbers."""

    def __call__(self, texts, **_options):
        return {"input_ids": [[int(n) for n in t.split()] for t in texts]}


def documents(lengths):
    token = iter(range(100, 100_000))
    return [[next(token) for _ in range(n)] for n in lengths]


def packed(lists, *, context_size, bos, max_tokens=None):
    texts = [Document(n, " ".join(map(str, ids)), f"s{n}") for n, ids in enumerate(lists)]
    parts = list(pack(texts, Numbers(), context_size=context_size, bos=bos, max_tokens=max_tokens))
    tokens = [t for p in parts for t in p.tokens.tolist()]
    return tokens, *([x for p in parts for x in getattr(p, name)] for name in ("doc_starts", "docs", "sources"))


@given(
    lengths=LENGTHS,
    context_size=st.integers(2, 17),
    bos=st.sampled_from([None, 7]),
    cut=st.none() | st.integers(2, 200),
)
@settings(deadline=None)
def test_packing_equals_laying_token_by_token(lengths, context_size, bos, cut):
    lists = documents(lengths)
    stream, starts = plain.pack(lists, context_size, bos, cut)
    if len(stream) < 2:
        with pytest.raises(CorpusError, match="less than two tokens"):
            packed(lists, context_size=context_size, bos=bos, max_tokens=cut)
        return
    tokens, doc_starts, docs, sources = packed(lists, context_size=context_size, bos=bos, max_tokens=cut)
    assert tokens == stream
    assert doc_starts == starts
    assert docs == [n for n, ids in enumerate(lists) if ids][: len(starts)]
    assert sources == [f"s{n}" for n in docs]


@given(lengths=LENGTHS, context_size=st.integers(2, 17))
@settings(deadline=None)
def test_whole_contexts_equal_those_of_sae_lens(lengths, context_size):
    import torch
    from sae_lens.tokenization_and_batching import concat_and_batch_sequences

    lists = documents(lengths)
    theirs = concat_and_batch_sequences(
        (torch.tensor(ids) for ids in lists if ids), context_size, begin_batch_token_id=7, sequence_separator_token_id=7
    )
    packer = Packer(context_size, 7)
    for n, ids in enumerate(lists):
        packer.add(Document(n, "", ""), ids)
    ours = packer.take().tokens
    whole = ours[: len(ours) // context_size * context_size].reshape(-1, context_size).tolist()
    assert whole == [context.tolist() for context in theirs]


@given(lengths=LENGTHS, context_size=st.integers(2, 17))
def test_with_bos_every_context_begins_with_it(lengths, context_size):
    packer = Packer(context_size, 7)
    for n, ids in enumerate(documents(lengths)):
        packer.add(Document(n, "", ""), ids)
    assert set(packer.take().tokens[::context_size].tolist()) <= {7}


@given(lengths=LENGTHS, context_size=st.integers(2, 17), bos=st.sampled_from([None, 7]))
def test_no_token_of_a_document_is_lost_or_doubled(lengths, context_size, bos):
    packer, lists = Packer(context_size, bos), documents(lengths)
    for n, ids in enumerate(lists):
        packer.add(Document(n, "", ""), ids)
    assert [t for t in packer.take().tokens.tolist() if t != 7] == [t for ids in lists for t in ids]


def test_more_documents_than_a_batch_are_packed_as_one_stream():
    lists = documents([3] * 700)
    assert packed(lists, context_size=8, bos=7)[:2] == plain.pack(lists, 8, 7)


@pytest.mark.parametrize("size", [1, 0, -4])
def test_a_context_holds_at_least_two_tokens(size):
    with pytest.raises(InputError, match=f"context_size is {size}"):
        Packer(size, None)


def test_an_index_needs_at_least_two_tokens():
    with pytest.raises(InputError, match="max_tokens is 1"):
        packed(documents([5]), context_size=4, bos=None, max_tokens=1)
