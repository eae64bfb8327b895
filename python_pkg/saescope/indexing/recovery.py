"""How much of the model's loss the SAE's reconstruction keeps, on a few contexts.

Source: see `saescope.engine.splice`.
"""

from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from saescope.engine.encoder import reconstructed
from saescope.engine.splice import Change, Splicer
from saescope.index.choice import position_hash
from saescope.index.layout import Layout
from saescope.sources.model import LoadedModel
from saescope.sources.sae import LoadedSae
from saescope.types import Site

TOKENS_A_TOKEN = 1024
FEWEST, MOST = 256, 16_384
BATCH_TOKENS = 512


def sample_size(n_rows: int) -> int:
    """Tokens to measure on: about one in a thousand, which costs about one in a hundred of the pass."""
    return min(max(n_rows // TOKENS_A_TOKEN, FEWEST), MOST)


def sampled_contexts(layout: Layout, n_tokens: int) -> list[tuple[int, int]]:
    """First row and end of the contexts with the smallest hashes, of about ``n_tokens`` in all."""
    starts = layout.context_starts
    if starts is None:
        starts = np.arange(0, layout.n_rows, layout.context_size)
    ends = np.r_[starts[1:], layout.n_rows]
    long = np.flatnonzero(ends - starts > 1)
    order = long[np.argsort(position_hash(np.zeros_like(starts[long]), starts[long]), kind="stable")]
    n = int(np.searchsorted(np.cumsum((ends - starts)[order]), n_tokens)) + 1
    return [(int(starts[c]), int(ends[c])) for c in sorted(order[:n])]


def measure_recovery(
    model: LoadedModel,
    sae: LoadedSae,
    site: Site,
    layout: Layout,
    spans: list[tuple[int, int]],
    on_done: Callable[[int], None],
) -> dict[str, Any]:
    """Losses with the activation as it is, reconstructed, and set to zero.

    Returns
    -------
    dict
        ``clean, spliced, zero`` (nats a token), ``recovered`` (a share; ``None`` when zero is no
        worse than clean), ``standard_error`` of the share, ``n_tokens``.
    """
    splicer = Splicer(model.model, site)
    found: list[NDArray[np.float64]] = []
    for lot in lots(spans):
        rows = np.stack([np.arange(start, end) for start, end in lot])
        ids = torch.from_numpy(np.asarray(layout.tokens[rows], dtype=np.int64)).to(model.device)
        counts = layout.is_counted(rows.reshape(-1)).reshape(rows.shape)
        mask = torch.from_numpy(counts).to(model.device)[:, :, None]
        changes = (None, reconstruct(sae, mask), take_away(mask))
        sums = [splicer.losses(ids, c).double().sum(1).cpu().numpy() for c in changes]
        found.append(np.stack([*sums, np.full(len(lot), rows.shape[1] - 1.0)], axis=1))
        on_done(rows.size)
    return recovery_of(np.concatenate(found))


def lots(spans: list[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """Contexts of one length together, some hundred tokens at a time."""
    for length, group in groupby(sorted(spans, key=lambda s: s[1] - s[0]), key=lambda s: s[1] - s[0]):
        members, step = list(group), max(BATCH_TOKENS // length, 1)
        yield from (members[i : i + step] for i in range(0, len(members), step))


def reconstruct(sae: LoadedSae, mask: torch.Tensor) -> Change:
    """Put the SAE's reconstruction in place of the activation, where the mask ``[n_contexts, seq, 1]`` is set."""

    def change(seen: torch.Tensor) -> torch.Tensor:
        x = seen.to(sae.sae.W_dec.device, sae.sae.W_dec.dtype)
        made = reconstructed(sae.sae, x.flatten(0, 1)).view(x.shape)
        return torch.where(mask, made.to(seen.device, seen.dtype) - seen, 0)

    return change


def take_away(mask: torch.Tensor) -> Change:
    """Set the activation to zero, where the mask is set."""
    return lambda seen: torch.where(mask, -seen, 0)


def recovery_of(sums: NDArray[np.float64]) -> dict[str, Any]:
    """From losses summed by context, ``[n, 4]`` (clean, spliced, zero, tokens); the error is a jackknife's."""

    def share(kept: NDArray[np.bool_]) -> float:
        clean, spliced, zero, _ = sums[kept].sum(0)
        return float((zero - spliced) / (zero - clean)) if zero > clean else float("nan")

    n = len(sums)
    everything = np.ones(n, dtype=bool)
    clean, spliced, zero, tokens = sums.sum(0)
    recovered = share(everything)
    left_out = np.array([share(np.arange(n) != i) for i in range(n)]) if n > 1 else np.array([np.nan])
    error = float(np.sqrt((n - 1) / n * ((left_out - left_out.mean()) ** 2).sum())) if n > 1 else float("nan")
    return {
        "clean": float(clean / tokens),
        "spliced": float(spliced / tokens),
        "zero": float(zero / tokens),
        "recovered": recovered if np.isfinite(recovered) else None,
        "standard_error": error if np.isfinite(error) else None,
        "n_tokens": int(tokens),
    }
