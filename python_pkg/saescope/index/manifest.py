"""What an index is and is made of: one JSON file, written last.

1. Parts are written, synced and renamed into place.
2. ``manifest-N.json`` is linked in with an exclusive link, N one above the highest.
3. Readers take the highest N. Without a manifest there is no index.
"""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from saescope.errors import DamagedIndexError, NoIndexError, StoreError, UnfinishedIndexError
from saescope.index.layout import WINDOW_SIDE
from saescope.index.origin import Origin
from saescope.index.recorded import check_recorded

FORMAT = "saescope-index"
MAJOR, MINOR = 2, 0
BUILDING = "building.json"
MAX_BYTES = 64 << 20


@dataclass(frozen=True)
class Part:
    """One file of an index: name, size in bytes, and blake2b-128 of its content."""

    name: str
    n_bytes: int
    digest: str


@dataclass(frozen=True)
class Manifest:
    """The facts of an index.

    Parameters
    ----------
    folder
        Where the parts lie, within the index's folder.
    n_rows, n_counted
        Tokens in all, and those that count for statistics and examples.
    context_size
        Most tokens in a context.
    is_packed
        Whether documents are laid end to end, in contexts of one length: row ``r`` is then
        position ``r % context_size`` of context ``r // context_size``.
    shard_starts
        First row of each shard of postings.
    has_postings
        Whether the postings were kept.
    rule
        What is counted: see `saescope.index.rule.Rule`.
    median_norm
        Median length of the activation at the site.
    explained_variance
        Of the activations at the site by the SAE, on a sample; ``None`` where that has no meaning.
    loss
        Loss recovered, on a sample: see ``docs/store.md``; ``None`` when not measured.
    model, sae, corpus, settings
        Provenance: names, fingerprints, configuration.
    corpus_key
        How to see, without reading it, that the corpus is still the same.
    is_complete
        Whether all shards are there; an index that is being built can be read before.
    window_size
        Most tokens in a stored example.
    imported
        Where an index comes from that another tool's files were made into, and what these did not
        hold: see `saescope.index.origin.Origin`; ``None`` for one that was built.
    """

    n_rows: int
    context_size: int
    is_packed: bool
    d_sae: int
    d_in: int
    vocab_size: int
    shard_starts: list[int]
    rule: dict[str, Any]
    groups: list[str]
    model: dict[str, Any]
    sae: dict[str, Any]
    corpus: dict[str, Any]
    settings: dict[str, Any]
    made_by: str
    folder: str = ""
    is_complete: bool = False
    has_postings: bool = True
    n_counted: int = 0
    l0: float = 0.0
    n_alive: int = 0
    median_norm: float = 0.0
    explained_variance: float | None = None
    loss: dict[str, Any] | None = None
    lens: str = "none"
    parts: list[Part] = field(default_factory=list)
    created: str = ""
    corpus_key: dict[str, Any] | None = None
    window_size: int = 2 * WINDOW_SIDE
    imported: dict[str, Any] | None = None
    format: str = FORMAT
    version: list[int] = field(default_factory=lambda: [MAJOR, MINOR])

    @property
    def origin(self) -> Origin | None:
        """Where an imported index comes from, and what is not in it."""
        return None if self.imported is None else Origin.of(self.imported)

    @property
    def n_shards(self) -> int:
        """Number of shards when all are there."""
        return len(self.shard_starts)

    def shard_rows(self, number: int) -> int:
        """Rows of one shard."""
        return [*self.shard_starts[1:], self.n_rows][number] - self.shard_starts[number]

    def identity(self) -> dict[str, Any]:
        """What two builds must agree on for their shards to belong together, by what it is called."""
        return {
            "model": self.model["fingerprint"],
            "dtype of the model": self.model["dtype"],
            "SAE": self.sae["fingerprint"],
            "site": self.sae["hook_name"],
            "text": self.corpus["fingerprint"],
            "number of tokens": self.n_rows,
            "context size": self.context_size,
            "packing": self.is_packed,
            "shards": self.shard_starts,
            "rule of what counts": self.rule,
            "version": self.version,
        }


def manifest_numbers(path: Path) -> list[int]:
    """Numbers of the manifests in a folder, in rising order."""
    stems = [p.stem.removeprefix("manifest-") for p in path.glob("manifest-*.json")]
    return sorted(int(s) for s in stems if s.isascii() and s.isdigit() and len(s) < 16)


def read_manifest(path: Path) -> Manifest:
    """Read the newest manifest of an index.

    Raises
    ------
    NoIndexError
        There is no such folder, or no index in it.
    UnfinishedIndexError
        A build was begun there and has nothing to show yet.
    DamagedIndexError
        The manifest is broken, or a part is missing or of another size.
    """
    if not path.is_dir():
        raise NoIndexError(f"there is no index at {path}.", hint="Build one: scope.build_index(corpus, out=…).")
    numbers = manifest_numbers(path)
    if not numbers:
        try:
            return read_unfinished(path)
        except StoreError:
            raise
        except FileNotFoundError as err:
            numbers = manifest_numbers(path)  # a build may have been finished meanwhile
            if not numbers:
                raise NoIndexError(
                    f"{path} is a folder, and holds no index.", hint="Build one: scope.build_index(corpus, out=…)."
                ) from err
    manifest = _parse(path / f"manifest-{numbers[-1]}.json")
    for part in manifest.parts:
        file = path / manifest.folder / part.name
        size = file.stat().st_size if file.is_file() else None
        if size != part.n_bytes:
            came = "is missing" if size is None else f"has {size} bytes"
            raise DamagedIndexError(
                f"the index at {path} is damaged: {part.name} should have {part.n_bytes} bytes and {came}.",
                hint="Copy it again from where it came from, or build it again.",
            )
    return manifest


def read_unfinished(path: Path) -> Manifest:
    """The manifest of an index that is being built, or whose build was cut short.

    Raises
    ------
    UnfinishedIndexError
        The build has not come far enough to have one.
    """
    file = path / BUILDING
    if file.stat().st_size:
        return _parse(file)
    raise UnfinishedIndexError(
        f"the index at {path} was begun, and nothing of it can be read yet.",
        hint="Wait for the build, or build it again with the same `out`.",
    )


def _parse(file: Path) -> Manifest:
    try:
        if file.stat().st_size > MAX_BYTES:
            raise ValueError(f"it is larger than {MAX_BYTES >> 20} MB")
        raw = json.loads(file.read_text(encoding="utf-8"))
        name, (major, _minor) = raw["format"], raw["version"]
    except (ValueError, KeyError, TypeError, RecursionError) as err:
        told = f"{err!r:.300}"
        raise DamagedIndexError(f"{file} is no manifest of an index: {told}.", hint="Build the index again.") from err
    if name != FORMAT:
        raise DamagedIndexError(f"{file} is of the format {name!r}; wanted {FORMAT!r}.")
    if major != MAJOR:
        raise DamagedIndexError(
            f"the index at {file.parent} is of version {major}, and this saescope reads version {MAJOR}.",
            hint="Update saescope, or build the index again.",
        )
    known = Manifest.__dataclass_fields__
    try:
        check_recorded(raw)
        parts = [Part(**{k: p[k] for k in Part.__dataclass_fields__}) for p in raw["parts"]]
        return Manifest(**{k: v for k, v in raw.items() if k in known and k != "parts"}, parts=parts)
    except (KeyError, TypeError) as err:
        raise DamagedIndexError(f"{file} lacks something: {err}.", hint="Build the index again.") from err
    except ValueError as err:
        raise DamagedIndexError(f"{file} is no manifest of an index: {err}.", hint="Build the index again.") from err


def write_manifest(path: Path, manifest: Manifest) -> Path:
    """Commit an index: link the next manifest in, exclusively, and sync the folder.

    Half a surrogate pair in a name, as files of other tools may have it, becomes U+FFFD.
    """
    number = (manifest_numbers(path) or [0])[-1] + 1
    temporary = path / f"manifest-{number}.json.tmp-{os.getpid()}"
    target = path / f"manifest-{number}.json"
    try:
        text = json.dumps(asdict(manifest), ensure_ascii=False, indent=1)
        with temporary.open("wb") as stream:
            stream.write(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode())
            stream.flush()
            os.fsync(stream.fileno())
        _link(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path)
    return target


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError:
        with target.open("xb") as stream:  # a file system without hard links: exclusive, if not atomic
            try:
                stream.write(source.read_bytes())
                stream.flush()
                os.fsync(stream.fileno())
            except BaseException:
                target.unlink()
                raise


def sync_folder(path: Path) -> None:
    """Make renames and links in a folder durable, where the system can."""
    if os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
