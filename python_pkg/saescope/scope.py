"""What a person holds: a model with an SAE, an index, or both."""

import itertools
import os
import threading
import uuid
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from saescope import live
from saescope.errors import InputError, MismatchError, NeedsModelError, NoIndexError
from saescope.following import follow, following
from saescope.index import Index
from saescope.index.rule import Rule
from saescope.query.examples import examples_frame
from saescope.query.features import FeatureTable
from saescope.query.neighbors import Space, neighbors
from saescope.query.on_text import features_on_text, hits_frame
from saescope.types import Progress, Recipe, Site

if TYPE_CHECKING:
    from saescope.indexing.build import Executor
    from saescope.panels.browser import Browser
    from saescope.sources.model import LoadedModel
    from saescope.sources.sae import LoadedSae

_numbers = itertools.count(1)


class Scope:
    """A model with an SAE, an index of what its features fire on, or both.

    Made by `saescope.load`, `saescope.open_index` and `saescope.demo`.
    """

    def __init__(
        self,
        *,
        model: "LoadedModel | None" = None,
        sae: "LoadedSae | None" = None,
        site: Site | None = None,
        index: Index | None = None,
        recipe: Recipe | None = None,
    ) -> None:
        self.id = uuid.uuid4().hex[:12]
        self.number = next(_numbers)
        self.lock = threading.Lock()
        self._model = model
        self._sae = sae
        self._site = site
        self._index = index
        self.recipe = recipe
        self.building: Path | None = None
        live.add(self)
        if index is not None and not index.is_complete:
            follow(self, index.path)

    def __repr__(self) -> str:
        return f"Scope({self.name}; {self._index!r})" if self._index else f"Scope({self.name}; no index)"

    @property
    def model(self) -> Any:
        """The transformers model, or ``None`` when only an index is open."""
        return self._model and self._model.model

    @property
    def tokenizer(self) -> Any:
        """The model's tokenizer, or ``None`` when only an index is open."""
        return self._model and self._model.tokenizer

    @property
    def sae(self) -> Any:
        """The sae-lens SAE, or ``None`` when only an index is open."""
        return self._sae and self._sae.sae

    @property
    def index(self) -> Index | None:
        """The open index, if any."""
        return self._index

    @property
    def model_name(self) -> str:
        """What to call the model."""
        return self._model.name if self._model else self.require_index().manifest.model["name"]

    @property
    def sae_name(self) -> str:
        """What to call the SAE."""
        return self._sae.name if self._sae else self.require_index().manifest.sae["name"]

    @property
    def hook_name(self) -> str:
        """The site that the SAE reads."""
        return self._sae.hook_name if self._sae else self.require_index().manifest.sae["hook_name"]

    @property
    def name(self) -> str:
        """Model and site."""
        return f"{self.model_name} · {self.hook_name}"

    @property
    def n_features(self) -> int:
        """Number of the SAE's features."""
        return self._sae.d_sae if self._sae else self.require_index().manifest.d_sae

    @cached_property
    def _directions(self) -> dict[str, Any]:
        if self._index and self._index.directions:
            return self._index.directions
        if self._sae is None:
            return {}
        from saescope.engine.directions import unit_rows

        return unit_rows(self._sae.sae)

    def require_index(self) -> Index:
        """The open index.

        Raises
        ------
        NoIndexError
            There is none yet.
        """
        if self._index is None:
            raise NoIndexError(
                "this scope has no index yet.", hint='Build one: scope.build_index("corpus.jsonl.gz", out="my-index").'
            )
        return self._index

    @cached_property
    def _table(self) -> FeatureTable:
        return FeatureTable(self.require_index())

    @property
    def table(self) -> FeatureTable:
        """The feature table to sort, search and cut; what panels read."""
        self.require_index()
        return self._table

    @property
    def features(self) -> pl.DataFrame:
        """One row a feature.

        Returns
        -------
        polars.DataFrame
            ``feature, n_fires, density`` (of counted tokens)``, max, mean, std`` (when firing)``, sum``,
            quantiles ``q10`` to ``q99``, ``histogram`` (32 equal bins from 0 to ``max``)``, top_tokens``
            with ``top_shares`` of the summed activation, ``promoted`` and ``suppressed`` tokens
            with their weights (logits per unit of activation).

        Raises
        ------
        NoIndexError
            Nothing has been indexed yet.
        """
        return self.table.frame

    def examples(
        self,
        feature: int,
        k: int = 20,
        group: str = "top",
        context: int = 0,
        *,
        rule: Rule | None = None,
        folds: bool = True,
        n_intervals: int = 5,
    ) -> pl.DataFrame:
        """Text on which a feature fires, one row an example.

        Parameters
        ----------
        feature
            Feature number in ``[0, d_sae)``.
        k
            At most so many.
        group
            ``"top"`` (strongest first, at most one a context), ``"random"``, or ``"interval-5"`` to
            ``"interval-1"`` (drawn from each fifth of the range up to the maximum).
        context
            Tokens on each side of the peak, at most to the borders of context and document; 0
            for 64 to the left and 63 to the right.
        rule
            Which tokens count; by default the rule of the index.
        folds
            Show examples whose last eight tokens are the same once, and count them.
        n_intervals
            Equal parts of the range up to the maximum.

        Returns
        -------
        polars.DataFrame
            ``feature, group, rank, activation, pos, token, tokens, activations, text, doc, …``.

        Raises
        ------
        UnknownFeatureError, UnknownNameError, InputError
            There is no such feature or group, or a number is out of range.
        NeedsPostingsError
            The index was made without postings, and its stored examples do not answer.
        """
        if isinstance(k, bool) or not isinstance(k, int) or k < 1:
            raise InputError(f"k is a number of examples, at least 1, and {k!r} came.")
        return examples_frame(
            self.require_index(),
            feature,
            k=k,
            group=group,
            context=context,
            rule=rule,
            folds=folds,
            n_intervals=n_intervals,
        )

    def neighbors(self, feature: int, k: int = 20, metric: str = "decoder") -> pl.DataFrame:
        """The nearest features.

        Parameters
        ----------
        metric
            ``"decoder"`` or ``"encoder"``: cosine between directions. ``"jaccard"`` (tokens on which
            both fire, of those on which either does) or ``"correlation"`` (Pearson's, of the
            activations over all tokens that count): from what fires together in the index. Or
            one that a plug-in brings.

        Returns
        -------
        polars.DataFrame
            ``feature, score, error``, nearest first, without the feature itself. ``error`` is the
            standard error of the score: 0 where it is exact, above 0 where a feature fires on
            more than 131,072 tokens and as many were drawn; null for a cosine.

        Raises
        ------
        UnknownFeatureError, UnknownNameError, InputError
            There is no such feature or metric, or ``k`` is less than 1.
        ComputeError, NoIndexError, NeedsPostingsError
            The directions, the index or its postings, by which the metric goes, are not there.
        """
        space = Space(self._directions, self._index)
        return neighbors(space, feature, self.n_features, k=k, metric=metric)

    def find_text(self, text: str, k: int = 20, context: int = 16, *, ignores_case: bool = False) -> pl.DataFrame:
        """Where a text occurs in the corpus, whatever the tokens it was cut into.

        Parameters
        ----------
        text
            Sought as it is, within contexts and documents.
        k
            At most so many; of more, an even draw, the same every time.
        context
            Tokens to show on each side.
        ignores_case
            Take ``A`` to ``Z`` for ``a`` to ``z``.

        Returns
        -------
        polars.DataFrame
            ``row, end`` (of the tokens in which it begins and ends)``, doc, source, text`` (with what
            stands around)``, n_found`` (occurrences in all), in the order of the corpus.

        Raises
        ------
        InputError
            The text is empty, or a number is out of range.
        NoIndexError
            Nothing has been indexed yet.
        """
        return hits_frame(self.require_index(), text, k=k, context=context, ignores_case=ignores_case)

    def features_on(self, text: str, k: int = 50, *, ignores_case: bool = False, n_after: int = 0) -> pl.DataFrame:
        """Features that fire where a text occurs in the corpus, those that tell it best first.

        Parameters
        ----------
        k
            At most so many features.
        ignores_case
            Take ``A`` to ``Z`` for ``a`` to ``z``.
        n_after
            So many tokens after an occurrence belong to it too.

        Returns
        -------
        polars.DataFrame
            ``feature, score, n_hits`` (occurrences on which it fires)``, share`` (of those looked at)``,
            n_fires, specificity`` (share of its firings that lie on occurrences)``, max, n_taken`` (occurrences
            looked at: an even draw of at most 2,000)``, n_found`` (in all). Sorted by ``score``, the
            harmonic mean of ``share`` and ``specificity``.

        Raises
        ------
        InputError
            The text is empty, or a number is out of range.
        NoIndexError, NeedsPostingsError
            Nothing has been indexed yet, or without postings.
        """
        return features_on_text(self.require_index(), text, k=k, ignores_case=ignores_case, n_after=n_after)

    @property
    def parts(self) -> "tuple[LoadedModel, LoadedSae, Site]":
        """Model, SAE and site as they were loaded.

        Raises
        ------
        NeedsModelError
            Only an index is open.
        """
        return self._need_model("this")

    def _need_model(self, what: str) -> "tuple[LoadedModel, LoadedSae, Site]":
        if self._model is None or self._sae is None or self._site is None:
            raise NeedsModelError(
                f"{what} needs the model, and only an index is open.",
                hint="Load all three: saescope.load(model, sae=…, index=…).",
            )
        return self._model, self._sae, self._site

    def activations(self, text: str) -> pl.DataFrame:
        """What fires on a text, by running the model on it now.

        Returns
        -------
        polars.DataFrame
            ``pos, token, feature, activation, is_counted``; one row a nonzero, by position and then
            by feature. Position 0 is BOS where the SAE was trained with it.
        """
        from saescope.corpus import token_table
        from saescope.engine.live import read_text
        from saescope.index.vocabulary import readable
        from saescope.indexing.settings import choose_settings

        model, sae, site = self._need_model("reading a text")
        settings = choose_settings(model, sae)
        with self.lock:
            found = read_text(model.model, model.tokenizer, sae.sae, site, text, settings.bos)
        if self._index:
            vocabulary = self._index.vocabulary
            texts, special = [vocabulary.text(t) for t in found.tokens.tolist()], vocabulary.is_special
        else:
            table = token_table(model.tokenizer)
            texts, special = [readable(table.contents[t]) for t in found.tokens], table.is_special
        rows = found.nonzeros.rows
        return pl.DataFrame(
            {
                "pos": rows.astype("uint32"),
                "token": [texts[r] for r in rows],
                "feature": found.nonzeros.features,
                "activation": found.nonzeros.values,
                "is_counted": (rows > 0) & ~special[found.tokens[rows]],
            }
        )

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
        return made

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

    def attach(self, index: Index) -> None:
        """Make an index this scope's own."""
        self._index = index
        self.renewed()

    def renewed(self) -> None:
        """The index has changed or grown: forget what was computed from it, and tell the panels."""
        for name in ("_table", "_directions"):
            self.__dict__.pop(name, None)
        live.changed()

    def browse(self, feature: int | None = None) -> "Browser":
        """The panel: a feature list, and the open feature's examples.

        Parameters
        ----------
        feature
            Feature to open; by default the first of the list.
        """
        from saescope.panels.browser import Browser

        return Browser(self, feature=feature)


def load(
    model: Any,
    sae: Any,
    index: "str | os.PathLike[str] | None" = None,
    device: str = "auto",
    dtype: Any = None,
) -> Scope:
    """Load a model and an SAE, and an index of theirs if there is one.

    Parameters
    ----------
    model
        A hub id, a folder, a GGUF file, a transformers causal language model, or ``(model, tokenizer)``.
    sae
        ``"release/sae_id"`` of the sae-lens registry, a folder in sae-lens's format, or a sae-lens object.
    index
        Folder of an index that `Scope.build_index` made.
    device
        ``"auto"`` takes CUDA, then Apple's GPU, then the CPU.
    dtype
        Of the model; by default float32 on a CPU and the model's own elsewhere.

    Raises
    ------
    ModelSourceError, SaeSourceError
        One of them cannot be loaded.
    SiteError, MismatchError
        They do not belong together.
    """
    from saescope.sources.model import load_model
    from saescope.sources.sae import load_sae
    from saescope.sources.site import find_site

    opened = Index(index) if index is not None else None
    loaded = load_model(model, device=device, dtype=dtype)
    loaded_sae = load_sae(sae, device=str(loaded.device))
    site = find_site(loaded, loaded_sae)
    if opened is not None:
        _check_index(opened, loaded, loaded_sae)
    recipe = None
    if isinstance(model, str | os.PathLike) and isinstance(sae, str | os.PathLike):
        kind = None if dtype is None else str(dtype).removeprefix("torch.")
        recipe = Recipe(os.fspath(model), os.fspath(sae), str(loaded.device), kind)
    return Scope(model=loaded, sae=loaded_sae, site=site, index=opened, recipe=recipe)


def _check_index(index: Index, model: "LoadedModel", sae: "LoadedSae") -> None:
    from saescope.sources.fingerprint import fingerprint

    made_with = index.manifest.sae
    if made_with["fingerprint"] != sae.fingerprint():
        raise MismatchError(
            f"the index at {index.path} was made with another SAE: {made_with['name']} ({made_with['hook_name']}, "
            f"{index.manifest.d_sae} features), and {sae.name} ({sae.hook_name}, {sae.d_sae} features) came.",
            hint="Give that SAE, or build an index for this one; saescope.open_index() opens it alone.",
        )
    recorded = index.manifest.model
    is_same_type = recorded["dtype"] == str(model.model.dtype).removeprefix("torch.")
    if is_same_type and recorded["fingerprint"] != fingerprint(model.model, type(model.model).__name__):
        raise MismatchError(
            f"the index at {index.path} was made with another model: {recorded['name']}, and {model.name} came.",
            hint="Give that model, or build an index for this one; saescope.open_index() opens it alone.",
        )


def open_index(path: "str | os.PathLike[str]") -> Scope:
    """Open an index alone: its features, examples and neighbors, without model and torch.

    Raises
    ------
    NoIndexError, UnfinishedIndexError, DamagedIndexError
        There is no whole index at ``path``.
    """
    return Scope(index=Index(path))
