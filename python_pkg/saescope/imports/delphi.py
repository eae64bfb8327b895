"""delphi's cache of latents: every nonzero activation, cut by ranges of latents.

1. Each file ``{start}_{end}.safetensors`` (``end`` is in it) holds ``locations`` (row of the batch, position,
   latent less ``start``) and ``activations``; tokens are in the files, or the caller gives them.
2. One pass over the files deals the nonzeros out to shards of rows.
3. Each shard is sorted, and the index is finished as one that was built here: with postings, and
   statistics by a rule of what counts.

Needs a tokenizer, for what the tokens stand for; neither torch nor the model.
"""

import hashlib
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from saescope.errors import ForeignFileError
from saescope.imports.cache import Split, find_cache, mapped, splits_of
from saescope.imports.dealing import deal, sort
from saescope.imports.labels import Label
from saescope.imports.reading import parsed
from saescope.imports.writing import Facts, empty_manifest
from saescope.index.manifest import Manifest
from saescope.index.origin import Origin
from saescope.index.postings import SHARD_ROWS
from saescope.index.rule import Rule
from saescope.index.store import DOCS, TOKENS, VOCABULARY, token_dtype
from saescope.index.vocabulary import Vocabulary
from saescope.indexing.finish import finish, read_layout
from saescope.indexing.workspace import Workspace
from saescope.types import Progress

MISSING = ("lens", "directions", "norms", "documents", "quality")
MAX_ROWS = 1 << 32


def read_delphi(
    source: Path,
    workspace: Workspace,
    progress: Progress,
    *,
    tokenizer: Any = None,
    tokens: Any = None,
    hookpoint: str = "",
    rule: Rule | None = None,
    d_sae: int | None = None,
    model: str = "",
    sae: str = "",
    site: str = "",
) -> list[Label]:
    """Make a whole index of a cache.

    Parameters
    ----------
    source
        The folder of one hookpoint, or the folder of several.
    tokenizer
        A name, a folder or a transformers tokenizer; by default that of the ``model_name`` in ``config.json``.
    tokens
        Token ids ``[n_contexts, context_size]``, where the cache does not hold them: an array, or the path of a
        ``.npy`` or of a safetensors file with ``tokens``.
    hookpoint
        Which one, where there are several.
    rule
        Which tokens count; by default neither the first of a context nor special ones. delphi itself
        counts all: ``Rule(0, skips_special=False)``.
    d_sae
        How many latents there are; by default one more than the highest of a file's name.
    model, sae, site
        Names, where those of the files should not be taken.

    Raises
    ------
    ForeignFileError
        The folder is no such cache, something in it is out of range, or tokens or tokenizer are not to be had.
    """
    folder = find_cache(source, hookpoint)
    splits = splits_of(folder)
    config = _config(folder)
    ids = _tokens(splits, tokens)
    vocabulary = _vocabulary(tokenizer or config.get("model_name"), ids)
    facts = _facts(folder, config, ids, model, sae, site)
    facts.rule = rule or Rule()
    facts.d_sae = max(d_sae or 0, splits[-1].end)
    manifest = _manifest(workspace, facts, splits, ids, len(vocabulary))
    _write_text(workspace, ids, vocabulary)
    deal(workspace, manifest, splits, ids, progress)
    sort(workspace, manifest, progress)
    finish(workspace, manifest, read_layout(workspace.folder, manifest), progress)
    return []


def _config(folder: Path) -> dict[str, Any]:
    file = folder / "config.json"
    found = parsed(file.read_bytes(), f"{folder.name}/config.json") if file.is_file() else {}
    return found if isinstance(found, dict) else {}


def _tokens(splits: list[Split], given: Any) -> NDArray[Any]:
    if given is None:
        stored = [(split, split.arrays().get("tokens")) for split in splits]
        found = next((tokens for _, tokens in stored if tokens is not None), None)
        if found is None:
            raise ForeignFileError(
                "the cache holds no tokens, and without them there is no text to show.",
                hint="Give tokens=…: the token ids [n_contexts, context_size] that the cache was made of.",
            )
        for split, tokens in stored:
            if tokens is not None and not np.array_equal(tokens, found):
                raise ForeignFileError(f"{split.path.name} has other tokens than {splits[0].path.name}.")
    else:
        found = _given_tokens(given)
    if found.ndim != 2 or found.dtype.kind not in "iu" or not found.size or found.shape[1] > SHARD_ROWS:
        raise ForeignFileError(
            f"wanted tokens [n_contexts, context_size] as whole numbers, and got {list(found.shape)} of {found.dtype}."
        )
    if found.size >= MAX_ROWS:
        raise ForeignFileError(f"an index holds at most {MAX_ROWS:,} tokens, and the cache has {found.size:,}.")
    if found.min() < 0:
        raise ForeignFileError("there are negative token ids.")
    return found


def _given_tokens(given: Any) -> NDArray[Any]:
    if not isinstance(given, str | os.PathLike):
        return np.asarray(given)
    path = Path(given).expanduser()
    if path.suffix == ".safetensors":
        arrays = mapped(path)
        if "tokens" not in arrays:
            raise ForeignFileError(f"{path} holds no tokens, but {', '.join(arrays) or 'nothing'}.")
        return arrays["tokens"]
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as err:
        raise ForeignFileError(
            f"the tokens in {path} cannot be read: {err}.", hint="Save them with numpy.save."
        ) from err


def _vocabulary(tokenizer: Any, ids: NDArray[Any]) -> Vocabulary:
    if tokenizer is None:
        raise ForeignFileError(
            "the cache does not say which tokenizer its tokens are of.",
            hint="Give tokenizer=…: a name, a folder, or a transformers tokenizer.",
        )
    from saescope.corpus import token_table
    from saescope.sources.tokenizer import load_tokenizer

    table = token_table(load_tokenizer(tokenizer))
    highest = int(ids.max())
    if highest >= len(table):
        raise ForeignFileError(
            f"token {highest:,} is in the cache, and the tokenizer has {len(table):,}: is it another model's?",
            hint="Give the tokenizer that the cache was made with.",
        )
    return Vocabulary(table.raws, table.contents, table.is_special)


def _facts(folder: Path, config: dict[str, Any], ids: NDArray[Any], model: str, sae: str, site: str) -> Facts:
    name = config.get("model_name")
    named = model or (Path(name).name if isinstance(name, str) and name else "unknown model")
    dataset = config.get("dataset_repo")
    told = f"delphi\0{named}\0{folder.name}"
    return Facts(
        kind="delphi",
        name=f"{named}/{folder.name}",
        model=named,
        sae=sae or folder.name,
        fingerprint=hashlib.blake2b(told.encode("utf-8", "replace"), digest_size=16).hexdigest(),
        site=site or folder.name,
        corpus=dataset if isinstance(dataset, str) and dataset else "unknown",
        n_tokens=int(ids.size),
    )


def _manifest(workspace: Workspace, facts: Facts, splits: list[Split], ids: NDArray[Any], vocab_size: int) -> Manifest:
    from saescope._version import version

    n_held, d_sae = sum(split.end - split.start for split in splits), facts.d_sae or 0
    missing = MISSING + (("features",) if n_held < d_sae else ())
    origin = Origin(facts.kind, facts.name, facts.n_tokens, n_held, missing)
    size = max(SHARD_ROWS // ids.shape[1], 1) * ids.shape[1]
    digest = hashlib.blake2b(np.ascontiguousarray(ids).tobytes(), digest_size=16).hexdigest()
    return replace(
        empty_manifest(facts, workspace, origin),
        n_rows=int(ids.size),
        context_size=ids.shape[1],
        is_packed=True,
        d_sae=d_sae,
        vocab_size=vocab_size,
        shard_starts=list(range(0, ids.size, size)),
        corpus={"name": facts.corpus, "fingerprint": digest, "n_docs": len(ids)},
        made_by=f"saescope {version()}",
        has_postings=True,
    )


def _write_text(workspace: Workspace, ids: NDArray[Any], vocabulary: Vocabulary) -> None:
    with workspace.part(TOKENS) as path:
        np.ascontiguousarray(ids, dtype=token_dtype(len(vocabulary))).ravel().tofile(path)
    with workspace.part(DOCS) as path:
        numbers = np.arange(len(ids))
        columns = {"doc": numbers.astype(np.uint32), "start": (numbers * ids.shape[1]).astype(np.uint64)}
        pl.DataFrame(columns).with_columns(source=pl.lit("")).write_parquet(path, compression="zstd")
    with workspace.part(VOCABULARY) as path:
        vocabulary.write(path)
