import numpy as np
import pytest
import streams
from hypothesis import given
from hypothesis import strategies as st

from saescope.engine.encoder import Nonzeros
from saescope.errors import DamagedIndexError
from saescope.index.rows import RowShards, explained_variance, quality_of, rows_name
from saescope.indexing import shards


def save(path, values, d_sae=4):
    """One shard in which feature 0 fires on each row."""
    found = Nonzeros(np.arange(len(values)), np.zeros(len(values), dtype=np.uint32), np.float32(values))
    norms = np.ones(len(values), dtype=np.float32)
    shard = shards.Shard(shards.by_feature(found, d_sae), shards.by_row(found, len(values), d_sae, norms, np.zeros(4)))
    shards.save_shard(path, 0, shard)
    return RowShards([path / rows_name(0)], [0])


@given(streams.measured(), st.integers(1, 4), st.data())
@streams.SOME
def test_what_fires_on_rows_equals_a_plain_loop_over_several_shards(tmp_path_factory, data, n_contexts, draw):
    postings, layout = data
    folder, borders = tmp_path_factory.mktemp("rows"), streams.shard_borders(layout, n_contexts)
    _, paths = streams.write_shards(folder, postings, layout, borders)
    shards = RowShards(paths, borders)
    wanted = {}
    for feature, row, value in zip(postings.features, postings.rows, postings.values, strict=True):
        wanted.setdefault(int(row), []).append((int(feature), float(np.float16(value))))
    rows = sorted(draw.draw(st.sets(st.integers(0, layout.n_rows - 1))))
    features, values, counts = shards.gather(np.array(rows, dtype=np.int64))
    assert counts.tolist() == [len(wanted.get(r, [])) for r in rows]
    found = list(zip(features.tolist(), values.tolist(), strict=True))
    assert found == [pair for r in rows for pair in sorted(wanted.get(r, []))]
    for row in range(layout.n_rows):
        features, values = shards.row(row)
        assert list(zip(features.tolist(), values.tolist(), strict=True)) == sorted(wanted.get(row, []))
    np.testing.assert_array_equal(shards.norms, layout.norms)
    assert len(shards) == len(borders)
    assert shards.quality().tolist() == [len(borders), sum(range(len(borders))), 2 * len(borders)]


def test_no_rows_and_no_shards_hold_nothing(tmp_path):
    none = np.zeros(0, dtype=np.int64)
    for found in (save(tmp_path, [1.0]), RowShards([], [])):
        features, values, counts = found.gather(none)
        assert (len(features), len(values), len(counts)) == (0, 0, 0)
    assert len(RowShards([], []).norms) == 0


@pytest.mark.parametrize("largest", [1.0, 65_504.0, 65_505.0, 3e6, -3e6, 1e30])
def test_values_beyond_half_precision_are_scaled(tmp_path, largest):
    shards = save(tmp_path, [largest, largest / 3])
    assert [float(shards.row(r)[1][0]) for r in (0, 1)] == pytest.approx([largest, largest / 3], rel=1e-3)


def test_feature_numbers_beyond_two_bytes_are_kept(tmp_path):
    found = Nonzeros(np.zeros(2, dtype=np.int64), np.array([65_535, 65_536], dtype=np.uint32), np.float32([1, 2]))
    for d_sae, size in ((1 << 16, 2), ((1 << 16) + 1, 4)):
        kept = shards.by_row(found, 1, d_sae, np.ones(1, dtype=np.float32), np.zeros(4))["features"]
        assert kept.dtype.itemsize == size
    assert kept.tolist() == [65_535, 65_536]


def test_a_shard_that_was_cut_off_is_told(tmp_path):
    save(tmp_path, [1.0, 2.0])
    file = tmp_path / rows_name(0)
    file.write_bytes(file.read_bytes()[:-8])
    with pytest.raises(DamagedIndexError, match="rows-00000"):
        RowShards([file], [0])


def test_explained_variance_from_sums_of_parts_is_that_of_the_whole():
    noise = np.random.default_rng(0)
    x = noise.normal(3, 2, (50, 6))
    made = x + noise.normal(0, 0.5, x.shape)

    def sums(part):
        error = float(((made[part] - x[part]) ** 2).sum())
        return quality_of(len(x[part]), error, float((x[part] ** 2).sum()), x[part].sum(0))

    wanted = 1 - ((made - x) ** 2).sum() / ((x - x.mean(0)) ** 2).sum()
    assert explained_variance(sums(slice(0, 20)) + sums(slice(20, 50))) == pytest.approx(wanted)
    assert explained_variance(sums(slice(0, 1))) is None
    assert explained_variance(sums(slice(0, 0))) is None
    assert explained_variance(quality_of(5, 1.0, 20.0, np.array([10.0]))) is None
