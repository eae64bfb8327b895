"""Whether a table is the same as one that was kept, and if not, where it differs."""

import math
from dataclasses import dataclass
from typing import Any

import polars as pl

MOST_TOLD = 20


@dataclass(frozen=True)
class Rerun:
    """What came of running a kept result's call again.

    Parameters
    ----------
    frame
        The table now; ``None`` when the call failed.
    differences
        Where it differs from what was kept, a text each; numbers beyond tolerance only.
    changed
        What of model, SAE, index and corpus is another now.
    failure
        Why the call failed; else empty.
    """

    frame: pl.DataFrame | None
    differences: tuple[str, ...]
    changed: tuple[str, ...]
    failure: str

    @property
    def is_same(self) -> bool:
        """Whether the table is the one that was kept, within tolerance."""
        return self.frame is not None and not self.differences

    def __str__(self) -> str:
        told = "the call fails now: " + self.failure if self.failure else "the same" if self.is_same else "not the same"
        return "\n".join([told, *self.differences, *self.changed])


def compared(old: pl.DataFrame, new: pl.DataFrame, *, n_rows: int, rtol: float, atol: float) -> tuple[str, ...]:
    """Where a table differs from one that was kept.

    Parameters
    ----------
    n_rows
        Rows that the old one had before it was cut.
    """
    told = [f"there is no column {name!r} any more" for name in old.columns if name not in new.columns]
    told += [f"the column {name!r} is new" for name in new.columns if name not in old.columns]
    if new.height != n_rows:
        told.append(f"{new.height:,} rows, and {n_rows:,} were kept")
    n = min(old.height, new.height)
    for name in (name for name in old.columns if name in new.columns):
        if old[name].dtype != new[name].dtype:
            told.append(f"{name}: {new[name].dtype}, and {old[name].dtype} was kept")
            continue
        pairs = list(zip(old[name].head(n).to_list(), new[name].head(n).to_list(), strict=True))
        other = [i for i, (a, b) in enumerate(pairs) if not is_near(a, b, rtol, atol)]
        if other:
            told.append(_told(name, pairs, other))
    return tuple(told[:MOST_TOLD])


def _told(name: str, pairs: list[tuple[Any, Any]], other: list[int]) -> str:
    def far(i: int) -> float:
        a, b = pairs[i]
        is_number = isinstance(a, float) and isinstance(b, float) and math.isfinite(a) and math.isfinite(b)
        return abs(a - b) if is_number else 0.0

    worst = max(other, key=far)
    a, b = pairs[worst]
    n = len(other)
    return f"{name}: {n:,} of {len(pairs):,} row{'s' * (len(pairs) != 1)} differ{'s' * (n == 1)}; row {worst}: {b!r:.60}, and {a!r:.60} was kept"  # noqa: E501


def is_near(a: Any, b: Any, rtol: float, atol: float) -> bool:
    """Whether two values are the same, numbers within ``atol + rtol * size``, in lists and mappings too."""
    if isinstance(a, float) and isinstance(b, float):
        if math.isnan(a) or math.isnan(b) or math.isinf(a) or math.isinf(b):
            return a == b or (math.isnan(a) and math.isnan(b))
        return abs(a - b) <= atol + rtol * max(abs(a), abs(b))
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(is_near(x, y, rtol, atol) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(is_near(v, b[k], rtol, atol) for k, v in a.items())
    return a == b
