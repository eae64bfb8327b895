"""The token whose probability is asked for: one of the vocabulary, and one only."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saescope.errors import InputError

Target = str | int | tuple[str | int, str | int] | None
"""A token as text or id, or a pair of tokens to contrast; ``None`` is what follows in the text."""


@dataclass(frozen=True)
class Aim:
    """What is measured after each position.

    ``targets`` [seq] int64: the token that follows in the text, after the last position the likeliest or the
    one asked for; ``contrast`` is the id of the token to compare with. ``is_given`` says that one token was
    asked for, and so only the last position matters.
    """

    targets: NDArray[np.int64]
    contrast: int | None = None
    is_given: bool = False


def token_of(tokenizer: Any, target: str | int, n_vocab: int) -> int:
    """The id of a token given as text or as id.

    Raises
    ------
    InputError
        It is no token, or several; ``data`` then tells ``ids`` and ``pieces``.
    """
    if isinstance(target, bool) or not isinstance(target, str | int | np.integer):
        raise InputError(f"a target is a token as text or as id, and {target!r} came.")
    if not isinstance(target, str):
        if not 0 <= target < n_vocab:
            raise InputError(f"the target {target} is no token: ids run from 0 to {n_vocab - 1}.")
        return int(target)
    ids = tokenizer(target, add_special_tokens=False, verbose=False)["input_ids"]
    if not ids:
        raise InputError("the target is empty: give one token, such as ' San'.")
    if len(ids) > 1:
        pieces = [tokenizer.decode([i]) for i in ids]
        parts = " + ".join(repr(p) for p in pieces)
        space = "" if target.startswith(" ") else f", or with a space before it ({' ' + target!r})"
        raise InputError(
            f"the target {target!r} is {len(ids)} tokens ({parts}), and one was wanted.",
            hint=f"Take its first, {pieces[0]!r}{space}.",
            ids=ids,
            pieces=pieces,
        )
    return int(ids[0])


def aim(tokenizer: Any, tokens: NDArray[np.int64], likeliest: int, target: Target, n_vocab: int) -> Aim:
    """What to measure on a text ``[seq]`` whose next token the model takes to be ``likeliest``.

    Raises
    ------
    InputError
        The target is not one token, or two to contrast are the same.
    """
    is_pair = isinstance(target, tuple | list)
    if is_pair and len(target) != 2:
        raise InputError(f"a contrast is of two tokens, and {len(target)} came.")
    wanted, other = (target[0], target[1]) if is_pair else (target, None)
    last = likeliest if wanted is None else token_of(tokenizer, wanted, n_vocab)
    contrast = None if other is None else token_of(tokenizer, other, n_vocab)
    if contrast == last:
        raise InputError(f"a contrast is of two different tokens, and both are {wanted!r}.")
    return Aim(np.append(tokens[1:], last), contrast, is_given=target is not None)
