"""Tables written down so that a later run can be held against them.

1. Of a table the first rows are kept, columns as JSON; floats with seven significant digits.
2. Of long texts a digest is kept, and of tokens one for each list.
3. Labels are left out: they are notes of whoever looks, and no result.
4. What a run gives is reduced in the same way and compared: counts and texts exactly, floats within a tolerance.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from saescope.errors import InputError
from saescope.query.rerun import compared

MOST_ROWS = 200
LONGEST = 80
NOTED = frozenset({"label"})
RTOL, ATOL = 1e-3, 1e-4
Pinned = dict[str, Any]


@dataclass(frozen=True)
class Verdict:
    """How a result compares with what was written: ``told`` says in which columns, and how far."""

    name: str
    verdict: Literal["same", "differs", "missing", "new"]
    told: str = ""


def pin(frame: pl.DataFrame, n_rows: int | None = None) -> Pinned:
    """A table as JSON; ``n_rows`` when it was cut before."""
    kept = frame.head(MOST_ROWS)
    columns = {name: _column(kept[name]) for name in kept.columns if name not in NOTED}
    return {"n_rows": frame.height if n_rows is None else n_rows, "columns": columns}


def _column(values: pl.Series) -> dict[str, Any]:
    kind = values.dtype
    is_tokens = kind == pl.List(pl.String)
    return {
        "type": "list" if kind.is_nested() and not is_tokens else str(kind),
        "values": [_digest(json.dumps(v)) if is_tokens and v is not None else _plain(v) for v in values.to_list()],
    }


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= LONGEST else _digest(value)
    if isinstance(value, float):
        return float(f"{value:.7g}") if value == value and abs(value) != float("inf") else str(value)  # noqa: PLR0124
    if isinstance(value, list):
        return [_plain(v) for v in value]
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return value if value is None or isinstance(value, bool | int) else str(value)


def _digest(text: str) -> str:
    return f"blake2b:{hashlib.blake2b(text.encode('utf-8', 'replace'), digest_size=8).hexdigest()}"


def hold(name: str, then: Pinned, now: Pinned, *, rtol: float = RTOL, atol: float = ATOL) -> Verdict:
    """A result held against what was written of it; columns that a later version adds are no difference."""
    old, new = _frame(then), _frame(now)
    new = new.select(column for column in new.columns if column in old.columns)
    told = [t.replace(" was kept", " was written") for t in compared(old, new, n_rows=new.height, rtol=rtol, atol=atol)]
    if then["n_rows"] != now["n_rows"]:
        told = [f"{now['n_rows']:,} rows, and {then['n_rows']:,} were written", *told]
    return Verdict(name, "differs" if told else "same", "; ".join(told))


def _frame(pinned: Pinned) -> pl.DataFrame:
    """Pinned columns as they are compared: nested and odd ones as objects."""
    made = {}
    for name, column in pinned["columns"].items():
        if name in NOTED:
            continue
        values = column["values"]
        is_float = column["type"].startswith("Float")
        made[name] = (
            pl.Series(name, [None if v is None else float(v) for v in values], dtype=pl.Float64)
            if is_float
            else pl.Series(name, values, dtype=pl.Object)
        )
    return pl.DataFrame(made)


def to_text(sources: dict[str, Any], pinned: dict[str, Pinned]) -> str:
    """All of it as JSON in ASCII, a result a line, that can stand between three single quotes."""
    lines = [f"{json.dumps(name)}: {json.dumps(of, separators=(',', ':'))}" for name, of in pinned.items()]
    body = ",\n".join(lines)
    return f'{{"sources": {json.dumps(sources)},\n"results": {{\n{body}\n}}}}'.replace("'", "\\u0027")


def from_text(text: str) -> tuple[dict[str, Any], dict[str, Pinned]]:
    """What `to_text` wrote.

    Raises
    ------
    InputError
        It is something else.
    """
    try:
        read = json.loads(text)
        return read["sources"], read["results"]
    except (ValueError, KeyError, TypeError) as err:
        raise InputError(
            f"what was written of the findings cannot be read: {err!s:.120}.", hint="Take the cell as it was exported."
        ) from err
