"""Corpora of other kinds than files of lines, and how they are laid out."""

import copy
import json

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import tiny
from saescope.corpus import corpus_key, corpus_name, pack, read_documents
from saescope.errors import CorpusError, InputError

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
