"""What a text of notes would change: a merge of three, by field.

1. What the same file held when it was last exported or imported is the base; nothing, if it never was.
2. Where the notes differ from the file, and the file is as the base: they were changed here, and stay.
3. Where the notes are as the base: they were changed in the file, and become as it is; so what
   was taken out of the file goes.
4. Where both changed: tags and lists keep what either added, without what either took out; all
   else is a conflict.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from saescope.notes import texts
from saescope.notes.kept import Kept
from saescope.notes.note import FIELDS, Passage
from saescope.notes.textform import SAYS_NOTHING, TextNotes


class Difference(NamedTuple):
    """One field, list, mark or kept result that would change; ``new`` is what it would be.

    ``change`` is ``add``, ``change``, ``remove``, ``merge`` or ``conflict``; ``name`` is the list's, the
    passage's key, or the id of what is kept.
    """

    what: str
    feature: int | None
    name: str
    field: str
    old: Any
    new: Any
    change: str


@dataclass
class Merge:
    """What importing a text would do; ``n_own`` differences stay, since only the notes changed."""

    differences: list[Difference] = field(default_factory=list)
    passages: dict[str, Passage] = field(default_factory=dict)
    kept: dict[str, Kept] = field(default_factory=dict)
    n_own: int = 0

    @property
    def conflicts(self) -> list[Difference]:
        """Those where both sides changed."""
        return [d for d in self.differences if d.change == "conflict"]


def merge(base: TextNotes, own: TextNotes, theirs: TextNotes) -> Merge:
    """What taking in ``theirs`` would change in ``own``, when both come from ``base``."""
    passages = {key: p for (_, key), (_, p) in {**own.marks, **theirs.marks}.items()}
    made = Merge(passages=passages, kept={**own.kept, **theirs.kept})
    for feature in _all(base.notes, own.notes, theirs.notes):
        sides = [side.notes.get(feature) or {} for side in (base, own, theirs)]
        if sides[1] == sides[2]:
            continue
        for name in FIELDS:
            values = [side.get(name, SAYS_NOTHING[name]) for side in sides]
            _compare(made, ("note", feature, "", name), values, SAYS_NOTHING[name])
    for name in _all(base.lists, own.lists, theirs.lists):
        _compare(made, ("list", None, name, "features"), [s.lists.get(name) for s in (base, own, theirs)], None)
    for feature, key in _all(base.marks, own.marks, theirs.marks):
        values = [(s.marks.get((feature, key)) or ("",))[0] for s in (base, own, theirs)]
        _compare(made, ("mark", feature, key, "mark"), values, "")
    for kept_id in _all(own.kept, theirs.kept):
        sides = [side.kept.get(kept_id) for side in (base, own, theirs)]
        _compare(made, ("kept", made.kept[kept_id].feature, kept_id, "title"), [k and k.title for k in sides], None)
    return made


def _all(*sides: Iterable[Any]) -> list[Any]:
    return sorted(set().union(*sides))


def _compare(made: Merge, where: tuple[str, int | None, str, str], values: Sequence[Any], nothing: Any) -> None:
    base, own, theirs = values
    if own == theirs:
        return
    if theirs == base:
        made.n_own += 1
        return
    if own == base:
        change = "add" if own == nothing else "remove" if theirs == nothing else "change"
        made.differences.append(Difference(*where, own, theirs, change))
        return
    if isinstance(own, tuple) and isinstance(theirs, tuple):
        both = _both(base or (), own, theirs)
        if where[3] != "tags" or len(both) <= texts.MAX_TAGS:
            if both != own:
                made.differences.append(Difference(*where, own, both, "merge"))
            return
    made.differences.append(Difference(*where, own, theirs, "conflict"))


def _both(base: Sequence[Any], own: Sequence[Any], theirs: Sequence[Any]) -> tuple[Any, ...]:
    """What either side added to the base, without what either took out; those of one's own first."""
    before, there, here = set(base), set(theirs), set(own)
    kept = [v for v in own if v in there or v not in before]
    return (*kept, *(v for v in theirs if v not in here and v not in before))
