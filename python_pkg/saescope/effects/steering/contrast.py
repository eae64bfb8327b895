"""A direction from a contrast of prompts, and the features that it moves.

1. The vector is the mean of what stands at the site on the positive prompts, less that on the negative ones:
   at the last token, or averaged over the tokens that count.
2. A feature's part in it is the difference of its mean activations times what it writes. The parts of all
   features and the difference of the SAE's errors add up to the vector.

Source: contrastive activation addition, Rimsky et al. (2023), "Steering Llama 2 via contrastive activation
addition", section 3; the mean over pairs of their differences is the difference of the means.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor

from saescope.effects.writing import Writer
from saescope.engine.encoder import CHUNK, Encoder
from saescope.engine.reader import SiteReader
from saescope.errors import ComputeError
from saescope.types import Site

At = Literal["last", "mean"]
BLOCK = 8192
N_ALIGNED = 20

SCHEMA = {
    "feature": pl.UInt32,
    "share": pl.Float32,
    "explained": pl.Float32,
    "cosine": pl.Float32,
    "difference": pl.Float32,
    "positive": pl.Float32,
    "negative": pl.Float32,
}


@dataclass(frozen=True)
class SteeringVector:
    """A direction that tells one set of prompts from another.

    Parameters
    ----------
    vector
        ``[d]`` float32, in units of the activation at the site: coefficient 1 adds it once.
    features
        One row a feature whose mean activation differs, or whose direction is among the 20 nearest to the
        vector, the largest part first: ``feature, share`` (its part's length along the vector, as a share of the
        vector's; negative against it)``, explained`` (share of the vector's squared length that this and all rows
        above it account for together)``, cosine`` (of its decoder direction with the vector)``, difference,
        positive, negative`` (mean activations, and their difference).
    share_of_error
        What the SAE's errors have of the vector's length: with the shares of all features it adds up to 1.
    n_positive, n_negative
        Prompts of each set.
    agreement
        Mean over pairs of the cosine of a pair's difference with the mean of the others'; ``None`` where the sets are
        no pairs, or one.
    typical
        Median length of the activation at the site on these prompts, to judge the vector's length by.
    """

    vector: NDArray[np.float32]
    features: pl.DataFrame
    share_of_error: float
    n_positive: int
    n_negative: int
    agreement: float | None
    typical: float
    at: At = "last"

    @property
    def norm(self) -> float:
        """The vector's length."""
        return float(np.linalg.norm(self.vector))

    def __repr__(self) -> str:
        top = ", ".join(f"{row['feature']} ({row['share']:.0%})" for row in self.features.head(3).iter_rows(named=True))
        return (
            f"SteeringVector(length {self.norm:.3g}, activations {self.typical:.3g}; "
            f"{self.n_positive} − {self.n_negative} prompts, {self.at}; features {top})"
        )


@dataclass(frozen=True)
class _Found:
    """One prompt: what stands where the SAE writes ``[d]``, and mean activations, as read and as written."""

    there: Tensor
    activations: NDArray[np.float32]
    written: NDArray[np.float32]
    norm: float


class Contrast:
    """Reads prompts one after the other, and makes of them a direction.

    Parameters
    ----------
    model, sae, site
        What reads, and where.
    at
        Look at the last token, or at the mean over tokens that are neither the first nor special.
    special
        Token ids that do not count.

    Raises
    ------
    ComputeError
        The SAE's decoder mixes positions.
    """

    def __init__(self, model: Any, sae: Any, site: Site, at: At, special: NDArray[np.int64]) -> None:
        self._writer = Writer(sae)
        self._encoder = Encoder(sae)
        self._at: At = at
        self._special = special
        self._device = next(model.parameters()).device
        self._site = site
        plain = replace(site, is_centered=False)
        self._reader = SiteReader(model, replace(plain, written=""), on_block=self._look)
        out = replace(plain, module=site.written, kind="output", written="", part=None, norm=None)
        self._out = SiteReader(model, out, on_block=self._look) if site.written else None
        self._check: Callable[[], None] = lambda: None
        self._found: dict[bool, list[_Found]] = {True: [], False: []}

    def _look(self) -> None:
        self._check()

    def read(self, tokens: NDArray[np.int64], *, is_positive: bool, check: Callable[[], None]) -> None:
        """Take a prompt ``[seq]`` in.

        Raises
        ------
        ComputeError
            The activations are not finite.
        """
        self._check = check
        ids = torch.from_numpy(tokens)[None].to(self._device)
        x = self._reader.read(ids)[0]
        there = x if self._out is None else self._out.read(ids)[0]
        rows = self._rows(tokens)
        seen = x[rows] - x[rows].mean(-1, keepdim=True) if self._site.is_centered else x[rows]
        scales = self._writer.scales(seen).cpu().numpy()
        activations = np.zeros(self._encoder.d_sae, dtype=np.float32)
        written = np.zeros_like(activations)
        for start in range(0, len(rows), CHUNK):
            check()
            part = self._encoder.encode(seen[start : start + CHUNK])
            np.add.at(activations, part.features, part.values / len(rows))
            np.add.at(written, part.features, part.values * scales[start + part.rows] / len(rows))
        norm = float(there[rows].float().norm(dim=-1).median())
        self._found[is_positive].append(_Found(there[rows].float().mean(0), activations, written, norm))

    def _rows(self, tokens: NDArray[np.int64]) -> list[int]:
        if self._at == "last":
            return [len(tokens) - 1]
        rows = np.flatnonzero(~np.isin(tokens, self._special) & (np.arange(len(tokens)) > 0)).tolist()
        return rows or [len(tokens) - 1]

    def vector(self) -> SteeringVector:
        """The direction of all prompts read.

        Raises
        ------
        ComputeError
            The two sets give the same.
        """
        positive, negative = self._found[True], self._found[False]
        v = _mean([f.there for f in positive]) - _mean([f.there for f in negative])
        length = float(v.norm())
        if length == 0:
            raise ComputeError(
                "the positive and the negative prompts give the same activation: there is no direction between them.",
                hint="Look at the mean over tokens, or give prompts that end differently.",
            )
        mean = {kind: np.mean([f.activations for f in found], axis=0) for kind, found in self._found.items()}
        parts = np.mean([f.written for f in positive], axis=0) - np.mean([f.written for f in negative], axis=0)
        frame, total = self._frame(v, parts, mean[True], mean[False])
        return SteeringVector(
            vector=v.cpu().numpy(),
            features=frame,
            share_of_error=1 - total,
            n_positive=len(positive),
            n_negative=len(negative),
            agreement=_agreement(positive, negative),
            typical=float(np.median([f.norm for f in positive + negative])),
            at=self._at,
        )

    def _frame(
        self, v: Tensor, parts: NDArray[Any], positive: NDArray[Any], negative: NDArray[Any]
    ) -> tuple[pl.DataFrame, float]:
        """The features' table, and the sum of their shares."""
        square = float(v @ v)
        along, cosine = self._against(v)
        share = parts * along / square
        aligned = np.argsort(-np.abs(cosine))[:N_ALIGNED]
        chosen = np.union1d(np.flatnonzero(positive != negative), aligned)
        chosen = chosen[np.argsort(-np.abs(share[chosen]), kind="stable")]
        difference = (positive - negative)[chosen]
        columns = [chosen, share[chosen], self._explained(v, chosen, parts), cosine[chosen], difference]
        columns += [positive[chosen], negative[chosen]]
        return pl.DataFrame(dict(zip(SCHEMA, columns, strict=True)), schema_overrides=SCHEMA), float(share.sum())

    def _against(self, v: Tensor) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Of each feature's direction: the product with the vector, and the cosine."""
        along, cosine = [], []
        for start in range(0, self._encoder.d_sae, BLOCK):
            self._check()
            rows = self._writer.directions(range(start, min(start + BLOCK, self._encoder.d_sae))).to(v.device)
            product = rows @ v
            along.append(product)
            cosine.append(product / (rows.norm(dim=-1) * v.norm()).clamp(min=1e-12))
        return torch.cat(along).cpu().numpy(), torch.cat(cosine).cpu().numpy()

    def _explained(self, v: Tensor, chosen: NDArray[Any], parts: NDArray[Any]) -> NDArray[np.float32]:
        left, found = v.clone(), []
        for start in range(0, len(chosen), BLOCK):
            some = chosen[start : start + BLOCK]
            rows = self._writer.directions(some.tolist()).to(v.device)
            sums = (rows * torch.from_numpy(parts[some]).to(v.device)[:, None]).cumsum(0)
            found.append(1 - (left - sums).square().sum(-1) / (v @ v))
            left = left - sums[-1]
        return torch.cat(found).cpu().numpy()


def _mean(rows: Sequence[Tensor]) -> Tensor:
    return torch.stack(list(rows)).mean(0)


def _agreement(positive: Sequence[_Found], negative: Sequence[_Found]) -> float | None:
    n = len(positive)
    if n != len(negative) or n < 2:
        return None
    pairs = torch.stack([p.there - q.there for p, q in zip(positive, negative, strict=True)])
    others = pairs.sum(0) - pairs
    return float(torch.nn.functional.cosine_similarity(pairs, others, dim=-1).mean())
