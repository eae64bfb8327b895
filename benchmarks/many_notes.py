"""Many notes: export, preview and import as a text, search, layers, with each store.

    python -m benchmarks.many_notes [--notes 100000] [--labels 131072]

Times are the process's own (CPU) seconds, with the clock's in brackets.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from saescope.notes import Notes
from saescope.notes.book import Book
from saescope.notes.logs import LogBook
from saescope.notes.words import FullText, Scan, Words
from saescope.query.columns import TableColumns, Written
from saescope.query.filters import matching

WORDS = (
    "the",
    "ship",
    "sea",
    "harbour",
    "python",
    "code",
    "legal",
    "contract",
    "date",
    "month",
    "city",
    "dose",
    "cell",
)
IDENTITY = {"sae": "test"}


def timed(what: str, work: Callable[[], Any]) -> Any:
    """Do it, and say how long it took."""
    cpu, clock = time.process_time(), time.perf_counter()
    found = work()
    sys.stdout.write(f"{what:<52} {time.process_time() - cpu:7.2f} ({time.perf_counter() - clock:.2f}) s\n")
    return found


def labels(n: int) -> dict[int, dict[str, Any]]:
    """Made-up notes."""
    draw = random.Random(0)
    return {f: {"label": " ".join(draw.choices(WORDS, k=7)), "tags": [draw.choice(WORDS)]} for f in range(n)}


def share(folder: Path, n: int) -> None:
    """Write, export, compare and import."""
    for kind in ("sqlite", "log"):
        sys.stdout.write(f"{kind}: {n:,} notes\n")

        def open_notes(name: str, kind: str = kind) -> Notes:
            place = folder / kind / name
            if kind == "sqlite":
                return Notes(Book(place / "notes.sqlite", IDENTITY), n)
            return Notes(LogBook(place / "notes-log", IDENTITY, place / "cache.sqlite"), n)

        notes, other = open_notes("one"), open_notes("two")
        given = labels(n)
        timed("  set_many", lambda notes=notes, given=given: notes.set_many(given))
        file = folder / f"{kind}.jsonl"
        timed("  export", lambda notes=notes, file=file: notes.export(file))
        timed("  export again, unchanged", lambda notes=notes, file=file: notes.export(file))
        timed("  preview of all, in empty notes", lambda other=other, file=file: other.preview(file))
        timed("  import of all", lambda other=other, file=file: other.import_from(file))
        timed("  import again", lambda other=other, file=file: other.import_from(file))
        sys.stdout.write(f"  the file: {file.stat().st_size / 1e6:.1f} MB\n")
        if kind == "log":
            (log,) = notes.path.glob("*.jsonl")
            sys.stdout.write(f"  the log: {log.stat().st_size / 1e6:.1f} MB\n")
            cold = Notes(LogBook(notes.path, IDENTITY, folder / "cold.sqlite"), n)
            timed("  a cache from nothing", cold.labels)


def search(folder: Path, n: int) -> None:
    """Search labels of all features."""
    notes = Notes(Book(folder / "search.sqlite", IDENTITY), n)
    notes.set_many(labels(n))
    sys.stdout.write(f"search in {n:,} labels\n")
    written = Written(notes.labels(), {}, notes.revision, notes.tags(), (), notes.remarks, notes.rank)
    columns = TableColumns.__new__(TableColumns)
    columns.n_features, columns.written = n, written
    for make in (FullText, Scan):
        words = Words(notes.book, make)
        timed(f"  {make.__name__}: first words, made ready", lambda words=words: words.rank("ship"))
        timed(f"  {make.__name__}: two words", lambda words=words: words.rank("legal contr"))
        timed(f"  {make.__name__}: two in a row", lambda words=words: words.rank('"sea harbour"'))
        notes.set(5, label="legal contract contract")
        timed(f"  {make.__name__}: after a change", lambda words=words: words.rank("legal contr"))
    _, texts = timed("  substring: texts folded", lambda: columns._note_texts("label", True, 0))  # noqa: SLF001
    timed("  substring", lambda: matching(texts, "harbour", is_regex=False))
    timed("  regular expression", lambda: matching(texts, "(ship|sea) harb", is_regex=True))
    frame = pl.DataFrame({"feature": range(n), "label": list(notes.labels().values())})
    timed("  add_layer", lambda: notes.add_layer(frame))


def main() -> None:
    """Run, and say how long each took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--notes", type=int, default=100_000)
    parser.add_argument("--labels", type=int, default=131_072)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        share(Path(folder), options.notes)
        search(Path(folder), options.labels)


if __name__ == "__main__":
    main()
