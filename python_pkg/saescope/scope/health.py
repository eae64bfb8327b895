"""How well the SAE does: what the index says, and what the loaded model and SAE give now."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import polars as pl

from saescope.errors import InputError
from saescope.query.health import Figure, Health, health_frame, read_health
from saescope.scope.state import State

if TYPE_CHECKING:
    from saescope.indexing.measuring import Running

FEWEST, MOST = 256, 1_000_000
POLL_S = 0.05

Check = Callable[[], None]


def _nothing(*_: Any) -> None:
    pass


class Checking(State):
    """The SAE's and the index's own numbers."""

    _measured: "tuple[Figure, ...]" = ()
    _read: "tuple[tuple[object, ...], Health] | None" = None

    @property
    def measured(self) -> list[Figure]:
        """What was measured last with the loaded model and SAE; empty before."""
        return list(self._measured)

    def health(self) -> pl.DataFrame:
        """How well the SAE does: the index's figures, and those measured last.

        Returns
        -------
        polars.DataFrame
            ``name, value, error`` (standard error; null where exact or unknown)``, n`` (the tokens, or of shares
            of features the features, it rests on)``, source`` (``"index"`` or ``"measured"``)``, grade`` (``"good"``,
            ``"fair"``, ``"poor"``, or empty)``, meaning``. A value that is not known is null.

        Raises
        ------
        NoIndexError
            There is no index, and nothing was measured.

        Examples
        --------
        >>> scope.health().columns
        ['name', 'value', 'error', 'n', 'source', 'grade', 'meaning']
        """
        from_index = [] if self._index is None and self._measured else self.read_health().figures
        return health_frame([*from_index, *self._measured])

    def read_health(self) -> Health:
        """What the index says of the SAE; read once for each state of the index.

        Raises
        ------
        NoIndexError
            There is no index yet.
        """
        index = self.require_index()
        version = (id(index), index.n_rows, index.is_complete)
        if self._read is None or self._read[0] != version:
            self._read = version, read_health(index)
        return self._read[1]

    def measure_health(
        self,
        n_tokens: int = 4096,
        corpus: Any = None,
        *,
        check: Check = _nothing,
        on_part: "Callable[[Running, list[Figure]], None]" = _nothing,
    ) -> pl.DataFrame:
        """Measure L0, explained variance and loss recovered with the loaded model and SAE.

        The model runs whole four times over each context. An interrupt keeps what there is.

        Parameters
        ----------
        n_tokens
            About so many, 256 to 1,000,000, in whole contexts of the index's text chosen by a hash:
            the same every time, and with more tokens these and others.
        corpus
            Text to measure on in place of the index's: see `Scope.build_index`.
        check
            Called between runs; what it raises stops the measurement.
        on_part
            Told how it stands, and the figures so far.

        Returns
        -------
        polars.DataFrame
            As `health` returns, of what was measured: ``recovered`` and ``recovered_mean`` (against the site
            set to zero, and to its mean), ``explained_variance``, ``l0``, and the losses in nats a token.

        Raises
        ------
        NeedsModelError
            Only an index is open.
        InputError
            ``n_tokens`` is out of range, or there is neither an index nor a corpus.
        """
        from saescope.indexing.measuring import Measurement, corpus_layout
        from saescope.indexing.recovery import sampled_contexts

        model, sae, site = self._need_model("measuring")
        if isinstance(n_tokens, bool) or not isinstance(n_tokens, int) or not FEWEST <= n_tokens <= MOST:
            raise InputError(f"n_tokens is a number of tokens from {FEWEST} to {MOST:,}, and {n_tokens!r} came.")
        if corpus is None and self._index is None:
            raise InputError("there is no index to take text from.", hint="Give a corpus: measure_health(corpus=…).")
        layout = corpus_layout(corpus, model, sae, n_tokens) if corpus is not None else self.require_index().layout
        spans = sampled_contexts(layout, n_tokens)
        measurement = Measurement(model, sae, site, layout, spans, lambda: self._lot(check), check)
        kept = self._measured
        try:
            for part in measurement.run():
                self._measured = figures_of(part)
                on_part(part, list(self._measured))
        except KeyboardInterrupt:
            if self._measured is kept:
                raise
        return health_frame(self._measured)

    @contextmanager
    def _lot(self, check: Check) -> Iterator[None]:
        """The model for one run; others have theirs between."""
        while not self.lock.acquire(timeout=POLL_S):
            check()
        try:
            yield
        finally:
            self.lock.release()
        time.sleep(0)


def figures_of(part: "Running") -> tuple[Figure, ...]:
    """What was measured so far."""
    return tuple(Figure(name, *value, "measured") for name, value in part.figures.items())
