"""What an attribution method is asked, and what it answers."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from saescope.effects.ablation import Ablator
from saescope.effects.quantities import metric_of
from saescope.engine.encoder import Nonzeros

By = Literal["pair", "feature", "token"]
CHUNK_BYTES = 32 << 20


@dataclass(frozen=True)
class Units:
    """What gets credit: pairs of a position and a feature, whole features, or whole tokens.

    ``pos`` int64, ``features`` uint32 and ``values`` float32 [n_pairs] are the pairs, sorted by position and
    then by feature; ``unit`` [n_pairs] int64 is the unit that each belongs to, of ``n``.
    """

    pos: NDArray[np.int64]
    features: NDArray[np.uint32]
    values: NDArray[np.float32]
    unit: NDArray[np.int64]
    n: int
    by: By

    @classmethod
    def of(cls, nonzeros: Nonzeros, is_meant: NDArray[np.bool_], by: By) -> "Units":
        """From what fires on a text, at the positions that are meant ``[seq]``."""
        kept = is_meant[nonzeros.rows]
        pos, features, values = nonzeros.rows[kept], nonzeros.features[kept], nonzeros.values[kept]
        if by == "pair":
            return cls(pos, features, values, np.arange(len(pos)), len(pos), by)
        found, unit = np.unique(features if by == "feature" else pos, return_inverse=True)
        return cls(pos, features, values, unit.astype(np.int64), len(found), by)

    @cached_property
    def peaks(self) -> NDArray[np.int64]:
        """Of each unit the pair with the largest activation, by size; ``[n]``."""
        order = np.lexsort((-np.abs(self.values), self.unit))
        first = np.unique(self.unit[order], return_index=True)[1]
        return order[first]

    def pairs_of(self, unit: int) -> NDArray[np.int64]:
        """The pairs of a unit, by position."""
        order, bounds = self._grouped
        return order[bounds[unit] : bounds[unit + 1]]

    @cached_property
    def _grouped(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        order = np.argsort(self.unit, kind="stable")
        return order, np.searchsorted(self.unit[order], np.arange(self.n + 1))

    def summed(self, figures: NDArray[np.float32]) -> NDArray[np.float32]:
        """Figures of the pairs ``[n_pairs]``, added up to those of the units ``[n]``."""
        return np.bincount(self.unit, figures, self.n).astype(np.float32)


@dataclass(frozen=True)
class Part:
    """Some figures: ``values`` [n] float32 of the ``units`` [n]; ``done`` of ``total`` steps are taken.

    ``facts`` say what else is to know, such as an error.
    """

    units: NDArray[np.int64]
    values: NDArray[np.float32]
    done: int = 1
    total: int = 1
    facts: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Question:
    """The credit of which units, for which prediction.

    Parameters
    ----------
    ablator
        Measures changes on the text; holds its clean run.
    units
        What gets credit.
    target, contrast
        The token to follow the text, and the one it is compared with: see `quantities.metric_of`.
    order
        The units whose figures are wanted, the most pressing first; by default all.
    """

    ablator: Ablator
    units: Units
    target: int
    contrast: int | None = None
    order: NDArray[np.int64] | None = None

    @property
    def wanted(self) -> NDArray[np.int64]:
        """The units whose figures are wanted."""
        return np.arange(self.units.n) if self.order is None else self.order

    def only(self, order: NDArray[np.int64]) -> "Question":
        """The same of some units."""
        return replace(self, order=order)

    def whole(self, figures: NDArray[np.float32], facts: dict[str, float] | None = None) -> Part:
        """A part that is all of the answer, from figures of every unit."""
        return Part(self.wanted, figures[self.wanted].astype(np.float32), facts=facts or {})

    def metric(self, logits: Tensor) -> Tensor:
        """What is attributed, ``[n_rows]``, of logits ``[n_rows, n_vocab]`` after the last position."""
        return metric_of(logits, self.target, self.contrast)

    def per_pair(self, read: Callable[[Tensor, NDArray[np.int64]], Tensor]) -> NDArray[np.float32]:
        """A figure for each pair's whole contribution to the site, ``[n_pairs]`` float32.

        ``read`` takes contributions ``[n, d_out]`` float32 (activation times direction times scale) and their
        positions ``[n]``; some at a time, so that directions are had only of what fires.
        """
        units, ablator = self.units, self.ablator
        found = np.zeros(len(units.pos), dtype=np.float32)
        for start in range(0, len(found), self.n_chunk):
            part = slice(start, start + self.n_chunk)
            found[part] = read(self.contributions(part), units.pos[part]).float().cpu().numpy()
            ablator.run.check()
        return found

    @torch.no_grad()
    def contributions(self, part: slice) -> Tensor:
        """What some pairs add at the site, ``[n, d_out]`` float32."""
        units, ablator = self.units, self.ablator
        features, which = np.unique(units.features[part], return_inverse=True)
        rows = ablator.writer.directions(features.tolist()).to(ablator.run.device)[torch.from_numpy(which)]
        values = torch.from_numpy(units.values[part]).to(rows.device)
        return rows * (values * ablator.scales[torch.from_numpy(units.pos[part])])[:, None]

    @cached_property
    def width(self) -> int:
        """Numbers that a feature writes at a position."""
        return int(self.ablator.writer.directions([0]).shape[-1])

    @property
    def n_chunk(self) -> int:
        """So many pairs at a time."""
        return max(CHUNK_BYTES // (4 * self.width), 1)
