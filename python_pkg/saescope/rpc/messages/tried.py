"""What fires on a text that a person types."""

from dataclasses import dataclass
from typing import Literal

from saescope.rpc.messages.table import FeatureBrief


@dataclass(frozen=True, kw_only=True)
class TextParams:
    """A text to read now; of one that is longer than the model takes, ``cuts`` reads the beginning."""

    scope: str
    text: str
    cuts: bool = False


@dataclass(frozen=True, kw_only=True)
class TextStage:
    """Event of ``text.read``: the model is in use elsewhere, or the text's ``n_tokens`` are being read."""

    stage: Literal["waiting", "reading"]
    n_tokens: int


@dataclass(frozen=True, kw_only=True)
class TextRead:
    """Answer of ``text.read``: the tokens that were read, and every nonzero activation on them.

    The lists run over the tokens; ``reasons`` says why one does not count: ``first`` of the context,
    ``special``, of an abnormal ``norm``, or nothing where it counts. ``n_all`` are the tokens of the whole
    text, ``n_counted`` those of the index (0 without one), ``briefs`` the features that lead the rankings.

    Buffers, little-endian: of each nonzero, sorted by position and then by feature, 0: position
    u32, 1: feature u32, 2: activation f32; of each feature that fires, rising, 3: its number u32,
    4: its largest activation in the index f32, 5: its firings there f64. Without an index 4 and 5 are empty.
    """

    tokens: list[int]
    texts: list[str]
    raws: list[str]
    reasons: list[str]
    n_all: int
    n_counted: int
    briefs: list[FeatureBrief]


METHODS: dict[str, tuple[type, type, type | None]] = {"text.read": (TextParams, TextRead, TextStage)}
