"""What fires on a text, by running the model on it now."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from saescope.engine.encoder import Encoder, Nonzeros
from saescope.engine.reader import SiteReader
from saescope.errors import InputError
from saescope.types import Site


@dataclass(frozen=True)
class LiveText:
    """A text's tokens ``[seq]`` int64, BOS included where the SAE wants it, and what fires on them."""

    tokens: NDArray[np.int64]
    nonzeros: Nonzeros


def read_text(model: Any, tokenizer: Any, sae: Any, site: Site, text: str, bos: int | None) -> LiveText:
    """Run a text to the site and encode it.

    Parameters
    ----------
    text
        Any text, short enough for one context of the model.
    bos
        Token to begin with, or ``None``.

    Raises
    ------
    InputError
        The text holds no token, or more than the model takes.
    """
    ids = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
    if not ids:
        raise InputError("the text holds no token.", hint="Give some text.")
    tokens = np.asarray(([bos] if bos is not None else []) + ids, dtype=np.int64)
    limit = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    if limit and len(tokens) > limit:
        raise InputError(f"the text has {len(tokens)} tokens and the model takes {limit}.", hint="Give a shorter text.")
    device = next(model.parameters()).device
    found = SiteReader(model, site).read(torch.from_numpy(tokens)[None].to(device))
    return LiveText(tokens, Encoder(sae).encode(found[0]))
