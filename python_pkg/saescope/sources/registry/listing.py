"""All SAEs that can be loaded: sae-lens's list and those on this machine's disk, searched and filtered."""

import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from saescope.errors import InputError, UnknownNameError
from saescope.sources.registry.caching import with_cached
from saescope.sources.registry.folders import folder_table, named_folders
from saescope.sources.registry.models import hub_id
from saescope.sources.registry.table import listed_table
from saescope.sources.registry.words import SITES, Words

GROUPS = {
    "resid": ("resid_pre", "resid_mid", "resid_post", "embed"),
    "attn": ("attn_out", "z"),
    "mlp": ("mlp_out", "transcoder"),
}
"""Names for several sites at once."""

NAMED, OWN, CACHED, LABELLED, CANONICAL, PER_LETTER = 100.0, 0.6, 0.4, 0.2, 0.1, 1e-4

_lock = threading.Lock()
_words: list[tuple[pl.DataFrame, Words]] = []
_seen: dict[tuple[str, ...], tuple[float, pl.DataFrame]] = {}


@dataclass(frozen=True)
class Filters:
    """What is wanted; ``None`` and empty take everything. Each may be one value or several."""

    model: Any = None
    site: Any = None
    layer: Any = None
    width: Any = None
    architecture: Any = None
    release: Any = None
    l0: tuple[float | None, float | None] | None = None
    has_labels: bool | None = None
    is_cached: bool | None = None
    source: str | None = None


@dataclass(frozen=True)
class Listing:
    """The rows that match, best first, and the words of the search that nothing has."""

    table: pl.DataFrame
    missed: list[str]


def everything(folders: Iterable[Path] | None = None, max_age_s: float = 0.0) -> pl.DataFrame:
    """Every SAE that can be loaded, own ones first, with ``is_cached``.

    Parameters
    ----------
    folders
        Where own SAEs lie; by default those that ``SAESCOPE_SAES`` names, and the working directory.
    max_age_s
        Folders and cache are not looked through again when they were so many seconds ago or less.
    """
    roots = [*named_folders(), Path.cwd()] if folders is None else list(folders)
    key = tuple(map(str, roots))
    found = _seen.get(key)
    if found is None or time.monotonic() - found[0] > max_age_s:
        table = _looked_through(roots)
        _seen.clear()
        found = _seen[key] = (time.monotonic(), table)
    return found[1]


def _looked_through(roots: list[Path]) -> pl.DataFrame:
    own = folder_table(roots).with_columns(is_cached=pl.lit(value=True))
    listed = with_cached(listed_table())
    return pl.concat([own, listed]) if len(own) else listed


def find(table: pl.DataFrame, query: str = "", filters: Filters | None = None) -> Listing:
    """The rows of `everything` that match, the best first.

    Raises
    ------
    InputError, UnknownNameError
        A filter is no such thing, or names what nothing has.
    """
    fit, missed = _words_of(table).search(query)
    found = table.with_columns(fit=pl.Series(fit)).filter(pl.col("fit") > 0, *conditions(table, filters or Filters()))
    if query.strip():
        found = found.sort(pl.col("fit") + _bonus(table, query), descending=True, maintain_order=True)
    return Listing(found.drop("fit"), missed)


def _bonus(table: pl.DataFrame, query: str) -> pl.Expr:
    """What is named in full, then own ones, cached, labelled, those chosen by their makers, and shorter names."""
    named = pl.concat_str("release", pl.lit("/"), "sae_id") == query.strip()
    own, canonical = pl.col("source") == "folder", pl.col("release").str.ends_with("canonical")
    found = NAMED * named + OWN * own + LABELLED * pl.col("has_labels") + CANONICAL * canonical
    found -= pl.col("sae_id").str.len_chars() * PER_LETTER
    return found + CACHED * pl.col("is_cached") if "is_cached" in table.columns else found


def _words_of(table: pl.DataFrame) -> Words:
    """The words of a table, made once for as long as its rows are the same."""
    kept = table.select("source", "release", "sae_id", "path", "has_labels")
    with _lock:
        for known, words in _words:
            if known.equals(kept):
                return words
        made = Words(table)
        _words[:] = [(kept, made), *_words[:1]]
        return made


def conditions(table: pl.DataFrame, filters: Filters) -> list[pl.Expr]:
    """The filters as conditions on rows."""
    found = [_among(table, name, getattr(filters, name)) for name in ("layer", "width", "architecture", "release")]
    found += [_model(table, filters.model), _site(table, filters.site), _l0(filters.l0)]
    found += [
        None if value is None else pl.col(name) == value
        for name, value in (
            ("has_labels", filters.has_labels),
            ("is_cached", filters.is_cached),
            ("source", filters.source),
        )
    ]
    return [condition for condition in found if condition is not None]


def _several(value: Any) -> list[Any]:
    if value is None:
        return []
    is_one = isinstance(value, str) or not isinstance(value, Sequence | set | range | np.ndarray)
    return [value] if is_one else list(value)


def _among(table: pl.DataFrame, name: str, value: Any) -> pl.Expr | None:
    wanted = _several(value)
    if not wanted:
        return None
    known = table[name].drop_nulls().unique()
    if name in ("layer", "width") and not all(isinstance(v, int | np.integer) for v in wanted):
        raise InputError(f"{name} is a whole number, or several, and {value!r} came.")
    unknown = [v for v in wanted if v not in set(known.to_list())]
    if unknown and name not in ("layer", "width"):
        raise _no_such(name, unknown[0], known.to_list())
    return pl.col(name).is_in([int(v) if isinstance(v, np.integer) else v for v in wanted])


def _model(table: pl.DataFrame, value: Any) -> pl.Expr | None:
    """A model by its id, its short name, or the beginning of that: ``gemma-2`` is all of Gemma 2."""
    wanted = [str(v).lower() for v in _several(value)]
    if not wanted:
        return None
    names = table["model"].unique().to_list()
    found: list[str] = []
    for one in wanted:
        exact = [n for n in names if n.lower() in (one, hub_id(one).lower()) or n.rpartition("/")[2].lower() == one]
        near = exact or _beginning(names, f"{one}-") or _beginning(names, one)
        if not near:
            raise _no_such("model", one, names)
        found += near
    return pl.col("model").is_in(found)


def _beginning(names: list[str], start: str) -> list[str]:
    return [n for n in names if n.lower().startswith(start) or n.rpartition("/")[2].lower().startswith(start)]


def _site(table: pl.DataFrame, value: Any) -> pl.Expr | None:
    """A site by its kind, a group of kinds, or a hook's whole name."""
    wanted = _several(value)
    if not wanted:
        return None
    kinds = [k for v in wanted for k in GROUPS.get(str(v), (str(v).removeprefix("hook_"),))]
    hooks = [str(v) for v in wanted if "." in str(v)]
    known = {*SITES, *table["site"].unique()}
    unknown = [k for k in kinds if k not in known and k not in hooks]
    if unknown:
        raise _no_such("site", unknown[0], [*sorted(k for k in known if k), *GROUPS])
    return pl.col("site").is_in(kinds) | pl.col("hook_name").is_in(hooks)


def _l0(value: Any) -> pl.Expr | None:
    if value is None:
        return None
    low, high = (value, value) if isinstance(value, int | float) else value
    found = pl.lit(value=True)
    if low is not None:
        found &= pl.col("l0") >= low
    return found & (pl.col("l0") <= high) if high is not None else found & pl.col("l0").is_not_null()


def _no_such(name: str, came: Any, known: list[Any]) -> UnknownNameError:
    from difflib import get_close_matches

    near = get_close_matches(str(came), [str(k) for k in known], n=5, cutoff=0.3) or sorted(map(str, known))[:12]
    return UnknownNameError(f"no SAE of the registry has the {name} {came!r}.", hint=f"Near it: {', '.join(near)}.")


def registry(
    search: str = "",
    *,
    model: str | Sequence[str] | None = None,
    site: str | Sequence[str] | None = None,
    layer: int | Sequence[int] | None = None,
    width: int | Sequence[int] | None = None,
    architecture: str | Sequence[str] | None = None,
    release: str | Sequence[str] | None = None,
    l0: float | tuple[float | None, float | None] | None = None,
    has_labels: bool | None = None,
    is_cached: bool | None = None,
    source: str | None = None,
    folders: Iterable[Any] | None = None,
) -> pl.DataFrame:
    """Pretrained SAEs that can be loaded: those sae-lens lists, and those on this machine's disk.

    Nothing is fetched. ``saescope.load(model, sae=f"{release}/{sae_id}")`` loads one of the list, and
    ``sae=path`` one on disk.

    Parameters
    ----------
    search
        Words that an SAE must have, such as ``"gemma 2b res 16k layer 12"``: parts of words and small
        misspellings find too. The best are first; without it the order is that of the list.
    model
        A hub id, a short name, or how one begins (``"gemma-2"``); or several.
    site
        ``resid_pre``, ``resid_mid``, ``resid_post``, ``attn_out``, ``z``, ``mlp_out``, ``transcoder``, ``embed``;
        ``resid``, ``attn`` or ``mlp`` for several; or a hook's whole name.
    layer, width, architecture, release
        One or several.
    l0
        A range ``(low, high)``, either of which may be ``None``; SAEs without a published figure are left out.
    has_labels
        Whether Neuronpedia has a page for it.
    is_cached
        Whether it lies in the local cache, or on disk.
    source
        ``"registry"`` or ``"folder"``.
    folders
        Where to look for own SAEs; by default in the folders that the environment's ``SAESCOPE_SAES`` names and below
        the working directory.

    Returns
    -------
    polars.DataFrame
        A row for each SAE. What only a file of the hub says is ``null``, as an architecture ``per cfg.json``.
        ``disk_bytes`` and ``memory_bytes`` (float32) are estimates from width and site, but for own SAEs' sizes on
        disk. ``l0`` and ``explained_variance`` are as published. ``notes`` are sentences: what to know before loading.

    Raises
    ------
    InputError, UnknownNameError
        A filter is no such thing, or names what nothing has.
    MissingExtraError
        sae-lens is not installed.

    Examples
    --------
    >>> import saescope
    >>> best = saescope.registry("gemma 2 2b res 16k layer 12", has_labels=True).row(0, named=True)
    >>> best["release"], best["layer"], best["width"]
    ('gemma-scope-2b-pt-res-canonical', 12, 16384)
    """
    roots = None if folders is None else [Path(f) for f in folders]
    span: Any = (l0, l0) if isinstance(l0, int | float) else l0
    filters = Filters(model, site, layer, width, architecture, release, span, has_labels, is_cached, source)
    return find(everything(roots), search, filters).table
