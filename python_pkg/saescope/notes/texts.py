"""What may stand in a note: texts are data, kept as they came, or refused."""

import math
import re
from collections.abc import Callable, Iterable
from typing import Any

from saescope.errors import InputError
from saescope.notes.note import STATUSES

MAX_LABEL, MAX_REMARK, MAX_TAG, MAX_TAGS, MAX_NAME = 1_000, 100_000, 100, 50, 200
LINE_BREAKS = re.compile("\r\n|[\n\r\v\f\x85\u2028\u2029\t]")


def text(value: Any, what: str, limit: int) -> str:
    """A text that can be stored and shown again as it is.

    Raises
    ------
    InputError
        It is none, too long, or holds a NUL or half a character.
    """
    if not isinstance(value, str):
        raise InputError(f"{what} is a text, and {type(value).__name__} came.")
    if len(value) > limit:
        hint = "Write the rest into the remark." if what == "a label" else ""
        raise InputError(
            f"{what} has at most {limit:,} characters, and {len(value):,} came.", hint=hint, limit=limit, n=len(value)
        )
    if "\0" in value:
        raise InputError(f"{what} cannot hold a NUL character.", hint="Take it out.")
    try:
        value.encode()
    except UnicodeEncodeError as err:
        raise InputError(
            f"{what} holds half a character (a lone surrogate) at place {err.start}.", hint="Take it out."
        ) from err
    return value


def line(value: Any, what: str, limit: int) -> str:
    """A text of one line: line breaks and tabs become spaces, those at the ends fall away."""
    return text(LINE_BREAKS.sub(" ", value).strip() if isinstance(value, str) else value, what, limit)


def label(value: Any) -> str:
    """A label."""
    return line(value, "a label", MAX_LABEL)


def remark(value: Any) -> str:
    """A remark; all its line breaks are newlines."""
    return text(re.sub("\r\n?", "\n", value) if isinstance(value, str) else value, "a remark", MAX_REMARK)


def tags(value: Any) -> tuple[str, ...]:
    """Tags, each once, in their order."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise InputError(f"tags are a list of texts, and {type(value).__name__} came.", hint='Write tags=["one"].')
    found = tuple(dict.fromkeys(t for t in (line(v, "a tag", MAX_TAG) for v in value) if t))
    if len(found) > MAX_TAGS:
        raise InputError(f"a feature has at most {MAX_TAGS} tags, and {len(found):,} came.")
    if any("," in t for t in found):
        raise InputError("a tag has no comma in it.", hint="Give two tags.")
    return found


def status(value: Any) -> str:
    """A status."""
    if value not in STATUSES:
        raise InputError(f"there is no status {value!r}.", hint=f"One of {', '.join(map(repr, STATUSES))}.")
    return value


def confidence(value: Any) -> float | None:
    """A confidence, or ``None``."""
    if value is None:
        return None
    try:
        found = float(value) if not isinstance(value, str | bool) else math.nan
    except (TypeError, ValueError):
        found = math.nan
    if not 0 <= found <= 1:
        raise InputError(f"a confidence is a number from 0 to 1 or None, and {value!r:.80} came.")
    return found


def list_name(value: Any, what: str = "the name of a list") -> str:
    """The name of a list, or of a layer.

    Raises
    ------
    InputError
        It is empty, or too long.
    """
    found = line(value, what, MAX_NAME)
    if not found:
        raise InputError(f"{what} is not empty, and an empty text came.")
    return found


CLEAN: dict[str, Callable[[Any], Any]] = {
    "label": label,
    "remark": remark,
    "tags": tags,
    "status": status,
    "confidence": confidence,
}
"""What makes each field of a note fit to be stored."""
