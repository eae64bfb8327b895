"""The time to open a feature, from an index on disk.

``python -m benchmarks.opening [--features 131072 1048576] [--work FOLDER]`` writes synthetic
indexes (see `benchmarks.stores`; those that lie in FOLDER are taken as they are) and measures:

1. A feature's page: its figures and its 20 strongest examples with 16 tokens on each side, as
   messages; the index is open, its vocabulary and layout are read. Warm: CPU time of a second
   pass. Cold: before each page the process's mappings of the index are emptied
   (``MADV_DONTNEED``), so that the system lets go of all of the files (``POSIX_FADV_DONTNEED``);
   ``mincore`` counts what it kept. Time on the clock, by whatever else runs.
2. Each query option on the feature that fires on 1 % of 10 M tokens, from its postings: CPU
   time, median of 5 after the first, whose time on the clock stands beside it.
3. Bytes on disk, and peak memory of a process that reads 200 pages, beyond that of the bare
   imports (pages of files that it mapped count).
"""

import argparse
import ctypes
import mmap
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.stores import FREQUENT, live_features, write_store
from benchmarks.subject import Row, Subject
from saescope.index import Index
from saescope.index.rule import EVERYTHING, Rule
from saescope.progress import Silent
from saescope.query.examples import find_windows
from saescope.query.features import FeatureTable
from saescope.rpc.handlers.forming import example
from saescope.rpc.handlers.page import feature_page

IMPORT = "import time; t = time.perf_counter(); import saescope; print(time.perf_counter() - t)"
N_FEATURES = 200
N_COLD = 50
LIBC = ctypes.CDLL(None, use_errno=True)


def rows(subject: Subject) -> list[Row]:
    """Warm times in milliseconds, medians over random features, of an index that is built for it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "i"
        subject.scope.build_index(subject.texts, path, max_tokens=len(subject.tokens), progress=Silent(), attach=False)
        index = Index(path)
        table = FeatureTable(index)
        features = random.Random(0).sample(range(index.manifest.d_sae), N_FEATURES)
        figures_ms = _median_ms([lambda f=f: feature_page(index, f) for f in features])
        page_ms = _median_ms([lambda f=f: page(index, f) for f in features])
        queries_ms = _median_ms([lambda f=f: index.windows(f, "top", 50) for f in features])
        window_ms = _median_ms([lambda n=n: table.window(table.rows("max"), n, 100) for n in range(0, 1000, 10)])
    imports = [float(_child(IMPORT)) for _ in range(3)]
    return [
        Row("a feature's figures, from the table", f"{figures_ms:.2f} ms", "warm"),
        Row("its page: figures and top 20 examples, as messages", f"{page_ms:.2f} ms", "warm"),
        Row("its top 50, from the postings", f"{queries_ms:.2f} ms", "warm"),
        Row("100 rows of the feature table", f"{window_ms:.2f} ms", "warm"),
        Row("import saescope", f"{1000 * min(imports):.0f} ms", "best of 3, without torch"),
    ]


def page(index: Index, feature: int) -> tuple[Any, list[Any]]:
    """All that the page of a feature shows at first."""
    return feature_page(index, feature), [example(index, w, "top") for w in find_windows(index, feature, context=16)]


def store_rows(path: Path) -> list[Row]:
    """All figures of a synthetic index."""
    index = Index(path)
    features = live_features(index, N_FEATURES)
    index = Index(path)
    what = f"{index.manifest.d_sae:,} features"
    pages = [lambda f=f: page(index, f) for f in features]
    _times_ms(pages)
    warm = _times_ms(pages)
    n_examples = statistics.mean(len(find_windows(index, f)) for f in features)
    opened = _times_ms([lambda f=f: page(Index(path), f) for f in features[:5]])
    cold, n_kept = cold_times(index, features[:N_COLD])
    against = f"{what}, {n_examples:.1f} examples on average"
    return [
        Row("page of a feature, warm", _told(warm), against),
        Row("page of a feature, cold", _told(cold), f"{what}; {n_kept} pages of 4 KiB still in memory"),
        Row("index opened, and a page, warm", f"{statistics.median(opened):.0f} ms", f"{what}; reads the vocabulary"),
        *option_rows(index, what),
        *size_rows(path, what),
    ]


def cold_times(index: Index, features: Iterable[int]) -> tuple[list[float], int]:
    """Milliseconds of each page, nothing of the index's files being in memory, and the most pages that stayed."""
    times, n_kept = [], 0
    files = sorted(index.folder.iterdir())
    os.sync()
    for feature in features:
        empty_maps(index.folder)
        for file in files:
            drop(file)
        n_kept = max(n_kept, sum(n_resident(file) for file in files))
        times += _times_ms([lambda f=feature: page(index, f)], clock=time.perf_counter)
    return times, n_kept


def option_rows(index: Index, what: str) -> list[Row]:
    """Each query option, on the feature that fires on 1 % of the tokens."""
    by_norm = Rule(max_norm_ratio=10.0)
    options: dict[str, dict[str, Any]] = {
        "k=200": {"k": 200},
        "context=whole": {"context": index.manifest.context_size},
        "n_intervals=10, interval-3": {"n_intervals": 10, "group": "interval-3"},
        "k=200, random": {"k": 200, "group": "random"},
        "every token counts": {"rule": EVERYTHING},
        "without abnormal norms": {"rule": by_norm},
        "not folded": {"folds": False},
    }
    calls: dict[str, Callable[[], Any]] = {
        name: lambda given=given: find_windows(index, FREQUENT, **given) for name, given in options.items()
    }
    for name, rule in {"": None, ", every token counts": EVERYTHING, ", without abnormal norms": by_norm}.items():
        calls[f"figures{name}"] = lambda rule=rule: index.measure(FREQUENT, FREQUENT + 1, rule)
    n = int(index.figures.row(FREQUENT)["n_fires"])
    found = []
    for name, call in calls.items():
        (first,) = _times_ms([call], clock=time.perf_counter)
        again = statistics.median(_times_ms([call] * 5))
        found.append(Row(f"option: {name}", f"{again:.1f} ms", f"{what}, {n:,} firings; {first:.0f} ms at first"))
    return found


def size_rows(path: Path, what: str) -> list[Row]:
    """Bytes on disk by kind of file, and memory."""
    sizes: dict[str, int] = {}
    for file in (path / "data-1").iterdir():
        kind = "rows-*" if file.name.startswith("rows-") else file.name
        sizes[kind] = sizes.get(kind, 0) + file.stat().st_size
    kinds = ", ".join(f"{kind} {n / 1e6:,.1f}" for kind, n in sorted(sizes.items(), key=lambda s: -s[1]))
    peak, own = np.subtract(_memory_mb(path, N_FEATURES), _memory_mb(path, 0))
    against = f"{what}; {N_FEATURES} pages read; {own:.0f} MB its own, the rest pages of mapped files"
    return [
        Row("size on disk", f"{sum(sizes.values()) / 1e9:.2f} GB", f"{what}; MB: {kinds}"),
        Row("peak memory beyond the imports", f"{peak:.0f} MB", against),
    ]


def empty_maps(folder: Path) -> None:
    """Take the pages of a folder's files out of this process's page tables; they come back when touched."""
    for line in Path("/proc/self/maps").read_text(encoding="utf-8").splitlines():
        place, _, rest = line.partition(" ")
        if str(folder) in rest:
            low, high = (int(end, 16) for end in place.split("-"))
            if LIBC.madvise(ctypes.c_void_p(low), ctypes.c_size_t(high - low), mmap.MADV_DONTNEED):
                raise OSError(ctypes.get_errno(), "madvise")


def drop(file: Path) -> None:
    """Let the system forget what it holds of a file."""
    handle = os.open(file, os.O_RDONLY)
    try:
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(handle)


def n_resident(file: Path) -> int:
    """Pages of a file that lie in memory."""
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as whole:
        raw = np.frombuffer(whole, dtype=np.uint8)
        seen = (ctypes.c_ubyte * -(-len(raw) // mmap.PAGESIZE))()
        if LIBC.mincore(ctypes.c_void_p(raw.ctypes.data), ctypes.c_size_t(len(raw)), seen):
            raise OSError(ctypes.get_errno(), "mincore")
        del raw
    return int((np.frombuffer(seen, dtype=np.uint8) & 1).sum())


def _memory_mb(path: Path, n: int) -> list[float]:
    """Peak memory of a process that imports all and reads ``n`` pages, and its own at the end."""
    code = f"""
import numpy as np
from pathlib import Path
from saescope.index import Index
from saescope.query.examples import find_windows
from saescope.rpc.handlers.forming import example
from saescope.rpc.handlers.page import feature_page
if {n}:
    index = Index({str(path)!r})
    for f in np.random.default_rng(0).choice(index.manifest.d_sae, {n}, replace=False).tolist():
        feature_page(index, f), [example(index, w, "top") for w in find_windows(index, f, context=16)]
lines = [line.split() for line in Path("/proc/self/status").read_text().splitlines()]
print(*(line[1] for line in lines if line[0] in ("VmHWM:", "RssAnon:")))
"""
    return [float(number) / 1024 for number in _child(code).split()]


def _child(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def _told(times: list[float]) -> str:
    return f"{statistics.median(times):.2f} / {np.quantile(times, 0.95):.2f} ms"


def _median_ms(calls: list[Callable[[], Any]]) -> float:
    calls[0]()
    return statistics.median(_times_ms(calls))


def _times_ms(calls: list[Callable[[], Any]], clock: Callable[[], float] = time.process_time) -> list[float]:
    times = []
    for call in calls:
        began = clock()
        call()
        times.append(1000 * (clock() - began))
    return times


def main() -> None:
    """Write what is not there, measure and print; times are ``median / 95th percentile``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", type=int, nargs="+", default=[131_072, 1_048_576])
    parser.add_argument("--work", type=Path, help="where the indexes are kept; by default they are thrown away")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for d_sae in options.features:
            path = (options.work or Path(folder)) / f"synthetic-{d_sae}"
            if not path.exists():
                began = time.perf_counter()
                write_store(path, d_sae)
                print(f"{d_sae:,} features written in {time.perf_counter() - began:.0f} s\n")
            for row in store_rows(path):
                print(f"{row.what:<58}{row.figure:>18}  {row.against}")
            print()


if __name__ == "__main__":
    main()
