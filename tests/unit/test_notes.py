import os
import sqlite3
import threading
import time

import polars as pl
import pytest

import saescope
from saescope import live
from saescope.errors import (
    ConflictError,
    DiskFullError,
    InputError,
    MismatchError,
    NotesError,
    SaescopeError,
    UnknownFeatureError,
    UnknownNameError,
)
from saescope.notes import Note, Notes, open_book, places
from saescope.notes.changes import Stamp, set_note
from saescope.notes.copying import copy
from saescope.notes.places import NAME, find_place, key_of
from saescope.rpc.transports.memory import MemoryPage

N = 256


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SAESCOPE_NOTES_DIR", str(tmp_path / "user"))
    monkeypatch.setenv("SAESCOPE_AUTHOR", "anna")


@pytest.fixture
def notes(tmp_path):
    return Notes(open_book(tmp_path / "notes.sqlite", {"sae": "a"}), N)


@pytest.fixture
def index_folder(opened, tmp_path):
    """A copy of the tiny index, to write beside."""
    target = tmp_path / "index"
    for file in opened.index.path.rglob("*"):
        if file.is_file() and not file.name.startswith("notes"):
            place = target / file.relative_to(opened.index.path)
            place.parent.mkdir(parents=True, exist_ok=True)
            os.link(file, place)
    return target


@pytest.fixture
def page():
    made = MemoryPage()
    yield made
    made.connection.close()


def news(page, within_s=2.0):
    """The next news of notes."""
    end = time.monotonic() + within_s
    while True:
        frame, _ = page.frames.get(timeout=max(end - time.monotonic(), 0.001))
        if frame["t"] == "notify" and frame["topic"] == "notes":
            return frame["data"]


def test_what_is_set_is_there_and_in_another_book_too(notes, tmp_path):
    before = time.time_ns() // 1000
    made = notes.set(3, label="ships", remark="# a\n*b*", tags=["x", "y"], status="checked", confidence=0.25)
    assert (made.label, made.remark, made.tags, made.status) == ("ships", "# a\n*b*", ("x", "y"), "checked")
    assert (made.confidence, made.author, made.version) == (0.25, "anna", 1)
    assert before <= made.saved_us <= time.time_ns() // 1000
    raw = sqlite3.connect(tmp_path / "notes.sqlite").execute("SELECT label, status, version FROM notes").fetchall()
    assert raw == [("ships", "checked", 1)]
    assert notes.get(3) == made
    assert notes.get(4) == Note(4)


def test_reading_makes_no_file(notes):
    assert (notes.labels(), notes.table().height, notes.lists().height, notes.history(3).height) == ({}, 0, 0, 0)
    assert notes.lists_with(3) == []
    assert not notes.path.exists()


def test_only_what_is_given_changes(notes):
    notes.set(3, label="ships", confidence=0.5, tags=["x"])
    assert notes.set(3, status="proposed").label == "ships"
    assert notes.set(3, confidence=None).confidence is None
    assert notes.set(3, tags=[]).tags == ()
    assert notes.set(3, label="").is_empty is False
    assert notes.set(3, label="").version == notes.get(3).version == 5


def test_labels_and_statuses_follow_every_change(notes, tmp_path):
    notes.set(3, label="ships", status="checked")
    first = notes.labels()
    assert (first, notes.statuses()) == ({3: "ships"}, {3: "checked"})
    writer = sqlite3.connect(tmp_path / "notes.sqlite")
    with writer:
        writer.execute("UPDATE notes SET label = 'towns', status = '', version = 2 WHERE feature = 3")
        writer.execute(
            "INSERT INTO events (kind, target, action, old, new, version, author, saved_us) "
            """VALUES ('note', 3, 'set', '{"label":"ships"}', '{"label":"towns"}', 2, 'bob', 0)"""
        )
    assert (notes.labels(), notes.statuses()) == ({3: "towns"}, {})
    assert first == {3: "ships"}
    revision = notes.revision
    notes.set(4, label="x")
    assert notes.revision > revision
    assert notes.labels() == {3: "towns", 4: "x"}


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "a\u202eb\u200f \u2067c\u2069",
        "日本 🚢 ünï",
        "'; DROP TABLE notes; --",
        "</textarea>[x](javascript:alert(1))",
        "\x1b[31m",
        '{"a": "\\n"}',
    ],
)
def test_a_text_comes_back_as_it_was(notes, text):
    made = notes.set(3, label=text, remark=text + "\n\n" + text, tags=[text])
    assert (made.label, made.remark, made.tags) == (text, text + "\n\n" + text, (text,))
    assert notes.labels()[3] == text
    assert notes.table()["remark"].to_list() == [text + "\n\n" + text]
    assert notes.history(3).filter(pl.col("field") == "label")["new"].to_list() == [text]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"label": "x" * 1001}, "at most 1,000 characters, and 1,001"),
        ({"label": "x" * 10_000}, "10,000 came"),
        ({"remark": "x" * 100_001}, "at most 100,000"),
        ({"label": "a\0b"}, "NUL"),
        ({"remark": "a\0b"}, "NUL"),
        ({"label": "a\ud800b"}, "half a character .* at place 1"),
        ({"tags": ["a\udfff"]}, "half a character"),
        ({"tags": "one"}, "list of texts"),
        ({"tags": ["a,b"]}, "no comma"),
        ({"tags": [str(i) for i in range(51)]}, "at most 50"),
        ({"label": 3}, "is a text, and int came"),
        ({"status": "done"}, "no status 'done'"),
        ({"confidence": 1.5}, "0 to 1"),
        ({"confidence": float("nan")}, "0 to 1"),
        ({"confidence": "high"}, "0 to 1"),
    ],
)
def test_what_cannot_be_stored_is_refused_and_changes_nothing(notes, given, wanted):
    with pytest.raises(InputError, match=wanted):
        notes.set(3, **given)
    assert notes.get(3).version == 0


def test_a_long_remark_and_a_label_of_lines_are_kept(notes):
    remark = "x" * 10_000
    made = notes.set(3, label=" one\r\ntwo\u2028three\tfour\n", remark=remark + "\r\nb")
    assert made.label == "one two three four"
    assert made.remark == remark + "\nb"


@pytest.mark.parametrize("feature", [-1, N, 1.5, "3", True, None])
def test_an_unknown_feature_is_refused(notes, feature):
    for call in (notes.get, lambda f: notes.set(f, label="x"), lambda f: notes.add("a", [f])):
        with pytest.raises(UnknownFeatureError):
            call(feature)


def test_a_write_on_an_old_version_tells_both(notes):
    base = notes.set(3, label="one").version
    notes.author = "bob"
    notes.set(3, label="two", version=base)
    notes.author = "anna"
    with pytest.raises(ConflictError) as caught:
        notes.set(3, label="three", version=base)
    data = caught.value.data
    assert (data["fields"], data["mine"], data["theirs"]["label"]) == (["label"], {"label": "three"}, "two")
    assert (data["theirs"]["author"], data["theirs"]["version"]) == ("bob", 2)
    assert notes.get(3).label == "two"
    assert notes.set(3, label="three", version=data["theirs"]["version"]).label == "three"
    assert notes.set(3, label="four", version=base, is_forced=True).label == "four"


def test_writers_of_different_fields_do_not_meet(notes):
    base = notes.set(3, label="one").version
    notes.set(3, status="checked", version=base)
    assert notes.set(3, label="two", version=base).status == "checked"
    assert notes.set(3, label="two", version=base).version == 3
    with pytest.raises(ConflictError):
        notes.set(3, label="x", version=99)


def test_undo_and_redo_walk_the_history(notes):
    for label in "abc":
        notes.set(3, label=label)
    assert [notes.undo(3).label for _ in range(3)] == ["b", "a", ""]
    with pytest.raises(InputError, match="nothing to undo for feature 3"):
        notes.undo(3)
    assert [notes.redo(3).label for _ in range(2)] == ["a", "b"]
    assert notes.can_step(3) == (True, True)
    notes.set(3, label="d")
    assert notes.can_step(3) == (True, False)
    with pytest.raises(InputError, match="nothing to redo"):
        notes.redo(3)
    assert [notes.undo(3).label for _ in range(3)] == ["b", "a", ""]
    assert notes.get(3).version == 12
    told = notes.history(3)
    assert told["version"].to_list() == list(range(1, 13))
    assert told["action"].to_list()[3:6] == ["undo"] * 3


def test_undo_takes_back_only_what_that_change_changed(notes):
    notes.set(3, label="a", tags=["x"], confidence=0.5)
    notes.set(3, tags=["y"], confidence=None)
    notes.undo(3)
    assert (notes.get(3).label, notes.get(3).tags, notes.get(3).confidence) == ("a", ("x",), 0.5)
    with pytest.raises(ConflictError):
        notes.undo(3, version=1)


def test_the_history_tells_who_changed_what(notes):
    notes.set(3, label="a", tags=["x"])
    notes.author = "bob"
    notes.set(3, label="b")
    rows = notes.history(3).select("author", "action", "field", "old", "new", "version").rows()
    assert rows == [
        ("anna", "set", "label", "", "a", 1),
        ("anna", "set", "tags", "[]", '["x"]', 1),
        ("bob", "set", "label", "a", "b", 2),
    ]


def test_many_notes_are_set_at_once_or_not_at_all(notes):
    assert notes.set_many({i: {"label": f"l{i}"} for i in range(100)}) == 100
    assert notes.labels()[99] == "l99"
    assert notes.set_many({1: {"label": "l1"}, 2: {"label": "new"}}) == 1
    with pytest.raises(InputError, match="no colour"):
        notes.set_many({1: {"label": "x"}, 2: {"colour": "x"}})
    assert notes.get(1).label == "l1"


def test_a_list_keeps_its_order(notes):
    notes.add("ships", [5, 2, 9, 5])
    notes.add("ships", [2, 7])
    assert notes.list("ships") == [5, 2, 9, 7]
    notes.remove("ships", [2, 100])
    notes.order("ships", [7, 5, 9])
    assert notes.list("ships") == [7, 5, 9]
    assert [notes.undo("ships") for _ in range(3)] == [None] * 3
    assert notes.list("ships") == [5, 2, 9]
    notes.redo("ships")
    assert notes.list("ships") == [5, 2, 9, 7]
    notes.add("towns", 5)
    assert notes.lists_with(5) == ["ships", "towns"]
    assert notes.lists().select("name", "n_features").rows() == [("towns", 1), ("ships", 4)]


def test_a_list_is_renamed_deleted_and_brought_back(notes):
    notes.add("ships", [1, 2])
    notes.rename("ships", "boats")
    notes.delete("boats")
    assert notes.lists().is_empty()
    assert notes.lists_with(1) == []
    notes.undo("boats")
    assert notes.list("boats") == [1, 2]
    notes.undo("boats")
    assert notes.list("ships") == [1, 2]
    assert notes.history("ships")["field"].to_list() == [
        "members",
        "is_deleted",
        "name",
        "is_deleted",
        "is_deleted",
        "name",
    ]
    notes.add("towns", 3)
    with pytest.raises(InputError, match="there is a list 'towns' already"):
        notes.rename("ships", "towns")
    assert notes.list("ships") == [1, 2]


def test_an_unknown_list_names_those_there_are(notes):
    with pytest.raises(UnknownNameError):
        notes.list("ships")
    notes.add("towns", 3)
    for call in (notes.list, notes.delete, notes.undo, notes.history, lambda n: notes.remove(n, 3)):
        with pytest.raises(UnknownNameError, match="towns"):
            call("ships")
    with pytest.raises(InputError, match="empty"):
        notes.add("  ", 3)


def test_threads_lose_no_update(notes):
    def append(who):
        for n in range(25):
            while True:
                now = notes.get(3)
                try:
                    notes.set(3, remark=f"{now.remark}{who}{n};", version=now.version)
                    break
                except ConflictError:
                    continue

    threads = [threading.Thread(target=append, args=(who,)) for who in "abcd"]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(notes.get(3).remark.split(";")[:-1]) == sorted(f"{w}{n}" for w in "abcd" for n in range(25))
    assert notes.get(3).version == 100


def test_two_who_write_the_same_agree(notes):
    notes.set(3, label="ships")
    assert notes.set(3, label="ships", version=0).version == 1


def test_a_child_of_a_fork_writes_with_its_own_connection(notes):
    notes.set(1, label="parent")
    child = os.fork()
    if child == 0:
        status = 1
        try:
            notes.set(2, label="child")
            status = 0 if notes.labels() == {1: "parent", 2: "child"} else 2
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert notes.labels() == {1: "parent", 2: "child"}
    notes.set(3, label="parent again")
    assert notes.get(2).label == "child"


def test_a_file_that_is_replaced_is_opened_anew(notes, tmp_path):
    notes.set(1, label="old")
    assert notes.labels() == {1: "old"}
    for file in tmp_path.glob("notes.sqlite*"):
        file.unlink()
    assert notes.labels() == {}
    notes.set(2, label="new")
    assert notes.labels() == {2: "new"}
    rows = sqlite3.connect(tmp_path / "notes.sqlite").execute("SELECT feature FROM notes").fetchall()
    assert rows == [(2,)]


def test_a_full_disk_is_told_and_what_was_there_stays(notes):
    notes.set(1, label="kept")
    writer = notes.book._connections.writer
    writer.execute("PRAGMA max_page_count = 16")
    with pytest.raises(DiskFullError, match="was not saved"):
        notes.set(1, label="lost", remark="x" * 100_000)
    assert notes.get(1).label == "kept"
    writer.execute("PRAGMA max_page_count = 100000")
    assert notes.set(1, label="saved", remark="x" * 100_000).version == 2


def test_a_file_that_another_process_holds_is_waited_for_and_then_told(notes, monkeypatch):
    monkeypatch.setattr("saescope.notes.database.WAIT_S", 0.2)
    notes.set(1, label="before")
    notes.book._connections.writer.execute("PRAGMA busy_timeout = 200")
    other = sqlite3.connect(notes.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert notes.get(1).label == "before"
    with pytest.raises(NotesError, match="Another process holds the file"):
        notes.set(1, label="after")
    other.execute("ROLLBACK")
    assert notes.set(1, label="after").version == 2


def test_a_file_that_another_takes_the_place_of_is_opened_anew(notes, tmp_path):
    other = Notes(open_book(tmp_path / "other.sqlite", {"sae": "a"}), N)
    other.set(2, label="other")
    other.book._connections.close()
    notes.set(1, label="old")
    assert notes.labels() == {1: "old"}
    (tmp_path / "other.sqlite").replace(notes.path)
    for file in tmp_path.glob("notes.sqlite-*"):
        file.unlink()
    assert notes.labels() == {2: "other"}
    notes.set(3, label="new")
    assert notes.labels() == {2: "other", 3: "new"}


def test_a_write_that_fails_half_way_leaves_nothing(notes):
    def half(db):
        set_note(db, 1, {"label": "half"}, Stamp("anna"))
        raise InputError("enough.")

    with pytest.raises(InputError, match="enough"):
        notes.book.write(half)
    assert notes.get(1).version == 0
    assert notes.history(1).is_empty()
    assert notes.set(1, label="whole").version == 1


def test_a_damaged_file_says_what_to_do(tmp_path):
    (tmp_path / "n.sqlite").write_bytes(b"no database" * 1000)
    notes = Notes(open_book(tmp_path / "n.sqlite", {"sae": "a"}), N)
    for call in (notes.labels, lambda: notes.get(1), lambda: notes.set(1, label="x")):
        with pytest.raises(NotesError, match=r"cannot be read or written.*move it away"):
            call()


def test_a_database_of_something_else_is_left_alone(tmp_path):
    other = sqlite3.connect(tmp_path / "n.sqlite")
    other.execute("CREATE TABLE a (b)")
    other.execute("PRAGMA user_version = 1")
    other.close()
    before = (tmp_path / "n.sqlite").read_bytes()
    notes = Notes(open_book(tmp_path / "n.sqlite", {"sae": "a"}), N)
    with pytest.raises(NotesError, match="something else"):
        notes.set(1, label="x")
    assert (tmp_path / "n.sqlite").read_bytes()[100:] == before[100:]


def test_notes_of_another_sae_are_refused(notes, tmp_path):
    notes.set(1, label="x")
    other = Notes(open_book(tmp_path / "notes.sqlite", {"sae": "b"}), N)
    for call in (lambda: other.get(1), lambda: other.set(1, label="y")):
        with pytest.raises(MismatchError, match="about another SAE"):
            call()
    assert Notes(open_book(tmp_path / "notes.sqlite", {"sae": "a"}), N).get(1).label == "x"


def test_the_author_is_the_setting_or_the_user(notes, monkeypatch, tmp_path):
    assert notes.author == "anna"
    monkeypatch.delenv("SAESCOPE_AUTHOR")
    monkeypatch.setenv("LOGNAME", "carl")
    assert Notes(notes.book, N).author == "carl"


def test_a_scope_keeps_its_notes_beside_the_index(index_folder):
    scope = saescope.open_index(index_folder)
    scope.notes.set(5, label="ships", status="checked")
    assert scope.notes.path == index_folder / NAME
    assert repr(scope.notes) == f"Notes(1 labels, 0 lists in '{index_folder / NAME}')"
    again = saescope.open_index(index_folder)
    assert again.labels_of([4, 5, 6]) == again.labels_of(range(N)) == {5: "ships"}
    assert again.statuses_of([5]) == {5: "checked"}
    assert again.index.manifest == scope.index.manifest


def test_an_index_that_cannot_be_written_leaves_them_with_the_user(index_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: not str(path).startswith(str(index_folder)))
    scope = saescope.open_index(index_folder)
    scope.notes.set(5, label="ships")
    assert scope.notes.path.parent == tmp_path / "user"
    assert "cannot be written" in repr(scope.notes)
    assert not (index_folder / NAME).exists()
    assert saescope.open_index(index_folder).notes.get(5).label == "ships"


def test_notes_that_lie_beside_a_read_only_index_are_taken_along(index_folder, tmp_path, monkeypatch):
    saescope.open_index(index_folder).notes.set(5, label="theirs")
    monkeypatch.setattr(os, "access", lambda path, mode: not str(path).startswith(str(index_folder)))
    scope = saescope.open_index(index_folder)
    assert scope.notes.get(5).label == "theirs"
    scope.notes.set(5, label="mine")
    assert sqlite3.connect(index_folder / NAME).execute("SELECT label FROM notes").fetchall() == [("theirs",)]


def test_notes_made_before_there_is_an_index_come_along(tiny_scope, index_folder, tmp_path):
    from saescope.index import Index
    from saescope.scope import Scope

    scope = Scope(model=tiny_scope._model, sae=tiny_scope._sae, site=tiny_scope._site)
    scope.notes.set(5, label="early")
    assert scope.notes.path.parent == tmp_path / "user"
    scope.attach(Index(index_folder))
    assert scope.notes.path == index_folder / NAME
    assert scope.notes.get(5).label == "early"
    assert scope.notes.history(5).height == 1
    scope.notes.set(5, label="later")
    assert saescope.open_index(index_folder).notes.get(5).label == "later"


def test_a_folder_with_notes_on_another_sae_gets_a_second_file(index_folder):
    Notes(open_book(index_folder / NAME, {"sae": "other"}), N).set(1, label="theirs")
    scope = saescope.open_index(index_folder)
    scope.notes.set(1, label="ours")
    assert scope.notes.path.parent == index_folder
    assert scope.notes.path.name != NAME
    assert saescope.open_index(index_folder).notes.get(1).label == "ours"
    with pytest.raises(MismatchError):
        scope.open_notes(index_folder / NAME)


def test_a_path_of_one_s_own(opened, tmp_path):
    scope = saescope.open_index(opened.index.path)
    scope.open_notes(tmp_path / "sub" / "own.sqlite").set(3, label="mine")
    assert scope.notes.path == tmp_path / "sub" / "own.sqlite"
    assert scope.labels_of([3]) == {3: "mine"}


def test_labels_are_left_out_where_they_cannot_be_read(index_folder):
    (index_folder / NAME).write_bytes(b"no database" * 1000)
    scope = saescope.open_index(index_folder)
    assert (scope.labels_of([1]), scope.statuses_of([1])) == ({}, {})
    with pytest.raises(NotesError):
        scope.notes.get(1)


def test_places():
    assert find_place(None, "k").why == "there is no index yet"
    assert "part of saescope" in find_place(places.PACKAGE / "demo_data" / "index", "k").why
    assert key_of("0123456789abcdef0123", "/a/Some Model_1") == "some-model_1-0123456789abcdef"


def test_nothing_is_copied_over_notes_there_are(notes, tmp_path):
    target = tmp_path / "t.sqlite"
    assert copy(tmp_path / "missing.sqlite", target) is False
    notes.set(1, label="x")
    assert copy(notes.path, target) is True
    notes.set(1, label="y")
    assert copy(notes.path, target) is False
    assert Notes(open_book(target, {"sae": "a"}), N).get(1).label == "x"


def ask(page, method, scope, **params):
    last = page.call(method, {"scope": scope.id, **params}).last
    return last.get("data") or last["error"]


def test_a_page_reads_and_writes(page, index_folder):
    scope = saescope.open_index(index_folder)
    first = ask(page, "note.get", scope, feature=3)
    assert (first["version"], first["label"], first["can_undo"], first["place"]) == (0, "", False, "")
    done = ask(page, "note.set", scope, feature=3, label="ships", confidence=0.5, version=0)
    assert (done["label"], done["confidence"], done["can_undo"], done["author"]) == ("ships", 0.5, True, "anna")
    assert scope.notes.get(3).label == "ships"
    assert ask(page, "note.set", scope, feature=3, label=None, status="checked", version=1)["label"] == "ships"
    assert ask(page, "note.set", scope, feature=3, drops_confidence=True, version=2)["confidence"] is None
    clash = ask(page, "note.set", scope, feature=3, label="mine", version=0)
    assert (clash["code"], clash["data"]["mine"], clash["data"]["theirs"]["label"]) == (
        "conflict",
        {"label": "mine"},
        "ships",
    )
    assert ask(page, "note.undo", scope, feature=3, version=3)["confidence"] == 0.5
    assert ask(page, "note.redo", scope, feature=3, version=4)["confidence"] is None
    assert ask(page, "note.set", scope, feature=3, label="\ud800")["code"] == "input"
    assert ask(page, "note.set", scope, feature=N, label="x")["code"] == "unknown_feature"


def test_a_saved_notebook_keeps_the_note(index_folder):
    from saescope.panels.snapshot import snapshot

    scope = saescope.open_index(index_folder)
    scope.notes.set(3, label="ships")
    answers = snapshot(scope, "feature", {}, [("note.get", {"feature": 3})])["answers"]
    assert [a["data"]["label"] for a in answers] == ["ships"]


def test_a_page_changes_lists(page, index_folder):
    scope = saescope.open_index(index_folder)
    assert ask(page, "lists.get", scope) == {"lists": []}
    made = ask(page, "lists.change", scope, name="starred", add=[9, 3])["lists"]
    assert [(x["name"], x["n_features"]) for x in made] == [("starred", 2)]
    assert ask(page, "note.get", scope, feature=3)["lists"] == ["starred"]
    reply = page.call("list.get", {"scope": scope.id, "name": "starred"})
    assert memoryview(reply.buffers[0]).cast("I").tolist() == [9, 3]
    assert ask(page, "lists.change", scope, name="starred", new_name="best", is_deleted=True) == {"lists": []}
    assert ask(page, "list.undo", scope, name="best")["lists"][0]["name"] == "best"
    assert ask(page, "list.redo", scope, name="best") == {"lists": []}
    assert ask(page, "lists.change", scope, name="nothing", remove=[3])["code"] == "unknown_name"


def test_every_page_hears_of_a_change_at_once(page, index_folder, monkeypatch):
    monkeypatch.setattr("saescope.notes.book.LOOK_EVERY_S", 60)
    scope, other = saescope.open_index(index_folder), saescope.open_index(index_folder)
    _ = scope.notes, other.notes
    scope.notes.set(7, label="ships")
    told = [news(page), news(page)]
    assert sorted(t["scope"] for t in told) == sorted([scope.id, other.id])
    assert all((t["features"], t["lists"], t["is_all"]) == ([7], [], False) for t in told)
    scope.notes.add("starred", [1, 2])
    assert news(page)["lists"] == ["starred"]


def test_a_page_hears_within_a_second_of_what_another_process_wrote(page, index_folder):
    scope = saescope.open_index(index_folder)
    scope.notes.set(1, label="first")
    assert news(page)["features"] == [1]
    child = os.fork()
    if child == 0:
        status = 1
        try:
            scope.notes.set_many({i: {"label": "x"} for i in (7, 8)})
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert news(page, within_s=1.0)["features"] == [7, 8]
    assert scope.labels_of([7]) == {7: "x"}


def test_too_many_changes_are_told_as_all(page, tmp_path):
    notes = Notes(open_book(tmp_path / "n.sqlite", {}), 5000)

    class Owner:
        pass

    owner, told = Owner(), []
    notes.book.listen(owner, lambda _, change: told.append(change))
    notes.set_many({i: {"label": "x"} for i in range(2000)})
    for _ in range(200):
        if told:
            break
        time.sleep(0.01)
    assert [(c.is_all, c.features) for c in told] == [(True, ())]
    notes.book.forget(owner)
    notes.set(1, label="y")
    assert len(told) == 1


def test_news_reach_no_one_when_the_scope_is_gone(index_folder):
    import gc

    scope = saescope.open_index(index_folder)
    book = scope.notes.book
    scope_id = scope.id
    del scope
    gc.collect()
    assert not book.has_listeners
    with pytest.raises(SaescopeError):
        live.get(scope_id)
