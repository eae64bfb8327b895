"""What a person named as an SAE: the one of the list that is meant, or an error that names the nearest."""

import difflib
import os
from pathlib import Path
from typing import Any

import polars as pl

from saescope.errors import SaeSourceError
from saescope.sources.registry.folders import CONFIG, read_config
from saescope.sources.registry.listing import everything, find
from saescope.sources.registry.models import hub_id
from saescope.sources.registry.table import listed_table
from saescope.sources.registry.words import words_of

N_NEAR = 3
N_SHOWN = 12


def is_release(name: str) -> bool:
    """Whether the list has a release of this name."""
    return bool((listed_table()["release"] == name).any())


def resolve(spec: str) -> tuple[str, str]:
    """A release and an id that the list has, from ``"release/sae_id"`` or the name of a release with one id.

    Raises
    ------
    SaeSourceError
        The list has none such; the error names the nearest. Or the release has several: it names them.
    """
    table = listed_table()
    release, _, sae_id = spec.partition("/")
    rows = table.filter(pl.col("release") == release)
    if not len(rows):
        raise _unknown_release(spec, release, sae_id, table)
    if not sae_id:
        if len(rows) == 1:
            return release, rows["sae_id"][0]
        raise _several(release, rows)
    if sae_id not in rows["sae_id"]:
        raise _unknown_id(release, sae_id, rows)
    return release, sae_id


def listed_row(spec: Any) -> dict[str, Any] | None:
    """The row of ``"release/sae_id"`` in the list, if it is one."""
    if not isinstance(spec, str) or "/" not in spec:
        return None
    release, _, sae_id = spec.partition("/")
    found = listed_table().filter((pl.col("release") == release) & (pl.col("sae_id") == sae_id))
    return found.row(0, named=True) if len(found) else None


def model_of(sae: Any) -> str | None:
    """The hub id of the model that an SAE was trained on, or ``None`` when nothing says.

    Parameters
    ----------
    sae
        ``"release/sae_id"``, a folder in sae-lens's format, or a sae-lens object.

    Raises
    ------
    SaeSourceError
        It has the form of a release and an id, and the list has none such.
    """
    if hasattr(sae, "cfg"):
        named = (getattr(sae.cfg, "metadata", None) or {}).get("model_name")
        return hub_id(named) if named else None
    if not isinstance(sae, str | os.PathLike):
        return hub_id(sae.model_name) if getattr(sae, "model_name", "") else None
    config = Path(sae).expanduser() / CONFIG
    if config.is_file():
        try:
            named = read_config(config).get("model_name")
        except (OSError, ValueError) as err:
            raise SaeSourceError(f"{config} could not be read: {err}.") from err
        return hub_id(named) if isinstance(named, str) and named else None
    release, sae_id = resolve(str(sae))
    row = listed_row(f"{release}/{sae_id}")
    return None if row is None else row["model"]


def find_row(spec: str) -> dict[str, Any] | None:
    """The row of ``"release/sae_id"``, or of a folder, among all that can be loaded."""
    table = everything(max_age_s=60.0)
    named = pl.concat_str("release", pl.lit("/"), "sae_id") == spec
    path = str(Path(spec).expanduser())
    found = table.filter(pl.when(pl.col("source") == "folder").then(pl.col("path") == path).otherwise(named))
    return found.row(0, named=True) if len(found) else None


def _unknown_release(spec: str, release: str, sae_id: str, table: pl.DataFrame) -> SaeSourceError:
    names = table["release"].unique(maintain_order=True).to_list()
    near = difflib.get_close_matches(release, names, n=N_NEAR, cutoff=0.6)
    if not near:
        found = _fitting(table, spec)["release"].unique(maintain_order=True).to_list()
        near = found[:N_NEAR] or difflib.get_close_matches(release, names, n=N_NEAR, cutoff=0.4) or names[:N_NEAR]
    if sae_id:
        ids = table.filter(pl.col("release").is_in(near)).select("release", "sae_id").rows()
        same = [f"{r}/{i}" for r, i in ids if i == sae_id]
        near = same[:N_NEAR] or near
    return SaeSourceError(
        f"sae-lens's registry has no release {release!r}; no folder of that name exists either.",
        hint=f"Near it: {', '.join(near)}. saescope.registry() lists all, saescope.pick() lets you choose.",
        near=near,
    )


def _fitting(rows: pl.DataFrame, query: str) -> pl.DataFrame:
    """Rows by words, the best first: those that fit all that any row has."""
    words = [word for word in words_of(query) if find(rows, word).table.height]
    return find(rows, " ".join(words)).table if words else rows.head(0)


def _unknown_id(release: str, sae_id: str, rows: pl.DataFrame) -> SaeSourceError:
    ids = rows["sae_id"].to_list()
    found = _fitting(rows, sae_id)["sae_id"].to_list() if sae_id.strip() else []
    near = difflib.get_close_matches(sae_id, ids, n=N_NEAR, cutoff=0.5) or found[:N_NEAR] or ids[:N_NEAR]
    return SaeSourceError(
        f"sae-lens's registry has no SAE {sae_id!r}; wanted one of release {release}.",
        hint=f"Near it: {', '.join(near)}. saescope.registry(release={release!r}) lists all {len(ids):,}.",
        near=near,
    )


def _several(release: str, rows: pl.DataFrame) -> SaeSourceError:
    shown = rows.sort("layer", maintain_order=True).head(N_SHOWN)
    told = [f"{i} (layer {layer})" if layer is not None else i for i, layer in shown.select("sae_id", "layer").rows()]
    first = shown["sae_id"][0]
    more = f" and {len(rows) - len(shown):,} more" if len(rows) > len(shown) else ""
    return SaeSourceError(
        f"the release {release} has {len(rows):,} SAEs, and which one was not said.",
        hint=f'Give one: sae="{release}/{first}", or another: {", ".join(told)}{more}.',
        near=shown["sae_id"].to_list(),
    )
