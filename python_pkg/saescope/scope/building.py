"""Building a scope's index."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from saescope.errors import InputError
from saescope.index import Index
from saescope.index.rule import Rule
from saescope.scope.following import following
from saescope.scope.noting import Noting
from saescope.types import Progress

if TYPE_CHECKING:
    from saescope.indexing.build import Executor


NAMES_LAYER = "names"
"""The layer of labels that an SAE's own names are."""


class Building(Noting):
    """One pass over a corpus, for all features together."""

    def build_index(
        self,
        corpus: Any,
        out: "str | os.PathLike[str]",
        max_tokens: int | None = None,
        context_size: int | None = None,
        *,
        column: str | None = None,
        packed: bool = True,
        rule: Rule | None = None,
        overwrite: bool = False,
        postings: bool = True,
        lens: bool = True,
        recovery: bool = True,
        share: str | None = None,
        workers: int = 1,
        executor: "Executor | None" = None,
        progress: Progress | None = None,
        attach: bool = True,
    ) -> Index:
        """Index what every feature fires on, in one pass over a corpus.

        A build that was interrupted goes on where it was when it is called again with the
        same arguments; at most one shard of 65,536 tokens is lost. Panels can be open on
        the index meanwhile, and fill in as it grows.

        Parameters
        ----------
        corpus
            JSON lines, Parquet or plain text, also as .gz or .zst; a folder of these; a
            ``datasets`` dataset; or an iterable of texts. See `saescope.corpus.read_documents`.
        out
            Folder of the index; new, empty, or with an unfinished build of the same.
        max_tokens
            Stop after so many tokens.
        context_size
            Tokens a context; by default what the SAE was trained with.
        column
            Where the text is in Parquet and datasets; by default ``text``.
        packed
            Lay documents end to end, as SAEs are trained; otherwise each begins a context of its own.
        rule
            Which tokens count for statistics and examples; a query can ask by another.
        overwrite
            Replace an index that is in ``out``; it can be read until the new one is whole.
        postings
            Keep every nonzero for later queries. Without, the index is small and holds the
            tables and the stored examples only.
        lens
            Store the tokens that each feature promotes and suppresses.
        recovery
            Measure the loss recovered, on about one token in a thousand.
        share
            ``"i/n"``: make only this part of the shards, to be joined by `saescope.merge`.
        workers
            Processes on this machine that share the work; they need a model and an SAE
            given by name or folder.
        executor
            Makes the shards elsewhere, as `saescope.indexing.cluster.Ray` does.
        progress
            Told how it goes; by default a bar with rate and time left.
        attach
            Make it this scope's index, so that panels show it.

        Returns
        -------
        Index
            The new index, opened; unfinished when only a share was asked for.

        Raises
        ------
        CorpusError, InputError
            The corpus or an argument is none.
        OccupiedError, BusyIndexError, OtherBuildError, DiskFullError
            The folder cannot take the index.
        """
        from saescope.indexing.build import Builder, Share
        from saescope.indexing.settings import choose_settings
        from saescope.progress import Bar

        model, sae, site = self._need_model("building an index")
        settings = choose_settings(
            model,
            sae,
            context_size=context_size,
            max_tokens=max_tokens,
            is_packed=packed,
            rule=rule,
            has_postings=postings,
            has_lens=lens,
            has_recovery=recovery,
        )
        path = Path(out).expanduser()
        part = Share.parse(share) if share is not None else None
        bar = progress or Bar()
        builder = Builder(model, sae, site, settings, bar, executor or self._executor(workers))
        bar.say(settings.told(model.tokenizer))
        with self.lock, following(self, path, attach=attach and part is None):
            builder.build(corpus, path, overwrite=overwrite, share=part, column=column)
        made = Index(path)
        if attach and part is None:
            self.attach(made)
            self._name_features(made)
        return made

    def _name_features(self, made: Index) -> None:
        """Keep the names that an SAE's features have been given (plain directions) as labels beside the index."""
        if self._sae is None or not self._sae.names or made.path != self.require_index().path:
            return
        labels = {"feature": list(range(len(self._sae.names))), "label": list(self._sae.names)}
        frame = pl.DataFrame(labels, schema={"feature": pl.UInt32, "label": pl.String})
        self.notes.add_layer(frame, NAMES_LAYER, source=self._sae.name)

    def _executor(self, workers: int) -> "Executor | None":
        if workers == 1:
            return None
        from saescope.indexing.pool import Pool

        if self.recipe is None:
            raise InputError(
                "several workers load the model and the SAE again, and these were given as objects.",
                hint="Give both by name or folder to saescope.load, or use workers=1.",
            )
        return Pool(self.recipe, workers)
