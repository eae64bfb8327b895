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
from saescope.index import Index
from saescope.query.examples import examples_frame
from saescope.query.features import FeatureTable
from saescope.query.neighbors import neighbors
from saescope.types import Progress, Site

if TYPE_CHECKING:
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
    ) -> None:
        self.id = uuid.uuid4().hex[:12]
        self.number = next(_numbers)
        self.lock = threading.Lock()
        self._model = model
        self._sae = sae
        self._site = site
        self._index = index
        live.add(self)

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

    def examples(self, feature: int, k: int = 20, group: str = "top") -> pl.DataFrame:
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

        Returns
        -------
        polars.DataFrame
            ``feature, group, rank, activation, pos, token, tokens, activations, text, doc, …``.
        """
        if isinstance(k, bool) or not isinstance(k, int) or k < 1:
            raise InputError(f"k is a number of examples, at least 1, and {k!r} came.")
        return examples_frame(self.require_index(), feature, k=k, group=group)

    def neighbors(self, feature: int, k: int = 20, metric: str = "decoder") -> pl.DataFrame:
        """The nearest features.

        Parameters
        ----------
        metric
            ``"decoder"`` or ``"encoder"`` (cosine), or one that a plug-in brings.

        Returns
        -------
        polars.DataFrame
            ``feature, score``, nearest first, without the feature itself.
        """
        return neighbors(self._directions, feature, self.n_features, k=k, metric=metric)

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
        from saescope.indexing.build import choose_settings

        model, sae, site = self._need_model("reading a text")
        settings = choose_settings(model, sae, context_size=None, max_tokens=None)
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
        overwrite: bool = False,
        postings: bool = True,
        progress: Progress | None = None,
        attach: bool = True,
    ) -> Index:
        """Index what every feature fires on, in one pass over a corpus.

        Parameters
        ----------
        corpus
            JSON lines or plain text, also as .gz or .zst, or an iterable of texts.
        out
            Folder of the index; new or empty.
        max_tokens
            Stop after so many tokens.
        context_size
            Tokens a context; by default what the SAE was trained with.
        overwrite
            Replace an index that is in ``out``.
        postings
            Keep every nonzero for later queries. Without, the index is small and holds the
            tables and the stored examples only.
        progress
            Told how it goes; by default a bar with rate and time left.
        attach
            Make it this scope's index, so that panels show it.

        Returns
        -------
        Index
            The new index, opened.
        """
        from saescope.indexing.build import Builder, choose_settings
        from saescope.progress import Bar

        model, sae, site = self._need_model("building an index")
        settings = choose_settings(model, sae, context_size=context_size, max_tokens=max_tokens, has_postings=postings)
        with self.lock:
            Builder(model, sae, site, settings, progress or Bar()).build(
                corpus, Path(out).expanduser(), overwrite=overwrite
            )
        made = Index(out)
        if attach:
            self._use(made)
        return made

    def _use(self, index: Index) -> None:
        self._index = index
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
    return Scope(model=loaded, sae=loaded_sae, site=site, index=opened)


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
