"""Pairing: whether SAE and model fit."""

from dataclasses import dataclass, field
from typing import Literal

from saescope.rpc.messages.scopes import Nothing, PairingInfo, ScopeParams


@dataclass(frozen=True, kw_only=True)
class PairingFigures:
    """One row of figures; ``n`` is the tokens it rests on, and what is not known is none.

    ``recovered`` is against the site at its mean, ``recovered_zero`` against zero.
    """

    explained_variance: float | None
    l0: float | None
    n: int
    recovered: float | None = None
    recovered_zero: float | None = None


@dataclass(frozen=True, kw_only=True)
class PairingTrial:
    """Something that was tried. ``gain`` is the explained variance more than as loaded on the same tokens.

    ``error`` is its standard error, none where it was tried on some tokens only; ``code`` loads it so.
    """

    kind: str
    what: str
    figures: PairingFigures
    gain: float
    error: float | None
    is_better: bool
    code: str


@dataclass(frozen=True, kw_only=True)
class PairingReason:
    """Why the badge is not green: a key, what it is called, and a sentence."""

    key: str
    name: str
    text: str


@dataclass(frozen=True, kw_only=True)
class PairingDetails:
    """Answer of ``pairing.get``.

    ``code`` loads the SAE by the cause that was found, and is empty where none was. ``source`` says who published,
    ``untold`` what of the model could not be told.
    """

    info: PairingInfo
    failure: str = ""
    untold: str = ""
    loaded: PairingFigures | None = None
    control: PairingFigures | None = None
    published: PairingFigures | None = None
    source: str = ""
    drift: float | None = None
    reasons: list[PairingReason] = field(default_factory=list)
    trials: list[PairingTrial] = field(default_factory=list)
    code: str = ""
    text: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class PairingStart:
    """Check in the background; unasked only where it takes seconds and was not done yet."""

    scope: str
    cause: Literal["opened", "asked"] = "opened"


METHODS: dict[str, tuple[type, type, type | None]] = {
    "pairing.get": (ScopeParams, PairingDetails, None),
    "pairing.start": (PairingStart, Nothing, None),
    "pairing.stop": (ScopeParams, Nothing, None),
}
