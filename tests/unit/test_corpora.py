"""Corpora of other kinds than files of lines, and how they are laid out."""

import copy
import gzip
import json
import os

import datasets
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import tiny
from saescope.corpus import corpus_key, corpus_name, pack, read_documents
from saescope.corpus.packing import CHARACTERS_A_BATCH
from saescope.errors import CorpusError, CorpusMissingError, InputError

CHAT = [{"role": "user", "content": "the sea"}, {"role": "assistant", "content": "the ship"}]
TEMPLATE = "{{ bos_token }}{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}"


def told(corpus, **options):
    return [(d.number, d.text, d.source) for d in read_documents(corpus, **options)]


def table(path, **columns):
    pq.write_table(pa.table(columns), path, row_group_size=2)
    return path


def packed(documents, *, bos=None, size=8, **options):
    parts = list(pack(documents, tiny.tokenizer(), context_size=size, bos=bos, **options))
    rows = [t for p in parts for t in p.tokens.tolist()]
    return rows, [s for p in parts for s in p.context_starts], [s for p in parts for s in p.doc_starts]


def test_parquet_gives_its_text_column_and_sources(tmp_path):
    path = table(tmp_path / "c.parquet", text=["a", " ", "ü🚢"], source=["x", "y", None], other=[1, 2, 3])
    assert told(path) == [(0, "a", "x"), (1, "ü🚢", "c.parquet")]


def test_parquet_gives_the_column_that_is_named(tmp_path):
    path = table(tmp_path / "c.parquet", body=["a", "b"])
    assert [text for _, text, _ in told(path, column="body")] == ["a", "b"]
    with pytest.raises(CorpusError, match="no column 'text'; it has 'body'"):
        told(path)


def test_a_null_in_parquet_is_told_by_its_row(tmp_path):
    with pytest.raises(CorpusError, match="row 1: wanted a text"):
        told(table(tmp_path / "c.parquet", text=["a", None]))


def test_parquet_with_text_that_is_not_utf8_is_told_by_its_row(tmp_path):
    offsets, raw = pa.py_buffer(b"".join(n.to_bytes(4, "little") for n in (0, 1, 5))), pa.py_buffer(b"acaf\xe9")
    path = table(tmp_path / "c.parquet", text=pa.StringArray.from_buffers(2, offsets, raw))
    with pytest.raises(CorpusError, match="row 1, is not UTF-8: byte 0xe9 at 3"):
        told(path)


def test_a_damaged_parquet_file_is_told(tmp_path):
    path = table(tmp_path / "c.parquet", text=["a", "b"])
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(CorpusError, match=r"c\.parquet cannot be read as Parquet"):
        told(path)


@pytest.mark.parametrize("suffix", ["gz", "zst"])
@pytest.mark.parametrize("is_folder", [True, False])
def test_parquet_in_an_archive_is_refused(tmp_path, suffix, is_folder):
    whole = table(tmp_path / "c.parquet", text=["a"])
    packed = tmp_path / f"c.parquet.{suffix}"
    packed.write_bytes(gzip.compress(whole.read_bytes()))
    with pytest.raises(CorpusError, match="Parquet is compressed in itself"):
        told(tmp_path if is_folder else packed)


def test_parquet_with_texts_and_chats_gives_both(tmp_path):
    path = table(tmp_path / "c.parquet", text=["a", None], messages=[None, CHAT])
    first, second = read_documents(path)
    assert (first.text, first.messages, second.text, second.messages) == ("a", None, "", CHAT)


def test_a_key_can_be_named_wherever_there_are_objects(tmp_path):
    rows = [{"text": "no", "body": "yes"}, "bare"]
    (tmp_path / "c.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert [text for _, text, _ in told(tmp_path / "c.jsonl", column="body")] == ["yes", "bare"]
    assert [text for _, text, _ in told(rows, column="body")] == ["yes", "bare"]
    (chat,) = read_documents(table(tmp_path / "c.parquet", turns=[CHAT]), column="turns")
    assert chat.messages == CHAT
    with pytest.raises(CorpusError, match=r"item 0: .* with a \"body\", and got an object with 'text'"):
        told([{"text": "a"}], column="body")


@pytest.mark.parametrize("column", ["", 5])
def test_a_column_has_a_name(column):
    with pytest.raises(InputError, match="the name of a column"):
        told(["a"], column=column)


def test_a_folder_is_read_in_the_order_of_its_paths(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "z.txt").write_text("last")
    (tmp_path / "b" / "one.jsonl").write_text('{"text": "first"}\n{"text": "second", "source": "own"}\n')
    table(tmp_path / "c.parquet", text=["third"])
    for left_out in ("image.png", ".secret.txt", ".hidden/x.txt", "empty.txt"):
        (tmp_path / left_out).write_text("no" if left_out != "empty.txt" else "")
    found = told(tmp_path)
    assert found == [(0, "first", "b/one.jsonl"), (1, "second", "own"), (2, "third", "c.parquet"), (3, "last", "z.txt")]


def test_an_error_in_a_folder_names_the_file_and_line(tmp_path):
    (tmp_path / "x.jsonl").write_text('{"text": "a"}\n{"text":\n')
    with pytest.raises(CorpusError, match=r"x\.jsonl, line 2, is not JSON"):
        told(tmp_path)


def test_a_folder_reads_names_in_capitals_and_linked_folders_but_no_circles(tmp_path):
    corpus, elsewhere = tmp_path / "corpus", tmp_path / "elsewhere"
    corpus.mkdir()
    elsewhere.mkdir()
    (corpus / "A.TXT").write_text("one")
    (elsewhere / "b.txt").write_text("two")
    (corpus / "linked").symlink_to(elsewhere)
    (elsewhere / "back").symlink_to(corpus)
    assert told(corpus) == [(0, "one", "A.TXT"), (1, "two", "linked/b.txt")]
    assert [name for name, *_ in corpus_key(corpus)["files"]] == ["A.TXT", "linked/b.txt"]


@pytest.mark.parametrize("name", ["b.parquet", "b.jsonl.gz", "b.txt.zst"])
def test_a_file_in_a_folder_that_was_cut_to_nothing_is_told(tmp_path, name):
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(CorpusError, match=f"{name} is empty"):
        told(tmp_path)


def test_a_link_that_leads_nowhere_is_told(tmp_path):
    (tmp_path / "a.txt").symlink_to(tmp_path / "gone.txt")
    for read in (told, corpus_key):
        with pytest.raises(CorpusMissingError, match="leads nowhere"):
            read(tmp_path)


def test_names_and_sources_that_are_no_text_are_made_one(tmp_path):
    try:
        (tmp_path / os.fsdecode(b"caf\xe9.txt")).write_text("a")
    except OSError:
        pytest.skip("this file system takes no such name")
    assert told(tmp_path) == [(0, "a", "caf?.txt")]
    assert corpus_key(tmp_path)["files"][0][0] == "caf?.txt"
    assert told([{"text": "a", "source": "\ud83d"}]) == [(0, "a", "?")]


@pytest.mark.parametrize("path", ["the sea " * 1000, "~no-such-person/c.txt", "a\0b"])
def test_what_can_be_no_path_is_a_missing_corpus(path):
    with pytest.raises(CorpusMissingError, match="there is no corpus at") as caught:
        told(path)
    assert "list" in caught.value.hint
    assert len(caught.value.message) < 400
    assert corpus_key(path) is None


def test_a_data_frame_is_asked_for_its_column():
    frame = pl.DataFrame({"text": ["a"]})
    with pytest.raises(InputError, match="DataFrame came") as caught:
        told(frame)
    assert 'table["text"]' in caught.value.hint
    assert told(frame["text"]) == [(0, "a", "")]


def test_a_dataset_reads_only_what_is_wanted_unless_it_has_a_transform():
    made = datasets.Dataset.from_dict({"text": ["a", "b"], "picture": [b"", b""]})
    plain = made.cast_column("picture", datasets.Value("binary")).with_format("numpy")
    assert [text for _, text, _ in told(plain)] == ["a", "b"]
    louder = made.with_transform(lambda batch: {"text": [t + "!" for t in batch["text"]]})
    assert [text for _, text, _ in told(louder)] == ["a!", "b!"]
    (chat,) = read_documents(datasets.Dataset.from_list([{"messages": CHAT}]))
    assert chat.messages == CHAT


def test_datasets_without_named_columns_are_read():
    rows = datasets.IterableDataset.from_generator(lambda: iter([{"text": "a"}, {"text": "b"}]))
    assert [text for _, text, _ in told(rows)] == ["a", "b"]
    assert corpus_key(rows) is None


@pytest.mark.parametrize("splits", [[], ["test", "train"]])
def test_several_splits_are_named(splits):
    made = datasets.Dataset.from_dict({"text": ["a"]})
    with pytest.raises(InputError, match="several splits: 'test', 'train'" if splits else "several splits: none"):
        told(datasets.DatasetDict(dict.fromkeys(splits, made)))


def test_datasets_are_read_row_by_row():
    made = datasets.Dataset.from_dict({"text": ["a", "b"], "source": ["s", None]})
    assert told(made) == [(0, "a", "s"), (1, "b", "")]
    assert told(made.to_iterable_dataset()) == [(0, "a", "s"), (1, "b", "")]
    with pytest.raises(CorpusError, match="no column 'body'"):
        told(made, column="body")
    with pytest.raises(InputError, match="several splits: 'train'"):
        told(datasets.DatasetDict({"train": made}))


def test_packed_contexts_begin_one_length_apart():
    documents = list(read_documents(tiny.texts(5)))
    rows, contexts, _ = packed(documents, bos=0)
    assert contexts == list(range(0, len(rows), 8))
    assert {rows[c] for c in contexts} == {0}


@pytest.mark.parametrize("bos", [None, 0])
@pytest.mark.parametrize("size", [2, 7, 32])
def test_apart_each_document_begins_a_context_and_no_token_is_lost(bos, size):
    documents = list(read_documents(tiny.texts(6)))
    rows, contexts, docs = packed(documents, bos=bos, size=size, is_packed=False)
    assert set(docs) <= set(contexts)
    lengths = [b - a for a, b in zip(contexts, [*contexts[1:], len(rows)], strict=True)]
    assert all(1 <= n <= size for n in lengths)
    assert all(n == size for a, n in zip(contexts, lengths, strict=True) if a + n not in {*docs, len(rows)})
    ids = [tiny.tokenizer()(d.text, add_special_tokens=False)["input_ids"] for d in documents]
    heads = set(contexts) if bos is not None else set()
    assert [t for r, t in enumerate(rows) if r not in heads] == [t for part in ids for t in part]
    if bos is not None:
        assert {rows[c] for c in contexts} == {bos}


def test_apart_the_limit_is_kept_exactly():
    rows, contexts, docs = packed(list(read_documents(tiny.texts(6))), is_packed=False, max_tokens=45)
    assert len(rows) == 45
    assert max(contexts) < 45
    assert max(docs) < 45


def test_conversations_are_laid_out_by_the_chat_template(tmp_path):
    (tmp_path / "c.jsonl").write_text(json.dumps({"messages": CHAT}) + "\n")
    tokenizer = copy.deepcopy(tiny.tokenizer())
    tokenizer.chat_template = TEMPLATE
    (document,) = read_documents(tmp_path / "c.jsonl")
    for bos, head in ((None, [0]), (0, [0])):
        (part,) = pack([document], tokenizer, context_size=64, bos=bos)
        text = "[user] the sea\n[assistant] the ship\n"
        assert part.tokens.tolist() == head + tokenizer(text, add_special_tokens=False)["input_ids"]


@pytest.mark.parametrize("bos", [None, 0])
def test_texts_and_conversations_in_one_corpus_keep_their_order(bos):
    tokenizer = copy.deepcopy(tiny.tokenizer())
    tokenizer.chat_template = TEMPLATE
    corpus = ["the sea", {"messages": CHAT}, "the ship", {"messages": CHAT[:1]}]
    chats = [
        tokenizer.apply_chat_template(m, tokenize=True, add_generation_prompt=False, return_dict=False)
        for m in (CHAT, CHAT[:1])
    ]
    texts = [tokenizer(t, add_special_tokens=False)["input_ids"] for t in ("the sea", "the ship")]
    if bos is not None:
        chats = [ids[1:] for ids in chats]
    wanted = [[bos] * (bos is not None) + ids for pair in zip(texts, chats, strict=True) for ids in pair]
    (part,) = pack(read_documents(corpus), tokenizer, context_size=256, bos=bos, is_packed=False)
    assert part.tokens.tolist() == [t for ids in wanted for t in ids]


def test_a_conversation_keeps_what_a_template_may_want_and_no_empty_keys():
    call = {"role": "assistant", "content": None, "tool_calls": [{"name": "f"}], "name": None}
    (found,) = read_documents([{"messages": [CHAT[0] | {"name": "Bo", "tool_calls": None}, call]}])
    assert found.messages == [
        CHAT[0] | {"name": "Bo"},
        {"role": "assistant", "content": "", "tool_calls": [{"name": "f"}]},
    ]


def test_half_a_character_in_a_conversation_is_told():
    with pytest.raises(CorpusError, match=r"item 0, message 1: .* half a surrogate"):
        told([{"messages": [CHAT[0], {"role": "user", "content": "\ud83d"}]}])


def test_long_documents_are_packed_a_few_at_a_time():
    n_read = 0

    def endless():
        nonlocal n_read
        while True:
            n_read += 1
            yield "the sea " * (CHARACTERS_A_BATCH // 16)

    next(pack(read_documents(endless()), tiny.tokenizer(), context_size=64, bos=None))
    assert n_read <= 3


def test_a_conversation_needs_a_chat_template():
    with pytest.raises(CorpusError, match=r"item 0: .* no chat template"):
        list(pack(read_documents([{"messages": CHAT}]), tiny.tokenizer(), context_size=8, bos=None))


def test_a_template_that_refuses_is_told():
    tokenizer = copy.deepcopy(tiny.tokenizer())
    tokenizer.chat_template = "{{ raise_exception('roles must alternate') }}"
    with pytest.raises(CorpusError, match=r"item 0: .*roles must alternate"):
        list(pack(read_documents([{"messages": CHAT}]), tokenizer, context_size=8, bos=None))


@pytest.mark.parametrize("messages", ["hello", [{"role": "user"}], [{"role": "user", "content": 5}], [None]])
def test_malformed_messages_are_told_by_their_place(messages):
    with pytest.raises(CorpusError, match=r'item 1: .*"role" and a "content"'):
        told(["a", {"messages": messages}])


def test_the_key_changes_with_the_files_and_not_otherwise(tmp_path):
    file = tmp_path / "a.txt"
    file.write_text("one")
    before, folder = corpus_key(file), corpus_key(tmp_path)
    assert before == corpus_key(str(file))
    file.write_text("longer")
    assert corpus_key(file) != before
    assert corpus_key(tmp_path) != folder
    assert json.loads(json.dumps(before)) == before
    assert corpus_key(["a"]) is None
    assert corpus_key(tmp_path / "missing") is None


def test_corpora_have_names(tmp_path):
    assert corpus_name(tmp_path / "a.jsonl.gz") == "a.jsonl.gz"
    assert corpus_name(["a"]) == "texts in memory"
    assert corpus_name(datasets.Dataset.from_dict({"text": ["a"]})) == "a dataset"


def test_a_dataset_is_known_by_its_fingerprint_and_named_by_what_it_says():
    made = datasets.Dataset.from_dict({"text": ["a", "b"]})
    assert corpus_key(made) == corpus_key(datasets.Dataset.from_dict({"text": ["a", "b"]}))
    assert corpus_key(made) != corpus_key(made.select([0]))
    info = datasets.DatasetInfo(dataset_name="tales", config_name="short")
    named = datasets.Dataset.from_dict({"text": ["a"]}, info=info, split=datasets.Split.TRAIN)
    assert corpus_name(named) == "tales short train"
