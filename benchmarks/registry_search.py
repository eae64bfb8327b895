"""How long the registry of pretrained SAEs takes to read and to search.

``python benchmarks/registry_search.py`` prints milliseconds, the least of several runs, and what each is of the time
that parsing sae-lens's list takes.
"""

import json
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

QUERIES = (
    "gemma 2b res 16k layer 12",
    "g",
    "transcodr qwen3 4b",
    "llama 3.1 8b 131k l15",
    "jumprelu",
    "gpt2-small-res-jb/blocks.8.hook_resid_pre",
    "no such words",
    "",
)


def least(run: Callable[[], Any], n: int) -> float:
    """Milliseconds of the quickest of ``n`` runs."""
    times = []
    for _ in range(n):
        begun = time.perf_counter()
        run()
        times.append(1000 * (time.perf_counter() - begun))
    return min(times)


def main() -> None:
    """Measure and print."""
    import platformdirs

    cache = tempfile.mkdtemp()
    platformdirs.user_cache_path = lambda *_a, **_k: Path(cache)  # pyright: ignore[reportAttributeAccessIssue]
    from saescope.rpc.handlers.registry import _search
    from saescope.rpc.messages.registry import SaeSearchParams
    from saescope.sources.registry import listing, table, words
    from saescope.sources.registry.reading import read_listed, registry_file

    def fresh() -> None:
        table._read.clear()  # noqa: SLF001
        table.listed_table()

    call: Any = None
    file = registry_file()
    parse = least(lambda: read_listed(file), 3)
    found = {"parse the list (YAML, C)": parse, "first read (parse, derive, keep)": least(fresh, 1)}
    found["read what was kept"] = least(fresh, 5)
    everything = listing.everything([])
    found["make the words of the search"] = least(lambda: words.Words(everything), 5)
    listing.find(everything, "warm")
    slowest = 0.0
    for query in QUERIES:
        slowest = max(slowest, least(lambda q=query: listing.find(everything, q), 7))
    found["slowest of eight searches, over all ids"] = slowest
    asked = SaeSearchParams(search=QUERIES[0])
    _search(call, asked)
    found["a search with facets and 100 rows, as the panel asks it"] = least(lambda: _search(call, asked), 7)
    for name, ms in found.items():
        sys.stdout.write(f"{name:60} {ms:10.1f} ms {ms / parse:8.4f}\n")
    told = {"n": len(everything), "python": platform.python_version(), "ms": found}
    sys.stdout.write(f"{json.dumps(told)}\n")


if __name__ == "__main__":
    main()
