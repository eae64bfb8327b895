"""Tables as JSON and back, exactly: names, types and values, nested ones too.

A type is a text (``"Float32"``), or ``{"list": type}``, ``{"array": [type, width]}``,
``{"struct": [[name, type], …]}``, ``{"datetime": [unit, zone]}``. Numbers that JSON has not are texts:
``"nan"``, ``"inf"``, ``"-inf"``; a missing value is null.
"""

import datetime as dt
import math
from typing import Any, cast

import polars as pl

from saescope.errors import InputError

PLAIN = {
    kind.__name__: kind
    for kind in (
        pl.Boolean, pl.String, pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64,
        pl.Float32, pl.Float64, pl.Date, pl.Null,
    )
}  # fmt: skip
FLOATS = (pl.Float32, pl.Float64)
UNITS = {"ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
MOST_COLUMNS, DEEPEST = 200, 8

Type = Any


def type_as_json(kind: Any) -> Type:
    """A polars type as JSON.

    Raises
    ------
    InputError
        It is none that can be kept.
    """
    if isinstance(kind, pl.List):
        return {"list": type_as_json(kind.inner)}
    if isinstance(kind, pl.Array):
        return {"array": [type_as_json(kind.inner), kind.size]}
    if isinstance(kind, pl.Struct):
        return {"struct": [[field.name, type_as_json(field.dtype)] for field in kind.fields]}
    if isinstance(kind, pl.Datetime):
        return {"datetime": [kind.time_unit, kind.time_zone]}
    name = type(kind).__name__
    if name not in PLAIN:
        raise InputError(f"a column of type {kind} cannot be kept.", hint="Cast it to text or numbers first.")
    return name


def type_from_json(told: Type, depth: int = 0) -> Any:
    """A polars type.

    Raises
    ------
    ValueError
        It is none.
    """
    if isinstance(told, str) and told in PLAIN:
        return PLAIN[told]()
    if isinstance(told, dict) and len(told) == 1 and depth < DEEPEST:
        ((name, of),) = told.items()
        if name == "list":
            return pl.List(type_from_json(of, depth + 1))
        if name == "array" and isinstance(of, list) and len(of) == 2 and type(of[1]) is int and 0 <= of[1] < 1 << 24:
            return pl.Array(type_from_json(of[0], depth + 1), of[1])
        if name == "struct" and isinstance(of, list) and all(_is_pair(one) for one in of):
            return pl.Struct({one[0]: type_from_json(one[1], depth + 1) for one in of})
        if name == "datetime" and _is_time(of):
            return pl.Datetime(of[0], of[1])
    raise ValueError(f"there is no type {told!r:.80}")


def _is_pair(one: Any) -> bool:
    return isinstance(one, list) and len(one) == 2 and isinstance(one[0], str)


def _is_time(of: Any) -> bool:
    return isinstance(of, list) and len(of) == 2 and of[0] in UNITS and (of[1] is None or isinstance(of[1], str))


def frame_as_json(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """The columns of a table: ``name, type, values``.

    Raises
    ------
    InputError
        A column's type cannot be kept.
    """
    return [
        {"name": c.name, "type": type_as_json(c.dtype), "values": [_told(v, c.dtype) for v in c.to_list()]}
        for c in frame.iter_columns()
    ]


def frame_from_json(columns: Any) -> pl.DataFrame:
    """The table that `frame_as_json` told.

    Raises
    ------
    ValueError
        It is none.
    """
    if not isinstance(columns, list) or len(columns) > MOST_COLUMNS:
        raise ValueError(f"a table is at most {MOST_COLUMNS} columns")
    made = []
    for column in columns:
        if not isinstance(column, dict) or set(column) != {"name", "type", "values"}:
            raise ValueError("a column has a name, a type and values")
        name, kind, values = column["name"], type_from_json(column["type"]), column["values"]
        if not isinstance(name, str) or not isinstance(values, list):
            raise ValueError("a column has a name and values")  # noqa: TRY004 - for one except
        try:
            made.append(pl.Series(name, [_read(v, kind) for v in values], dtype=kind, strict=True))
        except (TypeError, ValueError, OverflowError, KeyError, AttributeError, pl.exceptions.PolarsError) as err:
            raise ValueError(f"the values of {name!r:.80} are not of its type: {err!s:.80}") from err
    try:
        return pl.DataFrame(made)
    except pl.exceptions.PolarsError as err:
        raise ValueError(f"the columns are no table: {err!s:.80}") from err


def _told(value: Any, kind: Any) -> Any:
    if value is None:
        return None
    if isinstance(kind, FLOATS):
        if not math.isfinite(value):
            return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
        return _short(value) if isinstance(kind, pl.Float32) else value
    if isinstance(kind, pl.List | pl.Array):
        inner = cast("Any", kind.inner)
        return [_told(v, inner) for v in value]
    if isinstance(kind, pl.Struct):
        return {field.name: _told(value[field.name], field.dtype) for field in kind.fields}
    if isinstance(kind, pl.Datetime):
        return _ticks(value, kind.time_unit)
    if isinstance(kind, pl.Date):
        return value.isoformat()
    return value


def _short(value: float) -> float:
    """A float32 with no more digits than tell it."""
    return float(f"{value:.9g}")


def _ticks(value: dt.datetime, unit: str) -> int:
    aware = value if value.tzinfo is not None else value.replace(tzinfo=dt.UTC)
    since = aware - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return (since // dt.timedelta(microseconds=1)) * UNITS[unit] // 1_000_000


def _read(value: Any, kind: Any) -> Any:
    if value is None:
        return None
    if isinstance(kind, FLOATS):
        return _float(value)
    if isinstance(kind, pl.List | pl.Array):
        inner = cast("Any", kind.inner)
        return [_read(v, inner) for v in _a(value, list)]
    if isinstance(kind, pl.Struct):
        return {field.name: _read(_a(value, dict)[field.name], field.dtype) for field in kind.fields}
    if isinstance(kind, pl.Datetime):
        made = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(
            microseconds=_a(value, int) * 1_000_000 // UNITS[kind.time_unit]
        )
        return made if kind.time_zone else made.replace(tzinfo=None)
    if isinstance(kind, pl.Date):
        return dt.date.fromisoformat(_a(value, str))
    if isinstance(kind, pl.Boolean | pl.String):
        return _a(value, bool if isinstance(kind, pl.Boolean) else str)
    return _a(value, int)


def _float(value: Any) -> float:
    if value in ("nan", "inf", "-inf"):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r:.40} is no number")
    return float(value)


def _a(value: Any, kind: type) -> Any:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise TypeError(f"{value!r:.40} is no {kind.__name__}")
    return value
