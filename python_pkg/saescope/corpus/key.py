"""What a corpus is called, and how to see without reading it that it is still the same."""

import os
from pathlib import Path
from typing import Any

from saescope.corpus.files import corpus_files
from saescope.corpus.reader import is_dataset


def corpus_key(corpus: Any) -> dict[str, Any] | None:
    """Facts that change when the corpus does, without reading it.

    Returns
    -------
    dict or None
        Path, sizes and times of files, or a dataset's own fingerprint; ``None`` for texts in memory.
    """
    if isinstance(corpus, str | os.PathLike):
        path = Path(corpus).expanduser().absolute()
        if not path.exists():
            return None
        files = corpus_files(path) if path.is_dir() else [path]
        return {"path": str(path), "files": [_facts(f, path) for f in files]}
    fingerprint = getattr(corpus, "_fingerprint", None) if is_dataset(corpus) else None
    return {"dataset": fingerprint} if isinstance(fingerprint, str) else None


def _facts(file: Path, path: Path) -> list[Any]:
    state = file.stat()
    return [file.name if file == path else file.relative_to(path).as_posix(), state.st_size, state.st_mtime_ns]


def corpus_name(corpus: Any) -> str:
    """What to call it: a file's or folder's name, a dataset's, or ``texts in memory``."""
    if isinstance(corpus, str | os.PathLike):
        return Path(corpus).expanduser().absolute().name
    if is_dataset(corpus):
        info, split = getattr(corpus, "info", None), getattr(corpus, "split", None)
        parts = [getattr(info, "dataset_name", None), getattr(info, "config_name", None), split and str(split)]
        return " ".join(p for p in parts if p and p != "default") or "a dataset"
    return "texts in memory"
