"""What an exporter can be told, read from its own signature and docstring: a form is drawn from it.

1. Each keyword is an option: a type hint says which field it is, the default what it begins with.
2. The numpy docstring says what it means, and its first line what the exporter does.
3. A keyword whose type has no field can be given in Python only, and is named.
"""

import inspect
import re
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from saescope.errors import InputError, UnknownNameError

OptionType = Literal["switch", "choice", "whole", "number", "text", "long", "parts"]
SCALARS: dict[Any, OptionType] = {bool: "switch", int: "whole", float: "number", str: "text"}
PLAIN = {"whole": int, "number": int | float, "text": str, "long": str, "switch": bool}
WANTED = {"whole": "a whole number", "number": "a number", "switch": "true or false"}
MAX_TEXT = 100_000


@dataclass(frozen=True)
class Option:
    """One thing that an exporter can be told.

    Parameters
    ----------
    type
        ``choice`` is one of ``choices``, ``parts`` any of them; ``long`` a text of many lines.
    default
        What it is when nothing is said; ``None`` where the exporter finds one itself.
    """

    name: str
    meaning: str
    type: OptionType
    default: Any
    choices: tuple[str, ...] = ()
    is_needed: bool = False


@dataclass(frozen=True)
class About:
    """What an exporter says of itself; ``others`` are options that can be given in Python only."""

    kind: str
    title: str
    meaning: str
    is_folder: bool
    suffix: str
    options: tuple[Option, ...] = ()
    others: tuple[str, ...] = ()

    def checked(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Options as the exporter takes them, without those that are as they would be anyway.

        Raises
        ------
        UnknownNameError
            There is no such option.
        InputError
            One is of another type, out of its choices, or lacks.
        """
        known = {option.name: option for option in self.options}
        unknown = [name for name in given if name not in known]
        if unknown:
            names = ", ".join(known)
            raise UnknownNameError(
                f"{self.title} has no option {unknown[0]!r}.", hint=f"It has {names}." if names else "It has none."
            )
        found = {name: _checked(known[name], value) for name, value in given.items()}
        lacking = [o.name for o in self.options if o.is_needed and found.get(o.name, o.default) in ("", None)]
        if lacking:
            raise InputError(f"{self.title} needs {' and '.join(lacking)}.", hint=known[lacking[0]].meaning)
        return {name: value for name, value in found.items() if value != known[name].default}


def describe(kind: str, made: Callable[..., Any], *, leaves_out: Sequence[str] = (), also: Sequence[str] = ()) -> About:
    """What an exporter says of itself.

    Parameters
    ----------
    leaves_out
        Keywords that are no options.
    also
        Options that may be given by their place too.
    """
    try:
        hints = typing.get_type_hints(made)
    except (NameError, TypeError, AttributeError):  # hints that only type checkers can read
        hints = {}
    meanings = _meanings(inspect.getdoc(made) or "")
    needs = getattr(made, "needs", ())
    options, others = [], []
    for name, given in inspect.signature(made).parameters.items():
        is_option = given.kind is given.KEYWORD_ONLY or name in also
        if not is_option or name in leaves_out:
            continue
        has_default = given.default is not given.empty
        default = given.default if has_default else None
        found = _field_of(hints.get(name, type(default)))
        if found is None:
            others.append(name)
            continue
        is_needed = name in needs or not has_default
        options.append(Option(name, meanings.get(name, ""), found[0], default, found[1], is_needed))
    return About(
        kind=kind,
        title=getattr(made, "title", "") or kind.replace("_", " "),
        meaning=_plain(next(iter((inspect.getdoc(made) or "").splitlines()), "")),
        is_folder=bool(getattr(made, "is_folder", False)),
        suffix=getattr(made, "suffix", ""),
        options=tuple(options),
        others=tuple(others),
    )


def with_options(about: About, **changes: Mapping[str, Any]) -> About:
    """The same with parts of some options as given, by the option's name."""
    return replace(about, options=tuple(replace(o, **changes.get(o.name, {})) for o in about.options))


def _field_of(hint: Any) -> tuple[OptionType, tuple[str, ...]] | None:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        known = [a for a in args if a is not type(None)]
        return _field_of(known[0]) if len(known) == 1 else None
    if origin is Literal:
        return ("choice", args) if all(isinstance(a, str) for a in args) else None
    if inspect.isclass(origin) and issubclass(origin, Sequence):
        inner = _field_of(args[0]) if args else None
        return ("parts", inner[1]) if inner and inner[0] in ("choice", "text") else None
    return (SCALARS[hint], ()) if hint in SCALARS else None


def _checked(option: Option, value: Any) -> Any:
    if value is None and option.default is None:
        return None
    if option.type == "parts":
        is_fit = isinstance(value, list | tuple) and all(v in option.choices for v in value)
        wanted = f"some of {', '.join(option.choices)}"
    elif option.type == "choice":
        is_fit, wanted = value in option.choices, f"one of {', '.join(option.choices)}"
    else:
        wanted = WANTED.get(option.type, "a text")
        is_bool = isinstance(value, bool)
        is_fit = isinstance(value, PLAIN[option.type]) and is_bool == (option.type == "switch")
        if isinstance(value, str) and len(value) > MAX_TEXT:
            is_fit, wanted = False, f"a text of at most {MAX_TEXT:,} characters"
    if not is_fit:
        raise InputError(f"{option.name} is {wanted}, and {value!r:.80} came.")
    return tuple(value) if isinstance(value, list) else value


def _meanings(doc: str) -> dict[str, str]:
    """What each parameter of a numpy docstring means, as one line."""
    lines = doc.splitlines()
    heads = [i for i, line in enumerate(lines) if re.fullmatch(r"-{3,}", line.strip())]
    start = next((i for i in heads if lines[i - 1].strip() == "Parameters"), None)
    if start is None:
        return {}
    end = next((i - 1 for i in heads if i > start), len(lines))
    found: dict[str, list[str]] = {}
    names: list[str] = []
    for line in lines[start + 1 : end]:
        if line and not line[0].isspace():
            names = [name.strip().lstrip("*") for name in line.partition(":")[0].split(",")]
        elif line.strip():
            for name in names:
                found.setdefault(name, []).append(line.strip())
    return {name: _plain(" ".join(said)) for name, said in found.items()}


def _plain(text: str) -> str:
    return re.sub(r"`+([^`]*)`+", r"\1", text).strip()
