"""Shards made by Ray's actors, and what happens when one of them dies."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest
import ray
from benchmarks.kills import digests

import saescope
import tiny
from saescope.errors import ComputeError, InputError
from saescope.index.store import shards_done
from saescope.indexing import cluster
from saescope.indexing.cluster import Ray
from saescope.progress import Silent
from saescope.types import Recipe

TEXTS = tiny.texts(400)


@pytest.fixture(scope="module", autouse=True)
def small_shards(child_env):
    with pytest.MonkeyPatch.context() as patch:
        for module in ("build", "text"):
            patch.setattr(f"saescope.indexing.{module}.SHARD_ROWS", 64)
        patch.setattr(cluster, "WAIT_S", 0.2)
        patch.setenv("PYTHONPATH", child_env["PYTHONPATH"])
        yield


@pytest.fixture(scope="module")
def scope(tiny_folder):
    return saescope.load(tiny_folder / "tiny-model", sae=tiny_folder / "tiny-sae", device="cpu")


@pytest.fixture(scope="module")
def whole(scope, tmp_path_factory):
    """The same index, made by one process."""
    return scope.build_index(TEXTS, tmp_path_factory.mktemp("one") / "index", progress=Silent(), attach=False)


@pytest.fixture(scope="module")
def running():
    """A small cluster of our own."""
    ray.init(address="local", num_cpus=2, log_to_driver=False, include_dashboard=False, logging_level="error")
    yield
    ray.shutdown()


def descendants(pid):
    """Process numbers of the children of a process, and of theirs."""
    try:
        threads = [t.name for t in Path(f"/proc/{pid}/task").iterdir()]
        found = [int(c) for t in threads for c in Path(f"/proc/{pid}/task/{t}/children").read_text().split()]
    except OSError:
        return []
    return found + [d for c in found for d in descendants(c)]


def actors():
    """Process numbers of the actors that are ours."""

    def is_actor(pid):
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"ray::Maker")
        except OSError:
            return False

    return [pid for pid in descendants(os.getpid()) if is_actor(pid)]


def test_actors_make_what_one_process_makes_though_one_is_killed_in_the_middle(
    scope, whole, tmp_path, running, monkeypatch
):
    out, n, killed, started, start = tmp_path / "index", whole.manifest.n_shards, [], [], cluster._Dispatch._start
    is_over = threading.Event()

    def counting(self):
        started.append(1)
        return start(self)

    def kill_one():
        while not is_over.is_set() and not killed:
            if len(shards_done(out / "data-1", n)) and (found := actors()):
                os.kill(found[0], signal.SIGKILL)
                killed.append(n - len(shards_done(out / "data-1", n)))
            time.sleep(0.01)

    class Adds(Silent):
        done = 0

        def start(self, what, total, unit, done=0):
            self.is_in = what == "Running the model"

        def advance(self, n):
            self.done += n if self.is_in else 0

    monkeypatch.setattr(cluster._Dispatch, "_start", counting)
    killer, progress = threading.Thread(target=kill_one), Adds()
    killer.start()
    try:
        executor = Ray(scope.recipe, 2, num_cpus=0.5)
        made = scope.build_index(TEXTS, out, executor=executor, progress=progress, attach=False)
    finally:
        is_over.set()
        killer.join()
    assert len(killed) == 1
    assert killed[0] > 10
    assert len(started) == 3
    assert progress.done == made.n_rows
    assert {f.name for f in made.folder.iterdir()} == {p.name for p in made.manifest.parts}
    assert digests(out) == digests(whole.path)
    assert ray.is_initialized()


def test_an_actor_that_cannot_load_the_model_says_why(scope, tmp_path, running):
    recipe = Recipe(str(tmp_path / "gone"), scope.recipe.sae, "cpu", None)
    with pytest.raises(ComputeError, match="there is no model at"):
        scope.build_index(
            tiny.texts(5), tmp_path / "index", executor=Ray(recipe, 1, num_cpus=0.5), progress=Silent(), attach=False
        )


def test_actors_need_a_model_and_an_sae_given_by_name():
    own = saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae())
    with pytest.raises(InputError, match="given as objects") as caught:
        Ray(own.recipe)
    assert "saescope.load" in caught.value.hint
