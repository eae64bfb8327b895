"""Ranked search in what people wrote: labels, tags and remarks, and layers of labels from elsewhere.

1. All words have to be there, in any of the texts, whatever their case and accents; the last letters
   of a word may be missing, and several words in quotes stand together.
2. Those found are ranked by BM25 (Robertson & Zaragoza 2009), a word in a label counting most.

SQLite's FTS5 does both; where Python has none, a scan does, in the same order of parts and with
the same formula over whole texts.
"""

import math
import re
import sqlite3
import threading
import unicodedata
from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

from saescope.errors import InputError
from saescope.notes.book import GENERATION, Book
from saescope.notes.changes import COLUMNS, note_of
from saescope.notes.layers import Layer
from saescope.notes.note import Note

WEIGHTS = (8.0, 4.0, 1.0, 2.0)
"""Of label, tags, remark and layers."""
MAX_WORDS, MAX_KEPT = 32, 16
WORD = re.compile(r"[^\W_]+")
PARTS = re.compile(r'"([^"]*)"?|(\S+)')
K1, B = 1.2, 0.75
EVENTS = (1 << GENERATION) - 1

Texts = tuple[str, str, str, str]


class Ranked(NamedTuple):
    """Features that have all words, best first, and how well: larger is better."""

    features: list[int]
    scores: list[float]


class Ranker(Protocol):
    """Keeps texts by feature, and ranks them."""

    def put(self, texts: Iterable[tuple[int, Texts]]) -> None:
        """Texts of features, in the place of those before."""
        ...

    def rank(self, phrases: "list[list[str]]") -> Ranked:
        """Features that have all phrases."""
        ...


def texts_of(note: Note, layers: Iterable[Layer]) -> Texts:
    """What is written about a feature."""
    there = "\n".join(label for layer in layers if (label := layer.labels.get(note.feature)))
    return note.label, "\n".join(note.tags), note.remark, there


def phrases_of(words: str) -> list[list[str]]:
    """What is sought: words in a row, each list a phrase.

    Raises
    ------
    InputError
        They are too many.
    """
    found = [WORD.findall(quoted or bare) for quoted, bare in PARTS.findall(words)]
    phrases = [p for p in found if p]
    if sum(map(len, phrases)) > MAX_WORDS:
        raise InputError(f"at most {MAX_WORDS} words are sought, and {sum(map(len, phrases)):,} came.")
    return phrases


def ranker() -> Ranker:
    """The best there is in this Python."""
    try:
        return FullText()
    except sqlite3.Error:
        return Scan()


class FullText:
    """FTS5 in memory."""

    def __init__(self) -> None:
        self._db = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._db.execute(
            "CREATE VIRTUAL TABLE words USING fts5(label, tags, remark, layers, tokenize = "
            "'unicode61 remove_diacritics 2', detail = full)"
        )
        self._is_empty = True

    def put(self, texts: Iterable[tuple[int, Texts]]) -> None:
        """Texts of features, in the place of those before."""
        rows = list(texts)
        self._db.execute("BEGIN")
        if not self._is_empty:
            self._db.executemany("DELETE FROM words WHERE rowid = ?", ((f,) for f, _ in rows))
        said = ((f, *ts) for f, ts in rows if any(ts))
        self._db.executemany("INSERT INTO words (rowid, label, tags, remark, layers) VALUES (?, ?, ?, ?, ?)", said)
        self._db.execute("COMMIT")
        self._is_empty = False

    def rank(self, phrases: list[list[str]]) -> Ranked:
        """Features that have all phrases."""
        if not phrases:
            return Ranked([], [])
        sought = " ".join(f'"{" ".join(phrase)}" *' for phrase in phrases)
        weights = ", ".join(map(str, WEIGHTS))
        rows = self._db.execute(
            f"SELECT rowid, -bm25(words, {weights}) FROM words WHERE words MATCH ? ORDER BY 2 DESC, 1",  # noqa: S608
            (sought,),
        ).fetchall()
        return Ranked([feature for feature, _ in rows], [score for _, score in rows])


def folded(text: str) -> str:
    """A text without case and accents."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in plain if not unicodedata.combining(c))


class Scan:
    """The same without FTS5: all texts are gone through, each kept as its words with a break before each."""

    def __init__(self) -> None:
        self._texts: dict[int, tuple[str, ...]] = {}
        self._lengths: dict[int, int] = {}

    def put(self, texts: Iterable[tuple[int, Texts]]) -> None:
        """Texts of features, in the place of those before."""
        for feature, given in texts:
            self._texts.pop(feature, None)
            self._lengths.pop(feature, None)
            if any(given):
                said = tuple("".join(f"\n{word}" for word in WORD.findall(folded(t))) for t in given)
                self._texts[feature], self._lengths[feature] = said, sum(t.count("\n") for t in said)

    def rank(self, phrases: list[list[str]]) -> Ranked:
        """Features that have all phrases."""
        sought = ["".join(f"\n{folded(word)}" for word in phrase) for phrase in phrases]
        if not sought:
            return Ranked([], [])
        counts = [{f: n for f, ts in self._texts.items() if (n := _weighted(ts, p))} for p in sought]
        lengths = self._lengths
        mean = sum(lengths.values()) / max(len(lengths), 1) or 1
        all_of = set(counts[0]).intersection(*counts)
        scores = dict.fromkeys(all_of, 0.0)
        for found in counts:
            weight = max(math.log((len(lengths) - len(found) + 0.5) / (len(found) + 0.5)), 1e-6)
            for f in all_of:
                n = found[f]
                scores[f] += weight * n * (K1 + 1) / (n + K1 * (1 - B + B * lengths[f] / mean))
        order = sorted(all_of, key=lambda f: (-scores[f], f))
        return Ranked(order, [scores[f] for f in order])


def _weighted(texts: tuple[str, ...], phrase: str) -> float:
    """How often a phrase is in some texts, its last word perhaps cut, each text with its weight."""
    return sum(weight * n for weight, text in zip(WEIGHTS, texts, strict=True) if text and (n := text.count(phrase)))


class Words:
    """What is written in a book, kept ready to be searched; made when it is first, then brought up to date.

    Parameters
    ----------
    book
        The file.
    make
        Makes what ranks.
    """

    def __init__(self, book: Book, make: Callable[[], Ranker] = ranker) -> None:
        self._book = book
        self._make = make
        self._lock = threading.Lock()
        self._ranker = make()
        self._layers: tuple[Layer, ...] = ()
        self._revision = -1
        self._found: dict[str, Ranked] = {}

    def rank(self, words: str) -> Ranked:
        """Features in whose texts all words are, best first.

        Raises
        ------
        InputError
            They are too many.
        """
        phrases = phrases_of(words)
        with self._lock:
            self._renew()
            if len(self._found) > MAX_KEPT:
                self._found.clear()
            if words not in self._found:
                self._found[words] = self._ranker.rank(phrases)
            return self._found[words]

    def _renew(self) -> None:
        """Take in what is other than before."""
        revision, layers = self._book.revision, self._book.layers
        if revision == self._revision:
            return
        since = self._revision
        is_new = layers is not self._layers or since < 0 or since >> GENERATION != revision >> GENERATION
        if is_new:
            self._ranker = self._make()
        notes = self._book.read(lambda db: changed_notes(db, None if is_new else since & EVENTS), [])
        said = {note.feature: note for note in notes}
        others = set[int]().union(*(layer.labels for layer in layers)) if is_new else ()
        features = sorted({*said, *others})
        self._ranker.put((f, texts_of(said.get(f) or Note(f), layers)) for f in features)
        self._revision, self._layers = revision, layers
        self._found.clear()


def changed_notes(db: sqlite3.Connection, since: int | None) -> list[Note]:
    """The notes that were changed after an event; all of them without one."""
    where = "" if since is None else "WHERE feature IN (SELECT target FROM events WHERE kind = 'note' AND id > ?)"
    rows = db.execute(f"SELECT {COLUMNS} FROM notes {where}", () if since is None else (since,))  # noqa: S608
    return [note_of(row) for row in rows]
