"""Shards made on many machines, with Ray Core (extra ``ray``).

1. An actor a worker loads the model and the SAE once and makes one shard at a time; the
   result travels to the driver, which alone writes to the index's folder, so that no disk
   need be shared.
2. The dispatcher is ours: an idle actor gets the next shard; when an actor or its machine is
   lost, its shard goes back into the queue and a new actor is asked for. A call that is
   bound to a lost actor is never waited for.

Ray Data is not used: it hangs when its actors take every CPU, and calls to the actors of a
lost machine stay pending.
"""

from collections import deque
from pathlib import Path
from typing import Any

from saescope.errors import ComputeError, InputError, MissingExtraError
from saescope.index.layout import Layout
from saescope.index.manifest import Manifest
from saescope.indexing.finish import read_layout
from saescope.indexing.shards import Shard, save_shard
from saescope.indexing.worker import Worker
from saescope.types import Progress, Recipe

WAIT_S = 1.0
MAX_LOSSES_A_SHARD = 5


class Ray:
    """Makes shards with Ray actors.

    Parameters
    ----------
    recipe
        How each actor loads the model and the SAE: names or paths that mean the same on every machine;
        ``scope.recipe``.
    n_workers
        How many actors.
    num_cpus, num_gpus
        What each asks of Ray; with ``num_gpus=1`` each has a GPU of its own.
    address
        Of a running cluster; by default a local one is started, whatever is left of an older one.

    Raises
    ------
    MissingExtraError
        Ray is not installed.
    InputError
        There is no recipe: the scope was given its model or its SAE as an object.
    """

    def __init__(
        self,
        recipe: Recipe | None,
        n_workers: int = 2,
        *,
        num_cpus: float = 1,
        num_gpus: float = 0,
        address: str = "local",
    ) -> None:
        try:
            import ray
        except ImportError as err:
            raise MissingExtraError("Ray is not installed.", hint='pip install "saescope[ray]"') from err
        if recipe is None:
            raise InputError(
                "actors load the model and the SAE again, and these were given as objects.",
                hint="Give both by name or folder to saescope.load.",
            )
        self._ray: Any = ray
        self._recipe = recipe
        self._n = n_workers
        self._needs: dict[str, Any] = {"num_cpus": num_cpus, "num_gpus": num_gpus}
        self._address = address

    def run(self, folder: Path, manifest: Manifest, numbers: list[int], progress: Progress) -> None:
        """Make these shards; see `saescope.indexing.build.Executor`."""
        ray = self._ray
        is_ours = not ray.is_initialized()
        if is_ours:
            ray.init(address=self._address, log_to_driver=False, include_dashboard=False, logging_level="warning")
        try:
            _Dispatch(self, ray, folder, manifest, progress).run(numbers)
        finally:
            if is_ours:
                ray.shutdown()

    def actor_class(self) -> Any:
        """The actor, as Ray wants it."""
        return self._ray.remote(**self._needs, max_restarts=0, max_task_retries=0)(Maker)

    @property
    def recipe(self) -> Recipe:
        """How each actor loads the model and the SAE."""
        return self._recipe

    @property
    def n_workers(self) -> int:
        """How many actors."""
        return self._n


class Maker:
    """What runs on a machine: one model, one SAE, one shard at a time.

    Parameters
    ----------
    recipe
        How to load them.
    manifest, layout
        The plan.
    """

    def __init__(self, recipe: Recipe, manifest: Manifest, layout: Layout) -> None:
        from saescope.sources.model import load_model
        from saescope.sources.sae import load_sae
        from saescope.sources.site import find_site

        model = load_model(recipe.model, device=recipe.device, dtype=recipe.dtype)
        sae = load_sae(recipe.sae, device=recipe.device, correct=recipe.correct)
        self._worker = Worker(model, sae, find_site(model, sae), manifest, layout)

    def make(self, number: int) -> Shard:
        """Make one shard."""
        return self._worker.make(number, lambda _n: None)


class _Dispatch:
    """One run: who works on what, what is left, and who was lost."""

    def __init__(self, owner: Ray, ray: Any, folder: Path, manifest: Manifest, progress: Progress) -> None:
        self._owner = owner
        self._ray = ray
        self._folder = folder
        self._manifest = manifest
        self._progress = progress
        self._losses: dict[int, int] = {}
        self._working: dict[Any, tuple[int, Any]] = {}
        self._layout = ray.put(read_layout(folder, manifest).in_memory())
        self._class = owner.actor_class()

    def run(self, numbers: list[int]) -> None:
        """Hand out shards until all are there."""
        left = deque(numbers)
        idle = [self._start() for _ in range(min(self._owner.n_workers, len(numbers)))]
        try:
            while left or self._working:
                while left and idle:
                    actor, number = idle.pop(), left.popleft()
                    self._working[actor.make.remote(number)] = number, actor
                done, _ = self._ray.wait(list(self._working), num_returns=1, timeout=WAIT_S)
                for reference in done:
                    number, actor = self._working.pop(reference)
                    if self._take(reference, number):
                        idle.append(actor)
                    else:
                        left.appendleft(number)
                        idle.append(self._start())
                self._progress.advance(0)
        finally:
            for actor in [*idle, *(actor for _, actor in self._working.values())]:
                self._ray.kill(actor)

    def _start(self) -> Any:
        return self._class.remote(self._owner.recipe, self._manifest, self._layout)

    def _take(self, reference: Any, number: int) -> bool:
        """Save a shard; returns false when its actor was lost."""
        try:
            shard = self._ray.get(reference)
        except self._ray.exceptions.RayActorError as err:
            if err.actor_init_failed:
                raise ComputeError(
                    f"a worker could not load the model and the SAE: {err}",
                    hint="Do their names mean the same on every machine? Build again with the same `out` to go on.",
                ) from err
            self._losses[number] = self._losses.get(number, 0) + 1
            if self._losses[number] >= MAX_LOSSES_A_SHARD:
                raise ComputeError(
                    f"shard {number} was lost {MAX_LOSSES_A_SHARD} times with the worker that made it.",
                    hint="Is the memory of the workers enough? Build again with the same `out` to go on.",
                ) from err
            return False
        except self._ray.exceptions.RayTaskError as err:
            raise err.cause from err
        save_shard(self._folder, number, shard)
        self._progress.advance(self._manifest.shard_rows(number))
        return True
