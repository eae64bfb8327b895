"""Exports over the line: what is offered, planned, measured, written, stopped and refused."""

import json
import shutil
import time
from pathlib import Path

import polars as pl
import pytest

import saescope
from saescope.rpc.transports.memory import MemoryPage

HOSTILE = '<script>alert(1)</script> </textarea> \u202e "x",=1+1'


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The kernel's folder, and a home apart from it."""
    folder, home = tmp_path / "work", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(home))
    return folder


@pytest.fixture
def scope(tiny_folder, tmp_path):
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


def these(*features):
    return {"by": "these", "features": list(features)}


def left_over(folder):
    return sorted(p.name for p in folder.rglob("*"))


def test_every_exporter_is_offered_with_its_options(ask, place):
    answer = ask("share.kinds")
    kinds = {k["kind"]: k for k in answer["kinds"]}
    assert {"csv", "parquet", "neuronpedia", "saedashboard", "notes"} <= set(kinds)
    assert answer["folder"] == str(place)
    assert (kinds["csv"]["name"], kinds["neuronpedia"]["is_folder"]) == ("features.csv", True)
    assert kinds["neuronpedia"]["defaults"]["visibility"] == "PRIVATE"
    assert [o["name"] for o in kinds["neuronpedia"]["options"] if o["is_needed"]] == ["creator_id"]
    assert not kinds["notes"]["takes_features"]


def test_features_are_written_in_the_order_of_the_table(ask, scope, place):
    table = scope.find_features("", ranges={"max": (0.1, None)}, sort="density")
    which = {"by": "filter", "filter": {"ranges": {"max": [0.1, None]}}, "sort": "density"}
    plan = ask("share.plan", kind="csv", path="out.csv", which=which)
    assert (plan["n_features"], plan["there"], plan["shown"], plan["problem"]) == (len(table), "nothing", "out.csv", "")
    done = ask("share.export", kind="csv", path="out.csv", which=which)
    assert pl.read_csv(place / "out.csv")["feature"].to_list() == table["feature"].to_list()
    assert (done["path"], done["n_files"], done["n_features"]) == (str(place / "out.csv"), 1, len(table))
    assert done["n_bytes"] == (place / "out.csv").stat().st_size


@pytest.mark.parametrize(
    ("which", "wanted"),
    [
        (these(7, 3, 7), [7, 3]),
        ({"by": "list", "name": HOSTILE}, [9, 2]),
        ({"by": "labelled"}, [2, 5]),
    ],
)
def test_the_features_that_are_meant_are_written(ask, scope, place, which, wanted):
    scope.notes.set(5, label=HOSTILE)
    scope.notes.set(2, label="two")
    scope.notes.add(HOSTILE, [9, 2])
    assert ask("share.plan", kind="parquet", path="x.parquet", which=which)["n_labelled"] == 2
    ask("share.export", kind="parquet", path="x.parquet", which=which)
    assert pl.read_parquet(place / "x.parquet")["feature"].to_list() == wanted


def test_all_features_are_those_that_the_index_knows(ask, scope):
    plan = ask("share.plan", kind="csv", path="x.csv", which={"by": "all"})
    assert plan["n_features"] == scope.n_features


@pytest.mark.parametrize(
    ("which", "told"),
    [
        (these(), "No features are marked. Choose other features."),
        ({"by": "labelled"}, "No feature has a label yet. Choose other features."),
        (
            {"by": "filter", "filter": {"search": "zzzz"}},
            "No feature matches the table's filter. Choose other features.",
        ),
    ],
)
def test_where_no_features_match_the_plan_says_so_and_nothing_is_written(ask, place, which, told):
    assert ask("share.plan", kind="csv", path="x.csv", which=which)["unmet"] == told
    assert ask("share.export", kind="csv", path="x.csv", which=which)["code"] == "input"
    assert left_over(place) == []


def test_a_file_is_replaced_only_when_that_is_said(ask, place):
    (place / "x.csv").write_text("mine")
    plan = ask("share.plan", kind="csv", path="x.csv", which=these(1))
    assert (plan["there"], plan["n_bytes"], plan["free"]) == ("file", 4, "x-2.csv")
    refused = ask("share.export", kind="csv", path="x.csv", which=these(1))
    assert (refused["code"], (place / "x.csv").read_text()) == ("occupied", "mine")
    ask("share.export", kind="csv", path="x.csv", which=these(1), overwrite=True)
    assert pl.read_csv(place / "x.csv")["feature"].to_list() == [1]
    assert left_over(place) == ["x.csv"]


def test_a_file_that_appears_while_features_are_written_is_not_replaced(scope, place, silent):
    class Meanwhile(type(silent)):
        def finish(self):
            (place / "x.csv").write_text("mine")

    with pytest.raises(FileExistsError):
        scope.export("csv", place / "x.csv", [1], progress=Meanwhile())
    assert (place / "x.csv").read_text() == "mine"
    assert left_over(place) == ["x.csv"]


def test_a_folder_with_something_in_it_is_never_replaced(ask, place):
    (place / "np").mkdir()
    (place / "np" / "mine").write_text("mine")
    plan = ask("share.plan", kind="saedashboard", path="np", which=these(1))
    assert (plan["there"], plan["free"]) == ("folder", "np-2")
    assert ask("share.export", kind="saedashboard", path="np", which=these(1), overwrite=True)["code"] == "occupied"
    assert left_over(place) == ["mine", "np"]


@pytest.mark.parametrize("path", ["/etc/x.csv", "../x.csv", "~/../x.csv", "link/x.csv"])
def test_a_path_outside_is_refused(ask, place, path):
    (place / "link").symlink_to("/tmp")
    plan = ask("share.plan", kind="csv", path=path, which=these(1))
    assert "lies outside the folders" in plan["problem"]
    assert ask("share.export", kind="csv", path=path, which=these(1))["code"] == "input"
    assert "lies outside" in ask("share.files", path=path.rpartition("/")[0] + "/")["message"]
    assert not Path("/etc/x.csv").exists()


@pytest.mark.parametrize("path", ["", "  ", "a\0b", "x" * 5000, "~nobody-at-all/x.csv"])
def test_what_is_no_path_is_told(ask, path):
    assert ask("share.plan", kind="csv", path=path, which=these(1))["problem"]
    assert ask("share.export", kind="csv", path=path, which=these(1))["code"] in ("input", "store")


def test_home_and_below_may_be_written_to(ask, place):
    done = ask("share.export", kind="csv", path="~/a/b.csv", which=these(1))
    assert done["shown"] == "~/a/b.csv"
    assert (place.parent / "home" / "a" / "b.csv").exists()


def test_a_folder_that_cannot_be_written_to_is_told_before(ask, place, monkeypatch):
    from saescope.rpc.handlers import paths

    monkeypatch.setattr(paths.os, "access", lambda *_: False)
    assert "cannot be written" in ask("share.plan", kind="csv", path="x.csv", which=these(1))["problem"]
    (place / "file").write_text("")
    plan = ask("share.plan", kind="csv", path="file/x.csv", which=these(1))
    assert plan["problem"] == "file is a file, and no folder."
    assert ask("share.plan", kind="csv", path="/".join([str(place)]), which=these(1))["problem"]


def test_a_stop_leaves_nothing(page, scope, place, monkeypatch):
    from saescope.export import tables

    monkeypatch.setattr(tables, "STEP", 1)
    whole = scope.table.whole_rows
    monkeypatch.setattr(scope.table, "whole_rows", lambda rows: (time.sleep(0.02), whole(rows))[1])
    rid = page.ask("share.export", {"scope": scope.id, "kind": "csv", "path": "x.csv", "which": {"by": "all"}})
    n_events = 0
    while n_events < 3:
        frame, _ = page.frames.get(timeout=30)
        n_events += frame["t"] == "event"
    assert frame["data"]["total"] == scope.n_features
    assert frame["data"]["seconds_left"] > 0
    assert left_over(place) != []
    page.send({"t": "cancel", "rid": rid})
    while frame["t"] != "error":
        frame, _ = page.frames.get(timeout=30)
    assert frame["error"]["code"] == "cancelled"
    deadline = time.monotonic() + 10
    while left_over(place) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert left_over(place) == []


def test_an_unknown_kind_and_an_unknown_option_list_those_there_are(ask, place):
    found = ask("share.export", kind="zip", path="x", which=these(1))
    assert (found["code"], "csv, neuronpedia" in found["hint"]) == ("unknown_name", True)
    found = ask("share.export", kind="csv", path="x", which=these(1), options={"colour": 1})
    assert found["message"] == "CSV has no option 'colour'."
    found = ask("share.export", kind="neuronpedia", path="x", which=these(1))
    assert found["message"] == "Neuronpedia needs creator_id."
    assert left_over(place) == []


def test_options_reach_the_exporter(ask, place):
    ask(
        "share.export", kind="saedashboard", path="d", which=these(1, 2, 3), options={"n_a_batch": 2, "units": "folded"}
    )
    assert left_over(place / "d") == ["batch-0.json", "batch-1.json", "run_settings.json", "skipped_indexes.json"]
    assert json.loads((place / "d" / "run_settings.json").read_text())["saescope"]["units"] == "folded"


def test_an_estimate_is_measured_and_leaves_nothing(ask, scope, place):
    options = {"n_a_batch": 2, "units": "folded"}
    found = ask("share.estimate", kind="saedashboard", which={"by": "all"}, options=options)
    done = ask("share.export", kind="saedashboard", path="d", which={"by": "all"}, options=options)
    assert found["n_features"] == scope.n_features
    assert 0.5 < found["n_bytes"] / done["n_bytes"] < 2
    assert found["seconds"] > 0
    assert found["n_sampled"] > 1
    shutil.rmtree(place / "d")
    assert left_over(place) == []
    more = ask("share.estimate", kind="neuronpedia", which=these(3))
    assert more["n_features"] == 1


def test_notes_go_out_as_text_and_are_brought_up_to_date(ask, scope, place):
    scope.notes.set(3, label=HOSTILE)
    plan = ask("share.plan", kind="notes", path="notes.jsonl", which=these())
    assert (plan["unmet"], plan["there"]) == ("", "nothing")
    ask("share.export", kind="notes", path="notes.jsonl", which=these())
    scope.notes.set(4, label="four")
    assert ask("share.plan", kind="notes", path="notes.jsonl", which=these())["there"] == "own"
    ask("share.export", kind="notes", path="notes.jsonl", which=these())
    text = (place / "notes.jsonl").read_text()
    assert "four" in text
    (place / "notes.jsonl").write_text(text.replace("four", "for"))
    assert ask("share.plan", kind="notes", path="notes.jsonl", which=these())["there"] == "foreign"
    assert ask("share.export", kind="notes", path="notes.jsonl", which=these())["code"] == "occupied"
    ask("share.export", kind="notes", path="notes.jsonl", which=these(), overwrite=True)
    assert (place / "notes.jsonl").read_text() == text


def test_only_what_was_exported_here_is_sent_to_the_browser(page, scope, place):
    (place / "secret.csv").write_text("secret")
    params = {"scope": scope.id, "path": str(place / "secret.csv")}
    assert page.call("share.file", params).last["error"]["code"] == "input"
    done = page.call("share.export", {"scope": scope.id, "kind": "csv", "path": "x.csv", "which": these(1)}).last[
        "data"
    ]
    reply = page.call("share.file", {"scope": scope.id, "path": done["path"]})
    assert bytes(reply.buffers[0]) == (place / "x.csv").read_bytes()


def test_an_index_that_is_being_built_is_not_exported(ask, scope, place, monkeypatch):
    monkeypatch.setattr(type(scope.index), "is_complete", property(lambda _: False))
    assert "still being built" in ask("share.plan", kind="csv", path="x.csv", which=these(1))["unmet"]
    assert ask("share.export", kind="csv", path="x.csv", which=these(1))["code"] == "unfinished_index"
    assert ask("share.plan", kind="notes", path="x.jsonl", which=these())["unmet"] == ""
    assert left_over(place) == []


def test_files_are_completed_by_what_is_there(ask, place):
    for name in ("b.csv", "a.jsonl", "Abc.CSV", ".hidden.csv"):
        (place / name).write_text("x")
    (place / "data").mkdir()
    (place / "data" / "in.csv").write_text("xyz")
    found = ask("share.files", path="", endings=[".csv"])
    assert [(e["path"], e["is_folder"]) for e in found["entries"]] == [
        ("Abc.CSV", False), ("b.csv", False), ("data/", True),
    ]  # fmt: skip
    assert found["folder"] == str(place)
    assert [e["path"] for e in ask("share.files", path="data/i", endings=[".csv"])["entries"]] == ["data/in.csv"]
    assert [e["path"] for e in ask("share.files", path="AB")["entries"]] == ["Abc.CSV"]
    assert [e["path"] for e in ask("share.files", path=".h")["entries"]] == [".hidden.csv"]
    assert [e["path"] for e in ask("share.files", path="", wants_files=False)["entries"]] == ["data/"]
    for n in range(60):
        (place / "data" / f"{n}.csv").write_text("")
    found = ask("share.files", path="data/")
    assert (len(found["entries"]), found["n_more"]) == (40, 21)
    assert ask("share.files", path="none/x")["message"] == "there is no folder none."


@pytest.fixture
def plugged(tmp_path, monkeypatch):
    """Another package's exporter, one that is broken, and one that is none."""
    info = tmp_path / "plug" / "otherpkg-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: otherpkg\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[saescope.exporters]\nlines = otherpkg_lines:write\nlost = otherpkg_lost:write\nfive = otherpkg_lines:FIVE\n"
    )
    (info.parent / "otherpkg_lines.py").write_text(
        "FIVE = 5\n"
        "def write(scope, target, features, progress, *, head: str = 'n', is_loud: bool = False):\n"
        '    """Write numbers, one a line.\n\n    Parameters\n    ----------\n    head\n        The first line.\n    """\n'
        "    progress.start('Writing', len(features), 'feature')\n"
        "    target.write_text('\\n'.join([head.upper() if is_loud else head, *map(str, features)]))\n"
        "    progress.finish()\n"
    )
    (info.parent / "otherpkg_lost.py").write_text("import no_such_package_at_all\n")
    monkeypatch.syspath_prepend(info.parent)


@pytest.mark.usefixtures("plugged")
def test_a_third_partys_exporter_is_offered_with_its_options_and_runs(ask, scope, place):
    kinds = {k["kind"]: k for k in ask("share.kinds")["kinds"]}
    lines = kinds["lines"]
    assert (lines["package"], lines["meaning"], lines["group"]) == ("otherpkg", "Write numbers, one a line.", "tools")
    assert [(o["name"], o["type"], o["meaning"]) for o in lines["options"]] == [
        ("head", "text", "The first line."), ("is_loud", "switch", ""),
    ]  # fmt: skip
    ask("share.export", kind="lines", path="n.txt", which=these(4, 2), options={"head": "no", "is_loud": True})
    assert (place / "n.txt").read_text() == "NO\n4\n2"
    assert "lines" in scope.exports()["kind"].to_list()
    assert "no_such_package_at_all" in kinds["lost"]["problem"]
    assert kinds["five"]["problem"]
    assert ask("share.export", kind="lost", path="x", which=these(1))["code"] == "plugin"


def drawn(text):
    """The HTML and Markdown of a notebook, or of a page."""
    if not text.startswith("{"):
        return text
    cells = json.loads(text)["cells"]
    outputs = [out.get("data", {}).get("text/html", "") for c in cells for out in c.get("outputs", [])]
    shown = [*outputs, *(c["source"] for c in cells if c["cell_type"] == "markdown")]
    return "".join("".join(part) for part in shown)


@pytest.mark.parametrize(("kind", "name"), [("notebook", "f.ipynb"), ("report", "f.html")])
def test_findings_are_written_with_what_was_typed(ask, scope, place, kind, name):
    scope.notes.set(5, label=HOSTILE)
    offered = next(k for k in ask("share.kinds")["kinds"] if k["kind"] == kind)
    assert offered["group"] == "findings"
    assert [(o["name"], o["type"]) for o in offered["options"]] == [
        ("title", "text"), ("question", "long"), ("include", "parts"), ("conclusion", "long"),
    ]  # fmt: skip
    options = {"title": "Ships & sails", "include": ["statistics"], "conclusion": "They are ships."}
    assert ask("share.estimate", kind=kind, which=these(5))["n_sampled"] == 0
    done = ask("share.export", kind=kind, path=name, which={"by": "labelled"}, options=options)
    text = (place / name).read_text(encoding="utf-8")
    assert "They are ships." in text
    assert "<script>alert" not in drawn(text)
    assert (done["n_features"], left_over(place)) == (1, [name])
    wrong = ask("share.export", kind=kind, path="g", which=these(5), options={"include": ["poems"]})
    assert (wrong["code"], left_over(place)) == ("input", [name])


def test_what_an_export_took_is_the_next_estimate(ask, place):
    ask("share.export", kind="report", path="a.html", which=these(1, 2, 3))
    found = ask("share.estimate", kind="report", which=these(*range(6)))
    assert found["n_sampled"] == 3
    assert found["n_bytes"] == pytest.approx(2 * (place / "a.html").stat().st_size, rel=0.01)


def test_the_panel_holds_what_can_be_exported(scope):
    panel = scope.show("share")
    assert panel.frame()["kind"].to_list()[:2] == ["notebook", "report"]
    assert "neuronpedia" in panel.html()
    panel.close()
