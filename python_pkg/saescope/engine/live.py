"""What fires on a text, by running the model on it now.

1. The text becomes tokens, with BOS where the SAE was trained with it, in one context.
2. The model runs to the site and no further, the SAE encodes some hundred rows at a time.
3. Between blocks and between rows a reading can be stopped.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from saescope.engine.encoder import CHUNK, Encoder, Nonzeros, joined
from saescope.engine.reader import SiteReader
from saescope.errors import InputError
from saescope.types import Site

Check = Callable[[], None]


def _never() -> None:
    """Nobody wants to stop it."""


@dataclass(frozen=True)
class LiveText:
    """A text's tokens ``[seq]`` int64, BOS included where the SAE wants it, and what fires on them.

    ``norms`` [seq] float32 are the lengths of the activations at the site.
    """

    tokens: NDArray[np.int64]
    nonzeros: Nonzeros
    norms: NDArray[np.float32]


class TextReader:
    """Reads texts with one model and SAE, one at a time.

    Parameters
    ----------
    model, tokenizer, sae, site
        What reads, and where.
    bos
        Token to begin with, or ``None``.
    """

    def __init__(self, model: Any, tokenizer: Any, sae: Any, site: Site, bos: int | None) -> None:
        self._tokenizer = tokenizer
        self._bos = bos
        self._device = next(model.parameters()).device
        self._check: Check = _never
        self._model, self._site = model, site
        self._encoder = Encoder(sae)
        limit = getattr(model.config.get_text_config(), "max_position_embeddings", None)
        self.n_most: int | None = int(limit) if limit else None
        """Tokens that the model takes, BOS included, or ``None`` when it does not say."""

    @cached_property
    def _reader(self) -> SiteReader:
        """Made when a text is read: of some only the tokens are wanted."""
        return SiteReader(self._model, self._site, on_block=self._look)

    def _look(self) -> None:
        self._check()

    def tokens(self, text: str) -> NDArray[np.int64]:
        """The tokens of a text, all of them.

        Raises
        ------
        InputError
            The text holds no token.
        """
        whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        ids = self._tokenizer(whole, add_special_tokens=False, verbose=False)["input_ids"]
        if not ids:
            raise InputError("the text holds no token.", hint="Give some text.")
        return np.asarray(([self._bos] if self._bos is not None else []) + ids, dtype=np.int64)

    def read(self, tokens: NDArray[np.int64], check: Check | None = None) -> LiveText:
        """Run tokens ``[seq]`` to the site and encode them.

        Parameters
        ----------
        check
            Called between steps; what it raises stops the reading.

        Raises
        ------
        InputError
            They are more than the model takes; ``data`` tells ``n_tokens`` and ``n_fit``.
        ComputeError
            The activations are not finite.
        """
        if self.n_most is not None and len(tokens) > self.n_most:
            raise InputError(
                f"the text has {len(tokens):,} tokens and the model takes {self.n_most:,}.",
                hint=f"Give a shorter text, or read its first {self.n_most:,} tokens.",
                n_tokens=len(tokens),
                n_fit=self.n_most,
            )
        self._check = check or _never
        try:
            found = self._reader.read(torch.from_numpy(tokens)[None].to(self._device))[0]
            norms = torch.linalg.vector_norm(found, dim=-1, dtype=torch.float32).cpu().numpy()
            parts = []
            step = len(tokens) if self._encoder.needs_contexts else CHUNK
            for start in range(0, len(tokens), step):
                self._check()
                part = self._encoder.encode(found[start : start + step])
                parts.append(Nonzeros(part.rows + start, part.features, part.values))
        finally:
            self._check = _never
        return LiveText(tokens, joined(parts), norms)
