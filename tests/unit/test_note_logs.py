"""Notes as logs: two books of one folder with caches of their own stand for two machines."""

import json
import logging
import os
import random
import shutil
import sqlite3
import threading
import time

import polars as pl
import pytest

import saescope
from saescope.errors import ConflictError, DiskFullError, MismatchError, NotesError
from saescope.notes import Notes, Passage, disks, open_book, textform
from saescope.notes.book import Book
from saescope.notes.changes import Stamp, set_note
from saescope.notes.logs import LogBook, folder, turn
from saescope.notes.places import find_place

N = 256


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SAESCOPE_NOTES_DIR", str(tmp_path / "user"))
    monkeypatch.setenv("SAESCOPE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("SAESCOPE_AUTHOR", "anna")
    monkeypatch.setattr("saescope.notes.logs.logbook.SYNC_EVERY_S", 0.0)


@pytest.fixture
def machine(tmp_path):
    """Opens the notes as another machine does."""

    def open_notes(name, sae="a", older=None):
        book = LogBook(tmp_path / "notes-log", {"sae": sae}, tmp_path / name / "cache.sqlite", older)
        return Notes(book, N, passage_of=lambda row: Passage(f"{row:024x}", "the", " ships", place=row))

    return open_notes


@pytest.fixture
def one(machine):
    return machine("one")


@pytest.fixture
def two(machine):
    return machine("two")


def said(notes):
    """All that is written, without how often and in which order it came here."""
    return textform.dump(notes._state()), sorted(notes.history(1).drop("version").rows())


def logs(notes):
    return sorted(notes.path.glob("*.jsonl"))


def test_what_one_machine_writes_another_reads(one, two):
    one.set(1, label="ships", remark="a\n\u2028b", tags=["x"], status="checked", confidence=0.5)
    one.add("starred", [3, 1])
    one.mark(1, 17, "typical")
    one.add_layer(pl.DataFrame({"feature": [4], "label": ["auto"]}), "auto", source="s")
    assert two.get(1) == one.get(1)
    assert (two.labels(), two.tags(), two.list("starred")) == ({1: "ships"}, {1: ("x",)}, [3, 1])
    assert two.marks().equals(one.marks())
    assert two.layers().drop("saved").equals(one.layers().drop("saved"))
    assert two.layer_labels(4) == [("auto", "s", "auto")]
    assert two.history(1).equals(one.history(1))
    two.undo(1)
    two.remove_layer("auto")
    two.rename("starred", "best")
    assert (one.marks().height, one.layers().height, one.list("best")) == (0, 0, [3, 1])
    assert said(one) == said(two)
    assert len(logs(one)) == 2


def test_reading_makes_no_file(one):
    assert (one.labels(), one.table().height, one.lists().height) == ({}, 0, 0)
    assert not one.path.exists()
    assert not one.book.file.exists()


def test_a_line_is_a_change_with_a_number_and_is_only_added_to(one):
    one.set(1, label="a")
    before = logs(one)[0].read_bytes()
    one.set_many({2: {"label": "b"}, 3: {"label": "c"}})
    content = logs(one)[0].read_bytes()
    assert content.startswith(before)
    head, first, second = map(json.loads, content.splitlines())
    assert (head["format"], head["version"], head["sae"]) == ("saescope-notes-log", 1, "a")
    assert (first["n"], second["n"], len(second["events"])) == (1, 2, 2)
    one.set(1, label="d")
    assert json.loads(logs(one)[0].read_bytes().splitlines()[-1])["n"] == 4
    revision, size = one.revision, logs(one)[0].stat().st_size
    one.set(1, label="d")
    assert (one.revision, logs(one)[0].stat().st_size) == (revision, size)


def test_a_write_on_an_old_version_tells_both(one, two):
    base = two.get(1).version
    one.set(1, label="theirs")
    with pytest.raises(ConflictError) as told:
        two.set(1, label="mine", version=base)
    assert (told.value.data["mine"], told.value.data["theirs"]["label"]) == ({"label": "mine"}, "theirs")
    assert two.set(1, label="mine", version=base, is_forced=True).label == "mine"
    assert one.get(1).label == "mine"
    assert one.set(1, remark="x", version=base).remark == "x"


def test_changes_that_were_made_apart_come_to_the_same_on_both(one, two, tmp_path):
    """As if the folder had been cut in two: the later counter stands, of equal ones the later writer."""
    one.set(1, label="start")
    assert two.get(1).label == "start"
    apart = tmp_path / "apart"
    shutil.copytree(one.path, apart)
    one.set(1, label="of one", status="checked")
    lone = Notes(LogBook(apart, {"sae": "a"}, two.book.file), N)
    lone.set(1, label="of two")
    lone.set(1, remark="of two")
    lone.add("both", 5)
    one.add("both", 6)
    for file in apart.glob("*.jsonl"):
        if len(file.read_bytes()) > len(
            (one.path / file.name).read_bytes() if (one.path / file.name).exists() else b""
        ):
            shutil.copy(file, one.path)
    both = [one, Notes(LogBook(one.path, {"sae": "a"}, tmp_path / "three" / "c.sqlite"), N)]
    assert said(both[0]) == said(both[1])
    assert (both[0].get(1).status, both[0].get(1).remark) == ("checked", "of two")
    assert both[0].get(1).label in ("of one", "of two")
    assert {"of one", "of two"} <= set(both[0].history(1)["new"])
    assert sorted(both[0].list("both")) == [5, 6]


def folded(files):
    """What the notes say by a plain reading of logs, and how many events each has."""
    events = []
    for file in files:
        for line in file.read_bytes().splitlines()[1:]:
            found = json.loads(line)
            events += [(found["n"] + i, file.stem, *e) for i, e in enumerate(found["events"])]
    said, counts = {}, {}
    for _, _, kind, target, _, _, new, *_ in sorted(events, key=lambda e: e[:2]):
        if kind == "note":
            said[target] = said.get(target, {"label": "", "remark": "", "tags": []}) | new
            counts[target] = counts.get(target, 0) + 1
    return said, counts


def test_every_order_of_reading_gives_the_same(tmp_path):
    """Writers' logs, made apart at random and then read in any order, against a plain fold."""
    draw = random.Random(0)
    sources = []
    for i in range(3):
        notes = Notes(LogBook(tmp_path / f"l{i}", {"sae": "a"}, tmp_path / f"c{i}.sqlite"), N)
        for n in range(30):
            feature = draw.randrange(4)
            notes.set(feature, **draw.choice([{"label": f"{i}.{n}"}, {"remark": f"{i}.{n}"}, {"tags": [f"t{n}"]}]))
            notes.add(draw.choice("ab"), draw.randrange(9))
            if n % 7 == 3:
                notes.undo(feature)
        sources.append(logs(notes)[0])
    plain, counts = folded(sources)
    seen = set()
    for turn_of in range(4):
        target = Notes(LogBook(tmp_path / f"all{turn_of}", {"sae": "a"}, tmp_path / f"a{turn_of}.sqlite"), N)
        target.path.mkdir()
        for file in draw.sample(sources, 3):
            shutil.copy(file, target.path)
            target.labels()
        for f, wanted in plain.items():
            note = target.get(f)
            assert {"label": note.label, "remark": note.remark, "tags": list(note.tags)} == wanted
            assert note.version == counts[f]
        seen.add(textform.dump(target._state()))
    assert len(seen) == 1


def test_two_lists_of_one_name_are_both_kept(one, two, tmp_path):
    one.add("a", 1)
    two.add("b", 2)
    apart = tmp_path / "apart"
    shutil.copytree(one.path, apart)
    Notes(LogBook(apart, {"sae": "a"}, two.book.file), N).rename("b", "same")
    one.rename("a", "same")
    for file in apart.glob("*.jsonl"):
        if file.stat().st_size > (one.path / file.name).stat().st_size:
            shutil.copy(file, one.path)
    third = Notes(LogBook(one.path, {"sae": "a"}, tmp_path / "three" / "c.sqlite"), N)
    names = one.lists()["name"].to_list()
    assert sorted(names) == sorted(third.lists()["name"])
    assert sorted(one.list(name) for name in names) == [[1], [2]]
    assert "same" in names


def test_a_cache_that_is_gone_or_damaged_is_made_again(one, machine):
    one.set(1, label="a")
    one.set(2, label="b")
    cache = one.book.file
    one.book._close()
    cache.write_bytes(b"nonsense" * 1000)
    again = machine("one")
    assert again.labels() == {1: "a", 2: "b"}
    again.set(3, label="c")
    for file in cache.parent.iterdir():
        file.unlink()
    assert again.labels() == {1: "a", 2: "b", 3: "c"}
    again.set(4, label="d")
    assert machine("other").labels() == {1: "a", 2: "b", 3: "c", 4: "d"}


def test_a_line_that_was_cut_was_never_written(one, two):
    one.set(1, label="a")
    file = logs(one)[0]
    with file.open("ab") as stream:
        stream.write(b'{"n":2,"events":[["note",1,"set",{"label":"a"},{"label":"' + b"cut" * 1000)
    assert two.get(1).label == "a"
    one.set(1, label="b")
    assert two.get(1).label == "b"
    assert all(json.loads(line) for line in file.read_bytes().splitlines())


def test_a_line_that_is_none_is_left_out_and_told(one, two, caplog):
    one.set(1, label="a")
    with logs(one)[0].open("ab") as stream:
        stream.write(
            b'<<<<<<<\n{"n":9,"events":[["joke",1]]}\n{"n":5,"events":[["note",2,"set",{},{"label":"b"},"x",7]]}\n'
        )
    with caplog.at_level(logging.WARNING):
        assert two.labels() == {1: "a", 2: "b"}
    assert caplog.text.count("cannot be read and is left out") == 2


def test_logs_of_another_sae_or_a_newer_saescope_are_refused(one, machine):
    one.set(1, label="a")
    with pytest.raises(MismatchError, match="about another SAE: sae a, and b came"):
        machine("x", sae="b").get(1)
    file = one.path / "other-1.jsonl"
    file.write_text('{"format":"saescope-notes-log","version":2,"sae":"a"}\n')
    with pytest.raises(NotesError, match="of version 2, and this saescope knows 1"):
        one.get(1)
    file.write_text("a diary\n")
    with pytest.raises(NotesError, match="no log of notes"):
        one.get(1)
    file.unlink()
    assert one.get(1).label == "a"


def test_a_log_that_cannot_be_written_leaves_all_as_it_was(one, two, monkeypatch):
    one.set(1, label="a")

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(folder.os, "fsync", full)
        with pytest.raises(DiskFullError, match="was not saved"):
            one.set(1, label="b")
        assert (one.get(1).label, two.get(1).label) == ("a", "a")
    one.set(1, label="c")
    assert two.get(1).label == "c"
    assert "b" not in one.history(1)["new"].to_list()


def test_the_notes_of_before_begin_the_logs(machine, tmp_path):
    older = Notes(Book(tmp_path / "notes.sqlite", {"sae": "a"}), N)
    older.set(1, label="a")
    older.set(1, label="b")
    older.add("old", [1, 2])
    older.rename("old", "new")
    older.add_layer(pl.DataFrame({"feature": [4], "label": ["auto"]}))
    one = machine("one", older=older.path)
    assert (one.get(1).label, one.list("new"), one.layer("labels").height) == ("b", [1, 2], 1)
    assert one.history(1).equals(older.history(1))
    two = machine("two", older=older.path)
    assert said(two) == said(one)
    assert len(logs(one)) == 1
    two.undo(1)
    two.undo("new")
    assert (one.get(1).label, one.list("old")) == ("a", [1, 2])


def test_notes_of_before_on_another_sae_are_left_alone(machine, tmp_path):
    older = Notes(Book(tmp_path / "notes.sqlite", {"sae": "other"}), N)
    older.set(1, label="theirs")
    with pytest.raises(MismatchError, match="about another SAE"):
        machine("one", older=older.path).get(1)
    assert not (tmp_path / "notes-log").exists() or not list((tmp_path / "notes-log").glob("*.jsonl"))


def test_a_folder_whose_notes_are_on_another_sae_gets_logs_of_its_own(opened, tmp_path, monkeypatch):
    index = tmp_path / "index"
    shutil.copytree(opened.index.path, index, ignore=shutil.ignore_patterns("notes*"))
    Notes(Book(index / "notes.sqlite", {"sae": "other"}), N).set(1, label="theirs")
    monkeypatch.setenv("SAESCOPE_NOTES_STORE", "log")
    scope = saescope.open_index(index)
    scope.notes.set(3, label="own")
    assert scope.notes.labels() == {3: "own"}
    assert scope.notes.path.name.startswith("notes-")
    assert scope.notes.path != index / "notes-log"


def test_a_turn_whose_holder_is_gone_is_taken(one, two):
    one.set(1, label="a")
    child = os.fork()
    if child == 0:
        turn.Turn(one.path).__enter__()
        os._exit(0)
    os.waitpid(child, 0)
    assert (one.path / "turn").exists()
    began = time.monotonic()
    two.set(1, label="b")
    assert time.monotonic() - began < 1
    assert not (one.path / "turn").exists()


def test_a_turn_of_another_machine_is_taken_when_it_has_not_changed_for_long(one, monkeypatch):
    one.set(1, label="a")
    monkeypatch.setattr(turn, "LEASE_S", 0.3)
    (one.path / "turn").write_bytes(b"elsewhere 1 ff")
    began = time.monotonic()
    one.set(1, label="b")
    assert 0.3 <= time.monotonic() - began < 3
    monkeypatch.setattr(turn, "LEASE_S", 60)
    monkeypatch.setattr(turn, "WAIT_S", 0.2)
    (one.path / "turn").write_bytes(b"elsewhere 1 ff")
    with pytest.raises(NotesError, match="'elsewhere 1 ff' has been writing"):
        one.set(1, label="c")
    assert one.get(1).label == "b"


def test_a_writer_who_lost_the_turn_begins_again_on_what_is_there_now(one, two):
    base = one.set(1, label="start").version
    n_tries = []

    def work(db):
        n_tries.append(1)
        if len(n_tries) == 1:
            (one.path / "turn").unlink()
            two.set(1, label="theirs")
        return set_note(db, 1, {"label": "mine"}, Stamp("anna"), base=base)

    with pytest.raises(ConflictError):
        one.book.write(work)
    assert len(n_tries) == 2
    assert (one.get(1).label, two.get(1).label) == ("theirs", "theirs")


def test_of_two_layers_of_one_name_the_later_stands_on_both(one, tmp_path):
    later = Notes(LogBook(tmp_path / "apart", {"sae": "a"}, tmp_path / "later" / "c.sqlite"), N)
    later.set(1, label="x")
    later.set(1, label="y")
    later.add_layer(pl.DataFrame({"feature": [1], "label": ["later"]}), "auto")
    one.add_layer(pl.DataFrame({"feature": [2], "label": ["sooner"]}), "auto")
    files = [*logs(one), *logs(later)]
    for i, order in enumerate((files, files[::-1])):
        notes = Notes(LogBook(tmp_path / f"all{i}", {"sae": "a"}, tmp_path / f"all{i}.sqlite"), N)
        notes.path.mkdir()
        for file in order:
            shutil.copy(file, notes.path)
            notes.labels()
        assert notes.layer("auto").rows() == [(1, "later")]
    folder_of_both = tmp_path / "at once"
    folder_of_both.mkdir()
    for file in files:
        shutil.copy(file, folder_of_both)
    notes = Notes(LogBook(folder_of_both, {"sae": "a"}, tmp_path / "at once.sqlite"), N)
    assert notes.layer("auto").rows() == [(1, "later")]


@pytest.mark.parametrize("has_links", [True, False])
def test_one_at_a_time_has_the_turn(tmp_path, monkeypatch, has_links):
    if not has_links:

        def refuse(*_):
            raise OSError(95, "Operation not supported")

        monkeypatch.setattr(turn.os, "link", refuse)
    inside, most = [0], [0]

    def work():
        for _ in range(20):
            with turn.Turn(tmp_path):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                time.sleep(0.0005)
                inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert most == [1]
    assert list(tmp_path.iterdir()) == []


def test_threads_lose_no_update(one, two):
    def append(notes, who):
        for n in range(15):
            while True:
                now = notes.get(1)
                try:
                    notes.set(1, remark=f"{now.remark}{who}.{n};", version=now.version)
                    break
                except ConflictError:
                    pass

    threads = [threading.Thread(target=append, args=(notes, who)) for who, notes in enumerate((one, two, one))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    wanted = {f"{who}.{n}" for who in range(3) for n in range(15)}
    assert set(one.get(1).remark.split(";")[:-1]) == set(two.get(1).remark.split(";")[:-1]) == wanted
    assert one.get(1).version == 45


def test_a_listener_hears_of_another_machine_within_a_second(one, two):
    one.set(1, label="a")
    heard = []

    class Owner:
        pass

    owner = Owner()
    two.book.listen(owner, lambda _, change: heard.append(change))
    saescope.live.listen(listener := lambda *_: None)
    began = time.monotonic()
    one.set(7, label="b")
    while not heard and time.monotonic() - began < 3:
        time.sleep(0.02)
    assert time.monotonic() - began < 1.2
    assert heard[0].features == (7,)
    del listener


def test_a_child_of_a_fork_has_its_own_connections(one):
    one.set(1, label="a")
    child = os.fork()
    if child == 0:
        status = 1
        try:
            one.set(2, label="child")
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    one.set(3, label="parent")
    assert one.labels() == {1: "a", 2: "child", 3: "parent"}


MOUNTED = "a / ext4 rw 0 0\nb {0} nfs4 rw 0 0\nc {0}/a\\040b ext4 rw 0 0\nd {0}/s fuse.sshfs rw 0 0\n"


def test_where_logs_are_used(tmp_path, monkeypatch):
    monkeypatch.delenv("SAESCOPE_NOTES_STORE", raising=False)
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTED.format(tmp_path))
    monkeypatch.setattr(disks, "MOUNTS", mounts)
    kinds = [
        disks.file_system(p) for p in (tmp_path / "x", tmp_path / "a b" / "x", tmp_path.parent, tmp_path / "s" / "x")
    ]
    assert kinds == ["nfs4", "ext4", "ext4", "fuse.sshfs"]
    uses = {name: disks.uses_logs(tmp_path / name / "n.sqlite") for name in ("x", "a b", "s")}
    assert uses == {"x": True, "a b": False, "s": True}
    monkeypatch.setenv("SAESCOPE_NOTES_STORE", "sqlite")
    assert not disks.uses_logs(tmp_path / "x" / "n.sqlite")
    monkeypatch.setenv("SAESCOPE_NOTES_STORE", "log")
    assert isinstance(open_book(tmp_path / "a b" / "n.sqlite", {"sae": "a"}), LogBook)
    monkeypatch.delenv("SAESCOPE_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    assert not disks.cache_folder().is_relative_to(tmp_path / "home")


def test_a_disk_of_unknown_kind_is_tried(tmp_path, monkeypatch):
    monkeypatch.delenv("SAESCOPE_NOTES_STORE", raising=False)
    monkeypatch.setattr(disks, "file_system", lambda _: "novel")
    assert not disks.uses_logs(tmp_path / "n.sqlite")
    assert list(tmp_path.iterdir()) == []
    disks.has_write_ahead.cache_clear()

    class Without:
        def execute(self, _):
            return self

        def fetchone(self):
            return ("delete",)

        def close(self):
            pass

    monkeypatch.setattr(disks.sqlite3, "connect", lambda _: Without())
    assert disks.uses_logs(tmp_path / "n.sqlite")
    disks.has_write_ahead.cache_clear()


def test_a_mac_s_mounts_are_read():
    told = "/dev/disk3s1 on / (apfs, local)\n//anna@nas/data on /Volumes/my data (smbfs, nodev)\n"
    assert disks.mounts_of_mac(told) == [("/", "apfs"), ("/Volumes/my data", "smbfs")]


def test_logs_that_are_there_are_used_on_every_disk(one, tmp_path):
    one.set(1, label="a")
    assert isinstance(open_book(tmp_path / "notes.sqlite", {"sae": "a"}), LogBook)


def test_a_scope_on_a_network_file_system_keeps_logs_beside_its_index(opened, tmp_path, monkeypatch):
    monkeypatch.setenv("SAESCOPE_NOTES_STORE", "log")
    index = tmp_path / "index"
    shutil.copytree(opened.index.path, index, ignore=shutil.ignore_patterns("notes*"))
    scope = saescope.open_index(index)
    scope.notes.set(3, label="x")
    assert scope.notes.path == index / "notes-log"
    assert scope.notes.why == ""
    assert scope.find_features("x", looks_in="label")["feature"].to_list() == [3]
    again = saescope.open_index(index)
    assert again.notes.get(3).label == "x"


def test_logs_beside_an_index_that_cannot_be_written_are_taken_along(one, tmp_path, monkeypatch):
    one.set(1, label="a")
    one.set(1, label="b")
    monkeypatch.setattr("saescope.notes.places.os.access", lambda *_: False)
    monkeypatch.setenv("SAESCOPE_NOTES_STORE", "sqlite")
    place = find_place(tmp_path, "k")
    assert place.path == tmp_path / "user" / "k.sqlite"
    found = Notes(open_book(place.path, {"sae": "a"}, place.older), N)
    assert (found.get(1).label, found.history(1).height) == ("b", 2)
    with pytest.raises(MismatchError):
        Notes(open_book(place.path, {"sae": "other"}), N).get(1)
    db = sqlite3.connect(place.path)
    assert db.execute("SELECT count(*) FROM sqlite_master WHERE name IN ('logs', 'origins')").fetchone() == (0,)
    db.close()
