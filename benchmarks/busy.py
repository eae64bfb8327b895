"""How panels answer while the kernel works, in a real JupyterLab and a real Chromium.

``python -m benchmarks.busy [--index PATH] [--clicks 40] [--limit 90]`` opens the browser panel on an index (by default
the bundled demo's) and clicks features as `benchmarks.panels` does, from the release of the mouse to the painted page:

1. while the kernel is idle,
2. while a cell sleeps, multiplies matrices with torch, counts in plain Python, and builds an index.

A cell holds the kernel's main thread throughout; panels are answered from a subshell and threads of their own. No kind
of work takes longer than ``--limit`` seconds: what was measured by then is told. A click that is not painted after
CLICK_S counts as that.

Also printed is how long `jupyter lab` takes from its start to an answer of the server, and from the call of its address
to a page that can be used, with and without the extension, in turn. `benchmarks.busy_kernel` needs no browser.
"""

import argparse
import contextlib
import os
import shutil
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from benchmarks.panels import PANEL, PROBE, mouse_click, told
from benchmarks.subject import Row
from e2e.conftest import FLAGS, TOKEN, Lab
from e2e.notebook import open_notebook, run_cell, write

CLICK_S = 10
N_STARTS = 5

WORK = {
    "the kernel idle": "",
    "time.sleep": "import time\nwhile True: time.sleep(1)",
    "torch multiplies matrices": "import torch\na = torch.rand(1500, 1500)\nwhile True: a @ a",
    "plain Python counts": "n = 0\nwhile True: n += 1",
    "an index is built": (
        "from pathlib import Path\nimport tempfile\nbase = saescope.demo()\n"
        "ours = saescope.load((base.model, base.tokenizer), sae=base.sae)\n"
        "text = base.index.vocabulary.decode(base.index.tokens[:100_000].tolist())\n"
        "texts = [text[i : i + 2000] for i in range(0, len(text), 2000)] * 40\n"
        "ours.build_index(texts, out=Path(tempfile.mkdtemp()) / 'index')"
    ),
}


PROMPT = """(n) => window.jupyterapp.shell.currentWidget.content.widgets[n].node
  .querySelector(".jp-InputPrompt")?.textContent ?? ''"""
BEGIN_MS = {"an index is built": 15_000}
"""What a kind of work takes until it is under way, more than the usual."""


def clicks(page: Any, offset: float, n: int, limit_s: float) -> list[float]:
    """Milliseconds of at most ``n`` clicks over the whole table."""
    begun, times = time.monotonic(), []
    while len(times) < n and time.monotonic() - begun < limit_s:
        times.append(mouse_click(page, (len(times) * 0.618034 + offset) % 1, CLICK_S))
    return times


def measure(page: Any, lab: Lab, given: argparse.Namespace) -> Iterator[Row]:
    """Clicks by what the kernel does meanwhile."""
    opened = f"saescope.open_index({str(given.index.resolve())!r})" if given.index else "saescope.demo()"
    cells = [f"import saescope\nscope = {opened}\nscope.browse()", *filter(None, WORK.values())]
    write(lab, "busy.ipynb", cells)
    open_notebook(page, lab, "busy.ipynb", TOKEN)
    page.evaluate(PROBE)
    run_cell(page, 0)
    page.locator(f"{PANEL}[data-status=ready] [data-example]").first.wait_for()
    page.wait_for_timeout(2000)
    clicks(page, 0.5, 5, given.limit)
    idle = 0.0
    for n, (what, code) in enumerate(WORK.items()):
        if code:
            run_cell(page, n, wait=False)
            page.wait_for_timeout(BEGIN_MS.get(what, 2000))
        times = clicks(page, 0.13 * n, given.clicks, given.limit)
        prompt = page.evaluate(PROMPT, n)
        if code and "*" not in prompt:
            raise RuntimeError(f"{what} ended before the clicks did: {prompt}")
        idle = idle or statistics.median(times)
        against = f"{statistics.median(times) / idle:.2f} x idle; {len(times)} clicks"
        yield Row(f"click to painted page, {what}", told(times), against)
        if code:
            interrupt(page, n)


def interrupt(page: Any, cell: int) -> None:
    """End a cell."""
    page.evaluate("() => void window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.interrupt()")
    page.wait_for_function(f"(n) => !({PROMPT})(n).includes('*')", arg=cell)


def load() -> str:
    """What else the machine does."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


class Timed(Lab):
    """A JupyterLab that knows how long it took to answer."""

    def __init__(self, *given: Any, **named: Any) -> None:
        self.begun = time.perf_counter()
        super().__init__(*given, **named)
        self.start_ms = 1000 * (time.perf_counter() - self.begun)

    def _wait(self) -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and self.process.poll() is None:
            with (
                contextlib.suppress(OSError),
                urllib.request.urlopen(f"{self.url}/api/status?token={TOKEN}", timeout=5),  # noqa: S310
            ):
                return
            time.sleep(0.02)
        raise RuntimeError("JupyterLab did not start")


def start_ms(browser: Any, lab: Lab) -> float:
    """Milliseconds until JupyterLab is restored in a new window."""
    context = browser.new_context()
    page = context.new_page()
    begun = time.perf_counter()
    page.goto(f"{lab.url}/lab?reset&token={TOKEN}")
    page.wait_for_function("() => window.jupyterapp !== undefined")
    page.evaluate("() => window.jupyterapp.restored")
    spent = 1000 * (time.perf_counter() - begun)
    context.close()
    return spent


def starts(browser: Any) -> Iterator[Row]:
    """JupyterLab's start with and without the extension, in turn, the first of each not counted."""
    kinds = {"with": (), "without": ("@saescope/labextension",)}
    times: dict[tuple[str, str], list[float]] = {(what, name): [] for what in ("server", "page") for name in kinds}
    for turn in range(N_STARTS + 1):
        for name in [*kinds][:: 1 if turn % 2 else -1]:
            lab = Timed(Path(tempfile.mkdtemp()), disabled=kinds[name])
            try:
                start_ms(browser, lab)
                spent = start_ms(browser, lab)
            finally:
                lab.stop()
            if turn:
                times["server", name].append(lab.start_ms)
                times["page", name].append(spent)
    for what, told_as in (("server", "start of jupyter lab to its first answer"), ("page", "its page, a second time")):
        yield Row(
            f"{told_as}, with the extension", spread(times[what, "with"]), f"without {spread(times[what, 'without'])}"
        )


def spread(times_ms: list[float]) -> str:
    """Median, smallest and largest."""
    return f"{statistics.median(times_ms):.0f} ({min(times_ms):.0f} to {max(times_ms):.0f}) ms"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--index", type=Path)
    parser.add_argument("--clicks", type=int, default=40)
    parser.add_argument("--limit", type=float, default=90)
    parser.add_argument("--only", choices=["clicks", "starts"])
    given = parser.parse_args()
    print(f"{load()}\n{'what':<58}{'figure':>28}  against")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        if given.only != "starts":
            lab = Lab(Path(tempfile.mkdtemp()))
            try:
                page = browser.new_context(viewport={"width": 1900, "height": 1000}).new_page()
                page.set_default_timeout(120_000)
                show(measure(page, lab, given))
                page.close()
            finally:
                lab.stop()
        if given.only != "clicks":
            show(starts(browser))
        browser.close()
    print(load())


def show(rows: Iterator[Row]) -> None:
    """Print rows as they come."""
    for row in rows:
        print(f"{row.what:<58}{row.figure:>28}  {row.against}", flush=True)


if __name__ == "__main__":
    main()
