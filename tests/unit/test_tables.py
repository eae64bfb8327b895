from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
import streams
from hypothesis import given, settings
from hypothesis import strategies as st

import plain
from saescope.errors import DamagedIndexError
from saescope.index.choice import Wanted, choose
from saescope.index.examples import SCHEMA, BlockWriter, ExampleFile, cut_windows, example_writer, windows_of
from saescope.index.features import BLOCK, LENS, FeatureFile, feature_rows, feature_writer, row_of
from saescope.index.layout import WINDOW_SIDE, Layout
from saescope.index.postings import Postings
from saescope.index.rule import EVERYTHING
from saescope.index.summary import QUANTILES, counted, statistics

PAIRS = pa.schema([("feature", pa.uint32()), ("place", pa.int64())])
DEAD = {
    "none": lambda n: [],
    "start": lambda n: range(n // 2 + 1),
    "end": lambda n: range(n // 2, n),
    "all": range,
    "middle": lambda n: range(n // 4, 3 * n // 4),
}


def cuts(n, draw):
    """Ranges of features as they may come to a writer."""
    inner = draw(st.sets(st.integers(1, n - 1))) if n > 1 else set()
    return list(pairwise([0, *sorted(inner), n]))


def write_pairs(path, counts, ranges, block, compression=None):
    """So many rows a feature, numbered; returns the batches that a reader finds."""
    features = np.repeat(np.arange(len(counts)), counts)
    with BlockWriter(path, PAIRS, block, len(counts), compression) as writer:
        for first, end in ranges:
            mine = (features >= first) & (features < end)
            columns = [pa.array(features[mine], pa.uint32()), pa.array(np.flatnonzero(mine))]
            writer.write(pa.record_batch(columns, schema=PAIRS), end)
    file = pa.ipc.open_file(path)
    return [file.get_batch(n) for n in range(file.num_record_batches)]


@given(st.lists(st.sampled_from([0, 0, 1, 3, 700]), min_size=1, max_size=40), st.integers(1, 12), st.data())
@settings(deadline=None, max_examples=300)
def test_each_batch_has_the_rows_of_its_features_however_they_come(tmp_path_factory, counts, block, data):
    path = tmp_path_factory.mktemp("blocks") / "a.arrow"
    batches = write_pairs(path, counts, cuts(len(counts), data.draw), block)
    assert len(batches) == -(-len(counts) // block)
    features = np.repeat(np.arange(len(counts)), counts)
    for n, batch in enumerate(batches):
        wanted = np.flatnonzero(features // block == n)
        assert batch.column("place").to_pylist() == wanted.tolist()
        assert batch.column("feature").to_pylist() == features[wanted].tolist()


@pytest.mark.parametrize("compression", [None, "zstd"])
@pytest.mark.parametrize("n", [1, 63, 64, 65, 128, 200])
@pytest.mark.parametrize("dead", DEAD)
def test_dead_features_leave_every_other_one_in_its_batch(tmp_path, dead, n, compression):
    counts = [0 if f in DEAD[dead](n) else 2 for f in range(n)]
    for name, ranges in (("one", [(0, n)]), ("each", [(f, f + 1) for f in range(n)])):
        batches = write_pairs(tmp_path / name, counts, ranges, 64, compression)
        assert [b.num_rows for b in batches] == [sum(counts[i : i + 64]) for i in range(0, n, 64)]


def test_a_write_that_fails_leaves_no_open_file(tmp_path):
    with pytest.raises(ZeroDivisionError), example_writer(tmp_path / "a.arrow", 5):
        raise ZeroDivisionError
    assert ExampleFile(tmp_path / "a.arrow")._file.num_record_batches == 0


def stream(n_features, dead, n_rows=400):
    """Postings of many features, some dead, over two documents; every fifth token is special."""
    noise = np.random.default_rng(n_features)
    fires = noise.random((n_features, n_rows)) < 0.05
    fires[list(dead)] = False
    features, rows = np.nonzero(fires)
    values = noise.choice(streams.FEW_VALUES, len(rows))
    layout = Layout(
        noise.integers(0, 5, n_rows).astype(np.uint16), 50, np.array([0, 130]), np.arange(5) == 4, EVERYTHING
    )
    return Postings(0, n_features, features, rows, values), layout


def part(postings, first, end):
    mine = (postings.features >= first) & (postings.features < end)
    return Postings(first, end - first, postings.features[mine] - first, postings.rows[mine], postings.values[mine])


@pytest.mark.parametrize("n", [1, 64, 65, 130])
@pytest.mark.parametrize("dead", DEAD)
def test_stored_examples_are_read_back_with_their_windows(tmp_path, dead, n):
    postings, layout = stream(n, DEAD[dead](n))
    wanted, chosen = Wanted(), {}
    with example_writer(tmp_path / "e.arrow", n) as writer:
        for first, end in [(i, min(i + 37, n)) for i in range(0, n, 37)]:
            some = part(postings, first, end)
            found = choose(some, statistics(some, layout).maxima, layout, wanted)
            writer.write(cut_windows(found, some, layout), end)
            chosen |= {f: found.take(found.features + first == f) for f in range(first, end)}
    file = ExampleFile(tmp_path / "e.arrow")
    for feature, pairs in enumerate(plain.by_feature(postings)):
        fires, mine = dict(pairs), chosen[feature]
        windows = file.windows(feature)
        told = [(w.feature, w.group, w.rank, w.row, w.activation, w.n_same) for w in windows]
        lists = (getattr(mine, name).tolist() for name in ("groups", "ranks", "rows", "values", "n_same"))
        assert told == [(feature, *facts) for facts in zip(*lists, strict=True)]
        for w in windows:
            low, high = streams.window(w.row, layout, WINDOW_SIDE)
            assert w.start == low
            assert w.activations.tolist() == [fires.get(r, 0.0) for r in range(low, high)]
        for group in range(len(wanted.groups)):
            assert [(w.row, w.rank) for w in file.windows(feature, group)] == [
                (w.row, w.rank) for w in windows if w.group == group
            ]
        assert bool(windows) == bool(pairs)


@given(streams.measured(), st.integers(1, 700))
@streams.SOME
def test_windows_of_any_side_hold_every_activation_also_those_that_do_not_count(data, side):
    postings, layout = data
    kept = counted(postings, layout)
    found = choose(kept, statistics(kept, layout).maxima, layout, Wanted(5, 0, 1, 0))
    batch = cut_windows(found, postings, layout, side)
    assert batch.schema == SCHEMA
    for feature, pairs in enumerate(plain.by_feature(postings)):
        for w in windows_of(batch, feature + postings.first):
            low, high = streams.window(w.row, layout, side)
            assert (w.start, w.activations.tolist()) == (low, [dict(pairs).get(r, 0.0) for r in range(low, high)])


@pytest.mark.parametrize("n", [1, BLOCK, BLOCK + 1])
@pytest.mark.parametrize("dead", ["none", "start", "end", "all"])
@pytest.mark.parametrize("has_lens", [True, False])
def test_rows_of_the_feature_table_are_those_measured(tmp_path, dead, n, has_lens):
    postings, layout = stream(n, DEAD[dead](n), n_rows=60)
    measured = statistics(postings, layout)
    lens = {name: np.arange(n * 10).reshape(n, 10) for name in LENS} if has_lens else {}
    with feature_writer(tmp_path / "f.arrow", n) as writer:
        for first, end in [(i, min(i + 300, n)) for i in range(0, n, 300)]:
            some = statistics(part(postings, first, end), layout)
            writer.write(feature_rows(some, first, 200, {k: v[first:end] for k, v in lens.items()}), end)
    file = FeatureFile(tmp_path / "f.arrow")
    frame = file.frame()
    assert frame["feature"].to_list() == list(range(n))
    assert not [name for name in frame.columns if name.startswith("fine")]
    for feature in sorted({0, n // 2, n - 1}):
        row, told = file.row(feature), frame.row(feature, named=True)
        fine = slice(*measured.fine_offsets[feature : feature + 2])
        tokens = measured.top_tokens[feature]
        wanted = {
            "feature": feature,
            "n_fires": measured.n_fires[feature],
            "density": measured.n_fires[feature] / 200,
            "max": measured.maxima[feature],
            "mean": np.float32(measured.means[feature]),
            "std": np.float32(measured.deviations[feature]),
            "sum": measured.sums[feature],
            "sum_of_squares": measured.sums_of_squares[feature],
            **{f"q{round(100 * q)}": measured.quantiles[feature, i] for i, q in enumerate(QUANTILES)},
            "histogram": measured.histogram[feature].tolist(),
            "fine_bins": measured.fine_bins[fine].tolist(),
            "fine_counts": measured.fine_counts[fine].tolist(),
            "top_tokens": tokens[tokens >= 0].tolist(),
            "top_shares": measured.top_token_shares[feature][tokens >= 0].tolist(),
            **{name: lens[name][feature].tolist() if has_lens else [] for name in LENS},
        }
        assert {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in row.items()} == wanted
        assert told == {k: v for k, v in wanted.items() if not k.startswith("fine")}


def test_a_row_of_a_batch_has_its_own_lists_and_no_others():
    postings, layout = stream(3, [1])
    batch = feature_rows(statistics(postings, layout), 7, 100, {})
    rows = [row_of(batch, n) for n in range(3)]
    assert [r["feature"] for r in rows] == [7, 8, 9]
    assert [int(r["fine_counts"].sum()) for r in rows] == [r["n_fires"] for r in rows]
    assert (len(rows[1]["top_tokens"]), rows[1]["n_fires"]) == (0, 0)


@pytest.mark.parametrize("reader", [ExampleFile, FeatureFile])
@pytest.mark.parametrize("raw", [b"", b"ARROW1\x00\x00", b"x" * 100, None])
def test_what_is_no_whole_arrow_file_is_a_damaged_index(tmp_path, reader, raw):
    if raw is not None:
        (tmp_path / "a.arrow").write_bytes(raw)
    with pytest.raises(DamagedIndexError, match=r"a\.arrow"):
        reader(tmp_path / "a.arrow")
