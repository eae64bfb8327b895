"""What a scope holds: a model with an SAE, an index, or both."""

import hashlib
import itertools
import threading
import uuid
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from saescope import live
from saescope.errors import NeedsModelError, NoIndexError, SaescopeError
from saescope.index import Index
from saescope.query.features import FeatureTable
from saescope.scope.following import follow
from saescope.types import Recipe, Site

if TYPE_CHECKING:
    from saescope.scope.scope import Scope
    from saescope.sources.model import LoadedModel
    from saescope.sources.sae import LoadedSae

_numbers = itertools.count(1)


class State:
    """The parts of a scope, and what they are called.

    Parameters
    ----------
    model, sae, site
        All three, or none of them.
    index
        An index, finished or not; one that is being built is followed as it grows.
    recipe
        How another process can load the same.
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
        self._starting = threading.Lock()
        self._model = model
        self._sae = sae
        self._site = site
        self._index = index
        self.recipe = recipe
        self.building: Path | None = None
        self.failure: SaescopeError | None = None
        live.add(cast("Scope", self))
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
    def key(self) -> str:
        """The same for the same model, SAE, site and index, in any process."""
        parts = (self.model_name, self.sae_name, self.hook_name, str(self._index.path.resolve()) if self._index else "")
        return hashlib.blake2b("\0".join(parts).encode(), digest_size=8).hexdigest()

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

    def labels_of(self, features: Sequence[int]) -> dict[int, str]:  # noqa: ARG002
        """The label of each of some features that has one."""
        return {}

    def attach(self, index: Index) -> None:
        """Make an index this scope's own."""
        self._index = index
        self.renewed()

    def renewed(self) -> None:
        """The index has changed or grown: forget what was computed from it, and tell the panels."""
        for name in ("_table", "_directions"):
            self.__dict__.pop(name, None)
        live.changed()
