"""Parts of an index joined: what shares of the shards, made anywhere, come together to.

1. All parts must be of the same plan: model, SAE, text, settings.
2. No shard may be in two of them.
3. Shards are linked, or copied where links cannot be, into the new folder.
4. When all shards are there, the result is an index; otherwise it is a larger part, that can be
   merged further or built on. Joining is associative and commutative.
"""

import os
import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from saescope.errors import InputError, MismatchError, OtherBuildError, OverlapError, UnfinishedIndexError
from saescope.index import Index
from saescope.index.manifest import BUILDING, Manifest, read_unfinished
from saescope.index.postings import shard_name
from saescope.index.rows import rows_name
from saescope.index.store import CONTEXTS, DIRECTIONS, DOCS, TOKENS, VOCABULARY, shards_done
from saescope.indexing.disk import disk_errors
from saescope.indexing.finish import EXTRAS, LENS_PART, finish, read_layout
from saescope.indexing.heartbeat import Heartbeat
from saescope.indexing.workspace import Workspace, is_being_built
from saescope.progress import Bar
from saescope.types import Progress

SHARED = (VOCABULARY, TOKENS, DOCS, CONTEXTS)
EXTRA = (DIRECTIONS, LENS_PART, EXTRAS)


def merge(
    parts: "Iterable[str | os.PathLike[str]]",
    out: "str | os.PathLike[str]",
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Index:
    """Join parts of an index.

    Parameters
    ----------
    parts
        Folders that `Scope.build_index` made with ``share``, or earlier merges; they stay as they are.
    out
        Folder of the result; new or empty.
    overwrite
        Replace an index that is in ``out``, or an unfinished one.
    progress
        Told how it goes; by default a bar.

    Returns
    -------
    Index
        The result. When shards are still missing it is not complete, and can be merged further.

    Raises
    ------
    InputError
        A folder is no part, or there are none.
    MismatchError
        Two parts are of different plans.
    OverlapError
        A shard is in two parts.
    OccupiedError, BusyIndexError, OtherBuildError
        The folder cannot take the result.
    """
    out = Path(out).expanduser()
    _merge([Path(p).expanduser() for p in parts], out, progress or Bar(), overwrite=overwrite)
    return Index(out)


def _merge(parts: list[Path], out: Path, progress: Progress, *, overwrite: bool) -> None:
    if not parts:
        raise InputError("there is nothing to merge.", hint="Name the folders of the parts.")
    plans = [_plan(part) for part in parts]
    _check_same(parts, plans)
    homes = _homes(parts, plans)
    if any(out.resolve() == part.resolve() for part in parts):
        raise InputError(f"{out} is one of the parts.", hint="Give another folder for the result.")
    workspace = Workspace(out, overwrite=overwrite)
    try:
        if workspace.unfinished is not None:
            _check_replaceable(workspace, workspace.unfinished, plans[0], homes)
            workspace.start_anew()
        manifest = replace(plans[0], folder=workspace.folder.name)
        _take(workspace, parts, plans, homes)
        workspace.begin(manifest)
        if not workspace.missing_shards(manifest) and workspace.has(EXTRAS):
            finish(workspace, manifest, read_layout(workspace.folder, manifest), Heartbeat(progress, out))
    finally:
        workspace.abandon()


def _check_replaceable(workspace: Workspace, before: Manifest, plan: Manifest, homes: dict[int, Path]) -> None:
    """An unfinished index in the way is an interrupted merge of these parts, or replaced only when asked."""
    ours, theirs = plan.identity(), before.identity()
    differing = [name for name in ours if ours[name] != theirs[name]]
    lost = set(shards_done(workspace.folder, before.n_shards)) - homes.keys()
    if workspace.overwrite or not (differing or lost):
        return
    what = f"differs in {', '.join(differing)}" if differing else "has shards that are in none of the parts"
    raise OtherBuildError(
        f"the folder {workspace.path} holds an unfinished index that {what}.",
        hint="Give another folder for the result, or overwrite=True (--overwrite) to throw it away.",
        differs=differing,
    )


def _plan(part: Path) -> Manifest:
    if not (part / BUILDING).exists():
        raise InputError(
            f"{part} is no part of an index.", hint='Parts are made with --share i/n (share="i/n"); an index is whole.'
        )
    if is_being_built(part):
        raise UnfinishedIndexError(f"{part} is still being built.", hint="Wait for it, and merge then.")
    return read_unfinished(part)


def _check_same(parts: list[Path], plans: list[Manifest]) -> None:
    first = plans[0].identity()
    for part, plan in zip(parts[1:], plans[1:], strict=True):
        other = plan.identity()
        differing = [name for name in first if first[name] != other[name]]
        if differing:
            raise MismatchError(
                f"{parts[0]} and {part} are parts of different indexes: they differ in {', '.join(differing)}.",
                hint="Merge parts that were made of the same model, SAE, corpus and settings.",
                differs=differing,
            )


def _homes(parts: list[Path], plans: list[Manifest]) -> dict[int, Path]:
    """The folder that each shard is in."""
    homes: dict[int, Path] = {}
    for part, plan in zip(parts, plans, strict=True):
        for number in shards_done(part / plan.folder, plan.n_shards):
            if number in homes:
                raise OverlapError(
                    f"shard {number} is in {homes[number].parent} and in {part}: it would count twice.",
                    hint="Leave one of the two out.",
                    shard=number,
                )
            homes[number] = part / plan.folder
    return homes


def _take(workspace: Workspace, parts: list[Path], plans: list[Manifest], homes: dict[int, Path]) -> None:
    folders = [part / plan.folder for part, plan in zip(parts, plans, strict=True)]
    with disk_errors("the parts", workspace.path):
        for name in (*SHARED, *EXTRA):
            source = next((f / name for f in folders if (f / name).exists()), None)
            if source is not None:
                _link(source, workspace.folder / name)
        for number, home in sorted(homes.items()):
            for name in (rows_name(number), shard_name(number)):
                _link(home / name, workspace.folder / name)


def _link(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
