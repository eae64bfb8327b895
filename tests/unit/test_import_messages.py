"""Notes and labels from files, over the line: shown before, taken in, taken back."""

import json

import polars as pl
import pytest

import saescope
from saescope.rpc.transports.memory import MemoryPage

HOSTILE = '<script>alert(1)</script> </textarea> \u202e "x" [a](javascript:b)'


@pytest.fixture
def place(tmp_path, monkeypatch):
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return folder


@pytest.fixture
def scope(tiny_folder, tmp_path, place):
    made = saescope.open_index(tiny_folder / "index")
    made.open_notes(tmp_path / "notes.sqlite")
    return made


@pytest.fixture
def page():
    made = MemoryPage()
    yield made
    made.connection.close()


@pytest.fixture
def ask(page, scope):
    def ask(method, **params):
        last = page.call(method, {"scope": scope.id, **params}).last
        return last["data"] if last["t"] == "result" else last["error"]

    return ask


@pytest.fixture
def text(scope, place):
    """A file of notes that a colleague changed: a label, a list and a remark."""
    scope.notes.set(3, label="ships", tags=["sea"])
    scope.notes.set(5, label="five")
    scope.notes.add("watch", [1])
    path = scope.notes.export(place / "notes.jsonl")
    lines = path.read_text().replace('"ships"', json.dumps(HOSTILE)).replace("[1]", "[1, 2]").splitlines()
    lines.insert(1, '{"feature": 9, "kind": "note", "label": "nine", "remark": "' + "long " * 600 + '"}')
    lines[1:4] = sorted(lines[1:4], key=lambda line: json.loads(line)["feature"])
    path.write_text("\n".join(lines) + "\n")
    return path


def labels(scope):
    return dict(scope.notes.labels())


def test_what_would_change_is_shown_and_nothing_is_changed(ask, scope, text):
    before = labels(scope)
    found = ask("import.preview", path=text.name)
    assert (found["n_changes"], found["n_conflicts"], found["n_own"]) == (4, 0, 0)
    rows = {(c["feature"], c["name"], c["field"]): c for c in found["changes"]}
    assert (rows[3, "", "label"]["old"], rows[3, "", "label"]["new"]) == ("ships", HOSTILE)
    assert (rows[None, "watch", "features"]["old"], rows[None, "watch", "features"]["new"]) == ("[1]", "[1, 2]")
    assert (rows[9, "", "label"]["change"], len(rows[9, "", "remark"]["new"])) == ("add", 1001)
    assert labels(scope) == before


def test_it_is_taken_in_and_taken_back(ask, scope, text):
    before, listed = scope.notes.table().drop("saved", "version"), scope.notes.list("watch")
    digest = ask("import.preview", path=text.name)["digest"]
    done = ask("import.notes", path=text.name, digest=digest)
    assert done["n_changed"] == 3
    assert (labels(scope)[3], labels(scope)[9], scope.notes.list("watch")) == (HOSTILE, "nine", [1, 2])
    assert ask("import.preview", path=text.name)["n_changes"] == 0
    undone = ask("import.undo", undo=done["undo"])
    assert undone == {"n_undone": 3, "n_kept": 0}
    assert scope.notes.table().drop("saved", "version").equals(before)
    assert scope.notes.list("watch") == listed
    assert ask("import.undo", undo=done["undo"])["code"] == "input"


def test_what_was_changed_since_stays_when_an_import_is_taken_back(ask, scope, text):
    digest = ask("import.preview", path=text.name)["digest"]
    done = ask("import.notes", path=text.name, digest=digest)
    scope.notes.set(9, label="mine now")
    scope.notes.add("watch", [7])
    assert ask("import.undo", undo=done["undo"]) == {"n_undone": 1, "n_kept": 2}
    assert labels(scope) == {3: "ships", 5: "five", 9: "mine now"}
    assert scope.notes.list("watch") == [1, 2, 7]


def test_a_file_that_changed_since_it_was_shown_is_not_taken_in(ask, scope, text):
    digest = ask("import.preview", path=text.name)["digest"]
    text.write_text(text.read_text().replace("nine", "none"))
    assert ask("import.notes", path=text.name, digest=digest)["code"] == "conflict"
    assert 9 not in labels(scope)


@pytest.mark.parametrize(("conflicts", "wanted"), [("mine", "my ships"), ("file", HOSTILE)])
def test_where_both_changed_a_person_says_whose_counts(ask, scope, text, conflicts, wanted):
    scope.notes.set(3, label="my ships")
    found = ask("import.preview", path=text.name)
    assert (found["n_conflicts"], found["changes"][0]["change"]) == (1, "conflict")
    refused = ask("import.notes", path=text.name, digest=found["digest"])
    assert (refused["code"], labels(scope).get(9)) == ("conflict", None)
    ask("import.notes", path=text.name, digest=found["digest"], conflicts=conflicts)
    assert (labels(scope)[3], labels(scope)[9]) == (wanted, "nine")


def test_a_line_that_is_none_is_told_by_its_number(ask, scope, text):
    lines = text.read_text().splitlines()
    lines[2] = "<<<<<<< HEAD"
    text.write_text("\n".join(lines))
    found = ask("import.preview", path=text.name)
    assert (found["code"], found["data"]["line"]) == ("input", 3)
    assert "line 3" in found["message"]
    assert labels(scope) == {3: "ships", 5: "five"}


def test_notes_on_another_sae_are_taken_in_only_by_force(ask, scope, text):
    head, _, rest = text.read_text().partition("\n")
    other = json.loads(head)
    other["sae"]["fingerprint"] = "0" * 64
    text.write_text(json.dumps(other) + "\n" + rest)
    assert ask("import.preview", path=text.name)["code"] == "mismatch"
    digest = ask("import.preview", path=text.name, is_forced=True)["digest"]
    assert ask("import.notes", path=text.name, digest=digest)["code"] == "mismatch"
    ask("import.notes", path=text.name, digest=digest, is_forced=True)
    assert labels(scope)[9] == "nine"


@pytest.mark.parametrize("method", ["import.preview", "layers.preview", "layers.add"])
def test_files_that_are_not_there_or_elsewhere_are_refused(ask, place, method):
    assert ask(method, path="none.jsonl")["message"] == "there is no file none.jsonl."
    assert "lies outside" in ask(method, path="/etc/passwd")["message"]
    (place / "folder.csv").mkdir()
    assert "is a folder" in ask(method, path="folder.csv")["message"]


@pytest.fixture
def layer(scope, place):
    scope.notes.set(2, label="own two")
    pl.DataFrame({"index": [1, 2, 3], "description": ["one", HOSTILE, "three"]}).write_csv(place / "theirs.csv")
    return place / "theirs.csv"


def test_labels_are_shown_then_added_under_a_persons_own(ask, scope, layer):
    found = ask("layers.preview", path=layer.name)
    assert (found["name"], found["source"], found["n_labels"], found["n_own"]) == ("theirs", "theirs.csv", 3, 1)
    assert found["rows"][1] == {"feature": 2, "label": HOSTILE, "own": "own two"}
    assert ask("layers.get")["layers"] == []
    done = ask("layers.add", path=layer.name, name="gpt", source="by a colleague")
    assert [(a["name"], a["source"], a["n_labels"]) for a in done["layers"]] == [("gpt", "by a colleague", 3)]
    assert scope.notes.layer_labels(2) == [("gpt", "by a colleague", HOSTILE)]
    assert labels(scope) == {2: "own two"}


def test_a_layer_is_replaced_only_when_that_is_said_and_comes_back(ask, scope, layer):
    ask("layers.add", path=layer.name)
    pl.DataFrame({"feature": [7], "label": ["seven"]}).write_parquet(layer.with_name("theirs.parquet"))
    assert ask("layers.preview", path="theirs.parquet")["n_replaced"] == 3
    assert ask("layers.add", path="theirs.parquet")["code"] == "occupied"
    done = ask("layers.add", path="theirs.parquet", replaces=True)
    assert (len(scope.notes.layer("theirs")), done["undo"]) == (1, "added “theirs”")
    assert len(ask("layers.remove", name="theirs")["layers"]) == 0
    assert ask("layers.undo")["layers"][0]["n_labels"] == 1
    assert ask("layers.undo")["layers"][0] | {"saved_ms": 0} == {
        "name": "theirs", "source": "theirs.csv", "n_labels": 3, "author": scope.notes.author, "saved_ms": 0,
    }  # fmt: skip
    assert scope.notes.layer("theirs")["label"].to_list() == ["one", HOSTILE, "three"]
    assert ask("layers.undo") == {"layers": [], "undo": ""}
    assert ask("layers.undo")["code"] == "input"
    assert ask("layers.remove", name="none")["code"] == "unknown_name"


def test_a_row_that_is_none_is_told_by_its_number(ask, place):
    (place / "bad.jsonl").write_text('{"index": 1, "description": "x"}\n{"index": 99999, "description": "y"}\n')
    assert "row 2 of the labels is about feature" in ask("layers.preview", path="bad.jsonl")["message"]
    assert ask("layers.get")["layers"] == []
