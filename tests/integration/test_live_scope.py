"""Scopes open on an index while it is built: in this process, or in another."""

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import polars as pl
import pytest
from benchmarks.kills import digests

import saescope
import tiny
from saescope import live
from saescope.errors import CancelledError, ComputeError, NoIndexError
from saescope.index import Index, manifest
from saescope.indexing.workspace import LOCK, Workspace, is_being_built
from saescope.progress import Silent
from saescope.rpc.handlers.subjects import scope_info
from saescope.rpc.transports.memory import MemoryPage

SHARD = 128
TEXTS = tiny.texts(24)
RUNNING = "Running the model"


@pytest.fixture(scope="module", autouse=True)
def quick():
    """Small shards, one batch each; whoever looks, looks often."""
    with pytest.MonkeyPatch.context() as patch:
        for module in ("build", "text"):
            patch.setattr(f"saescope.indexing.{module}.SHARD_ROWS", SHARD)
        patch.setattr("saescope.indexing.heartbeat.PERIOD_S", 0)
        patch.setattr("saescope.scope.following.PERIOD_S", 0.02)
        yield


def fresh():
    return saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae())


@pytest.fixture(scope="module")
def firsts(tmp_path_factory):
    """Indexes of just the first shards, built in peace, by number; 0 for all of them."""
    folder, made = tmp_path_factory.mktemp("firsts"), {}

    def first(n):
        if n not in made:
            limit = n * SHARD or None
            made[n] = fresh().build_index(TEXTS, folder / str(n), max_tokens=limit, lens=False, progress=Silent())
        return made[n]

    return first


class Paced(Silent):
    """Progress that lets a build make so many shards and no more."""

    def __init__(self):
        self._limit = self._rows = 0
        self._is_in, self._turn = False, threading.Condition()

    def start(self, what, total, unit, done=0):
        self._is_in = what == RUNNING

    def advance(self, n):
        if not self._is_in:
            return
        with self._turn:
            self._rows += n
            self._turn.notify_all()
            if not self._turn.wait_for(lambda: self._rows <= self._limit, 30):
                raise TimeoutError

    def let(self, n_shards):
        """Let it make ``n_shards`` in all, and wait until it has."""
        with self._turn:
            self._limit = n_shards * SHARD
            self._turn.notify_all()
            assert self._turn.wait_for(lambda: self._rows > self._limit, 30)

    def free(self):
        with self._turn:
            self._limit = 1 << 60
            self._turn.notify_all()


class Running:
    """A build in a thread of its own."""

    def __init__(self, out):
        self.scope, self.out, self.pace, self.found = fresh(), out, Paced(), []
        self._thread = threading.Thread(target=self._work)
        self._thread.start()
        self.pace.let(0)

    def _work(self):
        try:
            self.found.append(self.scope.build_index(TEXTS, self.out, lens=False, progress=self.pace))
        except (saescope.SaescopeError, TimeoutError) as err:
            self.found.append(err)

    def end(self):
        self.pace.free()
        self._thread.join(60)
        assert not self._thread.is_alive()
        return self.found[0]


@pytest.fixture
def running(tmp_path):
    made = Running(tmp_path / "index")
    yield made
    made.end()


@pytest.fixture
def page():
    made = MemoryPage()
    yield made
    made.connection.close()


def wait_until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def lists(row):
    return {k: v.tolist() if hasattr(v, "tolist") else v for k, v in row.items()}


def windows(index, feature, group):
    return [(w.row, w.activation, w.n_same, w.activations.tolist()) for w in index.windows(feature, group, 8)]


def equal(index, whole):
    """Whether figures and examples are those of an index of just these tokens."""
    assert (index.n_rows, index.n_counted, index.n_alive) == (whole.n_rows, whole.n_counted, whole.n_alive)
    assert index.l0 == pytest.approx(whole.l0)
    names = ["feature", "n_fires", "density", "max"]
    assert index.table.select(names).equals(whole.table.select(names))
    alive = whole.table.filter(pl.col("n_fires") > 3)["feature"].to_list()
    assert len(alive) > 20
    for feature in alive[::7]:
        assert lists(index.figures.row(feature)) == lists(whole.figures.row(feature))
        for group in ("top", "random", "interval-2"):
            assert windows(index, feature, group) == windows(whole, feature, group)
    return True


def test_an_index_opened_while_it_is_built_tells_what_is_done_and_grows_to_the_whole(running, firsts):
    running.pace.let(1)
    index = Index(running.out)
    for n in (1, 4, 6):
        running.pace.let(n)
        assert index.refresh() == (n > 1)
        assert not index.refresh()
        assert not index.is_complete
        assert equal(index, firsts(n))
    made = running.end()
    assert index.refresh()
    assert index.is_complete
    assert not index.refresh()
    assert equal(index, firsts(0))
    assert digests(running.out) == digests(firsts(0).path) == digests(made.path)


def test_examples_and_features_of_a_scope_are_those_of_the_tokens_so_far(running, firsts):
    running.pace.let(3)
    scope, whole = saescope.open_index(running.out), saescope.open_index(firsts(3).path)
    feature = int(whole.features.sort("n_fires")["feature"][-1])
    assert len(whole.examples(feature)) > 5
    assert scope.examples(feature).equals(whole.examples(feature))
    assert scope.examples(feature, k=3, context=4, rule=saescope.Rule(4)).equals(
        whole.examples(feature, k=3, context=4, rule=saescope.Rule(4))
    )
    names = ["feature", "n_fires", "density", "max"]
    assert scope.features.select(names).equals(whole.features.select(names))


def test_the_scope_that_builds_shows_its_index_as_soon_as_there_is_something(running):
    scope, heard = running.scope, []

    def listener(*_):
        heard.append(scope.index and scope.index.n_rows)

    live.listen(listener)
    assert scope.building == running.out
    assert scope.index is None
    assert scope_info(scope).building.stage == RUNNING
    running.pace.let(1)
    wait_until(lambda: scope.index is not None)
    first, table = scope.index, scope.table
    assert first.n_rows == SHARD
    assert not first.is_complete
    n_fires = scope.features["n_fires"].sum()
    running.pace.let(3)
    wait_until(lambda: first.n_rows == 3 * SHARD)
    wait_until(lambda: heard[-1] == 3 * SHARD)
    assert scope.index is first
    assert scope.table is not table
    assert scope.features["n_fires"].sum() > n_fires
    made = running.end()
    assert scope.index is made
    assert (made.is_complete, scope.building, scope.failure) == (True, None, None)
    assert heard[-1] == made.n_rows
    assert scope_info(scope).building is None


def test_a_scope_with_an_index_keeps_it_until_the_new_one_is_whole(tmp_path, firsts):
    old, running = firsts(1), Running(tmp_path / "index")
    running.scope.attach(old)
    running.pace.let(3)
    time.sleep(0.1)
    assert running.scope.index is old
    assert running.end().is_complete
    assert running.scope.index.path == tmp_path / "index"


def test_another_scope_on_the_folder_follows_by_itself(running, firsts):
    running.pace.let(1)
    scope, heard = saescope.open_index(running.out), []

    def listener(*_):
        heard.append(scope.index.n_rows)

    live.listen(listener)
    table = scope.table
    assert scope.building is None
    running.pace.let(5)
    wait_until(lambda: scope.index.n_rows == 5 * SHARD)
    wait_until(lambda: scope.table is not table)
    assert 5 * SHARD in heard
    whole = running.end()
    wait_until(lambda: scope.index.is_complete)
    wait_until(lambda: heard[-1] == whole.n_rows)
    assert equal(scope.index, firsts(0))


def test_the_header_tells_stage_and_how_much_is_done(running, page):
    running.pace.let(2)
    other = saescope.open_index(running.out)
    total = other.index.manifest.n_rows
    for n in (2, 5):
        running.pace.let(n)
        wait_until(lambda n=n: all(s.index is not None and s.index.n_rows == n * SHARD for s in (running.scope, other)))
        for scope in (running.scope, other):
            told = page.call("scope.info", {"scope": scope.id}).last["data"]
            assert (told["n_tokens"], told["n_tokens_planned"], told["is_complete"]) == (n * SHARD, total, False)
            building = told["building"]
            assert (building["stage"], building["unit"]) == (RUNNING, "tokens")
            assert (building["done"], building["total"], building["error"]) == (n * SHARD, total, "")
    running.end()
    wait_until(lambda: other.index.is_complete)
    for scope in (running.scope, other):
        told = page.call("scope.info", {"scope": scope.id}).last["data"]
        assert (told["building"], told["is_complete"], told["n_tokens"]) == (None, True, total)


@pytest.mark.parametrize("who", ["builder", "onlooker"])
def test_a_page_stops_the_build_and_is_told_how_to_go_on(running, page, firsts, who):
    running.pace.let(3)
    onlooker = saescope.open_index(running.out)
    asking = running.scope if who == "builder" else onlooker
    assert page.call("build.stop", {"scope": asking.id}).last["t"] == "result"
    err = running.end()
    assert isinstance(err, CancelledError)
    assert running.scope.failure is err
    assert running.scope.building is None
    assert not is_being_built(running.out)
    building = page.call("scope.info", {"scope": running.scope.id}).last["data"]["building"]
    assert (building["error"], building["stage"]) == ("The build was stopped.", "")
    assert "same `out`" in building["hint"]
    assert page.call("scope.info", {"scope": onlooker.id}).last["data"]["building"] is None
    assert onlooker.index.n_rows == 3 * SHARD
    made = running.scope.build_index(TEXTS, running.out, lens=False, progress=Silent())
    assert running.scope.failure is None
    assert page.call("scope.info", {"scope": running.scope.id}).last["data"]["building"] is None
    wait_until(lambda: onlooker.index.is_complete)
    assert digests(made.path) == digests(firsts(0).path)


def test_stopping_where_nothing_is_built_does_nothing(page, firsts):
    scope = saescope.open_index(firsts(1).path)
    assert page.call("build.stop", {"scope": scope.id}).last["t"] == "result"
    assert {f.name for f in scope.index.path.iterdir()} == {"manifest-1.json", "data-1"}


def test_why_a_build_failed_is_told(tmp_path, page):
    class Breaks(Silent):
        def advance(self, n):
            raise RuntimeError("the bar broke")

    scope = fresh()
    with pytest.raises(RuntimeError):
        scope.build_index(TEXTS, tmp_path / "index", progress=Breaks())
    assert isinstance(scope.failure, ComputeError)
    told = page.call("scope.info", {"scope": scope.id}).last["data"]
    assert told["building"]["error"] == "The build failed: RuntimeError: the bar broke"
    assert not told["has_index"]


def test_whoever_looks_does_not_hinder_the_next_builder(tmp_path):
    """A lock that a killed build has left is tried by whoever looks; the next build must get it all the same."""
    is_over, n_looks = threading.Event(), []

    def look():
        while not is_over.is_set():
            n_looks.append(is_being_built(tmp_path / "index"))

    looking = [threading.Thread(target=look) for _ in range(2)]
    for thread in looking:
        thread.start()
    try:
        for _ in range(100):
            (tmp_path / "index").mkdir(exist_ok=True)
            (tmp_path / "index" / LOCK).touch()
            time.sleep(0.001)
            Workspace(tmp_path / "index").abandon()
    finally:
        is_over.set()
        for thread in looking:
            thread.join()
    assert len(n_looks) > 100


@pytest.mark.parametrize("at", ["before", "after"])
def test_an_index_that_is_finished_while_one_looks_is_whole(firsts, monkeypatch, at):
    """Its manifest comes, and its ledger goes, between the looks at the one and at the other."""
    looks, numbers, path = [], manifest.manifest_numbers, firsts(1).path
    monkeypatch.setattr(manifest, "manifest_numbers", lambda p: looks.append(p) or (numbers(p) if looks[1:] else []))
    if at == "after":
        exists = Path.exists
        monkeypatch.setattr(Path, "exists", lambda self: self.name == manifest.BUILDING or exists(self))
    assert Index(path).is_complete
    assert len(looks) > 1


CHILD = """
import sys, time, tiny, saescope
import saescope.indexing.build, saescope.indexing.text
from saescope.progress import Silent

class Slow(Silent):
    def advance(self, n):
        time.sleep(0.3)

saescope.indexing.build.SHARD_ROWS = saescope.indexing.text.SHARD_ROWS = 128
scope = saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae())
try:
    scope.build_index(tiny.texts(200), sys.argv[1], lens=False, progress=Slow())
except saescope.SaescopeError as err:
    print(err.code)
"""


def test_asking_just_after_a_build_has_ended_leaves_nothing(tmp_path):
    """The lock is seen, the build ends and removes it, and asking makes it anew."""
    (tmp_path / LOCK).touch()
    assert not is_being_built(tmp_path)
    assert not any(tmp_path.iterdir())


def test_a_build_of_another_process_is_followed_stopped_and_gone_on_with(tmp_path, page, child_env):
    out = tmp_path / "index"
    child = subprocess.Popen([sys.executable, "-c", CHILD, out], env=child_env, stdout=subprocess.PIPE, text=True)
    try:
        scope = None
        deadline = time.monotonic() + 120
        while scope is None:
            assert child.poll() is None
            assert time.monotonic() < deadline
            try:
                scope = saescope.open_index(out)
            except NoIndexError:
                time.sleep(0.05)
        wait_until(lambda: scope.index.n_rows >= 3 * SHARD, 60)
        told = page.call("scope.info", {"scope": scope.id}).last["data"]
        assert told["building"]["stage"] == RUNNING
        assert told["building"]["total"] == told["n_tokens_planned"] > told["n_tokens"]
        feature = int(scope.features.sort("n_fires")["feature"][-1])
        assert len(scope.examples(feature)) > 0
        page.call("build.stop", {"scope": scope.id})
        assert child.communicate(timeout=60)[0] == "cancelled\n"
    finally:
        if child.poll() is None:
            child.send_signal(signal.SIGKILL)
        child.wait()
    wait_until(lambda: scope_info(scope).building is None)
    before = scope.index.n_rows
    assert 3 * SHARD <= before < scope.index.manifest.n_rows
    fresh().build_index(tiny.texts(200), out, lens=False, progress=Silent(), attach=False)
    wait_until(lambda: scope.index.is_complete)
    assert {f.name for f in Path(out).iterdir()} == {"manifest-1.json", "data-1"}
