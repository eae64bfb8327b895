"""The SAE's figures, measured now on a sample of contexts: L0, explained variance, loss recovered.

1. The model runs to the site: L0, explained variance, and the mean activation.
2. It runs whole, four times a context: as it is, with the reconstruction in place of the
   activation, with zero, and with the mean.
3. Contexts come in the order of a hash, so that a part of them is a fair sample too; after
   each lot there are running figures. Standard errors are a jackknife's over contexts.

Only positions that count are changed and measured, as when an index is built; the loss is
taken over all next tokens of a context. Source: see `saescope.engine.splice`. Differs: the
mean is the sample's.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from saescope.corpus import pack, read_documents, token_table
from saescope.engine.encoder import TILE_BYTES
from saescope.engine.reader import SiteReader
from saescope.engine.splice import Change, Splicer
from saescope.errors import InputError
from saescope.index.choice import position_hash
from saescope.index.layout import Layout
from saescope.indexing.recovery import reconstruct, take_away
from saescope.indexing.settings import choose_settings
from saescope.indexing.worker import reconstructs
from saescope.sources.model import LoadedModel
from saescope.sources.sae import LoadedSae
from saescope.types import Site

LOT_TOKENS = {"cpu": 128}
LOT_TOKENS_ELSEWHERE = 4096
SITE_STAGE, LOSS_STAGE = "Reading the site", "Running the model, four times a context"

Sums = NDArray[np.float64]
Turn = Callable[[], AbstractContextManager[None]]
Value = tuple[float | None, float | None, int]


@dataclass(frozen=True)
class Running:
    """How a measurement stands: ``done`` of ``total`` tokens of a stage, and the figures so far.

    ``figures`` maps a name to value, standard error, and the tokens it rests on.
    """

    stage: str
    done: int
    total: int
    seconds_left: float | None
    figures: dict[str, Value]


def corpus_layout(corpus: Any, model: LoadedModel, sae: LoadedSae, n_tokens: int) -> Layout:
    """Texts laid out as an index would lay them, at most ``n_tokens`` of them."""
    settings, table = choose_settings(model, sae, max_tokens=n_tokens), token_table(model.tokenizer)
    parts = list(
        pack(
            read_documents(corpus),
            model.tokenizer,
            context_size=settings.context_size,
            bos=settings.bos,
            max_tokens=n_tokens,
        )
    )
    starts = np.asarray([start for part in parts for start in part.doc_starts], dtype=np.int64)
    tokens = np.concatenate([part.tokens for part in parts])
    return Layout(tokens, settings.context_size, starts, table.is_special, settings.rule)


def by_hash(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Contexts in the order of a hash of their first rows, the same every time."""
    starts = np.array([start for start, _ in spans], dtype=np.int64)
    return [spans[n] for n in np.argsort(position_hash(np.zeros_like(starts), starts), kind="stable").tolist()]


class Measurement:
    """Measures one model and SAE on some contexts.

    Parameters
    ----------
    model, sae, site
        What is measured, and where.
    layout
        The text, and which rows count.
    spans
        First row and end of each context.
    turn
        Gives the model for the time of a block.
    check
        Called between runs; what it raises stops the measurement.

    Raises
    ------
    InputError
        There is no context of two tokens.
    """

    def __init__(
        self,
        model: LoadedModel,
        sae: LoadedSae,
        site: Site,
        layout: Layout,
        spans: Sequence[tuple[int, int]],
        turn: Turn,
        check: Callable[[], None],
    ) -> None:
        if not spans:
            raise InputError("there is no context of at least two tokens to measure on.", hint="Give more text.")
        self._model, self._sae, self._layout = model, sae, layout
        self._reader, self._splicer = SiteReader(model.model, site), Splicer(model.model, site)
        self._turn, self._check = turn, check
        size = LOT_TOKENS.get(model.device.type, LOT_TOKENS_ELSEWHERE)
        self._lots = list(_lots(by_hash(spans), size))
        self._total = sum(end - start for start, end in spans)
        self._writes = reconstructs(sae)

    def run(self) -> Iterator[Running]:
        """Measure, and tell after each lot how it stands."""
        known: dict[str, Value] = {}
        seen: list[Sums] = []
        for done, left, lot in self._paced():
            with self._turn():
                seen.append(self._at_site(lot))
            known |= site_figures(np.concatenate(seen), has_variance=self._writes)
            yield Running(SITE_STAGE, done, self._total, left, dict(known))
        if not self._writes:
            return
        whole = np.concatenate(seen).sum(0)
        mean = torch.from_numpy(whole[4:] / max(whole[0], 1)).to(self._model.device)
        losses: list[Sums] = []
        for done, left, lot in self._paced():
            losses.append(self._losses(lot, mean))
            known |= loss_figures(np.concatenate(losses))
            yield Running(LOSS_STAGE, done, self._total, left, dict(known))

    def _paced(self) -> Iterator[tuple[int, float | None, list[tuple[int, int]]]]:
        """Each lot, with the tokens done once it is, and the seconds left after it by the pace before it."""
        begin, done = time.monotonic(), 0
        for lot in self._lots:
            self._check()
            before = done
            done += sum(end - start for start, end in lot)
            pace = (time.monotonic() - begin) / before if before else None
            yield done, None if pace is None else pace * (self._total - done), lot

    def _ids(self, lot: list[tuple[int, int]]) -> tuple[torch.Tensor, torch.Tensor]:
        """Tokens ``[n_contexts, seq]``, and which of them count."""
        rows = np.stack([np.arange(start, end) for start, end in lot])
        ids = torch.from_numpy(np.asarray(self._layout.tokens[rows], dtype=np.int64)).to(self._model.device)
        counts = self._layout.is_counted(rows.reshape(-1)).reshape(rows.shape)
        return ids, torch.from_numpy(counts).to(self._model.device)

    @torch.inference_mode()
    def _at_site(self, lot: list[tuple[int, int]]) -> Sums:
        """Of each context: counted tokens, nonzeros, squared error, squares, and the summed activation."""
        ids, counts = self._ids(lot)
        read = self._reader.read(ids)
        return np.stack([self._sums(x[mask]) for x, mask in zip(read, counts, strict=True)])

    def _sums(self, x: torch.Tensor) -> Sums:
        sae = self._sae.sae
        x = x.to(sae.W_dec.device, sae.W_dec.dtype)
        n_nonzero, squared_error = 0, 0.0
        n_rows = max(TILE_BYTES // (x.element_size() * int(sae.cfg.d_sae)), 1)
        for part in x.split(n_rows):
            if not len(part):
                continue
            found = sae.encode(part)
            dense = found.to_dense() if found.layout != torch.strided else found
            n_nonzero += int((dense != 0).sum())
            if self._writes:
                squared_error += float(((sae.decode(found) - part).double() ** 2).sum())
        wide = x.double()
        head = [len(x), n_nonzero, squared_error, float((wide**2).sum())]
        return np.concatenate([head, wide.sum(0).cpu().numpy()])

    def _losses(self, lot: list[tuple[int, int]], mean: torch.Tensor) -> Sums:
        """Of each context: the loss summed as it is, reconstructed, at zero and at the mean, and its next tokens."""
        ids, counts = self._ids(lot)
        mask = counts[:, :, None]
        changes = (None, reconstruct(self._sae, mask), take_away(mask), put_mean(mask, mean))
        sums = []
        for change in changes:
            self._check()
            with self._turn():
                sums.append(self._splicer.losses(ids, change).double().sum(1).cpu().numpy())
        return np.stack([*sums, np.full(len(lot), ids.shape[1] - 1.0)], axis=1)


def put_mean(mask: torch.Tensor, mean: torch.Tensor) -> Change:
    """Set the activation to ``mean`` ``[d_in]``, where the mask is set."""

    def change(seen: torch.Tensor) -> torch.Tensor:
        return torch.where(mask, mean.to(seen.dtype) - seen, 0)

    return change


def _lots(spans: Sequence[tuple[int, int]], n_tokens: int) -> Iterator[list[tuple[int, int]]]:
    """Successive contexts of one length together, about so many tokens at a time."""
    lot: list[tuple[int, int]] = []
    for start, end in spans:
        length = end - start
        if lot and (length != lot[0][1] - lot[0][0] or (len(lot) + 1) * length > n_tokens):
            yield lot
            lot = []
        lot.append((start, end))
    if lot:
        yield lot


def jackknife(sums: Sums, figure: Callable[[Sums], Sums]) -> tuple[float | None, float | None]:
    """A figure of summed rows, and its standard error by leaving each row of ``sums`` out once.

    Parameters
    ----------
    sums
        ``[n, k]``, one row a context.
    figure
        From totals ``[m, k]`` to ``[m]``.
    """
    total = sums.sum(0)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = float(figure(total[None])[0])
        left_out = figure(total - sums)
    n = len(sums)
    error = float(np.sqrt((n - 1) / n * ((left_out - left_out.mean()) ** 2).sum())) if n > 1 else float("nan")
    return value if np.isfinite(value) else None, error if np.isfinite(error) else None


def site_figures(sums: Sums, *, has_variance: bool) -> dict[str, Value]:
    """L0 and explained variance from what `Measurement` sums at the site."""
    n = int(sums[:, 0].sum())
    figures: dict[str, Value] = {"l0": (*jackknife(sums[:, :2], lambda t: t[:, 1] / t[:, 0]), n)}
    if has_variance:

        def kept(t: Sums) -> Sums:
            variance = t[:, 3] - (t[:, 4:] ** 2).sum(1) / t[:, 0]
            return 1 - t[:, 2] / np.where(variance > 0, variance, np.nan)

        figures["explained_variance"] = (*jackknife(sums, kept), n)
    return figures


def loss_figures(sums: Sums) -> dict[str, Value]:
    """Losses and what of them is recovered, from ``[n, 5]``: clean, spliced, zero, mean, tokens."""
    n = int(sums[:, 4].sum())
    names = ("clean", "spliced", "zero", "mean")
    found: dict[str, Value] = {}
    for column, name in ((2, "recovered"), (3, "recovered_mean")):

        def share(t: Sums, at: int = column) -> Sums:
            worse = t[:, at] - t[:, 0]
            return (t[:, at] - t[:, 1]) / np.where(worse > 0, worse, np.nan)

        found[name] = (*jackknife(sums, share), n)
    for column, name in enumerate(names):
        found[f"loss_{name}"] = (*jackknife(sums, lambda t, at=column: t[:, at] / t[:, 4]), n)
    return found
