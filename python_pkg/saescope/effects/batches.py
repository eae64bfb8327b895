"""Which changed runs go together, and how many: by where they begin, and by memory.

1. Changes are sorted by their first position; a batch begins at its earliest one.
2. A later change joins as long as the positions computed in vain stay few, and the batch
   within its budget of bytes.
3. A batch for which there is no memory after all is halved and run again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from saescope.effects.clean import CleanRun
from saescope.errors import ComputeError

BUDGET_BYTES = 256 << 20
GPU_SHARE = 0.25
MOST_TOKENS = 512
MOST_WASTE = 0.25
FREE_TOKENS = 32
"""Computed in vain without a second thought: a pass over so few costs about as much as over one."""


@dataclass(frozen=True)
class Edit:
    """A change of the site's activation: ``vectors`` [n, d] float32 added at ``positions`` [n] int64, rising."""

    positions: Tensor
    vectors: Tensor

    @property
    def first(self) -> int:
        """The first position changed."""
        return int(self.positions[0])


@dataclass(frozen=True)
class Batch:
    """Rows that run together: their numbers, and the position at which they begin."""

    rows: list[int]
    start: int


def plan(firsts: Sequence[int], end: int, most_tokens: int) -> list[Batch]:
    """Group rows that begin at ``firsts`` and end at ``end``, latest first, into batches of ``most_tokens``."""
    batches: list[Batch] = []
    rows: list[int] = []
    useful = 0
    for row in sorted(range(len(firsts)), key=lambda r: -firsts[r]):
        start, cost = firsts[row], end - firsts[row]
        total = (len(rows) + 1) * cost
        waste = total - useful - cost
        if rows and (total > most_tokens or waste > max(MOST_WASTE * total, FREE_TOKENS)):
            batches.append(Batch(rows, firsts[rows[-1]]))
            rows, useful = [], 0
        rows.append(row)
        useful += end - start
    return [*batches, Batch(rows, firsts[rows[-1]])] if rows else batches


class Batcher:
    """Runs edits of one text as batches.

    Parameters
    ----------
    run
        The text's clean run.
    budget_bytes
        Most memory of a batch; by default 256 MB, or a quarter of what a GPU has free.
    """

    def __init__(self, run: CleanRun, budget_bytes: int | None = None) -> None:
        self._run = run
        self._budget = budget_bytes or _budget(run.device)
        config = run.module.config.get_text_config()
        self._width = int(config.hidden_size)
        self._n_vocab = int(run.module.get_output_embeddings().weight.shape[0])

    def logits(
        self, edits: Sequence[Edit], *, is_last_only: bool, end: int | None = None
    ) -> Iterator[tuple[Batch, Tensor]]:
        """Logits of each edit, batch by batch, latest first changes first.

        Yields
        ------
        tuple
            The batch, and float32 logits ``[n_rows, n_pos, n_vocab]`` of its positions from ``start`` on, or of
            the last alone.

        Raises
        ------
        ComputeError
            There is no memory for a single row.
        """
        end = self._run.n_tokens if end is None else end
        if not edits:
            return
        firsts = [edit.first if self._run.has_prefix else 0 for edit in edits]
        per_token = 4 * (12 * self._width + (0 if is_last_only else 3 * self._n_vocab))
        most = max(min(MOST_TOKENS, self._budget // per_token), 1)
        todo = plan(firsts, end, most)
        while todo:
            batch = todo.pop(0)
            self._run.check()
            try:
                yield batch, self._one(batch, edits, is_last_only, end)
            except _NoMemory as err:
                if len(batch.rows) == 1:
                    raise ComputeError(
                        f"there is no memory for one run over {end - batch.start:,} tokens.",
                        hint="Take a shorter text, or free memory on the device.",
                    ) from err
                half = len(batch.rows) // 2
                todo[:0] = [Batch(batch.rows[:half], batch.start), Batch(batch.rows[half:], batch.start)]

    def _one(self, batch: Batch, edits: Sequence[Edit], is_last_only: bool, end: int) -> Tensor:
        try:
            deltas = self.deltas([edits[row] for row in batch.rows], batch.start, end)
            with torch.no_grad():
                n_last = 1 if is_last_only else end - batch.start
                return self._run.changed(deltas, batch.start, n_last, end=end).float()
        except torch.OutOfMemoryError as err:
            torch.cuda.empty_cache()
            raise _NoMemory from err
        except RuntimeError as err:
            if "alloc" in str(err).lower() and "memory" in str(err).lower():
                raise _NoMemory from err
            raise

    def deltas(self, edits: Sequence[Edit], start: int, end: int) -> Tensor:
        """What each edit adds, ``[n_rows, end - start, d]`` float32."""
        width = edits[0].vectors.shape[-1]
        made = torch.zeros(len(edits), end - start, width, device=self._run.device)
        for row, edit in zip(made, edits, strict=True):
            inside = edit.positions < end
            row.index_add_(0, (edit.positions[inside] - start).to(row.device), edit.vectors[inside].to(row.device))
        return made


class _NoMemory(Exception):  # noqa: N818 - not told to anybody: the batch is halved
    """A batch was too large."""


def _budget(device: torch.device) -> int:
    if device.type == "cuda":
        free: Any = torch.cuda.mem_get_info(device)
        return int(free[0] * GPU_SHARE)
    return BUDGET_BYTES
