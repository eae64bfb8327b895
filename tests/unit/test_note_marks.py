import shutil
import sqlite3
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import saescope
from saescope.errors import ConflictError, InputError, NoIndexError, NotesError, UnknownFeatureError
from saescope.notes import Notes, Passage, database, open_book
from saescope.query.passages import N_KEYED, keys_at, passage_at
from saescope.rpc.transports.memory import MemoryPage

N = 256
V1 = Path(__file__).parent / "notes-v1.sqlite"


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SAESCOPE_NOTES_DIR", str(tmp_path / "user"))
    monkeypatch.setenv("SAESCOPE_AUTHOR", "anna")


def passage(text="the ships", key="0" * 24):
    *before, token = text.split(" ")
    return Passage(key, " ".join(before), f" {token}", " sail", doc=3, source="wiki", place=17)


@pytest.fixture
def notes(tmp_path):
    return Notes(
        open_book(tmp_path / "notes.sqlite", {"sae": "a"}), N, passage_of=lambda row: passage(key=f"{row:024x}")
    )


def test_a_mark_is_kept_with_its_text_author_and_time(notes, tmp_path):
    made = notes.mark(3, 17, "typical")
    assert made.version == 1
    notes.mark(3, {"row": 5}, "counterexample")
    found = notes.marks(3)
    assert found.columns == [
        "feature", "mark", "before", "token", "after", "text", "doc", "source", "row", "passage", "author", "saved",
    ]  # fmt: skip
    assert found["mark"].to_list() == ["counterexample", "typical"]
    assert found.row(1)[:10] == (3, "typical", "the", " ships", " sail", "the ships sail", 3, "wiki", 17, f"{17:024x}")
    assert found["author"].to_list() == ["anna", "anna"]
    other = Notes(open_book(tmp_path / "notes.sqlite", {"sae": "a"}), N)
    assert other.marks().equals(found)
    assert (notes.marks(4).height, notes.n_marked(3)) == (0, 2)


def test_a_mark_changes_and_goes(notes):
    notes.mark(3, 17, "typical")
    notes.mark(3, 17, "typical")
    assert notes.get(3).version == 1
    notes.mark(3, 17, "counterexample")
    assert notes.marks(3)["mark"].to_list() == ["counterexample"]
    notes.mark(3, notes.marks(3)["passage"][0], "")
    assert notes.marks(3).is_empty()
    notes.mark(3, 17, None)
    assert notes.get(3).version == 3


def test_marks_are_in_the_history_and_undone_with_the_rest(notes):
    notes.set(3, label="ships")
    notes.mark(3, 17, "typical")
    notes.set(3, status="checked")
    notes.mark(3, 17, "")
    told = notes.history(3)
    assert told["field"].to_list() == ["label", "mark", "status", "mark"]
    assert told["new"].to_list() == ["ships", "typical: the ships sail", "checked", ""]
    notes.undo(3)
    assert notes.marks(3)["text"].to_list() == ["the ships sail"]
    notes.undo(3)
    notes.undo(3)
    assert (notes.get(3).label, notes.marks(3).height) == ("ships", 0)
    notes.redo(3)
    assert notes.marks(3)["mark"].to_list() == ["typical"]


def test_two_who_mark_the_same_example_meet_and_of_others_do_not(notes):
    version = notes.get(3).version
    notes.mark(3, 17, "typical", version=version)
    notes.mark(3, 18, "typical", version=version)
    with pytest.raises(ConflictError, match="was not saved") as told:
        notes.mark(3, 17, "counterexample", version=version)
    assert told.value.data["mine"][f"mark:{17:024x}"]["mark"] == "counterexample"
    assert notes.set(3, label="x", version=version).label == "x"


@pytest.mark.parametrize(
    ("example", "mark", "wanted"),
    [
        (17, "nice", "no mark 'nice'"),
        ({"rank": 3}, "typical", 'an example has a "row"'),
        ("f" * 24, "typical", "no example of feature 3 that is marked"),
        (1.5, "typical", "float came"),
        (pl.DataFrame({"row": [1, 2]}), "typical", "one example is marked at a time, and a frame of 2"),
    ],
)
def test_what_is_no_example_or_mark_is_refused(notes, example, mark, wanted):
    with pytest.raises(InputError, match=wanted):
        notes.mark(3, example, mark)
    with pytest.raises(UnknownFeatureError):
        notes.mark(N, 17, "typical")
    assert notes.marks().is_empty()


def test_without_an_index_an_example_cannot_be_found(tmp_path):
    with pytest.raises(NoIndexError, match="has none"):
        Notes(open_book(tmp_path / "n.sqlite", {"sae": "a"}), N).mark(3, 17, "typical")


def test_a_file_of_version_1_is_read_as_it_is_and_taken_along_by_the_first_write(tmp_path):
    path = Path(shutil.copy(V1, tmp_path / "notes.sqlite"))
    notes = Notes(open_book(path, {"sae": "a"}), N, passage_of=lambda _: passage())
    assert (notes.get(3).label, notes.get(3).tags, notes.labels()[7]) == ("ships", ("sea", "x"), "towns \u202e")
    assert (notes.marks().height, notes.layers().height, notes.list("starred")) == (0, 0, [3, 7])
    assert version(path) == 1
    before = notes.history(3)
    notes.mark(3, 17, "typical")
    assert version(path) == 3
    assert notes.history(3).head(before.height).equals(before)
    assert notes.marks(3).height == 1
    notes.undo("odd")
    assert notes.list("odd") == [1]
    notes.add("new", 5)
    assert (notes.list("new"), notes.get(7).label) == ([5], "towns \u202e")


def test_a_reader_of_a_version_1_file_sees_what_another_process_marks(tmp_path):
    path = Path(shutil.copy(V1, tmp_path / "notes.sqlite"))
    reader = Notes(open_book(path, {"sae": "a"}), N)
    assert reader.marks().is_empty()
    same = sqlite3.connect(path)
    same.execute("PRAGMA journal_mode = WAL")
    writer = Notes(database_of(path), N, passage_of=lambda _: passage())
    writer.mark(3, 17, "typical")
    assert reader.marks()["mark"].to_list() == ["typical"]


def database_of(path):
    from saescope.notes.book import Book

    return Book(path, {"sae": "a"})


def test_a_saescope_that_knows_only_version_1_refuses(tmp_path, monkeypatch):
    path = tmp_path / "notes.sqlite"
    Notes(open_book(path, {"sae": "a"}), N).set(3, label="x")
    monkeypatch.setattr(database, "VERSION", 1)
    with pytest.raises(NotesError, match="are of version 3, and this saescope knows 1"):
        Notes(database_of(path), N).get(3)


def version(path):
    db = sqlite3.connect(path)
    try:
        return db.execute("PRAGMA user_version").fetchone()[0]
    finally:
        db.close()


def test_a_passage_is_keyed_by_what_its_document_says_before_it(opened):
    index = opened.index
    rows = opened.examples(3, k=5)["row"].to_list()
    starts = np.asarray(index.layout.doc_starts)
    for row, key in zip(rows, keys_at(index, rows), strict=True):
        found = passage_at(index, row)
        assert found.key == key
        start = int(starts[np.searchsorted(starts, row, side="right") - 1])
        plain = [t for t in index.tokens[start : row + 1].tolist() if not index.layout.is_special[t]][-N_KEYED:]
        assert found.before + found.token == index.vocabulary.decode(plain)
        assert found.token == index.vocabulary.text(int(index.tokens[row]))


def test_marks_hold_in_an_index_that_was_built_anew_otherwise(tiny_scope, tmp_path, silent):
    """Other contexts, the documents in another order, and others among them: other rows, the same passages."""
    import tiny

    texts = tiny.texts(60)
    other = saescope.load((tiny_scope.model, tiny_scope.tokenizer), sae=tiny_scope.sae)
    other.build_index(
        [*tiny.texts(75)[60:], *reversed(texts)], out=tmp_path / "other", progress=silent, context_size=48
    )
    old, new = tiny_scope.index, other.index
    rows = np.flatnonzero(~old.layout.is_special[np.asarray(old.tokens)])[5:4000:97].tolist()
    where = {}
    for row in range(len(new.tokens)):
        where.setdefault(keys_at(new, [row])[0], row)
    keys = keys_at(old, rows)
    assert len(rows) > 20
    assert sum(key in where for key in keys) == len(keys)
    moved = [where[key] for key in keys]
    assert [int(new.tokens[r]) for r in moved] == [int(old.tokens[r]) for r in rows]
    assert moved != rows


def test_an_example_of_the_scope_is_marked(tiny_scope, tmp_path):
    scope = saescope.open_index(tiny_scope.index.path)
    notes = scope.open_notes(tmp_path / "own.sqlite")
    feature = int(scope.features.sort("n_fires", descending=True)["feature"][0])
    examples = scope.examples(feature, k=3, context=4)
    notes.mark(feature, examples[1], "typical")
    notes.mark(feature, examples.row(2, named=True), "counterexample")
    found = notes.marks(feature)
    assert found["row"].to_list() == examples["row"].to_list()[:0:-1]
    assert found["token"].to_list() == examples["token"].to_list()[:0:-1]
    with pytest.raises(InputError, match="no row"):
        notes.mark(feature, 10**9, "typical")


def ask(page, method, scope, **params):
    last = page.call(method, {"scope": scope.id, **params}).last
    return last.get("data") or last["error"]


def test_a_page_marks_examples_and_reads_the_marks_of_those_it_shows(tiny_scope, tmp_path):
    scope = saescope.open_index(tiny_scope.index.path)
    scope.open_notes(tmp_path / "own.sqlite")
    page = MemoryPage()
    feature = int(scope.features.sort("n_fires", descending=True)["feature"][0])
    rows = scope.examples(feature, k=4)["row"].to_list()
    assert ask(page, "marks.get", scope, feature=feature, rows=rows)["shown"] == []
    done = ask(page, "mark.set", scope, feature=feature, row=rows[1], mark="typical")
    assert (done["n_marks"], done["version"], done["can_undo"]) == (1, 1, True)
    ask(page, "mark.set", scope, feature=feature, row=rows[2], mark="counterexample")
    found = ask(page, "marks.get", scope, feature=feature, rows=rows)
    wanted = [{"row": rows[1], "mark": "typical"}, {"row": rows[2], "mark": "counterexample"}]
    keys = dict(zip(rows, keys_at(scope.index, rows), strict=True))
    same = [{"row": r, "mark": w["mark"]} for r in rows for w in wanted if keys[r] == keys[w["row"]]]
    assert found["shown"] == same
    assert [m["mark"] for m in found["marks"]] == ["counterexample", "typical"]
    done = ask(page, "mark.set", scope, feature=feature, passage=found["marks"][0]["passage"], mark="")
    assert done["n_marks"] == 1
    assert ask(page, "note.undo", scope, feature=feature)["n_marks"] == 2
    assert ask(page, "mark.set", scope, feature=feature, mark="typical")["code"] == "input"
    assert ask(page, "mark.set", scope, feature=feature, row=10**9, mark="typical")["code"] == "input"
    assert ask(page, "marks.get", scope, feature=feature, rows=[1] * 201)["code"] == "input"
    page.connection.close()


def test_a_page_reads_layers_and_tags(tiny_scope, tmp_path):
    scope = saescope.open_index(tiny_scope.index.path)
    notes = scope.open_notes(tmp_path / "own.sqlite")
    page = MemoryPage()
    notes.set(3, tags=["sea", "<b>"])
    notes.set(4, tags=["sea"])
    notes.add_layer(pl.DataFrame({"feature": [3], "label": ["<script>"]}), "auto", source="a file")
    found = ask(page, "note.get", scope, feature=3)
    assert found["layers"] == [{"layer": "auto", "source": "a file", "label": "<script>"}]
    told = ask(page, "tags.get", scope)["tags"]
    assert told == [{"tag": "sea", "n_features": 2}, {"tag": "<b>", "n_features": 1}]
    page.connection.close()


def test_a_saved_notebook_keeps_the_marks(tiny_scope, tmp_path):
    from saescope.panels.snapshot import marks_asked, snapshot

    scope = saescope.open_index(tiny_scope.index.path)
    notes = scope.open_notes(tmp_path / "own.sqlite")
    feature = int(scope.features.sort("n_fires", descending=True)["feature"][0])
    assert marks_asked(scope, feature) == []
    row = scope.examples(feature, k=2)["row"][1]
    notes.mark(feature, row, "typical")
    saved = snapshot(scope, "feature", {}, marks_asked(scope, feature))
    (answer,) = saved["answers"]
    assert {"row": row, "mark": "typical"} in answer["data"]["shown"]
