"""Reading a text with the model now."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from saescope.errors import InputError
from saescope.index.rule import Rule
from saescope.query.tried import TriedText, known_of, rank_features, reasons_of
from saescope.scope.state import State

if TYPE_CHECKING:
    from saescope.engine.live import LiveText

POLL_S = 0.05

Check = Callable[[], None]
OnStage = Callable[[Literal["waiting", "reading"], int], None]


_wanted: ContextVar[tuple[Check, OnStage] | None] = ContextVar("wanted", default=None)


def nothing(*said: Any) -> None:
    """What is called where nobody listens; within `stoppable`, what was given there."""
    wanted = _wanted.get()
    if wanted is None:
        return
    check, on_stage = wanted
    check()
    if said and said[0] in ("waiting", "reading"):
        on_stage(*said)


@contextmanager
def stoppable(check: Check, on_stage: OnStage = nothing) -> Iterator[None]:
    """Let a check stop what runs in the block, and be told its stages, where nothing else was given for that."""
    if check is nothing:
        yield
        return
    token = _wanted.set((check, (lambda *_: None) if on_stage is nothing else on_stage))
    try:
        yield
    finally:
        _wanted.reset(token)


class Trying(State):
    """What fires on a text that a person gives."""

    def activations(self, text: str) -> pl.DataFrame:
        """What fires on a text, by running the model on it now.

        Returns
        -------
        polars.DataFrame
            ``pos, token, feature, activation, is_counted``; one row a nonzero, by position and then
            by feature. Position 0 is BOS where the SAE was trained with it. Which tokens count
            is told by the rule of the index, or of the index one would build.

        Raises
        ------
        NeedsModelError
            Only an index is open.
        InputError
            The text holds no token, or more than the model takes.
        ComputeError
            The activations are not finite.

        Examples
        --------
        >>> fired = scope.activations("The ship was sunk by the Royal Navy")
        >>> fired.filter(pl.col("is_counted")).columns
        ['pos', 'token', 'feature', 'activation', 'is_counted']
        """
        tried = self.try_text(text)
        texts = np.array(tried.texts, dtype=object)
        return pl.DataFrame(
            {
                "pos": tried.pos,
                "token": pl.Series(texts[tried.pos].tolist(), dtype=pl.String),
                "feature": tried.features,
                "activation": tried.values,
                "is_counted": tried.is_counted[tried.pos],
            }
        )

    def top_features(
        self, text: str, by: str = "max", k: int = 20, *, max_density: float | None = None
    ) -> pl.DataFrame:
        """The features that tell most about a text, by running the model on it now.

        Parameters
        ----------
        by
            ``"max"``: the largest activation ``m`` on a token that counts. ``"sum"``: of the activations.
            ``"tokens"``: the number of tokens on which the feature fires. ``"relative"``: ``m`` as a share
            of the largest in the index. ``"surprise"``: ``m log10((n_counted + 1) / (n_fires + 1))``, with
            the index's counts: strong here, and rare there.
        k
            At most so many.
        max_density
            Leave out features that fire on a larger share of the index's tokens; panels hide
            those above 0.1.

        Returns
        -------
        polars.DataFrame
            ``feature, max, sum, n_tokens, pos, token`` (at which it is strongest)``, relative, surprise,
            density``; without an index the last three are null.

        Raises
        ------
        NeedsModelError
            Only an index is open.
        InputError, UnknownNameError
            The text holds no token or more than the model takes, there is no such ranking,
            or it needs an index.

        Examples
        --------
        >>> scope.top_features("The ship was sunk by the Royal Navy", k=3)["feature"].len()
        3
        """
        if isinstance(k, bool) or not isinstance(k, int) or k < 1:
            raise InputError(f"k is a number of features, at least 1, and {k!r} came.")
        if max_density is not None and self._index is None:
            raise InputError("how often a feature fires is told by an index, and there is none.", hint="Build one.")
        tried = self.try_text(text)
        frame = rank_features(tried, known_of(self._index, np.unique(tried.features)), by)
        if max_density is not None:
            frame = frame.filter(pl.col("density") <= max_density)
        frame = frame.head(k)
        tokens = pl.Series("token", [tried.texts[p] for p in frame["pos"]], dtype=pl.String)
        return frame.insert_column(frame.columns.index("pos") + 1, tokens)

    def try_text(
        self, text: str, *, cuts: bool = False, check: Check = nothing, on_stage: OnStage = nothing
    ) -> TriedText:
        """Read a text, as the handlers do.

        Parameters
        ----------
        cuts
            Of a text that is longer than the model takes, read the beginning.
        check
            Called between steps; what it raises stops the reading.
        on_stage
            Told that the model is in use (``"waiting"``), and that the text is read, with its number
            of tokens.

        Raises
        ------
        NeedsModelError, InputError, ComputeError
            See `activations`.
        """
        from saescope.engine.live import TextReader

        model, sae, site = self._need_model("reading a text")
        rule, bos = self._reading
        reader = TextReader(model.model, model.tokenizer, sae.sae, site, bos)
        tokens = reader.tokens(text)
        n_read = min(len(tokens), reader.n_most or len(tokens)) if cuts else len(tokens)
        with self._turn(check, lambda: on_stage("waiting", n_read)):
            on_stage("reading", n_read)
            found = reader.read(tokens[:n_read], check)
        return self._told(text, found, rule, len(tokens))

    def _told(self, text: str, found: "LiveText", rule: Rule, n_tokens: int) -> TriedText:
        ids = found.tokens.tolist()
        texts, raws, special = self._pieces
        is_special = np.array([t < len(special) and bool(special[t]) for t in ids], dtype=bool)
        median = self._index.manifest.median_norm if self._index else 0.0
        return TriedText(
            text=text,
            tokens=found.tokens,
            texts=[texts[t] if t < len(texts) else f"‹token {t}›" for t in ids],
            raws=[raws[t] if t < len(raws) else "" for t in ids],
            reasons=reasons_of(is_special, found.norms, rule, median),
            pos=found.nonzeros.rows.astype(np.uint32),
            features=found.nonzeros.features,
            values=found.nonzeros.values,
            n_tokens=n_tokens,
        )

    @property
    def _reading(self) -> tuple[Rule, int | None]:
        """Which tokens count, and the token to begin with."""
        from saescope.indexing.settings import choose_settings

        model, sae, _site = self._need_model("reading a text")
        settings = choose_settings(model, sae)
        return self._index.layout.rule if self._index else settings.rule, settings.bos

    @cached_property
    def _pieces(self) -> tuple[list[str], list[str], "np.ndarray[Any, np.dtype[np.bool_]]"]:
        """Text and piece of each token of the model's vocabulary, and whether it is special."""
        if self._index:
            vocabulary = self._index.vocabulary
            return vocabulary.texts, vocabulary.raws, vocabulary.is_special
        from saescope.corpus import token_table
        from saescope.index.vocabulary import readable

        table = token_table(self._need_model("reading a text")[0].tokenizer)
        return [readable(c) for c in table.contents], table.raws, table.is_special

    @contextmanager
    def _turn(self, check: Check, on_wait: Callable[[], None]) -> Iterator[None]:
        """The model for oneself; while it is in use elsewhere one can be stopped."""
        if not self.lock.acquire(blocking=False):
            on_wait()
            while not self.lock.acquire(timeout=POLL_S):
                check()
        try:
            check()
            yield
        finally:
            self.lock.release()
