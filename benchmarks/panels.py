"""How panels feel, in a real JupyterLab and a real Chromium.

``python -m benchmarks.panels [--features 8192 131072 1048576] [--work FOLDER] [--index PATH …]`` writes
synthetic indexes (see `benchmarks.stores`; those that lie in FOLDER are taken as they are), opens each
without a model, and measures in the page, by its clock:

1. First paint: from the run of the cell ``scope.browse()`` to the first rows on the screen, for the first
   panel of a kernel (the JavaScript travels with it) and for a second one.
2. A click on a row to the painted page of its feature with examples, over N_CLICKS features that
   were not opened before, drawn over the whole table; "painted" is the second
   animation frame after they are in the page. Once by a click out of nowhere, for which nothing can be
   read ahead, and once by a mouse that rests on the row for REST_MS and is pressed for PRESS_MS:
   from the release on.
3. A click on a column's head to the first rows in the new order, first and again; the last key of
   a search to the first rows that match (the pause after which a search begins is part of it).
4. Frames a second while the table is scrolled, and the map panned, by 3 s of small steps.
5. The JavaScript that travels, gzipped.

The browser has no GPU here: it draws by software (SwiftShader).
"""

import argparse
import gzip
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from playwright.sync_api import sync_playwright  # noqa: E402

from benchmarks.stores import write_store  # noqa: E402
from benchmarks.subject import Row  # noqa: E402
from e2e.conftest import FLAGS, TOKEN, Lab  # noqa: E402
from e2e.notebook import open_notebook, run_cell, write  # noqa: E402
from saescope.index.manifest import read_manifest  # noqa: E402
from saescope.panels.core import BUNDLE  # noqa: E402

N_CLICKS = 100
REST_MS = 100
PRESS_MS = 50
N_SORTS = 5
PANEL = ".jp-OutputArea-output .saescope"

PROBE = (Path(__file__).parent / "probe.js").read_text(encoding="utf-8")


def told(times_ms: list[float]) -> str:
    """Median and 95th percentile."""
    ordered = sorted(times_ms)
    return f"{statistics.median(ordered):.0f} / {ordered[int(0.95 * (len(ordered) - 1))]:.0f} ms"


def mouse_click(page: Any, share: float, limit_s: float = 60) -> float:
    """Click a row as a person does; milliseconds from the release to the painted page, at most ``limit_s``."""
    x, y = page.evaluate("(share) => probe.aim(share)", share)
    page.mouse.move(x, y, steps=3)
    page.wait_for_timeout(REST_MS)
    page.mouse.down()
    page.wait_for_timeout(PRESS_MS)
    page.mouse.up()
    wait = "(ms) => Promise.race([probe.clicked, new Promise((end) => setTimeout(() => end(ms), ms))])"
    return page.evaluate(wait, 1000 * limit_s)


def measure(page: Any, lab: Lab, path: Path) -> Iterator[Row]:
    """All figures of one index."""
    n_features = read_manifest(path).d_sae
    what = f"{n_features:,} features"
    name = f"bench-{n_features}.ipynb"
    opened = f"import saescope\nscope = saescope.open_index({str(path)!r})"
    write(lab, name, [opened, "scope.browse()", "scope.show('map')"])
    open_notebook(page, lab, name, TOKEN)
    page.evaluate(PROBE)
    run_cell(page, 0)
    first = page.evaluate("() => probe.firstPaint(1, 0)")
    yield Row("first paint, first panel of a kernel", f"{first:.0f} ms", what)
    page.locator(f"{PANEL}[data-status=ready] [data-example]").first.wait_for()
    page.wait_for_timeout(1000)
    page.locator(PANEL).first.scroll_into_view_if_needed()
    clicks = [page.evaluate("(share) => probe.click(share)", (i * 0.618034) % 1) for i in range(N_CLICKS)]
    yield Row("click out of nowhere to painted page, median / p95", told(clicks), f"{what}; {N_CLICKS} clicks")
    clicks = [mouse_click(page, (i * 0.618034 + 0.3) % 1) for i in range(N_CLICKS)]
    yield Row("click of a mouse to painted page, median / p95", told(clicks), f"{what}; {N_CLICKS} clicks")
    for label in ("density", "max"):
        times = [page.evaluate("(label) => probe.sort(label)", label) for _ in range(N_SORTS)]
        yield Row(f"sort by {label}, first; again median / p95", f"{times[0]:.0f}; {told(times[1:])}", what)
    terms = ("ab", "w1", "12", "")
    searches = [page.evaluate("(text) => probe.search(text)", text) for text in terms]
    shown = " ".join(f"{ms:.0f}" for ms in searches)
    yield Row("search to first rows: three new terms, then none", f"{shown} ms", what)
    fps = page.evaluate("() => probe.scroll()")
    yield Row("table, frames a second while scrolled", f"{fps:.0f}", what)
    yield from map_rows(page, what)


def map_rows(page: Any, what: str) -> list[Row]:
    """The map's figures, where the index has directions."""
    run_cell(page, 2)
    panel = page.locator(f"{PANEL}[data-status=ready]").nth(1)
    panel.wait_for()
    page.wait_for_timeout(1000)
    panel.scroll_into_view_if_needed()
    try:
        panel.locator("canvas").first.wait_for(timeout=60_000)
    except Exception:  # noqa: BLE001
        return [Row("map, frames a second while panned", "none", f"{what}; the index holds no directions")]
    page.wait_for_timeout(4000)
    return [Row("map, frames a second while panned", f"{page.evaluate('() => probe.pan(1)'):.0f}", what)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--features", type=int, nargs="*", default=[8192, 131_072, 1_048_576])
    parser.add_argument("--work", type=Path)
    parser.add_argument("--index", type=Path, nargs="*", default=[], help="indexes of one's own, before the synthetic")
    given = parser.parse_args()
    work = given.work or Path(tempfile.mkdtemp())
    lab = Lab(Path(tempfile.mkdtemp()))
    print(f"{'what':<58}{'figure':>22}  against")
    for name in ("core", "map"):
        file = BUNDLE.parent / f"{name}.js"
        if file.exists():
            size = len(gzip.compress(file.read_bytes(), 9)) / 1000
            print(f"{f'JavaScript of {name}.js, gzipped':<58}{f'{size:.1f} kB':>22}  sent once a page")
    try:
        with sync_playwright() as playwright:
            path = os.environ.get("SAESCOPE_BROWSER") or shutil.which("chromium")
            browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
            indexes = [path.resolve() for path in given.index]
            for n_features in given.features:
                indexes.append((work / f"wide-{n_features}").resolve())
                if not indexes[-1].exists():
                    write_store(indexes[-1], n_features)
            for index in indexes:
                page = browser.new_context(viewport={"width": 1900, "height": 1000}).new_page()
                page.set_default_timeout(120_000)
                for row in measure(page, lab, index):
                    print(f"{row.what:<58}{row.figure:>22}  {row.against}", flush=True)
                page.close()
            browser.close()
    finally:
        lab.stop()


if __name__ == "__main__":
    main()
