"""What features do to the model's output on a text: ablation and sweep."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class NextParams:
    """A text, as a string or as token ids, and maybe what a person types to name a token that could follow."""

    scope: str
    text: str = ""
    tokens: list[int] | None = None
    typed: str | None = None
    k: int = 10


@dataclass(frozen=True, kw_only=True)
class NextToken:
    """A token that could follow, and its probability."""

    token: int
    text: str
    raw: str
    probability: float


@dataclass(frozen=True, kw_only=True)
class TypedToken:
    """What a typed text is to the model: the tokens it is made of, of which a target can be the first.

    ``probability`` is that of the first, after the text. It is one token where ``pieces`` has one entry.
    """

    text: str
    pieces: list[str]
    first: NextToken


@dataclass(frozen=True, kw_only=True)
class NextTokens:
    """Answer of ``effects.next``: the likeliest first; ``typed`` as it stands, and with a space before it."""

    likeliest: list[NextToken]
    typed: list[TypedToken]


METHODS: dict[str, tuple[type, type, type | None]] = {"effects.next": (NextParams, NextTokens, None)}
