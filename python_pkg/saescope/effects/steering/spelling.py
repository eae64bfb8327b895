"""The text of tokens as they come.

1. A token's text is what the decoded text grows by, so that spaces are right in every tokenizer.
2. Bytes that are no whole character yet wait for the next token.

Source: as in Hugging Face's text-generation-inference, ``Model.decode_token``.
"""

from collections.abc import Sequence
from typing import Any

N_BEFORE, N_WAIT = 5, 8
BROKEN = "\ufffd"


class Speller:
    """Spells one text.

    Parameters
    ----------
    tokenizer
        Decodes token ids.
    before
        The tokens of the prompt.
    """

    def __init__(self, tokenizer: Any, before: Sequence[int]) -> None:
        self._tokenizer = tokenizer
        self._ids = [int(i) for i in before[-N_BEFORE:]]
        self._start, self._told = 0, len(self._ids)

    def add(self, token: int) -> str:
        """What the text grows by with one more token; nothing while a character is not whole."""
        self._ids.append(token)
        return self._grown(is_last=len(self._ids) - self._told >= N_WAIT)

    def end(self) -> str:
        """What has waited till the end."""
        return self._grown(is_last=True) if len(self._ids) > self._told else ""

    def _grown(self, *, is_last: bool) -> str:
        before, whole = self._decode(self._ids[self._start : self._told]), self._decode(self._ids[self._start :])
        if whole.endswith(BROKEN) and not is_last:
            return ""
        self._start, self._told = self._told, len(self._ids)
        return whole[len(before) :]

    def _decode(self, ids: list[int]) -> str:
        return self._tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
