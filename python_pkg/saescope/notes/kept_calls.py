"""Calls of a scope as JSON, as Python text, and as what Python runs: the three are the same call.

Arguments are JSON, and three things besides: ``{"()": […]}`` is a tuple, ``{"{}": [[key, value], …]}`` a
mapping whose keys are no texts, and ``{"scope.steering_vector": {…}}`` or ``{"saescope.Rule": {…}}`` a call
with keyword arguments. ``js/src/data/call.ts`` writes the same text; ``tests/contract/calls.json`` holds both to it.
"""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from saescope.errors import InputError, UnknownNameError

METHODS: dict[str, tuple[str, ...]] = {
    "ablate": ("text", "features"),
    "ablate_examples": ("feature",),
    "activations": ("text",),
    "attribute": ("text",),
    "circuit": ("feature", "text"),
    "compare": ("features",),
    "contrast": ("feature",),
    "effect_summary": ("examples",),
    "examples": ("feature",),
    "features_on": ("text",),
    "lens": ("features",),
    "neighbors": ("feature",),
    "prompt": ("text",),
    "steer": ("prompt",),
    "sweep": ("text", "feature"),
    "top_features": ("text",),
}
"""The methods whose results can be kept, with the arguments that stand first, without their names."""
FEATURE_OF = {
    "ablate": "features", "ablate_examples": "feature", "circuit": "feature", "contrast": "feature",
    "effect_summary": "examples", "examples": "feature", "lens": "features", "neighbors": "feature",
    "steer": "features", "sweep": "feature",
}  # fmt: skip
"""The argument that is the feature, where it is not given."""
NESTED = {"scope.steering_vector": ("positive", "negative"), "saescope.Rule": ()}
"""Calls that stand in arguments."""
UNSEEN = re.compile("[\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]")
DEEPEST, MOST_VALUES = 8, 50_000
NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_]*")


def call_text(method: str, args: Mapping[str, Any]) -> str:
    r"""The Python call, as text that runs where there is a ``scope``.

    Examples
    --------
    >>> call_text("ablate", {"text": 'a "b"', "features": 5, "target": {"()": [1, 2]}, "kind": "zero"})
    'scope.ablate("a \\"b\\"", 5, target=(1, 2), kind="zero")'
    """
    return _call(f"scope.{method}", METHODS.get(method, ()), args)


def _call(name: str, first: tuple[str, ...], args: Mapping[str, Any]) -> str:
    rest, told = dict(args), []
    for one in first:
        if one not in rest:
            break
        told.append(literal(rest.pop(one)))
    return f"{name}({', '.join(told + [f'{key}={literal(value)}' for key, value in rest.items()])})"


def literal(value: Any) -> str:
    """A value as a Python expression."""
    if isinstance(value, str):
        return UNSEEN.sub(lambda m: f"\\u{ord(m[0]):04x}", json.dumps(value, ensure_ascii=False))
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else f'float("{value}")'
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, dict):
        return _tagged(value) or f"{{{', '.join(f'{literal(k)}: {literal(v)}' for k, v in value.items())}}}"
    return repr(value)


def _tagged(value: dict[str, Any]) -> str:
    if len(value) != 1:
        return ""
    ((name, of),) = value.items()
    if name == "()":
        return f"({', '.join(map(literal, of))}{',' if len(of) == 1 else ''})"
    if name == "{}":
        return f"{{{', '.join(f'{literal(k)}: {literal(v)}' for k, v in of)}}}"
    return _call(name, NESTED[name], of) if name in NESTED else ""


def check_method(method: Any) -> str:
    """A method whose results can be kept.

    Raises
    ------
    UnknownNameError
        It is none.
    """
    if not isinstance(method, str) or method not in METHODS:
        raise UnknownNameError(f"results of {method!r:.80} cannot be kept.", hint=f"Those of {', '.join(METHODS)} can.")
    return method


def args_as_json(args: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments as a person gives them, as JSON.

    Raises
    ------
    InputError
        One cannot be kept.
    """
    return {name: _as_json(value, name) for name, value in args.items()}


def _as_json(given: Any, name: str) -> Any:
    value: Any = given
    if value is None or isinstance(value, bool | str | int) or (type(value) is float and math.isfinite(value)):
        return value
    if isinstance(value, list):
        return [_as_json(v, name) for v in value]
    if isinstance(value, tuple):
        return {"()": [_as_json(v, name) for v in value]}
    if isinstance(value, Mapping):
        if all(isinstance(k, str) for k in value):
            return {k: _as_json(v, name) for k, v in value.items()}
        return {"{}": [[_as_json(k, name), _as_json(v, name)] for k, v in value.items()]}
    if type(value).__name__ == "Rule":
        return {"saescope.Rule": _as_json(getattr(value, "as_dict", dict)(), name)}
    array = getattr(value, "vector", value) if type(value).__name__ == "SteeringVector" else value
    if type(array).__module__.partition(".")[0] in ("numpy", "torch"):
        return _as_json(getattr(array, "tolist", lambda: None)(), name)
    raise InputError(
        f"a result with {name}={value!r:.40} cannot be kept: {type(value).__name__} is no text, number or list.",
        hint="Leave it out, or give what it is made of.",
    )


def check_args(args: Any) -> dict[str, Any]:
    """Arguments that came as JSON.

    Raises
    ------
    InputError
        They are none.
    """
    if not isinstance(args, dict) or not all(isinstance(k, str) and NAME.fullmatch(k) for k in args):
        raise InputError("arguments are an object of names and values.")
    left = [MOST_VALUES]
    for name, value in args.items():
        _check(value, name, left, 0)
    return args


def _check(value: Any, name: str, left: list[int], depth: int) -> None:
    left[0] -= 1
    if left[0] < 0 or depth > DEEPEST:
        raise InputError(f"{name} holds more than can be kept: at most {MOST_VALUES:,} values.")
    if isinstance(value, str):
        _check_text(value, name)
    elif isinstance(value, list):
        for one in value:
            _check(one, name, left, depth + 1)
    elif isinstance(value, dict):
        _check_tag(value, name)
        for key, one in value.items():
            _check_text(key, name)
            _check(one, name, left, depth + 1)
    elif not (value is None or isinstance(value, bool | int)) and not (
        isinstance(value, float) and math.isfinite(value)
    ):
        raise InputError(f"{name} is not JSON: {value!r:.40} came.")


def _check_text(value: Any, name: str) -> None:
    try:
        value.encode()
    except (UnicodeEncodeError, AttributeError) as err:
        raise InputError(f"{name} holds half a character (a lone surrogate).", hint="Take it out.") from err


def _check_tag(value: dict[str, Any], name: str) -> None:
    tag, of = next(iter(value.items())) if len(value) == 1 else ("", None)
    if tag == "()":
        is_right = isinstance(of, list)
    elif tag == "{}":
        is_right = isinstance(of, list) and all(
            isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str | int | float) for pair in of
        )
    elif tag in NESTED:
        is_right = isinstance(of, dict) and all(NAME.fullmatch(k) for k in of)
    else:
        return
    if not is_right:
        raise InputError(f"the argument {name} of what is kept is not as saescope writes it: {value!r:.80} came.")
