"""Builds that were cut short, by whatever it was, and gone on with."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from benchmarks.kills import digests

import saescope
import tiny
from disk import small_disk
from saescope.errors import BusyIndexError, CancelledError, DiskFullError, OtherBuildError
from saescope.index import Index
from saescope.indexing import build as building
from saescope.indexing.heartbeat import ask_to_stop, read_beat
from saescope.indexing.worker import Worker
from saescope.indexing.workspace import is_being_built
from saescope.progress import Silent

SHARD, N_DOCUMENTS = 128, 30
RUNNING = "Running the model"


@pytest.fixture(scope="module", autouse=True)
def small():
    """Many shards of a few batches each."""
    with pytest.MonkeyPatch.context() as patch:
        for module in ("build", "text"):
            patch.setattr(f"saescope.indexing.{module}.SHARD_ROWS", SHARD)
        patch.setattr("saescope.indexing.worker.BATCH_TOKENS", 64)
        yield


@pytest.fixture(scope="module")
def scope():
    return saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae())


@pytest.fixture(scope="module")
def whole(scope, tmp_path_factory):
    """The same index, built in peace."""
    out = tmp_path_factory.mktemp("whole") / "index"
    index = scope.build_index(tiny.texts(N_DOCUMENTS), out, progress=Silent(), attach=False)
    assert index.manifest.n_shards > 8
    return index


@pytest.fixture
def build(scope, tmp_path):
    def build(progress=None, texts=None, out=None, scope=scope, **options):
        return scope.build_index(
            texts or tiny.texts(N_DOCUMENTS),
            out or tmp_path / "index",
            progress=progress or Silent(),
            attach=False,
            **options,
        )

    return build


@pytest.fixture
def made(monkeypatch):
    """Numbers of the shards that are made, as they are."""
    numbers, make = [], Worker.make

    def counting(self, number, on_done):
        numbers.append(number)
        return make(self, number, on_done)

    monkeypatch.setattr(Worker, "make", counting)
    return numbers


@pytest.fixture
def readings(monkeypatch):
    """The corpora that are read, as they are."""
    found, read = [], building.read_documents

    def counting(corpus, **options):
        found.append(corpus)
        return read(corpus, **options)

    monkeypatch.setattr(building, "read_documents", counting)
    return found


class At(Silent):
    """Progress that does something once: when a stage begins, or ``n`` tokens have gone through the model."""

    def __init__(self, act, stage=RUNNING, n=0):
        self._act, self._stage, self._left = act, stage, n
        self._is_in, self._is_over = False, False

    def start(self, what, total, unit, done=0):
        self._is_in = what == self._stage
        if not self._left:
            self.advance(0)

    def advance(self, n):
        self._left -= n if self._is_in else 0
        if self._is_in and self._left <= 0 and not self._is_over:
            self._is_over = True
            self._act()


def raising(error):
    def act():
        raise error

    return act


def cut_short(build, error=KeyboardInterrupt, n=3 * SHARD + 64, stage=RUNNING, **options):
    """Interrupt a build; by default in the middle of its fourth shard."""
    with pytest.raises(error):
        build(At(raising(error("that is enough")), stage, n), **options)


def same(index, whole):
    """Whether it is the index built in peace, and nothing else lies there."""
    assert {f.name for f in index.folder.iterdir()} == {p.name for p in index.manifest.parts}
    assert {f.name for f in index.path.iterdir()} == {f"manifest-{index.folder.name[5:]}.json", index.folder.name}
    return index.is_complete and digests(index.path) == digests(whole.path)


@pytest.mark.parametrize("how", [RuntimeError, KeyboardInterrupt, MemoryError, "stop"])
def test_what_is_done_is_kept_and_only_what_is_missing_is_made(build, whole, tmp_path, monkeypatch, made, how):
    out, n = tmp_path / "index", whole.manifest.n_shards
    if how == "stop":
        monkeypatch.setattr("saescope.indexing.heartbeat.PERIOD_S", 0)
        with pytest.raises(CancelledError, match="stopped") as caught:
            build(At(lambda: ask_to_stop(out), n=3 * SHARD + 64))
        assert "same `out`" in caught.value.hint
    else:
        cut_short(build, how)
    assert made == [0, 1, 2, 3]
    assert {f.name for f in out.iterdir()} == {"building.json", "data-1"}
    assert not list(out.rglob("*tmp*"))
    assert not is_being_built(out)
    assert Index(out).n_rows == 3 * SHARD
    made.clear()
    assert same(build(), whole)
    assert made == list(range(3, n))


@pytest.mark.parametrize("stage", ["Reading the unembedding", "Measuring the loss recovered", "Summarising"])
def test_after_the_last_shard_none_is_made_again(build, whole, made, stage):
    cut_short(build, stage=stage, n=0)
    assert made == list(range(whole.manifest.n_shards))
    made.clear()
    assert same(build(), whole)
    assert made == []


def test_a_build_interrupted_again_and_again_makes_each_shard_once_or_twice(build, whole, made):
    n = whole.manifest.n_shards
    for _ in range(n):
        cut_short(build, n=SHARD + 64)
        if len(set(made)) == n:
            break
    assert same(build(), whole)
    assert made == sorted(made)
    assert all(made.count(k) <= 2 for k in range(n))


def test_a_shard_whose_second_file_is_missing_is_made_again(build, whole, tmp_path, made):
    cut_short(build)
    (tmp_path / "index" / "data-1" / "shard-00001.safetensors").unlink()
    made.clear()
    assert same(build(), whole)
    assert made == [1, *range(3, whole.manifest.n_shards)]


def test_a_disk_that_fills_up_in_the_middle_costs_nothing_that_is_done(build, whole, tmp_path, made):
    with small_disk(tmp_path / "disk", 440) as disk:
        with pytest.raises(DiskFullError) as caught:
            build(out=disk / "index")
        assert "same `out`" in caught.value.hint
        done = Index(disk / "index").n_rows // SHARD
        assert 0 < done < whole.manifest.n_shards
        subprocess.run(["mount", "-o", "remount,size=20m", str(disk)], check=True)
        made.clear()
        assert same(build(out=disk / "index"), whole)
        assert made == list(range(done, whole.manifest.n_shards))


@pytest.fixture
def corpus(tmp_path):
    file = tmp_path / "corpus.jsonl"
    file.write_text("".join(json.dumps({"text": t}) + "\n" for t in tiny.texts(N_DOCUMENTS)))
    return file


@pytest.fixture
def whole_file(build, corpus, tmp_path):
    """The file's index, built in peace."""
    return build(texts=corpus, out=tmp_path / "whole")


def test_a_file_that_has_not_changed_is_not_read_again(build, whole_file, corpus, readings, made):
    cut_short(build, texts=corpus)
    assert readings == [corpus]
    made.clear()
    assert same(build(texts=corpus), whole_file)
    assert readings == [corpus]
    assert made[0] == 3


def test_a_file_that_was_touched_is_read_again_and_found_to_be_the_same(build, whole_file, corpus, readings, made):
    cut_short(build, texts=corpus)
    corpus.write_bytes(corpus.read_bytes())
    made.clear()
    assert same(build(texts=corpus), whole_file)
    assert readings == [corpus, corpus]
    assert made[0] == 3


def test_a_file_that_was_changed_is_told(build, whole_file, corpus, made):
    before = corpus.read_bytes()
    cut_short(build, texts=corpus)
    corpus.write_bytes(before.replace(b"the", b"sea", 1))
    with pytest.raises(OtherBuildError, match="differs in text"):
        build(texts=corpus)
    corpus.write_bytes(before)
    made.clear()
    assert same(build(texts=corpus), whole_file)
    assert made[0] == 3


def test_texts_in_memory_are_read_again(build, whole, readings, made):
    cut_short(build, texts=(t for t in tiny.texts(N_DOCUMENTS)))
    made.clear()
    assert same(build(texts=(t for t in tiny.texts(N_DOCUMENTS))), whole)
    assert len(readings) == 2
    assert made[0] == 3


def test_other_limits_on_the_same_file_are_not_taken_for_the_same_text(build, whole_file, corpus):
    cut_short(build, texts=corpus)
    with pytest.raises(OtherBuildError, match="differs in text, number of tokens"):
        build(texts=corpus, max_tokens=whole_file.n_rows - 5)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"texts": tiny.texts(N_DOCUMENTS, seed=5)}, ["text", "number of tokens", "shards"]),
        ({"context_size": 16}, ["text", "context size", "number of tokens", "shards"]),
        ({"sae": "topk"}, ["SAE"]),
    ],
    ids=["corpus", "context", "sae"],
)
def test_an_unfinished_build_of_something_else_loses_nothing_until_overwrite(build, whole, made, scope, change, named):
    options = dict(change)
    if kind := options.pop("sae", None):
        options["scope"] = saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae(kind))
    cut_short(build)
    with pytest.raises(OtherBuildError) as caught:
        build(**options)
    assert set(caught.value.data["differs"]) <= set(named)
    assert named[0] in caught.value.data["differs"]
    assert f"differs in {', '.join(caught.value.data['differs'])}." in caught.value.message
    cut_short(build, n=SHARD + 64)
    made.clear()
    cut_short(build, stage="Summarising", n=0)
    assert made == list(range(4, whole.manifest.n_shards))
    made.clear()
    other = build(overwrite=True, **options)
    assert made == list(range(other.manifest.n_shards))
    assert not same(other, whole)


def test_overwriting_an_unfinished_build_of_the_same_goes_on_with_it(build, whole, made):
    cut_short(build)
    made.clear()
    assert same(build(overwrite=True), whole)
    assert made[0] == 3


def test_an_overwritten_index_can_be_read_until_the_new_one_is_whole(build, whole, tmp_path, made):
    out, old = tmp_path / "index", build(texts=tiny.texts(5))
    before, seen = digests(out), []

    class Looks(Silent):
        def start(self, what, total, unit, done=0):
            self.look()

        def look(self, _n=0):
            seen.append(digests(out) == before and Index(out).n_rows == old.n_rows)

        advance = look

        def finish(self):
            self.look()

    assert same(build(Looks(), overwrite=True), whole)
    assert len(seen) > 20
    assert all(seen)
    assert digests(out) != before


def test_an_interrupted_overwrite_leaves_the_old_index_and_is_gone_on_with(build, whole, tmp_path, made):
    out, old = tmp_path / "index", build(texts=tiny.texts(5))
    before = digests(out)
    for _ in range(2):
        made.clear()
        cut_short(build, overwrite=True)
        assert digests(out) == before
        assert Index(out).figures.row(7)["n_fires"] == old.figures.row(7)["n_fires"]
    assert made[0] == 3
    made.clear()
    assert same(build(overwrite=True), whole)
    assert made[0] == 6


def test_a_second_builder_is_told_at_once_and_the_first_goes_on(build, whole, tmp_path):
    out, is_in, go, found = tmp_path / "index", threading.Event(), threading.Event(), []

    def wait():
        is_in.set()
        assert go.wait(30)

    other = saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae())
    first = threading.Thread(target=lambda: found.append(build(At(wait, n=SHARD), scope=other)))
    first.start()
    try:
        assert is_in.wait(30)
        assert is_being_built(out)
        for overwrite in (False, True):
            with pytest.raises(BusyIndexError, match="another process is building"):
                build(overwrite=overwrite)
        assert read_beat(out).stage == RUNNING
    finally:
        go.set()
        first.join()
    assert same(found[0], whole)


def test_a_build_that_leaves_out_other_extras_is_what_was_asked_for(build, whole):
    cut_short(build, stage="Summarising", n=0, lens=False, recovery=False)
    index = build()
    assert (index.manifest.lens, index.manifest.loss) == (whole.manifest.lens, whole.manifest.loss)
    assert same(index, whole)


def test_extras_that_are_there_and_no_longer_asked_for_are_kept(build, whole):
    cut_short(build, stage="Summarising", n=0)
    index = build(lens=False, recovery=False)
    assert (index.manifest.lens, index.manifest.loss) == (whole.manifest.lens, whole.manifest.loss)
    assert same(index, whole)


def test_a_lens_that_was_left_half_way_and_is_no_longer_asked_for_is_nowhere(build, tmp_path):
    cut_short(build, stage="Measuring the loss recovered", n=0)
    index, plain = build(lens=False), build(out=tmp_path / "plain", lens=False)
    assert index.manifest.lens == plain.manifest.lens == "none"
    assert same(index, plain)


KILLS = """
import sys
import torch, tiny, saescope
from benchmarks.kills import run
from saescope.indexing import text
torch.set_num_threads(1)
text.SHARD_ROWS = 128
scope = saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae())
print(*run(scope, tiny.texts(60), n_kills=4, seed=int(sys.argv[1])))
"""


def test_builds_killed_at_any_moment_and_begun_again_give_the_same_index(child_env):
    done = subprocess.run(
        [sys.executable, "-c", KILLS, "0"],
        env=child_env, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False, timeout=200,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    kills, finished, identical = map(int, done.stdout.split())
    assert kills == 4
    assert finished == identical > 0
