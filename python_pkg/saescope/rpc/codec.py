"""Between JSON and the message dataclasses, with errors that name the field."""

import dataclasses
import types
import typing
from typing import Any, TypeVar

from saescope.errors import ProtocolError

T = TypeVar("T")

SCALARS = (str, int, float, type(None))


def encode(message: Any) -> dict[str, Any]:
    """A message as a JSON object; lists and dictionaries of plain values are the message's own, not copies."""
    return {f.name: _plain(getattr(message, f.name)) for f in dataclasses.fields(message)}


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value] if value and not isinstance(value[0], SCALARS) else value
    if dataclasses.is_dataclass(value):
        return encode(value)
    return value


def decode(cls: type[T], data: Any) -> T:
    """A message from a JSON object.

    Raises
    ------
    ProtocolError
        A field is missing, unknown, or of the wrong type.
    """
    if not isinstance(data, dict):
        raise ProtocolError(f"{cls.__name__} is an object, and {type(data).__name__} came.")
    fields = {f.name: f for f in dataclasses.fields(typing.cast("Any", cls))}
    hints = typing.get_type_hints(cls)
    unknown = sorted(set(data) - set(fields))
    if unknown:
        raise ProtocolError(f"{cls.__name__} has no {', '.join(unknown)}.", hint=f"It has {', '.join(fields)}.")
    missing = [
        name
        for name, f in fields.items()
        if name not in data and f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise ProtocolError(f"{cls.__name__} wants {', '.join(missing)}.")
    return cls(**{name: _value(hints[name], value, f"{cls.__name__}.{name}") for name, value in data.items()})


def _value(hint: Any, value: Any, where: str) -> Any:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint in (str, bool, float) and type(value) is hint:
        return value
    if hint is int and type(value) is int:
        return value
    if origin is typing.Literal and value in args:
        return value
    if origin is dict and isinstance(value, dict):
        return value
    if origin in (types.UnionType, typing.Union):
        if value is None and type(None) in args:
            return None
        return _value(next(a for a in args if a is not type(None)), value, where)
    if origin is list and isinstance(value, list):
        return [_value(args[0], item, where) for item in value]
    if dataclasses.is_dataclass(hint):
        return decode(typing.cast("type", hint), value)
    name = getattr(hint, "__name__", hint)
    wanted = f"one of {', '.join(map(repr, args))}" if origin is typing.Literal else f"a {name}"
    raise ProtocolError(f"{where} is {wanted}, and {value!r:.80} came.")
