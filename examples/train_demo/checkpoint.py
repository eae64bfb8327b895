"""A training run on disk, from which it goes on after it was stopped or killed."""

from __future__ import annotations

import hashlib
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import torch

WARMUP_STEPS = 150
DECAY_SHARE = 0.5


@dataclass(frozen=True)
class Plan:
    """What decides the weights that a run ends with.

    ``text`` is a digest of the training stream.
    """

    n_steps: int
    batch_rows: int
    context: int
    muon_rate: float
    adam_rate: float
    seed: int
    text: str

    @property
    def decay_start(self) -> int:
        """The step from which the learning rate falls."""
        return round(self.n_steps * (1 - DECAY_SHARE))

    def rate_factor(self, step: int) -> float:
        """Learning-rate factor of a step: warm-up, plateau, then linear to 0."""
        warm = min(1.0, (step + 1) / WARMUP_STEPS)
        return warm * min(1.0, (self.n_steps - step) / (self.n_steps - self.decay_start))


@dataclass
class Progress:
    """How far a run is: steps done, wall clock over all its parts, smoothed loss in nats."""

    step: int = 0
    wall_s: float = 0.0
    loss: float = float("nan")


def stream_digest(stream: torch.Tensor) -> str:
    """Short digest of token ids ``[n_tokens]``."""
    return hashlib.sha256(stream.numpy().tobytes()).hexdigest()[:16]


def save_checkpoint(
    path: Path, plan: Plan, progress: Progress, model: torch.nn.Module, optimizers: list[torch.optim.Optimizer]
) -> None:
    """Write the state in one piece: a kill leaves the old file or the new one.

    Nothing in training draws at random but the order of rows, which follows from the step.
    """
    state = {
        "plan": asdict(plan),
        "progress": asdict(progress),
        "model": model.state_dict(),
        "optimizers": [optimizer.state_dict() for optimizer in optimizers],
    }
    new = path.with_suffix(".new")
    torch.save(state, new)
    new.replace(path)


def load_checkpoint(
    path: Path, plan: Plan, model: torch.nn.Module, optimizers: list[torch.optim.Optimizer]
) -> Progress:
    """Read a state into model and optimizers.

    The number of steps may be another one while the learning rate is on its plateau in
    both plans: the run is then the same as if it had been planned so.

    Raises
    ------
    ValueError
        The checkpoint is of a run with another plan.
    """
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    progress = Progress(**state["progress"])
    old = Plan(**state["plan"])
    differing = {name for name, value in asdict(plan).items() if value != getattr(old, name)}
    if differing == {"n_steps"} and progress.step <= min(old.decay_start, plan.decay_start):
        differing = set()
    if differing:
        told = ", ".join(f"{name} {getattr(old, name)}, not {getattr(plan, name)}" for name in sorted(differing))
        message = f"{path} is of a run with {told}: give its options, or another --out"
        raise ValueError(message)
    model.load_state_dict(state["model"])
    for optimizer, values in zip(optimizers, state["optimizers"], strict=True):
        optimizer.load_state_dict(values)
    return progress


class StopRequest:
    """Whether a signal has asked for the end."""

    is_made = False

    def make(self, _number: int, _frame: FrameType | None) -> None:
        """Take the signal."""
        self.is_made = True


@contextmanager
def stopping() -> Iterator[StopRequest]:
    """Within the block, SIGTERM and Ctrl-C only note the wish to stop."""
    request = StopRequest()
    before = {number: signal.signal(number, request.make) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
