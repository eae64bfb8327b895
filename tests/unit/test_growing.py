import shutil

import polars as pl
import pytest

import saescope
import tiny
from saescope.errors import CancelledError, NeedsPostingsError, NoIndexError
from saescope.index import Index
from saescope.index.figures import Growing
from saescope.index.rule import EVERYTHING, Rule
from saescope.index.store import shards_done
from saescope.progress import Silent

SHARD = 256
TEXTS = tiny.texts(40)
EXACT = ["feature", "n_fires", "density", "max"]
CLOSE = ["mean", "std", "sum", "sum_of_squares"]
LATER = ["promoted", "promoted_weights", "suppressed", "suppressed_weights"]


class StopAfter(Silent):
    """Progress that stops a build while it makes shards, after so many."""

    def __init__(self, n_shards):
        self._left, self._is_reading = n_shards, False

    def start(self, what, total, unit, done=0):
        self._is_reading = what == "Running the model"

    def advance(self, n):
        if self._is_reading:
            self._left -= n / SHARD
            if self._left < 0:
                raise CancelledError("stop")


@pytest.fixture(scope="module")
def small_shards():
    with pytest.MonkeyPatch.context() as patch:
        for module in ("build", "text"):
            patch.setattr(f"saescope.indexing.{module}.SHARD_ROWS", SHARD)
        patch.setattr("saescope.indexing.worker.BATCH_TOKENS", 64)
        yield


def build(out, **options):
    scope = saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae())
    return scope.build_index(TEXTS, out=out, **({"progress": Silent(), "lens": False} | options))


@pytest.fixture(scope="module", params=[True, False], ids=["packed", "apart"])
def stopped(request, small_shards, tmp_path_factory):
    """A folder with a build that was stopped after some shards, and how it was called."""
    out, options = tmp_path_factory.mktemp("growing") / "index", {"packed": request.param}
    with pytest.raises(CancelledError):
        build(out, progress=StopAfter(3.5), **options)
    return out, options


@pytest.fixture(scope="module")
def first(stopped, tmp_path_factory):
    """The unfinished index, and an index of just the tokens that were done."""
    index = Index(stopped[0])
    options = stopped[1] | {"max_tokens": index.n_rows}
    return index, build(tmp_path_factory.mktemp("first") / "index", **options)


def told(windows):
    return [(w.group, w.rank, w.row, w.activation, w.n_same, w.start, w.activations.tolist()) for w in windows]


def plain_lists(row):
    return {k: v.tolist() if hasattr(v, "tolist") else v for k, v in row.items()}


def test_an_unfinished_index_knows_how_far_it_is(first):
    index, whole = first
    assert shards_done(index.folder, index.manifest.n_shards) == [0, 1, 2]
    assert index.n_rows == index.manifest.shard_starts[3] == whole.n_rows < index.manifest.n_rows
    assert not index.is_complete
    assert f"{index.n_rows:,} of {index.manifest.n_rows:,}" in repr(index)
    assert (index.n_counted, index.n_alive) == (whole.n_counted, whole.n_alive)
    assert index.l0 == pytest.approx(whole.l0)


def test_its_table_is_that_of_an_index_of_what_is_done(first):
    index, whole = first
    assert index.table.columns == whole.table.columns
    assert index.table.schema == whole.table.schema
    assert index.table[EXACT].equals(whole.table[EXACT])
    for name in CLOSE:
        assert index.table[name].to_list() == pytest.approx(whole.table[name].to_list(), rel=1e-4, abs=1e-4)


def test_its_rows_and_their_lists_are_those_of_an_index_of_what_is_done(first):
    index, whole = first
    some = [17, 3, 0, 255, 40]
    known = [name for name in whole.table.columns if name not in LATER]
    assert index.figures.rows(some)[known].equals(whole.figures.rows(some)[known])
    assert index.figures.rows([]).schema == whole.figures.rows([]).schema
    for feature in range(tiny.D_SAE):
        assert plain_lists(index.figures.row(feature)) == plain_lists(whole.figures.row(feature))


def test_its_table_is_sorted_filtered_and_asked_for_text_that_features_fire_on(first):
    growing, scope = first[0], saescope.open_index(first[0].path)
    whole = scope.find_features(sort="density", ranges={"max": (0.5, None)}, hides_dead=True, hides_single_token=True)
    exact = growing.table.filter((pl.col("max") >= 0.5) & (pl.col("n_fires") > 0))
    assert whole["feature"].to_list() == exact.sort("density", "feature", descending=[True, False])["feature"].to_list()
    found = scope.find_features(fires_on=" the")
    wanted = scope.features_on(" the", k=10**6).sort("n_hits", "feature", descending=[True, False])
    assert found["feature"].to_list() == wanted["feature"].to_list()
    assert found["n_hits"].to_list() == wanted["n_hits"].to_list()
    assert (
        scope.table.window(scope.table.rows(), 0, 3, ["label", "max", "histogram"])["histogram"].list.len().to_list()
        == [16] * 3
    )
    assert scope.find_features(fires_on="no such text").is_empty()


def test_its_examples_are_those_of_an_index_of_what_is_done(first):
    index, whole = first
    n = 0
    for feature in range(0, tiny.D_SAE, 5):
        for group in whole.manifest.groups:
            found = index.windows(feature, group)
            assert told(found) == told(whole.windows(feature, group))
            n += len(found)
    assert n > 300
    for options in (
        {"k": 60},
        {"folds": False},
        {"rule": EVERYTHING},
        {"side": 9},
        {"group": "interval-2", "n_intervals": 2},
    ):
        assert told(index.windows(17, **options)) == told(whole.windows(17, **options))


def test_shards_that_are_done_out_of_turn_give_the_same_in_the_end(first):
    index, _ = first
    m = index.manifest
    for order in ([0, 1, 2], [2, 0, 1]):
        growing = Growing(index.layout, m.d_sae)
        for number in order:
            growing.add(index.folder / f"shard-{number:05d}.safetensors", m.shard_starts[number], m.shard_rows(number))
        assert growing.n_rows == index.n_rows
        assert growing.frame()[EXACT].equals(index.table[EXACT])
        assert told(growing.windows(17, 0)) == told(index.windows(17, "top"))


def test_before_the_first_shard_all_is_zero(stopped):
    index = Index(stopped[0])
    growing = Growing(index.layout, tiny.D_SAE)
    assert (growing.n_rows, growing.n_counted, growing.frame()["n_fires"].sum()) == (0, 0, 0)
    assert growing.windows(3, 0) == []
    assert growing.row(3)["n_fires"] == 0


def test_norms_cannot_be_asked_for_before_the_end(first):
    with pytest.raises(NeedsPostingsError, match="not finished"):
        first[0].windows(17, rule=Rule(max_norm_ratio=10))


def test_an_open_index_takes_in_what_a_build_adds_until_it_is_complete(stopped, small_shards, tmp_path):
    out, options = stopped
    fresh = tmp_path / "index"
    with pytest.raises(CancelledError):
        build(fresh, progress=StopAfter(1.5), **options)
    index = Index(fresh)
    assert (index.n_rows, index.refresh()) == (index.manifest.shard_starts[1], False)
    with pytest.raises(CancelledError):
        build(fresh, progress=StopAfter(2.5), **options)
    before = index.table["n_fires"].sum()
    assert index.refresh()
    assert index.n_rows == index.manifest.shard_starts[3] == Index(out).n_rows
    assert index.table["n_fires"].sum() > before
    assert index.table[EXACT].equals(Index(out).table[EXACT])
    made = build(fresh, **options)
    assert not index.is_complete
    assert index.refresh()
    assert not index.refresh()
    assert (index.is_complete, index.n_rows, index.manifest) == (True, made.n_rows, made.manifest)
    assert index.table.equals(made.table)
    assert told(index.windows(17)) == told(made.windows(17))
    assert told(index.windows(17, k=90)) == told(made.windows(17, k=90))
    whole = build(tmp_path / "whole", **options)
    assert whole.table.equals(made.table)


def test_a_scope_opened_on_an_unfinished_index_reads_it(first):
    scope = saescope.open_index(first[0].path)
    assert scope.features[EXACT].equals(first[0].table[EXACT])
    best = int(scope.features.sort("n_fires")["feature"][-1])
    assert scope.examples(best)["activation"][0] == scope.features["max"][best]
    assert scope.examples(best).schema["tokens"] == pl.List(pl.String)


def test_an_index_that_is_given_up_is_gone(stopped, tmp_path):
    shutil.copytree(stopped[0], tmp_path / "index")
    index = Index(tmp_path / "index")
    shutil.rmtree(tmp_path / "index")
    with pytest.raises(NoIndexError):
        index.refresh()
