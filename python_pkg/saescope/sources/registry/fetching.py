"""Fetching an SAE and its model into huggingface_hub's cache, with progress, and stoppable.

sae-lens and transformers then find everything there. Files that were whole before a stop stay; of the
one that was not, huggingface_hub keeps nothing.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from saescope.errors import ModelSourceError, SaeSourceError, SourceError
from saescope.sources.registry.caching import cached_files, hub_cache
from saescope.sources.registry.weights import config_files, weight_files

MODEL_FILES = ("*.json", "*.safetensors", "*.model", "*.txt", "*.jinja", "*.tiktoken")
NOT_MODEL_FILES = ("original/*", "onnx/*", "metal/*")
MIN_SPAN_S = 0.5


@dataclass(frozen=True)
class Fetched:
    """How far a stage is: bytes had, of those known of so far; 0 in all when none is known."""

    stage: str
    done: int
    total: int
    rate: float
    seconds_left: float | None


Tell = Callable[[Fetched], None]
Check = Callable[[], None]


class Meter:
    """Adds up the bars of several files.

    Parameters
    ----------
    stage
        What is fetched, for a person.
    tell
        Hears how far it is; called from the threads that fetch.
    check
        Raises when it is to stop.
    """

    def __init__(self, stage: str, tell: Tell, check: Check) -> None:
        self.stage, self._tell, self._check = stage, tell, check
        self._lock = threading.Lock()
        self._begun = time.monotonic()
        self._bars: dict[int, tuple[int, int]] = {}
        self._at_start = 0

    def bar_class(self) -> type:
        """A class for huggingface_hub to make its bars of."""
        meter = self

        class Bar:
            """What huggingface_hub uses of a tqdm bar."""

            _lock: Any = threading.RLock()

            def __init__(self, *_args: Any, total: float | None = None, initial: float = 0, **named: Any) -> None:
                self.n, self.total = int(initial or 0), total
                self.is_bytes = named.get("unit", "B") == "B" and "econstruct" not in str(named.get("desc", ""))
                meter.add_start(self)

            @classmethod
            def get_lock(cls) -> Any:
                return cls._lock

            @classmethod
            def set_lock(cls, lock: Any) -> None:
                cls._lock = lock

            def update(self, n: float | None = 1) -> None:
                self.n += int(n or 0)
                meter.hear(self)

            def __enter__(self) -> Any:
                return self

            def __exit__(self, *_: object) -> None:
                self.close()

            def __iter__(self) -> Any:
                return iter(())

            def __getattr__(self, _name: str) -> Any:
                return lambda *_args, **_named: None

            def close(self) -> None:
                """Nothing is drawn."""

        return Bar

    def add_start(self, bar: Any) -> None:
        """A bar begins, perhaps with what was fetched before."""
        with self._lock:
            self._at_start += bar.n if bar.is_bytes else 0
        self.hear(bar)

    def hear(self, bar: Any) -> None:
        """A bar has moved."""
        self._check()
        if not bar.is_bytes:
            return
        with self._lock:
            self._bars[id(bar)] = (bar.n, int(bar.total or 0))
            done, total = (sum(part) for part in zip(*self._bars.values(), strict=True))
            span = time.monotonic() - self._begun
        rate = (done - self._at_start) / span if span > MIN_SPAN_S else 0.0
        left = max(0, total - done) / rate if rate > 0 and total else None
        self._tell(Fetched(self.stage, done, max(total, done) if total else 0, rate, left))


def is_offline() -> bool:
    """Whether huggingface_hub was told to ask no network."""
    from huggingface_hub import constants

    return bool(constants.HF_HUB_OFFLINE)


def has_model(model: str) -> bool:
    """Whether a model's configuration and some weights are in the cache."""
    files = cached_files(model, hub_cache())
    return "config.json" in files and any(f.endswith(".safetensors") for f in files)


def fetch_sae(row: Mapping[str, Any], tell: Tell, check: Check) -> None:
    """Fetch the files of a listed SAE; those that are there already are not fetched again.

    Parameters
    ----------
    row
        Of `registry`, with ``source`` "registry".

    Raises
    ------
    SaeSourceError
        The hub cannot be reached, or does not give them.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError

    meter = Meter("Fetching the SAE", tell, check)
    there = cached_files(row["repo"], hub_cache())
    wanted = weight_files(row["loader"], row["path"])
    for file in (*config_files(row["loader"], row["path"]), *wanted):
        check()
        if file in there:
            continue
        try:
            hf_hub_download(row["repo"], file, tqdm_class=meter.bar_class())
        except EntryNotFoundError as err:
            if file in wanted:
                raise refusal(SaeSourceError, row["repo"], err) from err
        except OSError as err:
            raise refusal(SaeSourceError, row["repo"], err) from err


def fetch_model(model: str, tell: Tell, check: Check) -> None:
    """Fetch a model's weights and tokenizer.

    Raises
    ------
    ModelSourceError
        The hub cannot be reached, or does not give them.
    """
    from huggingface_hub import snapshot_download

    check()
    meter = Meter("Fetching the model", tell, check)
    try:
        snapshot_download(
            model, allow_patterns=[*MODEL_FILES], ignore_patterns=[*NOT_MODEL_FILES], tqdm_class=meter.bar_class()
        )
    except OSError as err:
        raise refusal(ModelSourceError, model, err) from err


def refusal(kind: type[SourceError], repo: str, err: Exception) -> SourceError:
    """An error that says why a repository could not be had, and what to do."""
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    if isinstance(err, GatedRepoError):
        return kind(
            f"the hub gives {repo} only to those who accepted its licence.",
            hint=f"Accept it at https://huggingface.co/{repo}, and log in here: hf auth login.",
        )
    if isinstance(err, RepositoryNotFoundError):
        return kind(f"the hub has no repository {repo}, or it is not open to you.", hint="Log in: hf auth login.")
    if is_offline():
        return kind(
            f"{repo} is not in the cache, and huggingface_hub is set to ask no network (HF_HUB_OFFLINE).",
            hint=f"Unset it and start the kernel again; or fetch it elsewhere (hf download {repo}) and copy the cache "
            f"folder to {hub_cache()}.",
        )
    first = next((line for line in str(err).splitlines() if line.strip()), type(err).__name__)
    return kind(
        f"{repo} could not be fetched: {first}",
        hint=f"Can this machine reach the hub? Else fetch it elsewhere (hf download {repo}) and copy the cache folder "
        f"to {hub_cache()}.",
    )
