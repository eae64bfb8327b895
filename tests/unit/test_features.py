import io

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from saescope.errors import UnknownNameError
from saescope.query.features import MAX_WINDOW, FeatureTable
from saescope.query.filters import NUMBERS, WEIGHED, FeatureFilter
from saescope.rpc.transports.memory import MemoryPage


@pytest.fixture(scope="module")
def table(opened):
    return opened.table


def test_the_table_has_one_row_a_feature_in_order(opened):
    frame = opened.features
    m = opened.index.manifest
    assert frame["feature"].to_list() == list(range(m.d_sae))
    assert frame.columns[:5] == ["feature", "n_fires", "density", "max", "mean"]
    assert frame["density"].to_list() == pytest.approx((frame["n_fires"] / m.n_counted).to_list())
    assert frame["histogram"].list.sum().to_list() == frame["n_fires"].to_list()
    assert (frame["n_fires"] > 0).sum() == m.n_alive < m.d_sae
    assert frame["top_tokens"].dtype == frame["promoted"].dtype == pl.List(pl.String)


@pytest.mark.parametrize("sort", [name for name in NUMBERS if name not in WEIGHED])
@pytest.mark.parametrize("descending", [True, False])
def test_sorting_is_by_the_column_and_equal_ones_by_number(table, opened, sort, descending):
    values = opened.features[sort].to_list()
    wanted = sorted(range(len(values)), key=lambda n: ((-values[n] if descending else values[n]), n))
    assert table.rows(sort, descending=descending).tolist() == wanted


def test_sorting_by_a_column_that_there_is_not_names_those_there_are(table):
    with pytest.raises(UnknownNameError, match="colour") as caught:
        table.rows("colour")
    assert "density" in caught.value.hint


@pytest.mark.parametrize("search", ["sea", "SEA", " sea", "e", "日", "<b>", "nothing has this", "17", "0", "007"])
def test_search_finds_tokens_whatever_the_case_and_numbers_by_their_beginning(table, opened, search):
    text = search.strip().casefold()
    number = str(int(text)) if text.isdecimal() else None
    wanted = [
        row["feature"]
        for row in opened.features.iter_rows(named=True)
        if any(text in t.casefold() for t in [*row["top_tokens"], *row["promoted"], *row["suppressed"]])
        or (number and str(row["feature"]).startswith(number))
    ]
    assert sorted(table.rows("feature", where=FeatureFilter.make(search)).tolist()) == wanted


def test_features_that_never_fire_can_be_left_out(table, opened):
    dead = opened.features.filter(pl.col("n_fires") == 0)["feature"].to_list()
    shown = table.rows(where=FeatureFilter.make(hides_dead=True)).tolist()
    assert dead
    assert set(shown) == set(range(len(opened.features))) - set(dead)


def test_a_window_is_the_rows_asked_for_as_the_table_has_them(table, opened):
    rows = table.rows("max")
    window = table.window(rows, 10, 20)
    assert window["feature"].to_list() == rows[10:30].tolist()
    whole = opened.features[rows[10:30].astype(np.int64)]
    assert window["top_tokens"].to_list() == [t[:5] for t in whole["top_tokens"].to_list()]
    pairs = [[a + b for a, b in zip(h[::2], h[1::2], strict=True)] for h in whole["histogram"].to_list()]
    assert window["histogram"].to_list() == pairs
    assert window["max"].to_list() == whole["max"].to_list()


@pytest.mark.parametrize(
    ("offset", "count", "wanted"), [(0, 10**9, 256), (250, 50, 6), (-5, 3, 3), (0, -1, 0), (999, 5, 0)]
)
def test_a_window_stays_inside_the_table(table, offset, count, wanted):
    assert len(table.window(table.rows(), offset, count)) == wanted


def test_a_window_has_at_most_three_hundred_rows(table, opened):
    many = np.tile(table.rows(), 3)
    assert len(many) > MAX_WINDOW == 300
    assert len(FeatureTable(opened.index).window(many, 0, 10**6)) == 300


def test_a_search_that_finds_nothing_gives_an_empty_window(table):
    rows = table.rows(where=FeatureFilter.make("nothing has this"))
    assert table.window(rows, 0, 50).columns == table.window(table.rows(), 0, 1).columns


def test_the_page_gets_uncompressed_arrow_without_string_views(opened):
    page = MemoryPage()
    reply = page.call("features.window", {"scope": opened.id, "offset": 0, "count": 60})
    (raw,) = reply.buffers
    reader = pa.ipc.open_stream(io.BytesIO(raw))
    types = {f.name: f.type for f in reader.schema}
    assert types["feature"] == pa.uint32()
    assert types["histogram"].value_type == pa.uint32()
    assert types["top_tokens"].value_type in (pa.string(), pa.large_string())
    for message in pa.ipc.MessageReader.open_stream(io.BytesIO(raw)):
        if message.type == "record batch":
            assert message.body.size > 60 * 16 * 4
    assert b"\x28\xb5\x2f\xfd" not in raw
    read = reader.read_all()
    assert read["feature"].to_pylist() == opened.table.rows()[:60].tolist()
    assert reply.last["data"] == {"offset": 0, "count": 60, "n_match": 256, "n_features": 256, "n_found": None}
    page.connection.close()


def test_a_feature_is_located_where_the_table_shows_it(opened):
    page = MemoryPage()
    shown = opened.table.rows("max", where=FeatureFilter.make("e", hides_dead=True))
    hidden = next(n for n in range(256) if n not in shown.tolist())
    options = {"scope": opened.id, "sort": "max", "filter": {"search": "e", "hides_dead": True}}
    for row in (0, 7, len(shown) - 1):
        assert page.call("features.locate", options | {"feature": int(shown[row])}).last["data"] == {"row": row}
    assert page.call("features.locate", options | {"feature": hidden}).last["data"] == {"row": None}
    page.connection.close()
