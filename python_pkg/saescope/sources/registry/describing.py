"""One SAE in full: its row, and what its own configuration says where that is at hand."""

from typing import Any

from saescope.sources.registry.caching import cached_files, hub_cache
from saescope.sources.registry.folders import known_of, read_config
from saescope.sources.registry.naming import find_row
from saescope.sources.registry.weights import config_files, weight_files


def describe(spec: str) -> dict[str, Any] | None:
    """The row of an SAE, ``None`` when there is none of this name.

    Parameters
    ----------
    spec
        ``"release/sae_id"``, or the path of a folder.
    """
    row = find_row(spec)
    if row is None:
        return None
    return row | _fetched(row) if row["source"] == "registry" else row


def _fetched(row: dict[str, Any]) -> dict[str, Any]:
    """What files in the cache tell: the configuration of an SAE in sae-lens's format, and true sizes."""
    files = cached_files(row["repo"], hub_cache())
    found: dict[str, Any] = {}
    weights = weight_files(row["loader"], row["path"])
    if all(name in files for name in weights):
        found["disk_bytes"] = sum(files[name].stat().st_size for name in weights)
    if row["loader"] != "sae_lens":
        return found
    config = files.get(config_files(row["loader"], row["path"])[0])
    if config is None:
        return found
    try:
        told = known_of(read_config(config))
    except (OSError, ValueError, KeyError, TypeError) as err:
        return found | {"notes": [*row["notes"], f"Its cfg.json could not be read: {err}."]}
    names = ("width", "architecture", "d_in", "d_out", "dtype", "prepend_bos", "n_weights", "memory_bytes")
    normalization = row["normalization"] or told["normalization"]
    centered = row["is_centered"] or told["is_centered"]
    notes = [s for s in row["notes"] if "is fetched with it" not in s]
    own = {"normalization": normalization, "is_centered": centered, "notes": notes}
    return found | {name: told[name] for name in names} | own
