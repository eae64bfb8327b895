"""Which tokens count for statistics and examples: recorded in an index, changeable in a query."""

from dataclasses import asdict, dataclass
from typing import Any

from saescope.errors import InputError


@dataclass(frozen=True)
class Rule:
    """Which rows count.

    Parameters
    ----------
    n_skipped
        Positions at the head of each context that do not count: the first token of a
        context is an attention sink whatever it is.
    skips_special
        Whether BOS, EOS, padding and the tokenizer's other special tokens do not count.
    max_norm_ratio
        Rows whose activation at the site is longer than so many times the median length
        over the corpus do not count; ``None`` to count all. 10 finds attention sinks.

    Raises
    ------
    InputError
        A number is out of range.
    """

    n_skipped: int = 1
    skips_special: bool = True
    max_norm_ratio: float | None = None

    def __post_init__(self) -> None:
        if isinstance(self.n_skipped, bool) or not isinstance(self.n_skipped, int) or self.n_skipped < 0:
            raise InputError(f"n_skipped is a number of positions, 0 or more, and {self.n_skipped!r} came.")
        if self.max_norm_ratio is not None and not self.max_norm_ratio > 0:
            raise InputError(f"max_norm_ratio is a positive number or None, and {self.max_norm_ratio!r} came.")

    @classmethod
    def of(cls, facts: dict[str, Any]) -> "Rule":
        """The rule that a manifest records."""
        return cls(**{k: v for k, v in facts.items() if k in cls.__dataclass_fields__})

    def as_dict(self) -> dict[str, Any]:
        """As a manifest records it."""
        return asdict(self)

    def told(self) -> str:
        """What is not counted, for a person to read."""
        first = {0: "", 1: "the first token of a context"}
        parts = [
            first.get(self.n_skipped, f"the first {self.n_skipped} tokens of a context"),
            "special tokens" if self.skips_special else "",
            f"tokens longer than {self.max_norm_ratio:g} times the median norm" if self.max_norm_ratio else "",
        ]
        return ", ".join(p for p in parts if p) or "nothing"


EVERYTHING = Rule(0, skips_special=False)
"""The rule by which every token counts, as in SAEDashboard."""
