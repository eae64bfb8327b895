"""The fields of a manifest, each of the type that it must have: indexes are handed round, and may come from anyone."""

import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

MOST = 1 << 40
MAX_TEXT = 100_000
PLAIN_NAME = re.compile(r"[\w.-]{1,200}", re.ASCII)
Check = Callable[[Any], bool]


def _whole(value: Any) -> bool:
    return type(value) is int and 0 <= value < MOST


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= MAX_TEXT and value.isascii() | _is_unicode(value)


def _is_unicode(value: str) -> bool:
    try:
        value.encode()
    except UnicodeError:
        return False
    return True


def _object(value: Any) -> bool:
    return isinstance(value, dict)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_text, value))


def _rising(value: Any) -> bool:
    return isinstance(value, list) and all(map(_whole, value)) and all(a < b for a, b in pairwise(value))


def _name(value: Any) -> bool:
    """A plain file or folder name: it leads nowhere else."""
    return isinstance(value, str) and PLAIN_NAME.fullmatch(value) is not None and value.strip(".") != ""


def _holding(**checks: Check) -> Check:
    return lambda value: isinstance(value, dict) and all(check(value.get(name)) for name, check in checks.items())


def _or_none(check: Check) -> Check:
    return lambda value: value is None or check(value)


_LOSS = {name: _or_none(_number) for name in ("clean", "spliced", "zero", "recovered", "standard_error", "n_tokens")}
_ORIGIN: dict[str, Check] = {
    "kind": _text, "name": _text, "n_tokens": _or_none(_whole), "n_features": _whole, "missing": _or_none(_texts),
    "estimated": _or_none(_texts), "left_out": _or_none(_object), "notes": _or_none(_text),
}  # fmt: skip
_RULE: dict[str, Check] = {
    "n_skipped": _or_none(_whole),
    "skips_special": _or_none(_flag),
    "max_norm_ratio": _or_none(lambda value: _number(value) and value > 0),
}
CHECKS: dict[str, tuple[str, Check]] = {
    **dict.fromkeys(
        ("n_rows", "n_counted", "context_size", "d_sae", "d_in", "vocab_size", "n_alive", "window_size"),
        ("a whole number from 0 on", _whole),
    ),
    **dict.fromkeys(("l0", "median_norm"), ("a number", _number)),
    **dict.fromkeys(("is_packed", "is_complete", "has_postings"), ("true or false", _flag)),
    **dict.fromkeys(("made_by", "lens", "created"), ("a text", _text)),
    "folder": ("a plain name, or empty", lambda value: value == "" or _name(value)),
    "explained_variance": ("a number or null", _or_none(_number)),
    "loss": ("an object of numbers, or null", _or_none(_holding(**_LOSS))),
    "shard_starts": ("rising whole numbers", _rising),
    "groups": ("a list of texts", _texts),
    "rule": ("a rule of what counts", _holding(**_RULE)),
    "model": ("what is known of the model", _holding(name=_text, fingerprint=_text, dtype=_text)),
    "sae": ("what is known of the SAE", _holding(name=_text, fingerprint=_text, hook_name=_text)),
    "corpus": ("what is known of the corpus", _holding(name=_or_none(_text), fingerprint=_or_none(_text))),
    "settings": ("an object", _object),
    "corpus_key": ("an object or null", _or_none(_object)),
    "imported": ("an origin or null", _or_none(_holding(**_ORIGIN))),
    "version": (
        "two whole numbers",
        lambda value: isinstance(value, list) and len(value) == 2 and all(map(_whole, value)),
    ),
}
"""What each field holds, in words, and whether a value is that."""
PART: dict[str, Check] = {"name": _name, "n_bytes": _whole, "digest": _text}


def check_recorded(raw: Mapping[str, Any]) -> None:
    """Look at all fields.

    Raises
    ------
    ValueError
        One is something else than it must be.
    """
    for name, (wanted, check) in CHECKS.items():
        if name in raw and not check(raw[name]):
            raise ValueError(f"{name} is {wanted}, and {_told(raw[name])} came")
    parts = raw["parts"]
    if not isinstance(parts, list) or not all(_holding(**PART)(part) for part in parts):
        raise ValueError("its parts are not all files with a size and a checksum")
    names = [part["name"] for part in parts]
    if len(set(names)) < len(names):
        raise ValueError("a part is in it twice")
    starts = raw.get("shard_starts") or [0]
    if starts[0] != 0 or (starts[-1] >= raw.get("n_rows", MOST) and len(starts) > 1):
        raise ValueError(f"its shards do not make up its {raw.get('n_rows')} tokens")


def _told(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
