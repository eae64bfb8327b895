"""What was measured of an SAE on the model it was loaded with, and what was tried; kept beside an index.

1. Figures of the pairing as it was loaded, and of the same SAE on the site's activations shuffled.
2. Trials: other sites, BOS, scales, biases and weights, each measured the same way on the same tokens.
3. A trial counts as the cause when it is *clearly better*: it explains more of the variance by
   `MARGINS` of its kind and by three standard errors of the difference, and fires no more than half
   as many features more (or else gains `DEAR`).

Free of torch: a check that was kept is read where no model is loaded. The margins are measured in
``docs/badge.md``; what follows from a check is `saescope.index.verdict`'s.
"""

import json
import os
import tempfile
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

Kind = Literal["layer", "site", "bos", "normalization", "centering", "scale", "bias", "weights"]

FILE = "pairing.json"
BUNDLED = "the bundled text"
VERSION = 2
MARGINS: dict[str, float] = {"bos": 0.002, "centering": 0.005}
MARGIN = 0.02
DEAR, MORE_FIRING = 0.15, 1.5
NOISE = 3.0
ABOVE_CONTROL = 0.05
FEWEST_TOKENS = 32


@dataclass(frozen=True, kw_only=True)
class Score:
    """Explained variance and L0 of one way to read, on ``n`` tokens."""

    explained_variance: float
    l0: float
    n: int


@dataclass(frozen=True, kw_only=True)
class Trial:
    """Another way to read, and how it did.

    Parameters
    ----------
    kind, what
        Of what kind it is, and what was done, in words.
    score
        On all tokens where it was ``is_confirmed``, else on some.
    gain, error
        Explained variance more than as loaded on the same tokens, and the standard error of that;
        ``None`` where it was screened only.
    correct
        What `saescope.load` takes as ``correct`` to load it so.
    n_off
        Of another layer: how many blocks later.
    """

    kind: Kind
    what: str
    score: Score
    gain: float
    error: float | None
    base_l0: float
    is_confirmed: bool
    correct: dict[str, Any] = field(default_factory=dict)
    n_off: int = 0

    @property
    def is_better(self) -> bool:
        """Whether it is clearly better than as loaded."""
        if not self.is_confirmed or self.error is None:
            return False
        needed = MARGINS.get(self.kind, MARGIN)
        if self.score.l0 > MORE_FIRING * max(self.base_l0, 1.0):
            needed = max(needed, DEAR)
        return self.gain >= needed and self.gain >= NOISE * self.error


@dataclass(frozen=True, kw_only=True)
class Losses:
    """Loss in nats a token: as it is, reconstructed, and with the site at zero, at its mean, and at the control's."""

    clean: float
    spliced: float
    zero: float
    mean: float
    control: float
    n: int

    def recovered(self, against: Literal["zero", "mean"] = "mean") -> float | None:
        """Share of the loss lost by taking the site away that the reconstruction keeps; ``None`` where none is lost."""
        away = self.zero if against == "zero" else self.mean
        return (away - self.spliced) / (away - self.clean) if away - self.clean > 0 else None

    @property
    def control_recovered(self) -> float | None:
        """The same with the control's reconstruction, against the mean."""
        lost = self.mean - self.clean
        return (self.mean - self.control) / lost if lost > 0 else None


@dataclass(frozen=True, kw_only=True)
class PairingCheck:
    """What is known of a pairing.

    Parameters
    ----------
    score, control
        As loaded, and on the site's activations shuffled; ``None`` where nothing could be measured.
    drift
        Share of the squared error that is the same for all tokens: near 0 on the model that the SAE was trained on.
    losses
        ``None`` where nothing can be put in the site's place.
    published
        ``l0`` and ``explained_variance`` where somebody published them, and ``source``.
    trials
        What was tried.
    remarks
        Sentences on what was found without measuring, each with its key of `saescope.index.verdict.CAUSES`.
    untold
        What could not be told of the model, in a sentence; empty where the model is known to be the right one.
    failure
        Why nothing could be measured, or what was measured means nothing.
    is_broken
        Whether ``failure`` is the model's or the SAE's, and not the text's.
    keys
        Fingerprints of model and SAE, and the text's hash.
    """

    score: Score | None = None
    control: Score | None = None
    drift: float | None = None
    losses: Losses | None = None
    published: dict[str, Any] = field(default_factory=dict)
    trials: tuple[Trial, ...] = ()
    remarks: tuple[tuple[str, str], ...] = ()
    untold: str = ""
    failure: str = ""
    is_broken: bool = False
    text: str = ""
    n_features: int = 0
    seconds: float = 0.0
    keys: dict[str, str] = field(default_factory=dict)

    @property
    def cause(self) -> Trial | None:
        """The trial that is clearly better than as loaded; the best of them."""
        found = [t for t in self.trials if t.is_better]
        return max(found, key=lambda t: t.gain, default=None)

    @property
    def is_bundled(self) -> bool:
        """Whether it was measured on the bundled text."""
        return self.text == BUNDLED

    def as_json(self) -> str:
        """To be stored."""
        return json.dumps({"version": VERSION} | asdict(self), allow_nan=False)


def store(folder: Path, check: PairingCheck) -> bool:
    """Keep it beside an index, whole or not at all; ``False`` where nothing can be written."""
    try:
        handle, name = tempfile.mkstemp(dir=folder, prefix=".pairing-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(check.as_json())
            Path(name).replace(folder / FILE)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError:
        return False
    return True


def stored(folder: Path, keys: dict[str, str]) -> PairingCheck | None:
    """The check kept beside an index, where it is of these model and SAE; else ``None``."""
    try:
        found = json.loads((folder / FILE).read_text(encoding="utf-8"))
        if found.pop("version") != VERSION or any(found["keys"].get(k) != v for k, v in keys.items()):
            return None
        return of_json(found)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def of_json(found: dict[str, Any]) -> PairingCheck:
    """The inverse of `PairingCheck.as_json`."""
    made = PairingCheck(**found)
    return replace(
        made,
        score=made.score and Score(**found["score"]),
        control=made.control and Score(**found["control"]),
        losses=made.losses and Losses(**found["losses"]),
        remarks=tuple((str(key), str(text)) for key, text in found["remarks"]),
        trials=tuple(Trial(**{**t, "score": Score(**t["score"])}) for t in found["trials"]),
    )
