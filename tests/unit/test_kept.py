"""Kept results as they are stored: tables and calls as JSON, files, logs, and the text form."""

import ast
import datetime as dt
import json
import math
import shutil
import sqlite3
import threading
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from saescope.errors import ConflictError, InputError, UnknownFeatureError, UnknownNameError
from saescope.notes import Notes, open_book
from saescope.notes.headlines import headline, signed
from saescope.notes.kept import MAX_BYTES, MAX_ROWS, kept_of, make, packed, unpacked
from saescope.notes.kept_calls import args_as_json, call_text, check_args
from saescope.notes.kept_frames import frame_as_json, frame_from_json, type_as_json
from saescope.notes.logs import LogBook

N = 64
CALLS = json.loads((Path(__file__).parents[1] / "contract" / "calls.json").read_text())
HOSTILE = ["<script>alert(1)</script>", "</textarea>\u202e[x](javascript:alert(1))", "\u2066'; DROP TABLE kept; --"]
ODD = pl.DataFrame(
    {
        "f32": pl.Series([0.1, math.nan, math.inf, -math.inf, None, -0.0, 1e-45, 3.4e38], dtype=pl.Float32),
        "f64": pl.Series([1 / 3, math.nan, math.inf, -math.inf, None, -0.0, 5e-324, 1e308], dtype=pl.Float64),
        "u64": pl.Series([0, 2**64 - 1, None, 1, 2, 3, 4, 5], dtype=pl.UInt64),
        "flag": [True, False, None, True, True, False, False, True],
        "text": ["", "a\0b", None, "‹E2 80›", "\u202ex", "<b>", "🙂", "\n"],
        "lists": pl.Series([[1.5, math.nan], [], None, [None], [1.0], [2.0], [3.0], [4.0]], dtype=pl.List(pl.Float32)),
        "moved": pl.Series(
            [[{"token": "a", "before": math.nan}], [], None, *[[{"token": None, "before": 1.0}]] * 5],
            dtype=pl.List(pl.Struct({"token": pl.String, "before": pl.Float32})),
        ),
        "pairs": pl.Series([[1, 2]] * 8, dtype=pl.Array(pl.UInt8, 2)),
        "at": pl.Series([dt.datetime(2024, 5, 1, 12, 0, 0, 123456, dt.UTC)] * 8, dtype=pl.Datetime("us", "UTC")),
        "day": [dt.date(1969, 1, 2)] * 8,
        "nothing": pl.Series([None] * 8, dtype=pl.Null),
    }
)


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SAESCOPE_NOTES_DIR", str(tmp_path / "user"))
    monkeypatch.setenv("SAESCOPE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("SAESCOPE_AUTHOR", "anna")
    monkeypatch.setattr("saescope.notes.logs.logbook.SYNC_EVERY_S", 0.0)


def made(feature: int | None = 3, title="", n=1, frame=ODD, method="neighbors", args=None):
    return make(
        frame,
        feature=feature,
        title=title,
        method=method,
        args={"feature": feature, "k": n} if args is None else args,
        headline=f"−{n}.00 nats",
        fingerprints={"sae": "a"},
        versions={"saescope": "1"},
        author="anna",
        time_us=1_700_000_000_000_000 + n,
        panel={"name": "neighbors", "state": {"k": n}},
    )


def at(path):
    return Notes(open_book(path, {"sae": "a"}), N, sae_name="s")


@pytest.fixture
def notes(tmp_path):
    return at(tmp_path / "notes.sqlite")


@pytest.fixture
def machine(tmp_path):
    return lambda name: Notes(LogBook(tmp_path / "log", {"sae": "a"}, tmp_path / name / "cache.sqlite"), N)


def as_json(value):
    return json.loads(json.dumps(value, allow_nan=False))


def test_a_table_comes_back_exactly_nested_and_not_finite_too():
    found = frame_from_json(as_json(frame_as_json(ODD)))
    assert found.schema == ODD.schema
    assert found.equals(ODD)
    assert found["f64"].to_list()[1] != found["f64"].to_list()[4]  # a NaN is not a null
    assert math.copysign(1, found["f32"][5]) == -1


@pytest.mark.parametrize(
    "frame", [ODD.clear(), pl.DataFrame(), pl.DataFrame({"a": pl.Series([], dtype=pl.List(pl.UInt8))})]
)
def test_an_empty_table_keeps_its_columns(frame):
    found = frame_from_json(as_json(frame_as_json(frame)))
    assert found.schema == frame.schema
    assert found.height == 0


def test_every_float32_is_told_by_its_digits():
    import numpy as np

    bits = np.random.default_rng(0).integers(0, 2**32, 20_000, dtype=np.uint32)
    frame = pl.DataFrame({"x": bits.view(np.float32)})
    found = frame_from_json(as_json(frame_as_json(frame)))["x"].to_numpy()
    is_nan = np.isnan(bits.view(np.float32))
    assert (found.view(np.uint32)[~is_nan] == bits[~is_nan]).all()


@pytest.mark.parametrize("kind", [pl.Categorical(), pl.Duration("us"), pl.Object()])
def test_a_column_that_cannot_be_kept_is_refused(kind):
    with pytest.raises(InputError, match="cannot be kept"):
        type_as_json(kind)


@pytest.mark.parametrize(
    "columns",
    [
        {}, [1], [{"name": "a"}], [{"name": "a", "type": "Joke", "values": []}],
        [{"name": "a", "type": "UInt8", "values": [256]}], [{"name": "a", "type": "UInt8", "values": ["1"]}],
        [{"name": "a", "type": "Float32", "values": [True]}], [{"name": "a", "type": "String", "values": [1]}],
        [{"name": "a", "type": "Null", "values": []}, {"name": "a", "type": "Null", "values": []}],
        [{"name": "a", "type": "Null", "values": [None]}, {"name": "b", "type": "Null", "values": []}],
        [{"name": "a", "type": {"list": {"array": ["UInt8", -1]}}, "values": []}],
        [{"name": "a", "type": {"struct": [["x", "UInt8"]]}, "values": [{"y": 1}]}],
    ],
)  # fmt: skip
def test_what_is_no_table_is_refused(columns):
    with pytest.raises(ValueError, match=r"\w"):
        frame_from_json(columns)


def test_a_type_that_is_nested_without_end_is_refused():
    kind = "UInt8"
    for _ in range(50):
        kind = {"list": kind}
    with pytest.raises(ValueError, match="there is no type"):
        frame_from_json([{"name": "a", "type": kind, "values": []}])


@pytest.mark.parametrize("case", CALLS, ids=lambda c: c["method"])
def test_a_call_is_written_as_agreed_and_python_reads_back_what_was_meant(case):
    text = call_text(case["method"], check_args(case["args"]))
    assert text == case["text"]
    assert text.isprintable()
    found = eval(text, {"scope": _Recorder("scope"), "saescope": _Recorder("saescope")})
    first = {"ablate": ("text", "features"), "circuit": ("feature", "text"), "sweep": ("text", "feature")}
    names = first.get(case["method"], (next(iter(case["args"])),))
    assert dict(zip(names, found[1], strict=False)) | found[2] == {k: plain(v) for k, v in case["args"].items()}
    assert ast.parse(text)


class _Recorder:
    def __init__(self, name):
        self._name = name

    def __getattr__(self, method):
        return lambda *args, **kwargs: (f"{self._name}.{method}", args, kwargs)


def plain(value) -> Any:
    if isinstance(value, list):
        return [plain(v) for v in value]
    if not isinstance(value, dict):
        return value
    entry: Any = next(iter(value.items())) if len(value) == 1 else ("", None)
    name, of = entry
    if name == "()":
        return tuple(plain(of))
    if name == "{}":
        return {plain(k): plain(v) for k, v in of}
    if name.startswith(("scope.", "saescope.")):
        rest = {k: plain(v) for k, v in of.items()}
        return (name, tuple(rest.pop(k) for k in ("positive", "negative") if k in rest), rest)
    return {k: plain(v) for k, v in value.items()}


def test_what_a_person_gives_becomes_json_and_what_cannot_is_refused():
    import numpy as np

    given = {"features": {7: 2.5}, "target": (1, 2), "text": np.array([1, 2]), "k": np.int64(3), "x": None}
    assert args_as_json(given) == {
        "features": {"{}": [[7, 2.5]]}, "target": {"()": [1, 2]}, "text": [1, 2], "k": 3, "x": None,
    }  # fmt: skip
    for value in (object(), math.nan, {1: object()}, b"x", [math.inf]):
        with pytest.raises(InputError, match="cannot be kept"):
            args_as_json({"upstream": value})


@pytest.mark.parametrize(
    "args",
    [
        [], {"a b": 1}, {"__class__": 1}, {"x": math.nan}, {"x": "\ud800"}, {"x": [0] * 60_000}, {"x": {"()": 1}},
        {"x": {"{}": [1]}}, {"x": {"{}": [[[1], 2]]}}, {"x": {"saescope.Rule": []}}, {"x": {"saescope.Rule": {"a b": 1}}},
        {"x=1); import os; os.system('x') #": 1},
    ],
)  # fmt: skip
def test_arguments_that_are_none_are_refused(args):
    with pytest.raises(InputError):
        check_args(args)


def test_a_result_is_packed_and_its_id_tells_when_it_was_changed():
    kept = made(title="  why\nit fires ")
    again = unpacked(kept.number, kept.title, packed(kept))
    assert again == kept
    assert (again.title, again.time, again.cut) == (
        "why it fires",
        dt.datetime(2023, 11, 14, 22, 13, 20, 1, dt.UTC),
        "",
    )
    assert again.frame.equals(ODD)
    with pytest.raises(InputError, match="not as it was kept"):
        kept_of(kept.facts() | {"headline": "−9 nats"}, kept.title, kept.id)
    assert made(n=2).id != kept.id
    assert made(title="x").id == kept.id


def test_long_tables_are_cut_and_say_so():
    rows = made(frame=pl.DataFrame({"a": range(MAX_ROWS + 5)}))
    assert (rows.frame.height, rows.n_rows, rows.cut) == (2_000, 2_005, "the first 2,000 of 2,005 rows")
    wide = made(frame=pl.DataFrame({"a": ["x" * 10_000] * 500}))
    assert 0 < wide.frame.height < 500
    assert len(json.dumps(wide.columns)) <= MAX_BYTES
    assert "of 500 rows" in wide.cut
    assert made(frame=pl.DataFrame({"a": ["x" * 2_000_000]})).frame.height == 0


def test_a_title_is_made_from_the_call_where_none_is_given():
    told = [
        ("ablate", "text", "The sea", "zero ablation on “The sea”"),
        ("steer", "prompt", [1, 2], "steer on 2 tokens"),
        ("prompt", "text", ["a", "b"], "prompt on 2 texts"),
        ("ablate", "text", "x\n" * 100, f"zero ablation on “{('x ' * 100)[:59]}…”"),
    ]
    for method, name, text, title in told:
        assert made(method=method, args={name: text}).title == title
    with pytest.raises(InputError, match="a title has at most 300"):
        made(title="x" * 301)


def test_results_are_kept_newest_last_and_taken_away_undone_and_redone(notes):
    second, first, prompt = made(n=2), made(n=1), made(None, n=3, method="prompt", args={"text": "a"})
    assert [notes.keep(k) for k in (second, first, prompt)] == [True] * 3
    assert notes.keep(first) is False
    assert notes.kept() == (first, second, prompt)
    assert notes.kept(3) == (first, second)
    assert [line.id for line in notes.kept_lines(3)] == [first.id, second.id]
    notes.unkeep(first.id)
    assert notes.kept(3) == (second,)
    with pytest.raises(UnknownNameError, match="no kept result"):
        notes.unkeep(first.id)
    notes.undo(first)
    assert notes.kept(3) == (first, second)
    notes.undo(first)  # that it was kept
    assert notes.kept(3) == (second,)
    notes.redo(first)
    assert notes.retitle(first.id, HOSTILE[1]).title == HOSTILE[1]
    assert notes.kept(3)[0].title == HOSTILE[1]
    notes.undo(first)
    assert notes.kept(3) == (first, second)
    assert notes.history(first)["action"].to_list() == [
        "set",
        "set",
        "set",
        "undo",
        "undo",
        "redo",
        "redo",
        "set",
        "undo",
    ]
    assert notes.kept_table()["code"].to_list()[0] == "scope.neighbors(3, k=1)"
    assert notes.get(3).version == 0


def test_a_result_of_no_feature_of_this_sae_is_refused(notes):
    with pytest.raises(UnknownFeatureError):
        notes.keep(made(N))
    with pytest.raises(InputError, match="12 hexadecimal digits"):
        notes.unkeep("x")


def test_kept_again_after_it_was_taken_away(notes):
    notes.keep(made())
    notes.unkeep(made().id)
    assert notes.keep(made(title="again")) is True
    assert [k.title for k in notes.kept()] == ["again"]


def test_others_hear_that_something_was_kept(notes):
    heard, told = [], threading.Event()
    owner = type("Owner", (), {})()
    notes.book.listen(owner, lambda _, change: (heard.append(change), told.set()))
    before = notes.revision
    notes.keep(made())
    assert told.wait(5)
    assert (heard[-1].has_kept, heard[-1].features, heard[-1].is_all) == (True, (), False)
    assert notes.revision != before


def test_a_file_of_version_2_is_read_and_taken_along(tmp_path):
    path = tmp_path / "notes.sqlite"
    old = at(path)
    old.set(3, label="ships")
    old.book._connections.close()
    db = sqlite3.connect(path)
    db.execute("DROP TABLE kept")
    db.execute("PRAGMA user_version = 2")
    db.commit()
    db.close()
    copy = Path(shutil.copy(path, tmp_path / "other.sqlite"))
    notes = at(copy)
    assert (notes.kept(), notes.kept_lines(), notes.get(3).label) == ((), [], "ships")
    notes.keep(made())
    assert (len(notes.kept()), notes.get(3).label) == (1, "ships")


def test_machines_that_keep_logs_have_the_same_results(machine):
    one, two = machine("one"), machine("two")
    kept = made(title=HOSTILE[0])
    one.keep(kept)
    assert two.kept() == (kept,)
    assert two.kept()[0].frame.equals(ODD)
    two.retitle(kept.id, HOSTILE[2])
    one.keep(made(n=2))
    assert [k.title for k in one.kept()] == [HOSTILE[2], made(n=2).title]
    two.unkeep(kept.id)
    assert one.kept() == two.kept() == (made(n=2),)
    one.undo(kept)
    assert [k.id for k in machine("three").kept()] == [kept.id, made(n=2).id]
    assert machine("three").kept() == two.kept()


def test_a_cache_that_an_older_saescope_filled_is_made_anew(machine, tmp_path):
    machine("one").keep(made())
    two = machine("two")
    assert two.kept() == (made(),)
    two.book._connections.close()
    db = sqlite3.connect(tmp_path / "two" / "cache.sqlite")
    db.executescript("DELETE FROM kept; DELETE FROM events; DELETE FROM origins; DELETE FROM meta WHERE name = 'kinds'")
    db.commit()
    db.close()
    two.book._begin()
    assert two.kept() == (made(),)


def test_logs_take_over_and_a_copy_gives_back_what_was_kept(tmp_path, notes):
    from saescope.notes.copying import copy

    notes.keep(made(title="first"))
    notes.unkeep(made().id)
    notes.keep(made(n=2))
    notes.undo(made())
    logs = Notes(LogBook(tmp_path / "l.notes-log", {"sae": "a"}, tmp_path / "c.sqlite", notes.path), N)
    assert logs.kept() == notes.kept()
    logs.keep(made(n=5))
    target = tmp_path / "copied.sqlite"
    assert copy(notes.path, target)
    assert at(target).kept() == notes.kept()


def test_the_text_form_is_the_same_bytes_and_taken_in_twice_changes_nothing(tmp_path, notes):
    notes.keep(made(title=HOSTILE[1]))
    notes.keep(made(None, n=2, method="prompt", args={"text": "\u202ea"}))
    notes.set(3, label="ships")
    path = notes.export(tmp_path / "a.jsonl")
    content = path.read_bytes()
    assert "\u202e".encode() not in content
    assert json.loads(content.split(b"\n")[0])["version"] == 2
    other = at(tmp_path / "other.sqlite")
    assert other.preview(path).filter(pl.col("what") == "kept")["change"].to_list() == ["add", "add"]
    assert other.import_from(path) == 3
    assert other.import_from(path) == 0
    assert [(k.id, k.title) for k in other.kept()] == [(k.id, k.title) for k in notes.kept()]
    assert other.export(tmp_path / "b.jsonl").read_bytes() == content


def test_without_kept_results_the_text_is_of_version_1(tmp_path, notes):
    notes.set(3, label="ships")
    assert json.loads(notes.export(tmp_path / "a.jsonl").read_bytes().split(b"\n")[0])["version"] == 1


def test_two_sides_are_merged_and_conflicts_told(tmp_path, notes):
    first, second = made(title="one"), made(n=2, title="two")
    notes.keep(first)
    notes.keep(second)
    path = notes.export(tmp_path / "a.jsonl")
    other = at(tmp_path / "other.sqlite")
    other.import_from(path)
    other.unkeep(first.id)
    other.retitle(second.id, "theirs")
    other.keep(made(n=3))
    other.export(path)
    notes.keep(made(n=4))
    assert notes.import_from(path) == 3
    assert [k.title for k in notes.kept()] == ["theirs", made(n=3).title, made(n=4).title]
    notes.retitle(second.id, "mine")
    other.retitle(second.id, "theirs again")
    other.import_from(notes.export(tmp_path / "b.jsonl"), conflicts="mine")
    other.export(path, overwrites=True)
    with pytest.raises(ConflictError, match=f"the kept result {second.id}"):
        notes.import_from(path)
    notes.import_from(path, conflicts="file")
    assert next(k.title for k in notes.kept()) == "theirs again"


def test_a_kept_line_that_was_changed_by_hand_is_refused(tmp_path, notes):
    notes.keep(made())
    path = notes.export(tmp_path / "a.jsonl")
    path.write_bytes(path.read_bytes().replace("−1.00 nats".encode(), "−9.00 nats".encode()))
    with pytest.raises(InputError, match="not as it was kept") as told:
        at(tmp_path / "other.sqlite").import_from(path)
    assert told.value.data["line"] == 2
    path.write_bytes(path.read_bytes().replace(b'"method": "neighbors"', b'"method": "eval"'))
    with pytest.raises(InputError, match="cannot be kept"):
        at(tmp_path / "other.sqlite").import_from(path)


def test_figures_in_headlines_have_a_sign_and_a_unit():
    assert [signed(v) for v in (1.234, -0.004, 0.0, None, math.nan, -math.inf)] == [
        "+1.23", "−0.004", "0.00", "–", "–", "−∞",
    ]  # fmt: skip
    frame = pl.DataFrame(
        {"delta_logprob": [-0.5, 2.0], "delta_contrast": [None, None], "next_token": [" a", " b"]},
        schema_overrides={"delta_contrast": pl.Float32},
    )
    assert headline("ablate", {}, frame) == "+2.00 nats on “ b”"
    assert headline("ablate", {}, frame.clear()) == "no rows"
    assert headline("ablate", {}, pl.DataFrame({"odd": [1]})) == "1 row"
