"""How panels answer while the kernel works, in a real JupyterLab and a real Chromium.

``python -m benchmarks.busy [--index PATH]`` opens the browser panel on an index (by default the bundled demo's) and
clicks N_CLICKS features as `benchmarks.panels` does, from the release of the mouse to the painted page:

1. while the kernel is idle,
2. while a cell sleeps, multiplies matrices with torch, counts in plain Python, and builds an index.

A cell holds the kernel's main thread throughout; panels are answered from a subshell and threads of their own.
Also printed is how long `jupyter lab` takes to a page that can be used, with and without the extension.
"""

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from benchmarks.panels import PANEL, PROBE, mouse_click, told
from benchmarks.subject import Row
from e2e.conftest import FLAGS, TOKEN, Lab
from e2e.notebook import open_notebook, run_cell, write

N_CLICKS = 60
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


def clicks(page: Any, offset: float) -> list[float]:
    """Milliseconds of N_CLICKS clicks over the whole table."""
    return [mouse_click(page, (i * 0.618034 + offset) % 1) for i in range(N_CLICKS)]


def measure(page: Any, lab: Lab, index: Path | None) -> Iterator[Row]:
    """Clicks by what the kernel does meanwhile."""
    opened = "saescope.demo()" if index is None else f"saescope.open_index({str(index)!r})"
    cells = [f"import saescope\nscope = {opened}\nscope.browse()", *filter(None, WORK.values())]
    write(lab, "busy.ipynb", cells)
    open_notebook(page, lab, "busy.ipynb", TOKEN)
    page.evaluate(PROBE)
    run_cell(page, 0)
    page.locator(f"{PANEL}[data-status=ready] [data-example]").first.wait_for()
    page.wait_for_timeout(2000)
    idle = 0.0
    for n, (what, code) in enumerate(WORK.items()):
        page.locator(PANEL).first.scroll_into_view_if_needed()
        if code:
            run_cell(page, n, wait=False)
            page.wait_for_timeout(6000)
        times = clicks(page, 0.13 * n)
        prompt = page.locator(".jp-Cell").nth(n).locator(".jp-InputPrompt").first.inner_text()
        if code and "*" not in prompt:
            raise RuntimeError(f"{what} ended before the clicks did")
        idle = idle or statistics.median(times)
        yield Row(f"click to painted page, {what}", told(times), f"{statistics.median(times) / idle:.2f} x idle")
        if code:
            page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.interrupt()")
            page.wait_for_timeout(3000)


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
    """JupyterLab's start, with and without the extension, in turn."""
    labs = {
        "with": Lab(Path(tempfile.mkdtemp())),
        "without": Lab(Path(tempfile.mkdtemp()), disabled=["@saescope/labextension"]),
    }
    try:
        times: dict[str, list[float]] = {"with": [], "without": []}
        for turn in range(N_STARTS + 1):
            for name, lab in labs.items():
                spent = start_ms(browser, lab)
                if turn:
                    times[name].append(spent)
        both = {name: statistics.median(found) for name, found in times.items()}
        yield Row(
            "start of JupyterLab with the extension, median", f"{both['with']:.0f} ms", f"{both['without']:.0f} without"
        )
    finally:
        for lab in labs.values():
            lab.stop()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--index", type=Path)
    given = parser.parse_args()
    lab = Lab(Path(tempfile.mkdtemp()))
    print(f"{'what':<58}{'figure':>22}  against")
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            page = browser.new_context(viewport={"width": 1900, "height": 1000}).new_page()
            page.set_default_timeout(120_000)
            for row in measure(page, lab, given.index and given.index.resolve()):
                print(f"{row.what:<58}{row.figure:>22}  {row.against}", flush=True)
            page.close()
            lab.stop()
            for row in starts(browser):
                print(f"{row.what:<58}{row.figure:>22}  {row.against}", flush=True)
            browser.close()
    finally:
        if lab.process.poll() is None:
            lab.stop()


if __name__ == "__main__":
    main()
