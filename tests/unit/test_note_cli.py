import json

import pytest

import saescope
from saescope.cli.main import main


@pytest.fixture
def at(opened, tmp_path, monkeypatch):
    """Arguments that name an index, a file, and notes of their own."""
    monkeypatch.setenv("SAESCOPE_AUTHOR", "anna")
    scope = saescope.open_index(opened.index.path)
    notes = scope.open_notes(tmp_path / "own.sqlite")
    notes.set(3, label="ships \u202e\x1b[31m<b>", status="checked")
    notes.add("starred", [3])
    return notes, [str(opened.index.path), str(tmp_path / "notes.jsonl"), "--notes", str(tmp_path / "own.sqlite")]


def test_notes_are_exported_compared_and_imported(at, tmp_path, capsys):
    notes, where = at
    assert main(["notes", "export", *where]) == 0
    assert "1 notes, 1 lists, 0 marks" in capsys.readouterr().out
    assert main(["notes", "diff", *where]) == 0
    assert capsys.readouterr().out == "an import would change: nothing\n"
    file = tmp_path / "notes.jsonl"
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    lines[1]["label"] = "boats"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    notes.set(9, label="own")
    assert main(["notes", "diff", *where]) == 1
    assert capsys.readouterr().out == (
        "change    #3 label: ships \\u202e\\x1b[31m<b> → boats\n"
        "an import would change: 1 change; 1 changed here only, export to write them\n"
    )
    assert main(["notes", "import", *where]) == 0
    assert capsys.readouterr().out == "1 notes and lists changed\n"
    assert notes.labels() == {3: "boats", 9: "own"}


def test_a_conflict_and_a_broken_line_are_told_with_what_to_do(at, tmp_path, capsys):
    notes, where = at
    main(["notes", "export", *where])
    file = tmp_path / "notes.jsonl"
    file.write_text(file.read_text().replace('"checked"', '"rejected"'))
    notes.set(3, status="proposed")
    assert main(["notes", "import", *where]) == 1
    assert "the status of feature 3 was changed both here and in notes.jsonl" in capsys.readouterr().err
    assert main(["notes", "export", *where]) == 1
    assert "1 change that these notes have not" in capsys.readouterr().err
    assert main(["notes", "import", *where, "--conflicts", "mine"]) == 0
    assert notes.get(3).status == "proposed"
    file.write_text(file.read_text() + "<<<<<<< HEAD\n")
    assert main(["notes", "diff", *where]) == 1
    assert "line 4: '<<<<<<< HEAD' is left of a git merge" in capsys.readouterr().err
    assert main(["notes", "export", *where, "--overwrite"]) == 0


def test_help_says_what_each_does(capsys):
    for kind in ("export", "diff", "import"):
        with pytest.raises(SystemExit) as caught:
            main(["notes", kind, "--help"])
        assert caught.value.code == 0
        assert f"usage: saescope notes {kind}" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["notes"])
