"""A tokenizer alone, for text that was tokenised elsewhere."""

import os
from pathlib import Path
from typing import Any

from saescope.errors import ModelSourceError

UNFOUND = (OSError, ValueError, KeyError, ImportError, RuntimeError)


def load_tokenizer(tokenizer: Any) -> Any:
    """A tokenizer by name or folder, or as it is.

    Parameters
    ----------
    tokenizer
        A hub id, a folder, or a transformers tokenizer.

    Raises
    ------
    ModelSourceError
        There is no such tokenizer.
    """
    if not isinstance(tokenizer, str | os.PathLike):
        return tokenizer
    from transformers import AutoTokenizer

    name = os.fspath(tokenizer)
    path = Path(name).expanduser()
    try:
        return AutoTokenizer.from_pretrained(path if path.exists() else name, trust_remote_code=False)
    except UNFOUND as err:
        raise ModelSourceError(
            f"the tokenizer {name!r} could not be loaded: {str(err).splitlines()[0] if str(err) else err!r}",
            hint="Give the folder of the model, an id on a hub that can be reached from here, or a tokenizer.",
        ) from err
