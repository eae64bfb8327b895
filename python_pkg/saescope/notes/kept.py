"""What a kept result is: a call of the scope, the table it gave, and what it was made with.

A result never changes; its number is a digest of all of it, so that two writers cannot give one number to
two results, and a text that was changed by hand is seen. Its title can be changed, and stands beside it.
"""

import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import polars as pl

from saescope.errors import InputError, SaescopeError
from saescope.notes import texts
from saescope.notes.kept_calls import call_text, check_args, check_method
from saescope.notes.kept_frames import frame_as_json, frame_from_json

MAX_ROWS, MAX_BYTES, MAX_PANEL = 2_000, 1_000_000, 20_000
MAX_TITLE, MAX_HEADLINE = 300, 200
FACTS = (
    "args", "author", "feature", "fingerprints", "frame", "headline", "method", "n_rows", "panel", "time_us", "versions"
)  # fmt: skip


@dataclass(frozen=True)
class Kept:
    """A result that was kept.

    Parameters
    ----------
    id
        Twelve hexadecimal digits: a digest of all but the title.
    feature
        What it is about; ``None`` for a prompt.
    title
        A person's words; where none were given, made from the call.
    method, args
        The method of `Scope`, and its arguments as JSON: see `saescope.notes.kept_calls`.
    columns
        The table as JSON: see `saescope.notes.kept_frames`.
    n_rows
        Rows that the call gave; those beyond ``MAX_ROWS``, or ``MAX_BYTES`` of JSON, were not kept.
    headline
        Its foremost figure, with its unit.
    fingerprints
        Of ``model``, ``sae``, ``index`` and ``corpus``, as far as there were.
    versions
        Of the packages it was made with.
    author
        Who kept it.
    time_us
        When, in microseconds since 1970 UTC.
    panel
        The panel it was kept from: ``name`` and ``state``; empty otherwise.
    """

    id: str
    feature: int | None
    title: str
    method: str
    args: dict[str, Any]
    columns: list[dict[str, Any]] = field(repr=False)
    n_rows: int
    headline: str = ""
    fingerprints: Mapping[str, str] = field(default_factory=dict, repr=False)
    versions: Mapping[str, str] = field(default_factory=dict, repr=False)
    author: str = ""
    time_us: int = 0
    panel: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @cached_property
    def frame(self) -> pl.DataFrame:
        """The table as the method gave it, but for rows that were cut: see `cut`."""
        return frame_from_json(self.columns)

    @property
    def time(self) -> datetime:
        """When it was kept, UTC."""
        return datetime.fromtimestamp(self.time_us / 1e6, UTC)

    @property
    def code(self) -> str:
        """The call as Python text."""
        return call_text(self.method, self.args)

    @property
    def cut(self) -> str:
        """Which rows were kept, where not all were; else empty."""
        return "" if self.frame.height == self.n_rows else f"the first {self.frame.height:,} of {self.n_rows:,} rows"

    @property
    def number(self) -> int:
        """The id as a number."""
        return int(self.id, 16)

    def facts(self) -> dict[str, Any]:
        """All but id and title, as JSON; the arguments are a text in it, since their order counts."""
        return {
            "args": _in_order(self.args),
            "author": self.author,
            "feature": self.feature,
            "fingerprints": dict(self.fingerprints),
            "frame": self.columns,
            "headline": self.headline,
            "method": self.method,
            "n_rows": self.n_rows,
            "panel": dict(self.panel),
            "time_us": self.time_us,
            "versions": dict(self.versions),
        }

    def titled(self, title: str) -> "Kept":
        """With another title; an empty one is made from the call."""
        return replace(self, title=_title(title, self.method, self.args))


_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode
_in_order = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


def packed(kept: Kept) -> bytes:
    """All but id and title, compressed."""
    return zlib.compress(_encode(kept.facts()).encode(), 6)


def unpacked(number: int, title: str, content: bytes) -> Kept:
    """What `packed` packed.

    Raises
    ------
    InputError
        It is damaged.
    """
    try:
        return kept_of(json.loads(zlib.decompress(content)), title, number=f"{number:012x}")
    except (ValueError, zlib.error) as err:
        raise InputError(f"the kept result {number:012x} is damaged: {err!s:.80}.") from err


def make(
    frame: pl.DataFrame,
    *,
    feature: int | None,
    title: str,
    method: str,
    args: dict[str, Any],
    headline: str,
    fingerprints: Mapping[str, str],
    versions: Mapping[str, str],
    author: str,
    time_us: int,
    panel: Mapping[str, Any] | None = None,
) -> Kept:
    """A result to keep, cut to the rows that fit.

    Raises
    ------
    InputError
        An argument, the title or a column cannot be kept.
    """
    columns = frame_as_json(frame.head(MAX_ROWS))
    n_fit = len(columns[0]["values"]) if columns else 0
    while n_fit and (n_bytes := len(_encode({"frame": columns}).encode())) > MAX_BYTES:
        n_fit = min(n_fit - 1, int(n_fit * 0.95 * MAX_BYTES / n_bytes))
        columns = [column | {"values": column["values"][:n_fit]} for column in columns]
    facts = {
        "args": _in_order(check_args(args)),
        "author": author,
        "feature": feature,
        "fingerprints": dict(fingerprints),
        "frame": columns,
        "headline": headline[:MAX_HEADLINE],
        "method": check_method(method),
        "n_rows": frame.height,
        "panel": _panel(panel),
        "time_us": time_us,
        "versions": dict(versions),
    }
    return kept_of(facts, title)


def _panel(panel: Mapping[str, Any] | None) -> dict[str, Any]:
    """The panel, if its state is not too long to be kept."""
    try:
        is_short = len(_encode(dict(panel or {}))) <= MAX_PANEL
    except (TypeError, ValueError):
        is_short = False
    return dict(panel) if panel and is_short else {}


def kept_of(facts: Any, title: str, number: str | None = None) -> Kept:
    """A result from its facts.

    Raises
    ------
    InputError
        They are none, or not those of this number.
    """
    if not isinstance(facts, dict) or set(facts) != set(FACTS):
        raise InputError("a kept result has " + ", ".join(FACTS) + ".")
    try:
        args = _check_facts(facts)
        made = Kept(
            hashlib.blake2b(_encode(facts).encode(), digest_size=6).hexdigest(),
            facts["feature"],
            _title(title, facts["method"], args),
            facts["method"],
            args,
            facts["frame"],
            *(facts[n] for n in ("n_rows", "headline", "fingerprints", "versions", "author", "time_us", "panel")),
        )
        if made.frame.height > made.n_rows:
            raise ValueError("it has more rows than it says")
    except SaescopeError:
        raise
    except (ValueError, TypeError, OverflowError, RecursionError) as err:
        raise InputError(f"it is no kept result: {err!s:.120}.") from err
    if number is not None and made.id != number:
        raise InputError(
            f"the kept result {number:.20} is not as it was kept: its digest is {made.id}.",
            hint="Results do not change; only their titles do.",
        )
    return made


def _check_facts(facts: dict[str, Any]) -> dict[str, Any]:
    """Refuse what is none; returns the arguments."""
    check_method(facts["method"])
    feature, args = facts["feature"], check_args(json.loads(facts["args"]))
    if _in_order(args) != facts["args"]:
        raise ValueError("its args are not as saescope writes them")
    if feature is not None and (type(feature) is not int or feature < 0):
        raise ValueError("its feature is a number or null")
    for name in ("n_rows", "time_us"):
        if type(facts[name]) is not int or not 0 <= facts[name] < 1 << 53:
            raise ValueError(f"its {name} is a number")
    for name in ("fingerprints", "versions"):
        if not isinstance(facts[name], dict) or not all(isinstance(v, str) for v in facts[name].values()):
            raise ValueError(f"its {name} are texts by name")
    if not isinstance(facts["panel"], dict):
        raise ValueError("its panel is an object")  # noqa: TRY004 - for one except
    texts.text(facts["author"], "an author", texts.MAX_NAME)
    texts.text(facts["headline"], "a headline", MAX_HEADLINE)
    return args


def _title(title: str, method: str, args: Mapping[str, Any]) -> str:
    given = texts.line(title, "a title", MAX_TITLE)
    return given or made_title(method, args)


def made_title(method: str, args: Mapping[str, Any]) -> str:
    """A title for a call that was given none: the kind of result, and the text it is about."""
    text = args.get("text", args.get("prompt"))
    what = method.removesuffix("_on").replace("_", " ")
    if method in ("ablate", "ablate_examples", "effect_summary"):
        what = f"{args.get('kind', 'zero')} ablation" + ("" if method == "ablate" else " over examples")
    elif method == "circuit":
        what = str(args.get("direction", "upstream"))
    if isinstance(text, str):
        shown = texts.LINE_BREAKS.sub(" ", text).replace("\0", " ").strip()
        what = what[: MAX_TITLE - 70] + (f" on “{shown[:59]}…”" if len(shown) > 60 else f" on “{shown}”")
    elif isinstance(text, list):
        what += f" on {len(text):,} " + ("texts" if any(isinstance(t, str) for t in text) else "tokens")
    return what[:MAX_TITLE]


def digest(facts: Any) -> str:
    """32 hexadecimal digits of some JSON."""
    return hashlib.blake2b(_encode(facts).encode(), digest_size=16).hexdigest()
