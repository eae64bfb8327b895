"""Shards made by several processes on one machine.

Each process loads the model and the SAE itself, and takes the next shard that is left.
A process that dies takes its shard with it: the pool is started again, and what is in the
folder is not made twice. The parts that come out do not depend on who made them. When the
builder dies, its processes end too.
"""

import multiprocessing as mp
import os
import threading
import time
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import Any

from saescope.errors import ComputeError, InputError
from saescope.index.manifest import Manifest, read_unfinished
from saescope.index.store import shards_done
from saescope.types import Progress, Recipe

POLL_S = 0.5
MAX_DEATHS = 3

_load: Any = None
_worker: Any = None
_counter: Any = None


class Pool:
    """Makes shards in several processes.

    Parameters
    ----------
    recipe
        How each loads the model and the SAE.
    n
        How many processes.
    """

    def __init__(self, recipe: Recipe, n: int) -> None:
        if isinstance(n, bool) or not isinstance(n, int) or n < 1:
            raise InputError(f"workers is a number of processes, at least 1, and {n!r} came.")
        self._recipe = recipe
        self._n = n

    def run(self, folder: Path, manifest: Manifest, numbers: list[int], progress: Progress) -> None:
        """Make these shards; see `saescope.indexing.build.Executor`."""
        left, deaths, tally = list(numbers), 0, Tally(progress)
        while left:
            try:
                self._run(folder, left, tally)
            except BrokenProcessPool as err:
                done = set(shards_done(folder, manifest.n_shards))
                remaining = [n for n in left if n not in done]
                tally.correct(sum(manifest.shard_rows(n) for n in numbers if n in done))
                deaths = deaths + 1 if len(remaining) == len(left) else 0
                if deaths >= MAX_DEATHS:
                    raise ComputeError(
                        f"a worker process died {MAX_DEATHS} times without finishing a shard.",
                        hint="Is the memory enough for so many workers? Build again with fewer to go on.",
                    ) from err
                left = remaining
            else:
                left = []

    def _run(self, folder: Path, numbers: list[int], tally: "Tally") -> None:
        threads = max((os.cpu_count() or 1) // self._n, 1)
        pool = ProcessPoolExecutor(
            min(self._n, len(numbers)),
            mp.get_context("spawn"),
            initializer=_begin,
            initargs=(self._recipe, folder, tally.counter, threads),
        )
        try:
            waiting: set[Future[None]] = {pool.submit(_make, folder, n) for n in numbers}
            while waiting:
                done, waiting = wait(waiting, POLL_S, FIRST_COMPLETED)
                for future in done:
                    future.result()
                tally.tell()
        finally:
            _end(pool)


class Tally:
    """Tokens that several processes have done together, told to a progress.

    Parameters
    ----------
    progress
        Told what came since it was told last.
    """

    def __init__(self, progress: Progress) -> None:
        self.counter: Any = mp.get_context("spawn").Value("q", 0)
        self._progress = progress
        self._told = 0

    def tell(self) -> None:
        """Tell what came since."""
        seen = self.counter.value
        self._progress.advance(seen - self._told)
        self._told = seen

    def correct(self, n: int) -> None:
        """Set the sum to what is in the folder: a shard may have been lost on the way."""
        self.counter = mp.get_context("spawn").Value("q", n)
        self.tell()


def _end(pool: ProcessPoolExecutor) -> None:
    """Stop the processes, whatever they are doing."""
    processes = list((getattr(pool, "_processes", None) or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    deadline = time.monotonic() + 1
    for process in processes:
        process.join(max(deadline - time.monotonic(), 0))
        process.kill()
    for process in processes:
        process.join()


def _begin(recipe: Recipe, folder: Path, counter: Any, threads: int) -> None:
    global _load, _counter  # noqa: PLW0603 - what a pool's process keeps between its tasks
    threading.Thread(target=_end_with, args=(mp.parent_process(),), daemon=True).start()
    import torch

    torch.set_num_threads(threads)
    _counter = counter
    _load = partial(worker_of, recipe, folder, read_unfinished(folder.parent))


def _end_with(parent: Any) -> None:
    """End this process when the one that started it is gone: the executor would wait for its next task for ever."""
    parent.join()
    os._exit(1)


def worker_of(recipe: Recipe, folder: Path, manifest: Manifest) -> Any:
    """Load what a recipe says, and make a worker of it."""
    from saescope.indexing.finish import read_layout
    from saescope.indexing.worker import Worker
    from saescope.sources.model import load_model
    from saescope.sources.sae import load_sae
    from saescope.sources.site import find_site

    model = load_model(recipe.model, device=recipe.device, dtype=recipe.dtype)
    sae = load_sae(recipe.sae, device=recipe.device, correct=recipe.correct)
    return Worker(model, sae, find_site(model, sae), manifest, read_layout(folder, manifest))


def _make(folder: Path, number: int) -> None:
    global _worker  # noqa: PLW0603 - loaded with the first task, so that why it cannot be is told as its result
    from saescope.indexing.shards import save_shard

    _worker = _worker or _load()

    def on_done(n: int) -> None:
        with _counter.get_lock():
            _counter.value += n

    save_shard(folder, number, _worker.make(number, on_done))
