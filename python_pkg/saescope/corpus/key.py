"""What a corpus is called, and how to see without reading it that it is still the same."""

import os
from pathlib import Path
from typing import Any

from saescope.corpus.files import corpus_path
from saescope.corpus.folder import corpus_files, readable
from saescope.corpus.tables import is_dataset
from saescope.errors import CorpusMissingError


def corpus_key(corpus: Any) -> dict[str, Any] | None:
    """Facts that change when the corpus does, without reading it.

    Returns
    -------
    dict or None
        JSON-able. ``{"path": absolute path, "files": [[name, size in bytes, mtime in ns], …]}`` of
        a path, ``{"dataset": its own fingerprint}`` of a dataset; ``None`` for texts in memory,
        and where nothing is there.

    Raises
    ------
    CorpusError
        A folder cannot be read.
    """
    if isinstance(corpus, str | os.PathLike):
        try:
            path = corpus_path(corpus).absolute()
        except CorpusMissingError:
            return None
        files = corpus_files(path) if path.is_dir() else [path]
        return {"path": readable(str(path)), "files": [_facts(f, path) for f in files]}
    fingerprint = getattr(corpus, "_fingerprint", None) if is_dataset(corpus) else None
    return {"dataset": fingerprint} if isinstance(fingerprint, str) else None


def _facts(file: Path, path: Path) -> list[Any]:
    state = file.stat()
    name = file.name if file == path else file.relative_to(path).as_posix()
    return [readable(name), state.st_size, state.st_mtime_ns]


def corpus_name(corpus: Any) -> str:
    """What to call it: a file's or folder's name, a dataset's, or ``texts in memory``."""
    if isinstance(corpus, str | os.PathLike):
        return readable(Path(corpus).absolute().name)
    if is_dataset(corpus):
        info, split = getattr(corpus, "info", None), getattr(corpus, "split", None)
        parts = [
            getattr(info, "dataset_name", None) or getattr(info, "builder_name", None),
            getattr(info, "config_name", None),
            split and str(split),
        ]
        return " ".join(p for p in parts if p and p != "default") or "a dataset"
    return "texts in memory"
