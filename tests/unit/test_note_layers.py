import gzip
import json

import polars as pl
import pytest

from saescope.errors import InputError, UnknownNameError
from saescope.notes import Notes, open_book

N = 256
NEURONPEDIA = [
    {
        "id": "c1", "modelId": "gpt2-small", "layer": "8-res-jb", "index": str(i), "authorId": "a",
        "description": text, "embedding": [0.1], "typeName": "oai_token-act-pair", "explanationModelName": "gpt-4o",
        "notes": None, "triggeredByUserId": None, "scoreV1": 0, "scoreV2": None, "votes": 0, "scores": [],
        "umap_x": None,
    }
    for i, text in [(3, " references to ships\n"), (7, "towns"), (3, "a second one"), (9, None), (10, "")]
]  # fmt: skip


@pytest.fixture(autouse=True)
def author(monkeypatch):
    monkeypatch.setenv("SAESCOPE_AUTHOR", "anna")


@pytest.fixture
def notes(tmp_path):
    return Notes(open_book(tmp_path / "notes.sqlite", {"sae": "a"}), N)


def test_explanations_of_neuronpedia_come_as_a_layer_beside_one_s_own(notes, tmp_path):
    path = tmp_path / "batch-0.jsonl.gz"
    path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in NEURONPEDIA).encode()))
    notes.set(3, label="mine")
    told = notes.add_layer(path)
    assert told.drop("saved").rows() == [("batch-0", "gpt2-small/8-res-jb, batch-0.jsonl.gz", 2, "anna")]
    assert notes.layer("batch-0").rows() == [(3, "references to ships"), (7, "towns")]
    assert notes.layer_labels(3) == [("batch-0", "gpt2-small/8-res-jb, batch-0.jsonl.gz", "references to ships")]
    assert notes.labels() == {3: "mine"}
    assert notes.table()["feature"].to_list() == [3]
    assert notes.history(7).is_empty()


@pytest.mark.parametrize("kind", ["csv", "tsv", "parquet", "jsonl", "csv.gz"])
def test_a_table_of_labels_comes_in_each_format(notes, tmp_path, kind):
    frame = pl.DataFrame({"Feature": [7, 3], "n": [1, 2], "explanation": ["towns, “big”", "ships\tsea"]})
    path = tmp_path / f"auto labels.{kind}"
    if kind == "parquet":
        frame.write_parquet(path)
    elif kind == "jsonl":
        frame.write_ndjson(path)
    else:
        content = frame.write_csv(separator="\t" if kind == "tsv" else ",").encode()
        path.write_bytes(gzip.compress(content) if kind.endswith("gz") else content)
    notes.add_layer(path)
    assert notes.layers()["name"].to_list() == ["auto labels"]
    assert notes.layer("auto labels").rows() == [(3, "ships sea"), (7, "towns, “big”")]


def test_layers_keep_their_order_are_replaced_by_name_and_removed(notes, tmp_path):
    notes.add_layer(pl.DataFrame({"feature": [1, 2], "label": ["a", "b"]}), "one", source="by hand")
    notes.add_layer(pl.DataFrame({"feature": [1], "label": ["c"]}), "two")
    other = Notes(open_book(tmp_path / "notes.sqlite", {"sae": "a"}), N)
    assert [row[:2] for row in other.layer_labels(1)] == [("one", "by hand"), ("two", "a table in Python")]
    revision = notes.revision
    notes.add_layer(pl.DataFrame({"feature": [5], "label": ["d"]}), "one")
    assert notes.revision > revision
    assert notes.layer("one").rows() == [(5, "d")]
    notes.remove_layer("one")
    assert (other.layers()["name"].to_list(), other.layer_labels(5)) == (["two"], [])
    for ask in (notes.remove_layer, notes.layer):
        with pytest.raises(UnknownNameError, match=r"no layer 'one'\. Layers: two"):
            ask("one")


def test_a_layer_is_not_exported_and_not_undone(notes, tmp_path):
    notes.set(1, label="mine")
    notes.add_layer(pl.DataFrame({"feature": [1], "label": ["theirs"]}))
    assert b"theirs" not in notes.export(tmp_path / "n.jsonl").read_bytes()
    notes.undo(1)
    assert notes.layers().height == 1


@pytest.mark.parametrize(
    ("frame", "wanted"),
    [
        ({"neuron": [1], "label": ["a"]}, "no column holds a feature's number: there are 'neuron', 'label'"),
        ({"feature": [1], "name": ["a"]}, "no column holds its label"),
        ({"feature": [1, 256], "label": ["a", "b"]}, "row 2 of the labels is about feature 256: this dictionary has 0"),
        ({"feature": ["1", "x"], "label": ["a", "b"]}, "row 2 of the labels is about feature 'x'"),
        ({"feature": [1, None], "label": ["a", "b"]}, "row 2"),
        ({"feature": [-1], "label": ["a"]}, "row 1"),
        ({"feature": [1.5], "label": ["a"]}, "row 1"),
        ({"feature": [1], "label": [3]}, "holds texts, and Int64 came"),
        ({"feature": [1], "label": ["x" * 10_001]}, "row 1 of the labels: a label of a layer has at most 10,000"),
        ({"feature": [1], "label": [None]}, "no label in a table"),
        ({"feature": [1, 2], "label": ["a", "b"], "modelId": ["m", "m"], "layer": ["1", "2"]}, "of 2 SAEs: m/1, m/2"),
    ],
)
def test_a_table_that_is_none_is_refused_and_leaves_what_there_is(notes, frame, wanted):
    notes.add_layer(pl.DataFrame({"feature": [1], "label": ["c"]}), "x")
    with pytest.raises(InputError, match=wanted):
        notes.add_layer(pl.DataFrame(frame), "x")
    assert notes.layer("x").rows() == [(1, "c")]


def test_a_file_that_is_none_is_refused(notes, tmp_path):
    for name, content, wanted in [
        ("a.txt", b"", "no file of labels by its name"),
        ("none.csv", None, "there is no file"),
        ("a.parquet", b"nonsense", "cannot be read"),
        ("a.jsonl", b"{", "cannot be read|no column"),
        ("a.csv.gz", b"nonsense", "cannot be read"),
        ("empty.csv", b"", "cannot be read"),
    ]:
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=wanted):
            notes.add_layer(tmp_path / name)
    with pytest.raises(InputError, match="a file or a polars frame, and dict came"):
        notes.add_layer({1: "a"})
    assert not notes.path.exists()


def test_hostile_texts_stay_texts(notes):
    hostile = ["<script>alert(1)</script>", "</textarea>", "[x](javascript:alert(1))", "a\u202eb", "x" * 10_000]
    notes.add_layer(pl.DataFrame({"feature": range(len(hostile)), "label": hostile}))
    assert notes.layer("labels")["label"].to_list() == hostile
