"""Writers of notes killed at random moments, and writers of the same notes at once: what is lost.

    python -m benchmarks.note_kills [--kills 36] [--writers 4] [--updates 500] [--seed 0]
                                    [--store sqlite|log] [--machines 1]

1. Forks some writers at a time on one file; a third of what they write are kept results. Each tells
   through a pipe every write that has returned, and gets SIGKILL at a random moment, at most 150 ms
   after its first. Afterwards each told write is looked for in the history, and the notes and kept
   results are compared with what their history says.
2. Writers append to the same three remarks, each on the version it has read, and again after a
   conflict. Afterwards each append that was told done is looked for in the remarks.

``--store log`` does both with logs instead of SQLite; of several machines each has a cache of its own,
so that only the logs and the turn file are between them, and writers are shared out among machines.
"""

import argparse
import json
import os
import random
import signal
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from saescope.errors import ConflictError
from saescope.notes import Kept, Notes
from saescope.notes.book import Book, register
from saescope.notes.kept import make
from saescope.notes.logs import LogBook

N_FEATURES, LONGEST_S = 40, 0.15
HOT = (1, 2, 3)


@dataclass
class Kills:
    """What came out of the killing."""

    kills: int = 0
    acknowledged: int = 0
    lost: int = 0
    damaged: int = 0


@dataclass
class Updates:
    """What came out of writing at once; ``slowest_ms`` is one append with all its conflicts."""

    acknowledged: int
    lost: int
    conflicts: int
    slowest_ms: float
    a_second: float


IDENTITY = {"sae": "test"}


class Sqlite:
    """One file, for all writers."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def open(self, writer: int = 0) -> Notes:  # noqa: ARG002 - all have the same
        """The notes, as a writer opens them."""
        return Notes(register(self.path, IDENTITY, lambda: Book(self.path, IDENTITY)), N_FEATURES)

    def kept(self) -> set[tuple[int, str]]:
        """Features and labels of all events; of kept results numbers and titles."""
        db = sqlite3.connect(self.path, timeout=10)
        try:
            rows = db.execute("SELECT target, new FROM events").fetchall()
        finally:
            db.close()
        return {(target, written(json.loads(new))) for target, new in rows}

    def is_whole(self) -> bool:
        """Whether the file is sound, and every note and kept result is what its history says."""
        return is_whole(self.path) and are_kept(self.open(), self.kept())


class Logs:
    """A folder of logs; ``writer`` opens it as one of so many machines."""

    def __init__(self, path: Path, n_machines: int) -> None:
        self.path = path
        self.n_machines = n_machines

    def open(self, writer: int = 0) -> Notes:
        """The notes, as a writer opens them."""
        return self._as(f"machine-{writer % self.n_machines}")

    def _as(self, machine: str) -> Notes:
        cache = self.path.parent / machine / "cache.sqlite"
        return Notes(register(self.path / machine, IDENTITY, lambda: LogBook(self.path, IDENTITY, cache)), N_FEATURES)

    def _events(self) -> list[tuple[int, str, int, dict[str, str], str]]:
        found = []
        for file in self.path.glob("*.jsonl"):
            for line in file.read_bytes().split(b"\n")[1:-1]:
                read = json.loads(line)
                found += [(read["n"] + i, file.stem, e[1], e[4], e[0]) for i, e in enumerate(read["events"])]
        return sorted(found, key=lambda e: e[:2])

    def kept(self) -> set[tuple[int, str]]:
        """Features and labels of all lines, numbers and titles of kept results; read without saescope."""
        return {(target, written(new)) for _, _, target, new, _ in self._events()}

    def is_whole(self) -> bool:
        """Whether every machine, and one that begins anew, has the notes that the lines come to."""
        said = {f: {"label": "", "remark": "", "n": 0} for f in range(N_FEATURES)}
        for target, new in ((target, new) for _, _, target, new, kind in self._events() if kind == "note"):
            said[target] |= new | {"n": said[target]["n"] + 1}
        machines = [f"machine-{i}" for i in range(self.n_machines)] + [f"new-{time.time_ns()}"]
        time.sleep(0.3)  # what was read last may be a quarter of a second old
        notes = [self._as(machine) for machine in machines]
        return all(
            (n.get(f).label, n.get(f).remark, n.get(f).version) == (wanted["label"], wanted["remark"], wanted["n"])
            for n in notes
            for f, wanted in said.items()
        ) and all(are_kept(n, self.kept()) for n in notes)


Store = Sqlite | Logs


def written(new: dict[str, str]) -> str:
    """The label or the title that an event tells."""
    return new.get("label", "") or new.get("title", "")


def are_kept(notes: Notes, told: set[tuple[int, str]]) -> bool:
    """Whether the results that are kept are those of the history, each with its table."""
    found = {(kept.number, kept.title) for kept in notes.kept() if kept.frame.equals(FRAME)}
    return found == {(number, title) for number, title in told if number >= N_FEATURES}


FRAME = pl.DataFrame({"pos": [1, 2], "delta_logprob": [-0.25, float("nan")], "token": [None, " the"]})


def result(title: str, feature: int, time_us: int) -> Kept:
    """A result to keep."""
    told = {"headline": "−0.25 nats", "fingerprints": {}, "versions": {}, "author": "", "time_us": time_us}
    args = {"feature": feature}
    return make(FRAME, feature=feature, title=title, method="neighbors", args=args, **told)


def fork(work: Callable[[Callable[[str], None]], None]) -> tuple[int, int]:
    """Run ``work(tell)`` in a child; returns its number and the end of a pipe with the lines it told."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(read)
            work(lambda line: os.write(write, line.encode() + b"\n") and None)
            status = 0
        finally:
            os._exit(status)
    os.close(write)
    return child, read


def lines_of(read: int) -> list[str]:
    """What a child told; a line that was cut was not told."""
    with os.fdopen(read, "rb") as stream:
        return [line.decode() for line in stream.read().split(b"\n")[:-1]]


def kill_round(store: Store, name: str, n_writers: int, draw: random.Random) -> list[str]:
    """Start writers, kill each at its own moment; returns all that was acknowledged."""
    seeds = [draw.random() for _ in range(n_writers)]

    def writer(who: str, seed: float) -> Callable[[Callable[[str], None]], None]:
        def work(tell: Callable[[str], None]) -> None:
            own, notes, n = random.Random(seed), store.open(int(who)), 0
            while True:
                feature, text, n = own.randrange(N_FEATURES), f"{name}-{who}-{n}", n + 1
                if n % 3 == 0:
                    kept = result(text, feature, time.time_ns() // 1000)
                    notes.keep(kept)
                    tell(f"{kept.number} {text}")
                    continue
                notes.set(feature, label=text, remark="x" * own.randrange(2000))
                tell(f"{feature} {text}")

        return work

    children = [fork(writer(str(i), seed)) for i, seed in enumerate(seeds)]
    moments = sorted((draw.uniform(0.01, LONGEST_S), child) for child, _ in children)
    began = time.monotonic()
    for moment, child in moments:
        time.sleep(max(0.0, began + moment - time.monotonic()))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            raise SystemExit(f"a writer ended by itself, with status {status}")
    return [line for _, read in children for line in lines_of(read)]


def is_whole(path: Path) -> bool:
    """Whether the file is sound, and every note is what its history says."""
    db = sqlite3.connect(path, timeout=10)
    try:
        if db.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
            return False
        for feature, label, remark, version in db.execute("SELECT feature, label, remark, version FROM notes"):
            found: dict[str, str] = {}
            events = db.execute("SELECT new FROM events WHERE kind = 'note' AND target = ? ORDER BY id", (feature,))
            rows = [json.loads(new) for (new,) in events]
            for row in rows:
                found |= row
            if (found.get("label", ""), found.get("remark", ""), len(rows)) != (label, remark, version):
                return False
        return True
    finally:
        db.close()


def run_kills(store: Store, n_kills: int, n_writers: int, seed: int) -> Kills:
    """Kill so many writers, and count."""
    draw, result = random.Random(seed), Kills()
    while result.kills < n_kills:
        told = kill_round(store, str(result.kills), n_writers, draw)
        result.kills += n_writers
        result.acknowledged += len(told)
        kept = store.kept()
        result.lost += sum((int(feature), text) not in kept for feature, text in map(str.split, told))
        result.damaged += not store.is_whole()
    return result


def run_updates(store: Store, n_writers: int, n_updates: int) -> Updates:
    """Append from many processes at once, and count."""

    def writer(who: int) -> Callable[[Callable[[str], None]], None]:
        def work(tell: Callable[[str], None]) -> None:
            notes, draw = store.open(who), random.Random(who)
            for n in range(n_updates):
                feature, token, n_conflicts, began = draw.choice(HOT), f"{who}.{n};", 0, time.perf_counter()
                while True:
                    now = notes.get(feature)
                    try:
                        notes.set(feature, remark=now.remark + token, version=now.version)
                        break
                    except ConflictError:
                        n_conflicts += 1
                tell(f"{feature} {token} {n_conflicts} {1000 * (time.perf_counter() - began)}")

        return work

    began = time.perf_counter()
    children = [fork(writer(who)) for who in range(n_writers)]
    told = [line.split() for _, read in children for line in lines_of(read)]
    took = time.perf_counter() - began
    for child, _ in children:
        _, status = os.waitpid(child, 0)
        if status:
            raise SystemExit(f"a writer failed with status {status}")
    time.sleep(0.3)
    notes = store.open()
    kept = {f: set(notes.get(f).remark.split(";")) for f in HOT}
    lost = sum(token.rstrip(";") not in kept[int(feature)] for feature, token, _, _ in told)
    conflicts, slowest = sum(int(line[2]) for line in told), max(float(line[3]) for line in told)
    if sum(notes.get(f).version for f in HOT) != len(told):
        lost += 1
    return Updates(len(told), lost, conflicts, slowest, len(told) / took)


def main() -> int:
    """Run, and say what came out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=36)
    parser.add_argument("--writers", type=int, default=4)
    parser.add_argument("--updates", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--store", choices=["sqlite", "log"], default="sqlite")
    parser.add_argument("--machines", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:

        def store(name: str) -> Store:
            place = Path(folder) / name
            return Sqlite(place) if options.store == "sqlite" else Logs(place / "notes-log", options.machines)

        killed = run_kills(store("kills"), options.kills, options.writers, options.seed)
        sys.stdout.write(
            f"{killed.kills} kills of {options.writers} writers at a time: {killed.acknowledged:,} acknowledged "
            f"writes, {killed.lost} lost, {killed.damaged} damaged files\n"
        )
        met = run_updates(store("updates"), options.writers, options.updates)
        sys.stdout.write(
            f"{options.writers} writers at once: {met.acknowledged:,} updates of {len(HOT)} notes, {met.lost} lost, "
            f"{met.conflicts:,} conflicts told, {met.a_second:,.0f} a second, slowest {met.slowest_ms:.0f} ms\n"
        )
    return 1 if killed.lost or killed.damaged or met.lost else 0


if __name__ == "__main__":
    sys.exit(main())
