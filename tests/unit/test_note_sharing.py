import json
import os
import random

import pytest

from saescope.errors import ConflictError, InputError, MismatchError, OccupiedError
from saescope.notes import Notes, Passage, open_book, textform
from saescope.notes.merging import merge
from saescope.notes.textform import TextNotes

N = 256
HOSTILE = [
    "<script>alert(1)</script>",
    "</textarea><img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "a\u202eb\u200f \u2067c\u2069",
    "line\u2028sep\u0085x",
    '{"kind": "note"}',
    "back\\slash \\u202e \\\u202e",
    "日本 🚢 ünï",
]
HEAD = '{"format": "saescope-notes", "sae": {"fingerprint": "a", "name": "s"}, "version": 1}'


@pytest.fixture(autouse=True)
def author(monkeypatch):
    monkeypatch.setenv("SAESCOPE_AUTHOR", "anna")


def notes_at(path, sae="a"):
    return Notes(open_book(path, {"sae": sae}), N, sae_name="res-l10", passage_of=passage)


def passage(row):
    return Passage(f"{row:024x}", "the", " ships", " sail", doc=row, source="wiki", place=row)


@pytest.fixture
def notes(tmp_path):
    return notes_at(tmp_path / "notes.sqlite")


@pytest.fixture
def other(tmp_path):
    return notes_at(tmp_path / "other.sqlite")


@pytest.fixture
def file(tmp_path):
    return tmp_path / "git" / "notes.jsonl"


def fill(notes):
    notes.set(30, label="towns", status="checked", confidence=0.25)
    notes.set(3, label="ships", remark="# a\n*b*", tags=["y", "x"])
    notes.set(9, label="gone")
    notes.set(9, label="")
    notes.add("starred", [7, 3])
    notes.add("a list", [1])
    notes.mark(3, 17, "typical")


def test_the_text_is_sorted_lines_with_a_head(notes, file):
    fill(notes)
    assert notes.export(file) == file
    content = file.read_bytes()
    assert content.endswith(b"\n")
    assert [json.loads(line) for line in content.splitlines()] == [
        {"format": "saescope-notes", "sae": {"fingerprint": "a", "name": "res-l10"}, "version": 1},
        {"feature": 3, "kind": "note", "label": "ships", "remark": "# a\n*b*", "tags": ["y", "x"]},
        {"confidence": 0.25, "feature": 30, "kind": "note", "label": "towns", "status": "checked"},
        {"features": [1], "kind": "list", "name": "a list"},
        {"features": [7, 3], "kind": "list", "name": "starred"},
        {
            "after": " sail", "before": "the", "feature": 3, "kind": "mark", "mark": "typical",
            "passage": f"{17:024x}", "source": "wiki", "token": " ships",
        },
    ]  # fmt: skip
    for line in content.splitlines():
        assert list(json.loads(line)) == sorted(json.loads(line))


def test_the_same_content_is_the_same_bytes_whoever_wrote_it_when_and_in_which_order(notes, other, tmp_path):
    fill(notes)
    other.author = "bob"
    other.mark(3, 17, "typical")
    other.add("a list", 1)
    other.add("starred", [7, 3])
    other.set(3, remark="# a\n*b*", tags=["y", "x"])
    other.set(3, label="ships")
    other.set(30, label="towns", status="checked", confidence=0.25)
    assert notes.export(tmp_path / "1.jsonl").read_bytes() == other.export(tmp_path / "2.jsonl").read_bytes()


def test_an_import_of_an_export_gives_the_same_notes(notes, other, file, tmp_path):
    fill(notes)
    notes.export(file)
    assert other.import_from(file) == 4
    assert other.table().drop("saved", "version").equals(notes.table().drop("saved", "version"))
    assert (other.list("starred"), other.list("a list")) == ([7, 3], [1])
    gone = ["saved", "doc", "row"]
    assert other.marks().drop(gone).equals(notes.marks().drop(gone))
    assert other.export(tmp_path / "again.jsonl").read_bytes() == file.read_bytes()


def test_importing_again_changes_nothing(notes, other, file):
    fill(notes)
    notes.export(file)
    other.set(5, label="own")
    other.import_from(file)
    revision = other.revision
    assert other.preview(file).is_empty()
    assert other.import_from(file) == 0
    assert other.revision == revision
    assert other.get(5).label == "own"


def test_a_preview_tells_just_what_an_import_does(notes, other, file):
    fill(notes)
    notes.export(file)
    other.set(3, label="ships", status="proposed")
    other.add("starred", [3, 9])
    told = other.preview(file)
    assert other.list("starred") == [3, 9]
    assert told.select("what", "feature", "field", "old", "new", "change").rows() == [
        ("note", 3, "remark", "", "# a\n*b*", "add"),
        ("note", 3, "tags", "[]", '["y", "x"]', "add"),
        ("note", 30, "label", "", "towns", "add"),
        ("note", 30, "status", "", "checked", "add"),
        ("note", 30, "confidence", "", "0.25", "add"),
        ("list", None, "features", "", "[1]", "add"),
        ("list", None, "features", "[3, 9]", "[3, 9, 7]", "merge"),
        ("mark", 3, "mark", "", "typical", "add"),
    ]
    other.import_from(file)
    assert other.preview(file).is_empty()
    assert (other.get(3).status, other.list("starred")) == ("proposed", [3, 9, 7])
    assert other.history(30)["action"].unique().to_list() == ["import"]
    other.undo(30)
    assert other.get(30).is_empty


def edit(file, change):
    lines = [json.loads(line) for line in file.read_bytes().split(b"\n")[:-1]]
    lines = [line for line in (change(line) for line in lines) if line is not None]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_what_the_file_changed_since_the_export_comes_and_what_only_these_notes_changed_stays(notes, file):
    fill(notes)
    notes.export(file)

    def change(line):
        if line.get("feature") == 30:
            return line | {"label": "cities"}
        if line.get("name") == "a list":
            return None
        if line.get("kind") == "mark":
            return None
        line.pop("remark", None)
        return line

    edit(file, change)
    notes.set(30, remark="mine")
    notes.set(31, label="new here")
    told = notes.preview(file)
    assert told.select("feature", "field", "old", "new", "change").rows() == [
        (3, "remark", "# a\n*b*", "", "remove"),
        (30, "label", "towns", "cities", "change"),
        (None, "features", "[1]", "", "remove"),
        (3, "mark", "typical", "", "remove"),
    ]
    assert notes.n_unexported(file) == 2
    notes.import_from(file)
    assert (notes.get(3).remark, notes.get(30).label, notes.get(30).remark) == ("", "cities", "mine")
    assert (notes.get(31).label, notes.lists()["name"].to_list(), notes.marks().height) == ("new here", ["starred"], 0)
    assert notes.preview(file).is_empty()


def test_a_conflict_is_told_and_changes_nothing_until_it_is_settled(notes, file):
    fill(notes)
    notes.export(file)
    edit(file, lambda line: line | {"label": "file's"} if line.get("feature") == 30 else line)
    edit(file, lambda line: line | {"status": "rejected"} if line.get("label") == "ships" else line)
    notes.set(30, label="mine")
    assert notes.preview(file).filter(notes.preview(file)["change"] == "conflict").select("old", "new").rows() == [
        ("mine", "file's")
    ]
    revision = notes.revision
    with pytest.raises(ConflictError, match="the label of feature 30 was changed both here") as told:
        notes.import_from(file)
    assert told.value.data["conflicts"][0]["new"] == "file's"
    assert notes.revision == revision
    notes.import_from(file, conflicts="mine")
    assert (notes.get(30).label, notes.get(3).status) == ("mine", "rejected")
    assert notes.preview(file).is_empty()
    edit(file, lambda line: line | {"label": "again"} if line.get("feature") == 30 else line)
    notes.set(30, label="mine too")
    notes.import_from(file, conflicts="file")
    assert notes.get(30).label == "again"
    with pytest.raises(InputError, match="refuse, mine or file"):
        notes.import_from(file, conflicts="ask")


def test_two_who_share_a_file_end_alike(notes, other, file):
    """What git does when two export and pull: each change of either arrives, whatever the order."""
    draw = random.Random(0)
    both = (notes, other)
    for turn in range(12):
        for i, one in enumerate(both):
            feature = 2 * draw.randrange(20) + i
            one.set(feature, label=f"{turn}", tags=[str(draw.randrange(5))])
            one.add("starred", draw.randrange(N))
            one.mark(feature, draw.randrange(50), draw.choice(["typical", ""]))
            if file.exists():
                one.import_from(file)
            one.export(file)
    notes.import_from(file)
    assert textform.dump(notes._state()) == textform.dump(other._state()) == file.read_bytes()


def test_notes_of_another_sae_are_refused_unless_forced(notes, file, tmp_path):
    fill(notes)
    notes.export(file)
    stranger = notes_at(tmp_path / "s.sqlite", sae="b")
    for ask in (stranger.preview, stranger.import_from):
        with pytest.raises(MismatchError, match="notes on another SAE: 'res-l10'"):
            ask(file)
    assert stranger.table().is_empty()
    assert stranger.import_from(file, is_forced=True) == 4
    with pytest.raises(OccupiedError, match="is no export of these notes"):
        stranger.export(file)


def test_an_export_does_not_write_over_what_was_not_imported(notes, other, file):
    notes.set(1, label="a")
    notes.export(file)
    other.set(2, label="b")
    with pytest.raises(OccupiedError, match="1 change that these notes have not"):
        other.export(file)
    other.import_from(file)
    other.export(file)
    before = file.stat().st_mtime_ns
    os.utime(file, ns=(1, 1))
    other.export(file)
    assert file.stat().st_mtime_ns == 1 != before
    file.write_text("shopping list\n")
    with pytest.raises(OccupiedError, match="is no export of these notes"):
        notes.export(file)
    notes.export(file, overwrites=True)
    assert notes.preview(file).is_empty()


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_comes_back_as_it_was_and_its_difference_can_be_read(notes, other, file, text):
    notes.set(3, label=text, remark=text + "\n\n" + text * 400, tags=[text])
    notes.add(text, 1)
    notes.export(file)
    content = file.read_bytes()
    other.import_from(file)
    assert other.table().drop("saved", "version", "label").equals(notes.table().drop("saved", "version", "label"))
    assert other.get(3).label == notes.get(3).label
    assert not set(content.decode()) & set("\u202e\u200f\u2067\u2069\u2028\u0085")
    assert len(content.decode().splitlines()) == 3


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("{", "it is no JSON"),
        ("[]", "it is a JSON list"),
        ("<<<<<<< HEAD", "left of a git merge"),
        ("=======", "left of a git merge"),
        (">>>>>>> theirs", "left of a git merge"),
        ("\udcff", "it is not UTF-8 at byte 1"),
        ("[" * 100_000, "nested too deeply|no JSON"),
        ('{"kind": "note"}', "there is no feature None"),
        ('{"kind": "note", "feature": 256}', "no feature 256: this dictionary has 0 to 255"),
        ('{"kind": "note", "feature": true}', "no feature True"),
        ('{"kind": "note", "feature": "3"}', "no feature '3'"),
        ('{"kind": "note", "feature": 3.5}', "no feature 3.5"),
        ('{"kind": "note", "feature": 3, "label": 4}', "label is a str, and 4 came"),
        ('{"kind": "note", "feature": 3, "label": null}', "label is a str, and None came"),
        ('{"kind": "note", "feature": 3, "tags": "x"}', "tags is a list"),
        ('{"kind": "note", "feature": 3, "tags": [1]}', "a tag is a text"),
        ('{"kind": "note", "feature": 3, "tags": ["a,b"]}', "no comma"),
        ('{"kind": "note", "feature": 3, "confidence": NaN}', "NaN is no number"),
        ('{"kind": "note", "feature": 3, "confidence": 2}', "0 to 1"),
        ('{"kind": "note", "feature": 3, "confidence": true}', "confidence is a int/float"),
        ('{"kind": "note", "feature": 3, "status": "done"}', "no status 'done'"),
        ('{"kind": "note", "feature": 3, "lable": "x"}', "'lable', which this saescope does not know"),
        ('{"kind": "note", "feature": 3, "feature": 4}', "'feature' is in it twice"),
        ('{"kind": "note", "feature": 5, "label": "again"}', "feature 5 is in line 2 already"),
        ('{"kind": "note", "feature": 3, "label": "%s"}' % ("x" * 10_000), "at most 1,000 characters, and 10,000"),
        ('{"kind": "note", "feature": 3, "label": "\\ud800"}', "half a character"),
        ('{"kind": "note", "feature": 3, "label": "\\u0000"}', "NUL"),
        ('{"kind": "note", "feature": 3, "remark": "%s"}' % ("x" * 9_000_000), "a line of notes at most 8,000,000"),
        ('{"kind": "list", "name": "", "features": []}', "is not empty"),
        ('{"kind": "list", "name": "x", "features": [1, 1]}', "feature 1 is in the list twice"),
        ('{"kind": "list", "name": "x", "features": "1"}', "numbers in brackets"),
        ('{"kind": "mark", "feature": 3, "passage": "xyz", "mark": "typical"}', "24 hexadecimal digits"),
        ('{"kind": "mark", "feature": 3, "passage": "000000000000000000000000", "mark": "nice"}', "'nice' came"),
        ('{"kind": "joke"}', "its kind is note, list, mark or kept, and 'joke' came"),
        (HEAD, "its kind is note, list, mark or kept, and None came"),
    ],
)
def test_a_line_that_is_none_is_named_and_nothing_is_changed(notes, file, line, wanted):
    notes.set(5, label="here")
    file.parent.mkdir()
    good = '{"feature": 5, "kind": "note", "label": "there"}'
    file.write_bytes(f"{HEAD}\n{good}\n{line}\n".encode(errors="surrogateescape"))
    revision = notes.revision
    for ask in (notes.preview, notes.import_from):
        with pytest.raises(InputError, match=wanted) as told:
            ask(file)
        assert told.value.data["line"] == 3
        assert "line 3" in str(told.value)
    assert (notes.revision, notes.get(5).label) == (revision, "here")


@pytest.mark.parametrize(
    ("head", "wanted"),
    [
        ("", "line 1: it is no JSON"),
        ("{}", '"format": "saescope-notes"'),
        (HEAD.replace('"version": 1', '"version": 3'), "of version 3, and this saescope knows 2"),
        (HEAD.replace('"version": 1', '"version": "1"'), "a number from 1"),
        ('{"format": "saescope-notes", "version": 1, "sae": "a"}', '"fingerprint" and a "name"'),
    ],
)
def test_a_head_that_is_none_is_refused(notes, file, head, wanted):
    file.parent.mkdir()
    file.write_text(head)
    with pytest.raises(InputError, match=wanted):
        notes.preview(file)
    with pytest.raises(InputError, match="cannot be read: No such file"):
        notes.preview(file.with_name("none"))


def test_windows_line_ends_a_byte_order_mark_and_another_order_are_read(notes, file):
    file.parent.mkdir()
    lines = [HEAD, '{"kind": "list", "name": "x", "features": [2]}', "", '{"kind": "note", "feature": 3, "label": "a"}']
    file.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    assert notes.import_from(file) == 2


@pytest.mark.parametrize(
    ("base", "own", "theirs", "wanted"),
    [
        ("ab", "abc", "a", "ac"),
        ("ab", "a", "abc", "ac"),
        ("ab", "ba", "abd", "bad"),
        ("", "xy", "yz", "xyz"),
        ("abc", "ab", "ac", "a"),
        ("ab", "abc", "abd", "abcd"),
    ],
)
def test_lists_and_tags_keep_what_either_added_without_what_either_took_out(base, own, theirs, wanted):
    sides = [TextNotes(notes={1: {"tags": tuple(v)}} if v else {}) for v in (base, own, theirs)]
    assert [(d.new, d.change) for d in merge(*sides).differences] in ([(tuple(wanted), "merge")], [])
    assert merge(*sides).differences or own == wanted
    sides = [TextNotes(lists={"x": tuple(map(ord, v))} if v else {}) for v in (base, own, theirs)]
    assert [d.new for d in merge(*sides).differences] in ([tuple(map(ord, wanted))], [])


def test_a_list_that_one_took_away_and_the_other_changed_is_a_conflict():
    sides = [TextNotes(lists={"x": v} if v else {}) for v in ((1,), (1, 2), None)]
    assert [d.change for d in merge(*sides).differences] == ["conflict"]


def test_every_case_of_a_merge():
    """Against a plain table: what each side had decides."""
    values = ["", "a", "b"]
    for base in values:
        for own in values:
            for theirs in values:
                sides = [TextNotes(notes={1: {"label": v}} if v else {}) for v in (base, own, theirs)]
                found = merge(*sides)
                if theirs in (own, base):
                    assert not found.differences
                elif own == base:
                    assert [(d.old, d.new) for d in found.differences] == [(own, theirs)]
                    assert not found.conflicts
                else:
                    assert [(d.old, d.new, d.change) for d in found.differences] == [(own, theirs, "conflict")]
