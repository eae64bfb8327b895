import gzip
import json

import pytest
import zstandard

from saescope.corpus import read_documents
from saescope.errors import CorpusError, CorpusMissingError, InputError

LINES = [{"text": "one", "source": "a"}, {"text": "  \n"}, {"text": "twö 🚢"}, "three"]
RAW = b"".join(json.dumps(x, ensure_ascii=False).encode() + b"\n" for x in LINES)


def packed(suffix, raw):
    if suffix.endswith(".gz"):
        return gzip.compress(raw)
    return zstandard.ZstdCompressor().compress(raw) if suffix.endswith(".zst") else raw


@pytest.fixture
def write(tmp_path):
    def write(name, raw):
        path = tmp_path / name
        path.write_bytes(raw)
        return path

    return write


@pytest.mark.parametrize("suffix", [".jsonl", ".ndjson", ".jsonl.gz", ".jsonl.zst", ".json"])
def test_json_lines_give_numbered_documents_with_sources_and_skip_blank_ones(write, suffix):
    path = write(f"c{suffix}", packed(suffix, RAW))
    found = [(d.number, d.text, d.source) for d in read_documents(path)]
    assert found == [(0, "one", "a"), (1, "twö 🚢", path.name), (2, "three", path.name)]


@pytest.mark.parametrize("suffix", [".txt", ".txt.gz", ".txt.zst", ".md"])
def test_plain_text_is_one_document(write, suffix):
    (found,) = read_documents(write(f"c{suffix}", packed(suffix, "a\nb ü\n".encode())))
    assert found.text == "a\nb ü\n"


def test_iterables_of_texts_and_objects_are_read_lazily():
    def endless():
        n = 0
        while True:
            yield f"text {n}" if n % 2 else {"text": f"text {n}", "source": "s"}
            n += 1

    documents = read_documents(endless())
    assert [(d.text, d.source) for d in (next(documents), next(documents))] == [("text 0", "s"), ("text 1", "")]


def test_a_byte_order_mark_is_no_part_of_the_text(write):
    (found,) = read_documents(write("c.txt", b"\xef\xbb\xbfhello"))
    assert found.text == "hello"
    (found,) = read_documents(write("c.jsonl", b'\xef\xbb\xbf{"text": "hello"}'))
    assert found.text == "hello"


@pytest.mark.parametrize("packer", [gzip.compress, zstandard.ZstdCompressor().compress])
def test_archives_of_several_parts_are_read_to_the_end(write, packer):
    suffix = ".gz" if packer is gzip.compress else ".zst"
    documents = list(read_documents(write(f"c.jsonl{suffix}", packer(RAW) + packer(b'"last"\n'))))
    assert documents[-1].text == "last"


def test_a_missing_file_is_told_with_its_path(tmp_path):
    with pytest.raises(CorpusMissingError, match=r"nothing\.jsonl") as caught:
        list(read_documents(tmp_path / "nothing.jsonl"))
    assert isinstance(caught.value, FileNotFoundError)
    assert ".jsonl" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "raw", "said"),
    [
        ("c.jsonl", b"", "is empty"),
        ("c.txt", b" \n\t\n", "holds no text"),
        ("c.jsonl", b'{"text": ""}\n\n{"text": " "}\n', "holds no text"),
        ("c.parquet", b"PAR1", "as Parquet"),
        ("corpus", b"text", "no suffix"),
        ("c.gz", b"text", "no suffix"),
        ("c.txt", b"caf\xe9", "not UTF-8: byte 0xe9 at 3"),
        ("c.jsonl", b'{"text": "a"}\n{"text": "caf\xe9"}\n', "line 2, is not UTF-8"),
        ("c.jsonl", '{"text": "a"}'.encode("utf-16"), "line 1, is not UTF-8"),
        ("c.jsonl", b'{"text": "a"}\n\n{"text": "b"\n', "line 3, is not JSON"),
        ("c.jsonl", b"[" * 200_000, "line 1, is not JSON"),
        ("c.jsonl", b'{"text": "a", "n": ' + b"1" * 6000 + b"}", "line 1, is not JSON"),
        ("c.jsonl", b'"a"\n{"body": "b", "id": 1}\n', "line 2: .* got an object with 'body', 'id'"),
        ("c.jsonl", b'{"text": 5}\n', "line 1: wanted a text"),
        ("c.jsonl", b'[{"text": "a"}]\n', "line 1: .* got list"),
        ("c.jsonl", b'"a"\n"b \\ud83d"\n', "line 2: .* half a surrogate"),
        ("c.jsonl.gz", RAW, "cannot be read"),
        ("c.jsonl.zst", RAW, "cannot be read"),
        ("c.txt.gz", gzip.compress(bytes(range(32, 127)) * 500)[:-60], "cannot be read"),
        ("c.txt.zst", packed(".zst", bytes(i * i % 90 + 33 for i in range(300_000)))[:-60], "cannot be read"),
    ],
)
def test_a_bad_corpus_is_told_with_place_and_hint(write, name, raw, said):
    with pytest.raises(CorpusError, match=said) as caught:
        list(read_documents(write(name, raw)))
    assert name in caught.value.message
    assert caught.value.hint
    assert caught.value.code == "corpus"


@pytest.mark.parametrize("n", range(0, 400, 13))
def test_a_damaged_archive_never_reads_as_if_whole(write, n):
    whole = b"".join(b'"document %d"\n' % (i * i) for i in range(200))
    damaged = bytearray(gzip.compress(whole))
    damaged[10 + n * (len(damaged) - 20) // 400] ^= 0x55
    with pytest.raises(CorpusError):
        list(read_documents(write("c.jsonl.gz", bytes(damaged))))


def test_a_folder_without_corpus_files_is_no_corpus(tmp_path):
    (tmp_path / "notes.doc").write_bytes(b"x")
    with pytest.raises(CorpusError, match="no corpus file") as caught:
        list(read_documents(tmp_path))
    assert ".jsonl" in caught.value.hint


@pytest.mark.parametrize("corpus", [5, None, {"text": "a"}])
def test_what_holds_no_texts_is_no_corpus(corpus):
    with pytest.raises(InputError, match=f"{type(corpus).__name__} came"):
        list(read_documents(corpus))


def test_an_item_that_is_no_text_is_told_by_its_number():
    with pytest.raises(CorpusError, match=r"item 1: .* got int"):
        list(read_documents(["a", 5]))


def test_no_items_are_no_corpus():
    with pytest.raises(CorpusError, match="holds no text"):
        list(read_documents([]))
