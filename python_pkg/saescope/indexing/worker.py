"""One shard: contexts through the model and the encoder, their nonzeros in both orders.

A worker knows nothing of other shards, of the folder, or of other workers; what it makes
depends on the plan and the shard's number alone.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from saescope.engine.architectures import OVER_SITES, reads_contexts
from saescope.engine.encoder import Collect, Encoder, Nonzeros, joined, reconstructed
from saescope.engine.reader import SiteReader
from saescope.index.choice import position_hash
from saescope.index.layout import Layout
from saescope.index.manifest import Manifest
from saescope.index.rows import quality_of
from saescope.indexing.shards import Shard, by_feature, by_row
from saescope.sources.model import LoadedModel
from saescope.sources.sae import LoadedSae
from saescope.types import Site

BATCH_TOKENS = 1024
SAMPLED = 64
IN_FLIGHT = 2

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Batch:
    """Some contexts to run together.

    ``tokens`` [n_contexts, seq] int64, padded on the right; ``is_real`` marks what is no
    padding; ``rows`` are the real tokens' rows within the shard.
    """

    tokens: NDArray[np.int64]
    is_real: NDArray[np.bool_]
    rows: Ints


def reconstructs(sae: LoadedSae) -> bool:
    """Whether the SAE writes what it reads, token by token, so that explained variance has a meaning."""
    is_across = "transcoder" in sae.architecture or "clt" in sae.architecture or bool(sae.hook_name_out)
    return not is_across and sae.architecture not in OVER_SITES and not reads_contexts(sae.sae)


class Worker:
    """Makes shards.

    Parameters
    ----------
    model, sae, site
        What is measured, and where.
    manifest, layout
        The plan: shards, contexts, and which rows count.
    """

    def __init__(self, model: LoadedModel, sae: LoadedSae, site: Site, manifest: Manifest, layout: Layout) -> None:
        self._model = model
        self._sae = sae
        self._reader = SiteReader(model.model, site)
        self._encoder = Encoder(sae.sae)
        self._manifest = manifest
        self._layout = layout

    def make(self, number: int, on_done: Callable[[int], None]) -> Shard:
        """Make one shard.

        Parameters
        ----------
        number
            Which.
        on_done
            Told how many more tokens are done.

        Raises
        ------
        ComputeError
            Activations are not finite.
        """
        start, n_rows = self._manifest.shard_starts[number], self._manifest.shard_rows(number)
        norms = np.zeros(n_rows, dtype=np.float32)
        sample = Sample(self._sae, self._layout, start)
        found: list[Nonzeros] = []
        flying: deque[tuple[Batch, Collect, torch.Tensor]] = deque()

        def land() -> None:
            batch, collect, lengths = flying.popleft()
            nonzeros = collect()
            norms[batch.rows] = lengths.cpu().numpy()
            if not np.isfinite(norms[batch.rows]).all():
                raise self._reader.not_finite(self._model.model.dtype)
            found.append(Nonzeros(batch.rows[nonzeros.rows], nonzeros.features, nonzeros.values))
            on_done(len(batch.rows))

        for batch in batches(self._layout, start, n_rows):
            ids = torch.from_numpy(batch.tokens).to(self._model.device, non_blocking=True)
            x = self._reader.read(ids, checks=False)
            x, lengths = x.flatten(0, 1), batch.is_real.sum(1).tolist()
            if not batch.is_real.all():
                x = x[torch.from_numpy(batch.is_real.reshape(-1)).to(x.device)]
            sample.take(batch, x)
            flying.append(
                (batch, self._encoder.submit(x, lengths), torch.linalg.vector_norm(x, dim=-1, dtype=torch.float32))
            )
            if len(flying) >= IN_FLIGHT or self._encoder.device.type == "cpu":
                land()
        while flying:
            land()
        whole = joined(found)
        whole = whole if self._manifest.is_packed else whole.in_order()
        return Shard(
            by_feature(whole, self._manifest.d_sae), by_row(whole, n_rows, self._manifest.d_sae, norms, sample.sums())
        )


def batches(layout: Layout, start: int, n_rows: int) -> Iterator[Batch]:
    """The contexts of a shard, about a thousand tokens at a time; contexts of unlike length in order of length."""
    tokens = np.asarray(layout.tokens[start : start + n_rows], dtype=np.int64)
    size = layout.context_size
    if layout.context_starts is None:
        whole, step = n_rows // size * size, max(BATCH_TOKENS // size, 1) * size
        spans = [(s, min(s + step, whole)) for s in range(0, whole, step)]
        if whole < n_rows:
            spans.append((whole, n_rows))
        for low, high in spans:
            ids = tokens[low:high].reshape(-1, min(size, high - low))
            yield Batch(ids, np.ones(ids.shape, dtype=bool), np.arange(low, high))
        return
    first, last = np.searchsorted(layout.context_starts, [start, start + n_rows])
    starts = layout.context_starts[first:last] - start
    lengths = np.diff(np.r_[starts, n_rows])
    order = np.argsort(lengths, kind="stable")
    while len(order):
        n = max(int(np.searchsorted(np.arange(1, len(order) + 1) * lengths[order], BATCH_TOKENS, side="right")), 1)
        lot, order = order[:n], order[n:]
        within = np.arange(lengths[lot].max())
        is_real = within < lengths[lot][:, None]
        at = np.where(is_real, starts[lot][:, None] + within, 0)
        yield Batch(np.where(is_real, tokens[at], 0), is_real, at[is_real])


class Sample:
    """Sums for the explained variance, over one context in 64, chosen by a hash of its place.

    Parameters
    ----------
    sae
        Reconstructs the activations.
    layout
        Which rows count.
    start
        First row of the shard.
    """

    def __init__(self, sae: LoadedSae, layout: Layout, start: int) -> None:
        self._sae = sae if reconstructs(sae) else None
        self._layout = layout
        self._start = start
        self._n, self._squared_error, self._squares = 0, 0.0, 0.0
        self._sums = np.zeros(sae.d_in)

    @torch.inference_mode()
    def take(self, batch: Batch, x: torch.Tensor) -> None:
        """Take what is in the sample of the activations ``x`` [n_rows, d_in]."""
        if self._sae is None:
            return
        rows = batch.rows + self._start
        contexts, _ = self._layout.context_bounds(rows)
        noise = position_hash(np.zeros_like(contexts), contexts)
        wanted = np.flatnonzero((noise % np.uint64(SAMPLED) == 0) & self._layout.is_counted(rows))
        if not len(wanted):
            return
        sae = self._sae.sae
        seen = x[torch.from_numpy(wanted).to(x.device)].to(sae.W_dec.device, sae.W_dec.dtype)
        made = reconstructed(sae, seen)
        self._n += len(wanted)
        self._squared_error += float(((made - seen).double() ** 2).sum())
        self._squares += float((seen.double() ** 2).sum())
        self._sums += seen.double().sum(0).cpu().numpy()

    def sums(self) -> NDArray[np.float64]:
        """As `index.rows.quality_of` lays them out."""
        return quality_of(self._n, self._squared_error, self._squares, self._sums)
