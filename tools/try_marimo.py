"""Run panels in marimo, and print what works there; for the documentation, not for the test suite.

``pip install marimo`` beside saescope, then ``python tools/try_marimo.py [--shot OUT.png]``.
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

NOTEBOOK = """import marimo

app = marimo.App(width="full")


@app.cell
def _():
    import saescope

    mine = saescope.demo()
    return (mine,)


@app.cell
def _(mine):
    mine.browse()
    return


@app.cell
def _(mine):
    mine.show("feature")
    return
"""
MOST_WAIT_MS = 180_000


def live(page: Any) -> None:
    """Both panels are there, and draw examples."""
    panels = page.locator(".saescope[data-status=ready]")
    panels.nth(1).locator("[data-example]").first.wait_for(timeout=MOST_WAIT_MS)


def follows(page: Any) -> None:
    """A click in one panel shows in the other, and its style sheet reaches it."""
    panels = page.locator(".saescope")
    row = panels.first.locator("[role=row][data-feature]").nth(4)
    feature = row.get_attribute("data-feature")
    row.click()
    panels.nth(1).locator(f"[data-page-feature='{feature}'] [data-example]").first.wait_for()
    assert row.evaluate("(row) => getComputedStyle(row).display") == "grid"


def tries(page: Any) -> None:
    """The model runs on a text that is typed."""
    panel = page.locator(".saescope").first
    panel.get_by_role("tab", name="Try it").click()
    panel.locator(".ss-try textarea").fill("The king of the islands")
    panel.locator(".ss-try [data-i]").first.wait_for()


def downloads(page: Any) -> None:
    """A file is saved."""
    with page.expect_download() as saved:
        page.locator(".saescope").first.get_by_text("save CSV", exact=True).click()
    assert saved.value.path().stat().st_size > 0


def darkens(page: Any) -> None:
    """The panel is dark where marimo is."""
    page.emulate_media(color_scheme="dark")
    page.evaluate("() => { document.body.classList.add('dark'); document.documentElement.style.colorScheme = 'dark'; }")
    back = page.locator(".saescope").first.evaluate("(node) => getComputedStyle(node).backgroundColor")
    assert sum(int(part) for part in back[4:-1].split(",")) < 3 * 128, back


def reloads(page: Any) -> None:
    """A page that is loaded again, which marimo serves by a session of its own, is live too."""
    page.reload()
    live(page)


CHECKS: tuple[Callable[[Any], None], ...] = (live, follows, tries, downloads, darkens, reloads)


def main() -> int:
    """Serve, look, tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shot", type=Path)
    given = parser.parse_args()
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    n_failed = 0
    with tempfile.TemporaryDirectory() as folder:
        notebook = Path(folder) / "panels.py"
        notebook.write_text(NOTEBOOK, encoding="utf-8")
        command = [sys.executable, "-m", "marimo", "run", str(notebook), "--headless", "--no-token", f"--port={port}"]
        served = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=os.environ.get("SAESCOPE_BROWSER") or shutil.which("chromium"),
                    args=["--no-sandbox", "--disable-gpu"],
                )
                page = browser.new_page(viewport={"width": 1300, "height": 1000})
                page.set_default_timeout(60_000)
                wait(port)
                page.goto(f"http://127.0.0.1:{port}")
                for check in CHECKS:
                    try:
                        check(page)
                        told = "works"
                    except Exception as err:  # noqa: BLE001
                        n_failed += 1
                        told = f"FAILS: {str(err).splitlines()[0]}"
                    sys.stdout.write(f"{check.__name__:<10} {told}: {check.__doc__}\n")
                    if given.shot and check is darkens:
                        page.screenshot(path=given.shot)
                browser.close()
        finally:
            served.terminate()
            served.wait(20)
    return n_failed


def wait(port: int) -> None:
    """Wait until something answers at a port of this machine, a minute at most."""
    for _ in range(300):
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise SystemExit("marimo does not answer: is it installed?")


if __name__ == "__main__":
    sys.exit(main())
