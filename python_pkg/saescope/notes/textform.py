"""Notes as text to put under git: one file of JSON lines, the same bytes for the same content.

1. The first line says what it is: format, version, and the SAE by name and fingerprint.
2. Then a line for each feature that has a note, by number; a line for each list, by name; a line
   for each marked example, by feature and passage; a line for each kept result, by feature and id.
   Keys are sorted; what is empty is left out.
3. There is no time and no author, but those that are part of a kept result: git has both, of each line, and
   they would make two people's same notes differ. Row and document number of a marked example are left
   out too: they are the index's.
4. UTF-8, each line ended by a newline; what a reader of a difference could not see (control
   characters, and those that turn the direction of writing) is escaped.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from saescope.errors import InputError, SaescopeError, UnknownNameError
from saescope.notes import texts
from saescope.notes.kept import Kept, kept_of
from saescope.notes.note import FIELDS, MARKS, STATUSES, Passage

FORMAT, VERSION = "saescope-notes", 2
MAX_LINE = 8_000_000
MAX_PASSAGE = 10_000
UNSEEN = re.compile("[\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
SAYS_NOTHING: dict[str, Any] = {"label": "", "remark": "", "tags": (), "status": "", "confidence": None}
TYPES: dict[str, tuple[type, ...]] = {"tags": (list,), "confidence": (int, float)}
PASSAGE_FIELDS = ("before", "token", "after", "source")
CONFLICT = (b"<<<<<<<", b"=======", b">>>>>>>", b"|||||||")


@dataclass
class TextNotes:
    """What a text says.

    Parameters
    ----------
    sae
        Fingerprint and name of the SAE it is about.
    notes
        By feature, the fields that say something.
    lists
        By name, the features in their order.
    marks
        By feature and the passage's key, the mark and the passage.
    kept
        By id, results that are kept.
    """

    sae: dict[str, str] = field(default_factory=dict)
    notes: dict[int, dict[str, Any]] = field(default_factory=dict)
    lists: dict[str, tuple[int, ...]] = field(default_factory=dict)
    marks: dict[tuple[int, str], tuple[str, Passage]] = field(default_factory=dict)
    kept: dict[str, Kept] = field(default_factory=dict)


def dump(content: TextNotes) -> bytes:
    """The text of some notes."""
    return "".join(line + "\n" for line in _lines(content)).encode()


def _lines(content: TextNotes) -> Iterator[str]:
    yield _json({"format": FORMAT, "sae": content.sae, "version": VERSION if content.kept else 1})
    for feature, note in sorted(content.notes.items()):
        said = {name: value for name, value in note.items() if value != SAYS_NOTHING[name]}
        if said:
            yield _json({"feature": feature, "kind": "note", **said})
    for name, features in sorted(content.lists.items()):
        yield _json({"features": features, "kind": "list", "name": name})
    for (feature, key), (mark, passage) in sorted(content.marks.items(), key=lambda m: m[0]):
        told = {n: v for n in PASSAGE_FIELDS if (v := getattr(passage, n))}
        yield _json({"feature": feature, "kind": "mark", "mark": mark, "passage": key, **told})
    for kept_id, kept in sorted(content.kept.items(), key=lambda k: (k[1].feature is None, k[1].feature or 0, k[0])):
        yield _json({"id": kept_id, "kind": "kept", "title": kept.title, **kept.facts()})


_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(", ", ": "), allow_nan=False).encode


def _json(value: Mapping[str, Any]) -> str:
    return UNSEEN.sub(lambda m: f"\\u{ord(m[0]):04x}", _encode(value))


class _RefusedError(Exception):
    """Why a line is none."""


def read(path: Path) -> bytes:
    """The text in a file.

    Raises
    ------
    InputError
        It cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as err:
        raise InputError(f"{path} cannot be read: {err.strerror or err}.") from err


def parse(content: bytes, n_features: int) -> TextNotes:
    """What a text says.

    Raises
    ------
    InputError
        A line is none; ``data`` has its number.
    """
    made, seen = TextNotes(), dict[Any, int]()
    lines = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    for number, line in enumerate(lines, 1):
        stripped = line.removesuffix(b"\r")
        if not stripped.strip() and made.sae:
            continue
        try:
            if not made.sae:
                _read_head(made, _object(stripped))
                continue
            target = _read_line(made, _object(stripped), n_features)
            if target in seen:
                raise _RefusedError(f"{_named(target)} is in line {seen[target]:,} already: keep one of them")
            seen[target] = number
        except _RefusedError as err:
            raise InputError(
                f"line {number:,}: {err}.", hint="Nothing was changed. Mend the line, and try again.", line=number
            ) from err
        except SaescopeError as err:
            raise InputError(f"line {number:,}: {err.message}", hint="Nothing was changed.", line=number) from err
    return made


def _named(target: tuple[Any, ...]) -> str:
    if target[0] == "list":
        return f"the list {target[1]!r}"
    if target[0] == "kept":
        return f"the kept result {target[1]}"
    return f"feature {target[1]}" if target[0] == "note" else f"the mark on {target[2]} of feature {target[1]}"


def _object(line: bytes) -> dict[str, Any]:
    if len(line) > MAX_LINE:
        raise _RefusedError(f"it has {len(line):,} bytes, and a line of notes at most {MAX_LINE:,}")
    if line.startswith(CONFLICT):
        raise _RefusedError(f"{line[:40].decode(errors='replace')!r} is left of a git merge: settle the conflict")
    try:
        found = _decode(line.decode())
    except UnicodeDecodeError as err:
        raise _RefusedError(f"it is not UTF-8 at byte {err.start + 1:,}") from err
    except RecursionError as err:
        raise _RefusedError("it is nested too deeply") from err
    except ValueError as err:
        raise _RefusedError(f"it is no JSON: {err}") from err
    if not isinstance(found, dict):
        raise _RefusedError(f"it is a JSON {type(found).__name__}, and an object is wanted")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _RefusedError(f"{twice!r} is in it twice")
    return found


def _no_constant(name: str) -> Any:
    raise _RefusedError(f"{name} is no number")


_decode = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_constant).decode


def head_of(content: bytes) -> dict[str, str]:
    """Fingerprint and name of the SAE that a text is about.

    Raises
    ------
    InputError
        Its first line is none.
    """
    return parse(content.partition(b"\n")[0], 0).sae


def _read_head(made: TextNotes, found: dict[str, Any]) -> None:
    if found.get("format") != FORMAT:
        raise _RefusedError(f'the first line of exported notes has "format": "{FORMAT}", and this one has not')
    version, sae = found.get("version"), found.get("sae")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise _RefusedError(f"its version is a number from 1, and {version!r:.80} came")
    if version > VERSION:
        raise _RefusedError(f"the text is of version {version}, and this saescope knows {VERSION}: update saescope")
    is_told = isinstance(sae, dict) and all(isinstance(v, str) for v in sae.values())
    if not isinstance(sae, dict) or not is_told or not sae.get("fingerprint"):
        raise _RefusedError('its "sae" has a "fingerprint" and a "name"')
    made.sae = sae


def _read_line(made: TextNotes, found: dict[str, Any], n_features: int) -> tuple[Any, ...]:
    kind = found.pop("kind", None)
    if kind == "note":
        feature = _feature(found.pop("feature", None), n_features)
        _only(found, FIELDS)
        said = {name: texts.CLEAN[name](_typed(name, value)) for name, value in found.items()}
        made.notes[feature] = {name: value for name, value in said.items() if value != SAYS_NOTHING[name]}
        return (kind, feature)
    if kind == "list":
        name = texts.list_name(_typed("name", found.pop("name", None)))
        made.lists[name] = _members(found.pop("features", None), n_features)
        _only(found, ())
        return (kind, name)
    if kind == "mark":
        feature = _feature(found.pop("feature", None), n_features)
        mark, key = found.pop("mark", None), found.pop("passage", None)
        _only(found, PASSAGE_FIELDS)
        if mark not in MARKS:
            raise _RefusedError(f"a mark is one of {', '.join(MARKS)}, and {mark!r:.80} came")
        if not isinstance(key, str) or not re.fullmatch(r"[0-9a-f]{24}", key):
            raise _RefusedError(f"a passage is named by 24 hexadecimal digits, and {key!r:.80} came")
        before, token, after, source = (texts.text(found.get(n, ""), n, MAX_PASSAGE) for n in PASSAGE_FIELDS)
        made.marks[feature, key] = (mark, Passage(key, before, token, after, source=source))
        return (kind, feature, key)
    if kind == "kept":
        kept_id, title = found.pop("id", None), _typed("title", found.pop("title", ""))
        if not isinstance(kept_id, str) or not re.fullmatch(r"[0-9a-f]{12}", kept_id):
            raise _RefusedError(f"a kept result has an id of 12 hexadecimal digits, and {kept_id!r:.80} came")
        if found.get("feature") is not None:
            _feature(found["feature"], n_features)
        made.kept[kept_id] = kept_of(found, title, kept_id)
        return (kind, kept_id)
    raise _RefusedError(f"its kind is note, list, mark or kept, and {kind!r:.80} came")


def _typed(name: str, value: Any) -> Any:
    wanted = TYPES.get(name, (str,))
    if isinstance(value, bool) or not isinstance(value, wanted):
        raise _RefusedError(f"{name} is a {'/'.join(w.__name__ for w in wanted)}, and {value!r:.80} came")
    if name == "tags" and not all(isinstance(tag, str) for tag in value):
        raise _RefusedError("a tag is a text")
    if name == "status" and value not in STATUSES:
        raise UnknownNameError(f"there is no status {value!r:.80}.")
    return value


def _only(found: Mapping[str, Any], known: Iterable[str]) -> None:
    other = sorted(set(found) - set(known))
    if other:
        raise _RefusedError(f"it has {other[0]!r:.80}, which this saescope does not know")


def _feature(value: Any, n_features: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < n_features:
        raise _RefusedError(f"there is no feature {value!r:.80}: this dictionary has 0 to {n_features - 1:,}")
    return value


def _members(value: Any, n_features: int) -> tuple[int, ...]:
    if not isinstance(value, list):
        raise _RefusedError(f"the features of a list are numbers in brackets, and {value!r:.80} came")
    found = [_feature(v, n_features) for v in value]
    twice = next((f for f, n in _counts(found).items() if n > 1), None)
    if twice is not None:
        raise _RefusedError(f"feature {twice} is in the list twice")
    return tuple(found)


def _counts(values: Iterable[int]) -> dict[int, int]:
    counts: dict[int, int] = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    return counts
