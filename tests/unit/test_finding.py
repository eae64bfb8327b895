"""Filters, sorts and histograms of the feature table, against a plain reading of the whole table."""

import csv
import io
import json
import re

import numpy as np
import polars as pl
import pytest

import saescope
from saescope.errors import InputError, NoIndexError, UnknownNameError
from saescope.query import masks
from saescope.query.features import FeatureTable
from saescope.query.filters import DENSE_ABOVE, NUMBERS, SINGLE_TOKEN_FROM, WEIGHED, FeatureFilter
from saescope.query.orders import number_keys, order_by
from saescope.rpc.transports.memory import MemoryPage

TOKENS = ("top_tokens", "promoted", "suppressed")


@pytest.fixture
def noted(tiny_folder, tmp_path):
    """An index of its own notes."""
    scope = saescope.open_index(tiny_folder / "index")
    scope.open_notes(tmp_path / "notes.sqlite")
    scope.notes.set(7, label="beta Sea", status="checked")
    scope.notes.set(3, label="Alpha", status="proposed")
    scope.notes.set(11, label="gamma <b>", status="rejected")
    scope.notes.set(12, status="checked")
    return scope


def numbers_of(frame):
    return frame["feature"].to_list()


@pytest.mark.parametrize("pattern", ["^ ?[tT]he$", "sea|SHIP", "^ ", r"\d+", "nothing has this", "日|本"])
@pytest.mark.parametrize("place", TOKENS)
def test_a_regular_expression_finds_what_python_finds(opened, pattern, place):
    wanted = [
        row["feature"]
        for row in opened.features.iter_rows(named=True)
        if any(re.search(pattern, t, re.IGNORECASE) for t in row[place])
    ]
    found = opened.find_features(pattern, is_regex=True, looks_in=place, sort="feature", descending=False)
    assert numbers_of(found) == wanted


@pytest.mark.parametrize("place", TOKENS)
def test_a_search_in_one_column_looks_nowhere_else(opened, place):
    wanted = [r["feature"] for r in opened.features.iter_rows(named=True) if any("e" in t.casefold() for t in r[place])]
    assert sorted(numbers_of(opened.find_features("e", looks_in=place))) == wanted


@pytest.mark.parametrize("pattern", ["(a", "[z-a]", "a{2", "(?=x)", "*"])
def test_what_is_no_regular_expression_is_refused_with_the_reason(opened, pattern):
    with pytest.raises(InputError, match=r"is no regular expression: .+") as caught:
        opened.find_features(pattern, is_regex=True)
    assert caught.value.data == {"what": "regex"}


def test_a_regular_expression_that_would_take_python_for_ever_is_done_at_once(opened):
    assert opened.find_features("(a+)+$" * 20 + "Q", is_regex=True).is_empty()


@pytest.mark.parametrize("column", [name for name in NUMBERS if name not in WEIGHED])
def test_a_range_keeps_what_lies_between_both_included(opened, column):
    values = opened.features[column].to_list()
    low, high = sorted(values)[len(values) // 4], sorted(values)[3 * len(values) // 4]
    for bounds in ((low, high), (low, None), (None, high), [None, None]):
        least, most = (-np.inf if bounds[0] is None else low), (np.inf if bounds[1] is None else high)
        wanted = [n for n, v in enumerate(values) if least <= v <= most]
        found = opened.find_features(ranges={column: bounds}, sort="feature", descending=False)
        assert numbers_of(found) == wanted


def test_conditions_hold_together(opened):
    frame = opened.features
    found = opened.find_features("e", ranges={"density": (0.001, 0.3)}, hides_dense=True, only=range(10, 200))
    wanted = [
        row["feature"]
        for row in frame.iter_rows(named=True)
        if 0.001 <= row["density"] <= 0.1
        and 10 <= row["feature"] < 200
        and any("e" in t.casefold() for name in TOKENS for t in row[name])
    ]
    assert sorted(numbers_of(found)) == wanted
    assert found["max"].to_list() == sorted(found["max"].to_list(), reverse=True)


def test_dense_and_single_token_features_are_left_out(opened, monkeypatch):
    frame, table = opened.features, FeatureTable(opened.index)
    assert (DENSE_ABOVE, SINGLE_TOKEN_FROM) == (0.1, 0.95)
    shares = [shares[0] if shares else 0 for shares in frame["top_shares"].to_list()]
    bound = sorted(shares)[len(shares) // 2]
    monkeypatch.setattr(masks, "SINGLE_TOKEN_FROM", bound)
    dense = set(frame.filter(pl.col("density") > 0.1)["feature"])
    single = {n for n, share in enumerate(shares) if share >= bound}
    assert dense
    assert set(table.rows(where=FeatureFilter.make(hides_dense=True)).tolist()) == set(range(256)) - dense
    assert set(table.rows(where=FeatureFilter.make(hides_single_token=True)).tolist()) == set(range(256)) - single


@pytest.mark.parametrize("column", TOKENS)
@pytest.mark.parametrize("descending", [True, False])
def test_tokens_are_sorted_by_the_first_one_and_nothing_comes_last(opened, column, descending):
    found = opened.find_features(sort=column, descending=descending)
    firsts = [(t[0].strip().casefold() if t else None) for t in found[column].to_list()]
    n_there = sum(f is not None for f in firsts)
    assert all(f is None for f in firsts[n_there:])
    assert firsts[:n_there] == sorted(firsts[:n_there], reverse=descending)
    for first in set(firsts):
        alike = [n for n, f in zip(numbers_of(found), firsts, strict=True) if f == first]
        assert alike == sorted(alike)


def test_labels_and_statuses_are_shown_searched_sorted_and_renewed(noted):
    found = noted.find_features(sort="label", descending=False)
    assert found.head(4).select("feature", "label").rows() == [
        (3, "Alpha"),
        (7, "beta Sea"),
        (11, "gamma <b>"),
        (0, ""),
    ]
    assert numbers_of(noted.find_features(sort="label"))[:4] == [11, 7, 3, 0]
    assert numbers_of(noted.find_features(sort="status", descending=False))[:5] == [7, 12, 3, 11, 0]
    assert numbers_of(noted.find_features("SEA", looks_in="label")) == [7]
    assert numbers_of(noted.find_features("^[ab]", is_regex=True, looks_in="label", sort="feature")) == [7, 3]
    assert 7 in numbers_of(noted.find_features("beta"))
    assert sorted(numbers_of(noted.find_features(statuses=["checked", "rejected"]))) == [7, 11, 12]
    assert len(noted.find_features(statuses=[""])) == 256 - 4
    noted.notes.set(3, label="zeta", status="checked")
    assert numbers_of(noted.find_features(sort="label"))[:2] == [3, 11]
    assert sorted(numbers_of(noted.find_features(statuses=["checked"]))) == [3, 7, 12]
    assert numbers_of(noted.find_features("alpha", looks_in="label")) == []


@pytest.fixture
def layered(noted):
    """Notes of all kinds, with labels from elsewhere."""
    notes = noted.notes
    notes.set(7, remark="Fires on the harbour.\nAnd on <b>ships</b>", tags=["sea", "checked twice"])
    notes.set(20, tags=["law"])
    notes.add_layer(pl.DataFrame({"feature": [7, 30], "label": ["about water", "about ships"]}), "auto")
    notes.add_layer(pl.DataFrame({"feature": [30, 31], "label": ["Other", "another"]}), "second")
    return noted


def test_remarks_tags_and_layers_are_searched_each_alone_and_with_the_rest(layered):
    find = layered.find_features
    assert numbers_of(find("HARBOUR", looks_in="remark")) == [7]
    assert numbers_of(find("^and", looks_in="remark", is_regex=True)) == []
    assert numbers_of(find("(?m)^and", looks_in="remark", is_regex=True)) == [7]
    assert numbers_of(find("twice", looks_in="tags")) == [7]
    assert numbers_of(find("^law$", looks_in="tags", is_regex=True)) == [20]
    assert sorted(numbers_of(find("other", looks_in="layer"))) == [30, 31]
    assert numbers_of(find("harbour", looks_in="label")) == []
    assert {7, 20, 30, 31} <= set(numbers_of(find("harbour|law|other", is_regex=True)))


def test_words_rank_what_is_written(layered):
    assert numbers_of(layered.find_features(words="ships")) == [30, 7]
    assert numbers_of(layered.find_features(words="ships harb")) == [7]
    assert numbers_of(layered.find_features(words="ships", sort="feature", descending=False)) == [7, 30]
    assert numbers_of(layered.find_features(words="ships", only=[7])) == [7]
    assert layered.find_features(words="nowhere").is_empty()
    assert len(layered.find_features(words=" ")) == 256
    layered.notes.set(40, label="ships, ships")
    assert numbers_of(layered.find_features(words="ships"))[0] == 40
    with pytest.raises(UnknownNameError, match="only while words are sought"):
        layered.find_features(sort="rank")


def test_tags_filter_and_sort(layered):
    assert sorted(numbers_of(layered.find_features(tags=["sea", "law"]))) == [7, 20]
    assert len(layered.find_features(tags=[""])) == 256 - 2
    assert numbers_of(layered.find_features(sort="tags", descending=False))[:3] == [20, 7, 0]
    assert numbers_of(layered.find_features(sort="layer", descending=False))[:4] == [30, 7, 31, 0]
    found = layered.find_features(only=[7, 30, 31], sort="feature", descending=False)
    assert found["tags"].to_list() == [["sea", "checked twice"], [], []]
    assert found["layer"].to_list() == ["about water", "about ships", "another"]
    assert found["label"].to_list() == ["beta Sea", "", ""]


def test_the_page_gets_a_layer_s_label_with_its_name(layered):
    options = {"scope": layered.id, "offset": 0, "count": 5, "filter": {"words": "ships"}, "sort": "rank"}
    reply = MemoryPage().call("features.window", options | {"columns": ["label", "tags", "layer", "layer_name"]})
    frame = pl.read_ipc_stream(io.BytesIO(reply.buffers[0]))
    assert frame.rows() == [
        (30, "", [], "about ships", "auto"),
        (7, "beta Sea", ["sea", "checked twice"], "about water", "auto"),
    ]
    content = layered.table.as_csv(np.array([7]), ["feature", "tags", "layer"]).decode()
    assert list(csv.reader(io.StringIO(content)))[1] == ["7", '["sea", "checked twice"]', "about water"]


def test_the_window_shows_the_columns_asked_for_with_what_is_written(noted):
    page = MemoryPage()
    options = {"scope": noted.id, "offset": 0, "count": 3, "sort": "label", "descending": False}
    reply = page.call("features.window", options | {"columns": ["label", "status", "suppressed", "q50", "std"]})
    frame = pl.read_ipc_stream(io.BytesIO(reply.buffers[0]))
    assert frame.columns == ["feature", "label", "status", "suppressed", "q50", "std"]
    assert frame["status"].to_list() == ["proposed", "checked", "rejected"]
    whole = noted.features[[3, 7, 11]]
    assert frame["suppressed"].to_list() == [t[:5] for t in whole["suppressed"].to_list()]
    assert frame["q50"].to_list() == whole["q50"].to_list()
    assert page.call("features.window", options | {"columns": ["colour"]}).last["error"]["code"] == "unknown_name"
    page.connection.close()


def test_a_histogram_counts_all_features_that_fire_and_those_that_match(opened):
    page = MemoryPage()
    frame = opened.features.filter(pl.col("n_fires") > 0)
    picked = set(numbers_of(opened.find_features("e")))
    for column in ("density", "max", "mean"):
        told = page.call("features.histogram", {"scope": opened.id, "column": column, "filter": {"search": "e"}})
        spread = told.last["data"]
        values = frame[column].to_numpy().astype(np.float64)
        assert (spread["low"], spread["high"]) == (values.min(), values.max())
        scale = np.log if spread["is_log"] else np.asarray
        edges = np.linspace(scale(values.min()), scale(values.max()), 41)
        some = np.array([f in picked for f in frame["feature"]])
        for name, part in (("counts", values), ("matching", values[some])):
            exact, _ = np.histogram(scale(part), edges)
            assert sum(spread[name]) == len(part)
            # a value on a border may be rounded to either side
            assert np.abs(np.cumsum(exact) - np.cumsum(spread[name])).max() <= 1
        assert spread["n_apart"] == 256 - len(frame)
    page.connection.close()


def test_numbers_are_those_of_the_rows_and_are_limited(opened):
    page = MemoryPage()
    reply = page.call("features.numbers", {"scope": opened.id, "offset": 5, "count": 7, "sort": "mean"})
    assert np.frombuffer(reply.buffers[0], "<u4").tolist() == opened.table.rows("mean")[5:12].tolist()
    assert reply.last["data"] == {"count": 7, "n_match": 256}
    assert page.call("features.numbers", {"scope": opened.id, "count": 100_001}).last["error"]["code"] == "input"
    page.connection.close()


def test_a_file_holds_the_rows_and_columns_shown(noted):
    page = MemoryPage()
    options = {"columns": ["label", "density", "top_tokens", "histogram"], "filter": {"only": [7, 3, 11]}}
    reply = page.call("features.export", {"scope": noted.id, "sort": "feature", "descending": False} | options)
    head, *rows = csv.reader(io.StringIO(bytes(reply.buffers[0]).decode()))
    assert head == ["feature", *options["columns"]]
    assert [(r[0], r[1]) for r in rows] == [("3", "Alpha"), ("7", "beta Sea"), ("11", "gamma <b>")]
    assert json.loads(rows[1][3]) == noted.features["top_tokens"][7].to_list()
    assert sum(json.loads(rows[1][4])) == noted.features["n_fires"][7]
    page.connection.close()


def test_bad_conditions_are_refused_by_name(opened):
    for wrong in ({"ranges": {"colour": (0, 1)}}, {"looks_in": "nowhere", "search": "x"}, {"sort": "colour"}):
        with pytest.raises(UnknownNameError):
            opened.find_features(**wrong)
    for wrong in ({"ranges": {"max": (1,)}}, {"ranges": {"max": "ab"}}, {"ranges": {"max": (float("nan"), 1)}}):
        with pytest.raises(InputError, match="a range of max"):
            opened.find_features(**wrong)
    with pytest.raises(UnknownNameError, match="n_hits"):
        opened.find_features(sort="n_hits")


def test_without_an_index_it_is_said_that_there_is_none(tiny_folder):
    import tiny

    scope = saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae())
    with pytest.raises(NoIndexError):
        scope.find_features("x")


def test_floats_are_ordered_as_numbers_whatever_their_sign():
    values = np.array([0.0, -0.0, 1.5, -2.5, np.inf, -np.inf, np.nan, 1e-38, -1e-38, 3.0], dtype=np.float32)
    assert order_by(number_keys(values), descending=False).tolist() == [5, 3, 8, 0, 1, 7, 2, 9, 4, 6]
    assert order_by(number_keys(values), descending=True).tolist() == [4, 9, 2, 7, 0, 1, 8, 3, 5, 6]
