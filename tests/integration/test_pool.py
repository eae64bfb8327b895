"""Shards made by several processes on this machine, and what happens when one of them dies."""

import multiprocessing as mp
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from benchmarks.kills import digests

import saescope
import tiny
from saescope.errors import InputError, ModelSourceError
from saescope.index import Index
from saescope.index.store import shards_done
from saescope.indexing.pool import Pool
from saescope.progress import Silent

TEXTS = tiny.texts(300)


@pytest.fixture(scope="module", autouse=True)
def small_shards():
    with pytest.MonkeyPatch.context() as patch:
        for module in ("build", "text"):
            patch.setattr(f"saescope.indexing.{module}.SHARD_ROWS", 64)
        yield


@pytest.fixture(scope="module")
def scope(tiny_folder):
    return saescope.load(tiny_folder / "tiny-model", sae=tiny_folder / "tiny-sae", device="cpu")


@pytest.fixture(scope="module")
def whole(scope, tmp_path_factory):
    """The same index, made by one process."""
    return scope.build_index(TEXTS, tmp_path_factory.mktemp("one") / "index", progress=Silent(), attach=False)


class Counts(Silent):
    """Progress that adds up what the model has run on, and does something each time it is told."""

    def __init__(self, act=lambda: None):
        self.done = self.total = self.most = 0
        self._is_in, self._act = False, act

    def start(self, what, total, unit, done=0):
        self._is_in = what == "Running the model"
        self.total = total if self._is_in else self.total

    def advance(self, n):
        if self._is_in:
            self.done += n
            self.most = max(self.most, self.done)
            self._act()


def same(index, whole):
    assert {f.name for f in index.folder.iterdir()} == {p.name for p in index.manifest.parts}
    return index.is_complete and digests(index.path) == digests(whole.path)


def workers():
    return [p for p in mp.active_children() if p.name.startswith("SpawnProcess")]


def test_two_workers_make_what_one_process_makes_though_one_is_killed_in_the_middle(
    scope, whole, tmp_path, monkeypatch
):
    out, n, killed, rounds, run = tmp_path / "index", whole.manifest.n_shards, [], [], Pool._run

    def counting(self, folder, numbers, tally):
        rounds.append(len(numbers))
        return run(self, folder, numbers, tally)

    def kill_one():
        left = n - len(shards_done(out / "data-1", n))
        if not killed and 10 < left < n:
            killed.append(workers()[0].pid)
            os.kill(killed[0], signal.SIGKILL)

    monkeypatch.setattr(Pool, "_run", counting)
    monkeypatch.setattr("saescope.indexing.pool.POLL_S", 0.02)
    progress = Counts(kill_one)
    made = scope.build_index(TEXTS, out, workers=2, progress=progress, attach=False)
    assert len(killed) == 1
    assert len(rounds) == 2
    assert rounds[0] == n > rounds[1] > 0
    assert same(made, whole)
    assert (progress.done, progress.most) == (made.n_rows, made.n_rows)
    assert not workers()


def test_an_interrupt_ends_the_workers_and_keeps_their_shards(scope, whole, tmp_path, monkeypatch):
    out, n = tmp_path / "index", whole.manifest.n_shards

    def stop():
        if shards_done(out / "data-1", n):
            raise KeyboardInterrupt

    monkeypatch.setattr("saescope.indexing.pool.POLL_S", 0.02)
    with pytest.raises(KeyboardInterrupt):
        scope.build_index(TEXTS, out, executor=Pool(scope.recipe, 1), progress=Counts(stop), attach=False)
    assert not workers()
    kept = Index(out).n_rows
    assert 0 < kept < whole.n_rows
    again = Counts()
    assert same(scope.build_index(TEXTS, out, progress=again, attach=False), whole)
    assert again.done == whole.n_rows - kept


def test_workers_that_cannot_load_the_model_say_why(scope, tiny_folder, tmp_path):
    model = shutil.copytree(tiny_folder / "tiny-model", tmp_path / "model")
    own = saescope.load(model, sae=tiny_folder / "tiny-sae", device="cpu")
    shutil.rmtree(model)
    with pytest.raises(ModelSourceError, match="model"):
        own.build_index(
            tiny.texts(5), tmp_path / "index", executor=Pool(own.recipe, 1), progress=Silent(), attach=False
        )
    assert not workers()


def test_workers_need_a_model_and_an_sae_given_by_name(tmp_path):
    own = saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae())
    with pytest.raises(InputError, match="given as objects") as caught:
        own.build_index(TEXTS, tmp_path / "index", workers=2, progress=Silent())
    assert "workers=1" in caught.value.hint
    assert not (tmp_path / "index").exists()


@pytest.mark.parametrize("n", [0, -1, 2.0, "2", None])
def test_what_is_no_number_of_workers_is_told(scope, tmp_path, n):
    with pytest.raises(InputError, match="at least 1"):
        scope.build_index(TEXTS, tmp_path / "index", workers=n, progress=Silent())
    assert not (tmp_path / "index").exists()


BUILD = """
import sys, tiny, saescope
import saescope.indexing.build, saescope.indexing.text
from saescope.indexing.pool import Pool
from saescope.progress import Silent
if __name__ == "__main__":
    saescope.indexing.build.SHARD_ROWS = saescope.indexing.text.SHARD_ROWS = 64
    scope = saescope.load(sys.argv[1] + "/tiny-model", sae=sys.argv[1] + "/tiny-sae", device="cpu")
    scope.build_index(tiny.texts(3000), sys.argv[2], executor=Pool(scope.recipe, 1), progress=Silent())
"""


def descendants(pid):
    """Process numbers of the children of a process, and of theirs."""
    children = [int(c) for c in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return children + [d for c in children for d in descendants(c)]


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_workers_end_with_the_builder_that_was_killed(tiny_folder, tmp_path, child_env):
    script, out = tmp_path / "build.py", tmp_path / "index"
    script.write_text(BUILD)
    child = subprocess.Popen([sys.executable, script, tiny_folder, out], env=child_env)
    try:
        deadline = time.monotonic() + 120
        while not list(out.glob("data-1/shard-*")):
            assert child.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        family = descendants(child.pid)
        assert len(family) >= 2
    finally:
        child.kill()
        child.wait()
    deadline = time.monotonic() + 10
    while any(map(is_alive, family)) and time.monotonic() < deadline:
        time.sleep(0.1)
    left = [pid for pid in family if is_alive(pid)]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert left == []
