import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, normalizers
from transformers import PreTrainedTokenizerFast

import tiny
from saescope.corpus import token_table
from saescope.index.vocabulary import Vocabulary, readable


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        (b" the", " the"),
        ("日本 🚢".encode(), "日本 🚢"),
        (b"\xe2\x80", "‹E2 80›"),
        (b"\x80\x81", "‹80 81›"),
        (b"a\xf0\x9f\x9ab", "a‹F0 9F 9A›b"),
        (b"\x00\x07", "‹00 07›"),
        (b"\x7f", "‹7F›"),
        (b"\n\t\r", "\n\t\r"),
        (b"", ""),
        (b"<b>&amp;", "<b>&amp;"),
    ],
)
def test_bytes_are_shown_so_that_a_person_can_read_them(content, shown):
    assert readable(content) == shown


@given(st.binary(max_size=12))
def test_no_bytes_show_as_control_or_replacement_characters(content):
    shown = readable(content)
    assert "\ufffd" not in shown
    assert not any(ord(c) < 32 and c not in "\t\n\r" for c in shown)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="›‹")))
def test_whole_text_is_shown_as_it_is(text):
    assert readable(text.encode()) == text


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40))
def test_byte_level_tokens_join_to_the_text_that_was_tokenised(text):
    tokenizer = tiny.tokenizer()
    table = token_table(tokenizer)
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert b"".join(table.contents[i] for i in ids).decode() == text
    vocabulary = Vocabulary(table.raws, table.contents, table.is_special)
    assert vocabulary.decode(ids) == tokenizer.decode(ids, clean_up_tokenization_spaces=False) == text


def sentencepiece():
    pieces = [
        "<unk>",
        "<s>",
        "</s>",
        *(f"<0x{n:02X}>" for n in range(256)),
        "▁",
        "▁the",
        "▁sea",
        "s",
        "e",
        "a",
        "▁▁",
        "日",
    ]
    raw = Tokenizer(models.BPE({p: n for n, p in enumerate(pieces)}, [], unk_token="<unk>", byte_fallback=True))
    raw.normalizer = normalizers.Replace(" ", "▁")
    raw.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    return PreTrainedTokenizerFast(tokenizer_object=raw, bos_token="<s>", eos_token="</s>", unk_token="<unk>")


def test_sentencepiece_tokens_stand_for_spaces_and_bytes():
    tokenizer = sentencepiece()
    table = token_table(tokenizer)
    of = dict(zip(table.raws, table.contents, strict=True))
    assert (of["▁the"], of["<0xE2>"], of["▁▁"], of["日"], of["<s>"]) == (b" the", b"\xe2", b"  ", "日".encode(), b"<s>")
    assert [table.raws[i] for i in table.is_special.nonzero()[0]] == ["<unk>", "<s>", "</s>"]


@given(st.text(alphabet="sea 日本🚢", max_size=20))
def test_sentencepiece_tokens_join_to_what_the_tokenizer_decodes(text):
    tokenizer = sentencepiece()
    table = token_table(tokenizer)
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    joined = b"".join(table.contents[i] for i in ids).decode()
    assert joined == tokenizer.decode(ids, clean_up_tokenization_spaces=False) == text


def test_special_tokens_are_marked_and_keep_their_names():
    table = token_table(tiny.tokenizer())
    assert [table.raws[i] for i in table.is_special.nonzero()[0]] == ["<|endoftext|>"]
    assert table.contents[0] == b"<|endoftext|>"
    assert len(table) == len(tiny.tokenizer())


def test_a_vocabulary_survives_the_disk(tmp_path):
    table = token_table(tiny.tokenizer())
    Vocabulary(table.raws, table.contents, table.is_special).write(tmp_path / "v.parquet")
    read = Vocabulary.read(tmp_path / "v.parquet")
    assert (read.raws, read.contents, read.is_special.tolist()) == (
        table.raws,
        table.contents,
        table.is_special.tolist(),
    )
    assert all(i in read.ids_of(read.text(i)) for i in range(len(read)) if "‹" not in read.text(i))
    assert read.text(10_000) == "‹token 10000›"
    assert read.raw(10_000) == ""
