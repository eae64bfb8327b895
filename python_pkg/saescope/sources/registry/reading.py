"""sae-lens's own list of SAEs: ``pretrained_saes.yaml``, read without importing sae-lens.

The file holds releases, and each release its SAEs. In one place a whole release stands
inside one of its own SAEs; what is in there is taken as if it stood outside, once.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from saescope.errors import MissingExtraError, SaeSourceError

FILE = "pretrained_saes.yaml"


@dataclass(frozen=True)
class Listed:
    """One SAE as the file has it."""

    release: str
    sae_id: str
    path: str
    repo: str
    model: str
    loader: str
    overrides: dict[str, Any] = field(default_factory=dict)
    l0: float | None = None
    explained_variance: float | None = None
    neuronpedia: str | None = None
    norm_scaling_factor: float | None = None


def registry_file() -> Path:
    """Where sae-lens keeps its list.

    Raises
    ------
    MissingExtraError
        sae-lens is not installed, or has no such file.
    """
    found = find_spec("sae_lens")
    path = Path(found.origin).parent / FILE if found is not None and found.origin else None
    if path is None or not path.is_file():
        raise MissingExtraError(
            f"the registry of SAEs could not be read: sae-lens with its {FILE} is not installed.",
            hint="pip install sae-lens",
        )
    return path


def registry_key(path: Path) -> str:
    """What names this version of the list: sae-lens's version and a hash of the file."""
    try:
        installed = version("sae-lens")
    except PackageNotFoundError:
        installed = "unknown"
    return f"{installed}-{hashlib.blake2b(path.read_bytes(), digest_size=8).hexdigest()}"


def read_listed(path: Path) -> list[Listed]:
    """Every SAE of the list, in its order, each once.

    Raises
    ------
    SaeSourceError
        The file is no such list.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        with path.open("rb") as file:
            releases = yaml.load(file, Loader=loader)  # noqa: S506
        found = [one for name, block in releases.items() for one in _listed(name, block)]
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError) as err:
        raise SaeSourceError(
            f"{path} is no list of SAEs: {type(err).__name__}: {err}.", hint="Install sae-lens anew."
        ) from err
    return list({(one.release, one.sae_id): one for one in reversed(found)}.values())[::-1]


def _listed(release: str, block: dict[str, Any]) -> Iterator[Listed]:
    for one in block["saes"]:
        yield Listed(
            release=release,
            sae_id=str(one["id"]),
            path=str(one["path"]),
            repo=block["repo_id"],
            model=block["model"],
            loader=block.get("conversion_func") or "sae_lens",
            overrides=block.get("config_overrides") or {},
            l0=_number(one.get("l0")),
            explained_variance=_number(one.get("variance_explained")),
            neuronpedia=one.get("neuronpedia"),
            norm_scaling_factor=_number(one.get("norm_scaling_factor")),
        )
        if "saes" in one:
            yield from _listed(release, one)


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
