"""The time to open a feature, from an index on disk."""

import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.subject import Row, Subject
from saescope.index import Index
from saescope.progress import Silent
from saescope.query.features import FeatureTable
from saescope.rpc.handlers import example, feature_page

IMPORT = "import time; t = time.perf_counter(); import saescope; print(time.perf_counter() - t)"


def rows(subject: Subject) -> list[Row]:
    """Warm times in milliseconds, medians over random features."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "i"
        subject.scope.build_index(subject.texts, path, max_tokens=len(subject.tokens), progress=Silent(), attach=False)
        index = Index(path)
        table = FeatureTable(index)
        features = random.Random(0).sample(range(index.manifest.d_sae), 200)
        page_ms = _median_ms([lambda f=f: feature_page(index, f) for f in features])
        examples_ms = _median_ms(
            [lambda f=f: [example(index, w, "top", 16) for w in index.windows(f, "top", 20)] for f in features]
        )
        queries_ms = _median_ms([lambda f=f: index.windows(f, "top", 50) for f in features])
        window_ms = _median_ms([lambda n=n: table.window(table.rows("max"), n, 100) for n in range(0, 1000, 10)])
    imports = [
        float(subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True).stdout)
        for _ in range(3)
    ]
    return [
        Row("a feature's figures, from the table", f"{page_ms:.2f} ms", "warm"),
        Row("its top 20 examples, stored, as messages", f"{examples_ms:.2f} ms", "warm"),
        Row("its top 50, from the postings", f"{queries_ms:.2f} ms", "warm"),
        Row("100 rows of the feature table", f"{window_ms:.2f} ms", "warm"),
        Row("import saescope", f"{1000 * min(imports):.0f} ms", "best of 3, without torch"),
    ]


def _median_ms(calls: list) -> float:
    calls[0]()
    times = []
    for call in calls:
        began = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - began))
    return statistics.median(times)
