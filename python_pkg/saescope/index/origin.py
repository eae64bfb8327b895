"""Where an imported index comes from, and what the files that it was made of did not hold.

What is missing stays missing: floats are NaN in the tables and null in frames, lists are empty, and
panels say so. Nothing is filled in.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

VERSION = (2, 1)
"""The first version of the format whose readers know what is missing."""

MISSING = {
    "tokens": "how many tokens were read",
    "features": "some features",
    "n_fires": "on how many tokens features fire",
    "density": "density",
    "mean": "mean activations",
    "std": "their standard deviations",
    "quantiles": "their quantiles",
    "histogram": "some histograms",
    "top_tokens": "the tokens that carry most of the activation",
    "postings": "every single activation",
    "random": "random examples",
    "lens": "promoted and suppressed tokens",
    "directions": "decoder and encoder directions",
    "norms": "the length of the model's activations",
    "special tokens": "which tokens are special",
    "documents": "the documents of the examples",
    "quality": "explained variance and loss recovered",
}
"""What may be missing, and what to call it."""

ESTIMATED = {
    "n_fires": "the number of firings, from the density",
    "histogram": "histograms, redrawn from the source's own bars",
}
"""What may be estimated, and how."""


@dataclass(frozen=True)
class Origin:
    """Where an imported index comes from.

    Parameters
    ----------
    kind
        The importer that made it, as in ``"neuronpedia"``.
    name
        What the source calls itself.
    n_tokens
        Tokens that its figures rest on; ``None`` when it does not say.
    n_features
        Features that it holds; the numbers between them belong to none.
    missing
        Names of ``MISSING``.
    estimated
        Names of ``ESTIMATED``.
    left_out
        What was in the source and is not in the index: how many, by what.
    notes
        What the source says of itself.
    """

    kind: str
    name: str
    n_tokens: int | None
    n_features: int
    missing: tuple[str, ...] = ()
    estimated: tuple[str, ...] = ()
    left_out: dict[str, int] = field(default_factory=dict)
    notes: str = ""

    @classmethod
    def of(cls, facts: dict[str, Any]) -> "Origin":
        """As a manifest records it; what a later version added is passed over."""
        known: dict[str, Any] = {k: v for k, v in facts.items() if k in cls.__dataclass_fields__}
        known |= {name: tuple(known.get(name, ())) for name in ("missing", "estimated")}
        return cls(**known)

    def as_dict(self) -> dict[str, Any]:
        """As a manifest records it."""
        return asdict(self)

    def told(self) -> list[str]:
        """What to know of the index, in sentences."""
        said = [f"Imported from {self.kind} ({self.name})."]
        if self.missing:
            said.append(f"Not in it: {_listed(MISSING.get(name, name) for name in self.missing)}.")
        if self.estimated:
            said.append(f"Estimated: {_listed(ESTIMATED.get(name, name) for name in self.estimated)}.")
        if self.left_out:
            said.append(f"Left out: {_listed(f'{n:,} {what}' for what, n in self.left_out.items())}.")
        return said


def _listed(parts: Iterable[str]) -> str:
    return ", ".join(parts)
