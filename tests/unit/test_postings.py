import numpy as np
import pytest
import streams
from hypothesis import given
from hypothesis import strategies as st

from saescope.index.postings import POSTINGS, PostingsFile, ShardedPostings, partition, shard_name
from saescope.indexing.finish import PostingsWriter

NAMES = ("features", "rows", "values")


def same(found, wanted):
    assert (found.first, found.n_features) == (wanted.first, wanted.n_features)
    for name in NAMES:
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name), strict=True)


def part(postings, first, end):
    """The features first to end - 1, by a mask."""
    mine = (postings.features >= first) & (postings.features < end)
    return type(postings)(
        first, end - first, postings.features[mine] - first, postings.rows[mine], postings.values[mine]
    )


def written(path, shards, borders):
    with path.open("wb") as stream:
        writer = PostingsWriter(stream, shards.counts())
        for first, end in borders:
            writer.add(shards.postings(first, end))
    return PostingsFile(path)


@given(streams.measured(), st.integers(1, 4), st.integers(1, 50), st.integers(1, 3))
@streams.SOME
def test_shards_and_the_joined_file_both_hold_what_was_put_in(tmp_path_factory, data, n_contexts, most, limit):
    postings, layout = data
    postings, folder = part(postings, 0, postings.n_features), tmp_path_factory.mktemp("postings")
    borders = streams.shard_borders(layout, n_contexts)
    paths, _ = streams.write_shards(folder, postings, layout, borders)
    shards = ShardedPostings(paths, borders)
    counts = np.bincount(postings.features, minlength=postings.n_features)
    file = written(folder / POSTINGS, shards, partition(counts, most, limit))
    for reader in (shards, file):
        assert reader.counts().tolist() == counts.tolist()
        for first in range(postings.n_features):
            for end in range(first + 1, postings.n_features + 1):
                same(reader.postings(first, end), part(postings, first, end))


@given(streams.measured(), st.randoms())
@streams.SOME
def test_shards_taken_one_by_one_in_any_order_are_the_same(tmp_path_factory, data, random):
    postings, layout = data
    folder, borders = tmp_path_factory.mktemp("postings"), streams.shard_borders(layout, 1)
    paths, _ = streams.write_shards(folder, postings, layout, borders)
    lots = list(zip(paths, borders, strict=True))
    random.shuffle(lots)
    grown = ShardedPostings([], [])
    for n, (path, start) in enumerate(lots):
        before, grown = grown, grown.with_shard(path, start)
        assert (len(before), len(grown)) == (n, n + 1)
    same(grown.postings(0, postings.n_features), part(postings, 0, postings.n_features))


def test_no_shards_hold_nothing():
    found = ShardedPostings([], []).postings(3, 7)
    assert (found.first, found.n_features, len(found.rows)) == (3, 4, 0)


def test_rows_beyond_a_shard_s_numbers_are_told_by_its_start(tmp_path):
    from safetensors.numpy import save_file

    start = (1 << 32) - (1 << 16)
    rows = np.array([0, (1 << 16) - 1], dtype=np.uint16)
    values = np.array([1.5, -2], dtype=np.float32)
    save_file({"offsets": np.array([0, 2], dtype=np.uint32), "rows": rows, "values": values}, tmp_path / shard_name(0))
    shards = ShardedPostings([tmp_path / shard_name(0)], [start])
    for reader in (shards, written(tmp_path / POSTINGS, shards, [(0, 1)])):
        found = reader.postings(0, 1)
        assert (found.rows.tolist(), found.values.tolist()) == ([start, (1 << 32) - 1], [1.5, -2])


@given(streams.measured())
@streams.SOME
def test_the_activation_at_a_feature_and_row_is_found(data):
    postings, _ = data
    order = np.random.default_rng(0).permutation(len(postings.rows))
    found = postings.values_at(postings.features[order], postings.rows[order])
    np.testing.assert_array_equal(found, postings.values[order])


@given(st.lists(st.integers(0, 30), max_size=60), st.integers(1, 50), st.integers(1, 20))
def test_ranges_cover_all_features_once_and_keep_both_limits(counts, most, limit):
    ranges = list(partition(np.array(counts, dtype=np.int64), most, limit))
    assert [f for first, end in ranges for f in range(first, end)] == list(range(len(counts)))
    for first, end in ranges:
        assert first < end <= first + limit
        assert sum(counts[first:end]) <= most or end == first + 1
        is_full = end == len(counts) or end - first == limit or sum(counts[first : end + 1]) > most
        assert is_full


@pytest.mark.parametrize("at", [0, 2, 4])
def test_a_feature_larger_than_the_limit_is_a_range_of_its_own(at):
    counts = np.ones(5, dtype=np.int64)
    counts[at] = 1000
    assert (at, at + 1) in list(partition(counts, 10, 100))
