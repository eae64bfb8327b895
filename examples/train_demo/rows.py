"""Which rows of tokens a training step reads."""

from __future__ import annotations

import torch

from data import pack_rows


class Batches:
    """Batches of rows; the one of a step follows from the seed and the step alone.

    Each pass over the stream cuts it into rows from another place and shuffles them, so a
    run that goes on from a checkpoint reads what it would have read.

    Parameters
    ----------
    stream
        Token ids ``[n_tokens]``, int64.
    context
        Length of the model's input.
    n_rows
        Rows in a batch.
    seed
        Seed of the first pass; the others count on from it.

    Raises
    ------
    ValueError
        The stream is shorter than one batch.
    """

    def __init__(self, stream: torch.Tensor, context: int, n_rows: int, seed: int) -> None:
        self.stream, self.context, self.n_rows, self.seed = stream, context, n_rows, seed
        self.n_in_pass = (len(stream) // context - 1) // n_rows
        if self.n_in_pass < 1:
            message = f"a batch reads {n_rows * context:,} tokens and the text has {len(stream):,}: give a longer text"
            raise ValueError(message)
        self._pass = -1
        self._rows = stream

    def __getitem__(self, step: int) -> torch.Tensor:
        """Token ids ``[n_rows, context + 1]`` of a step, counted from 0."""
        number, place = divmod(step, self.n_in_pass)
        if number != self._pass:
            chance = torch.Generator().manual_seed(self.seed + number)
            start = int(torch.randint(self.context, (), generator=chance))
            rows = pack_rows(self.stream[start:], self.context)
            self._rows = rows[torch.randperm(len(rows), generator=chance)]
            self._pass = number
        return self._rows[place * self.n_rows : (place + 1) * self.n_rows]
