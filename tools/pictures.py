"""Take the documentation's pictures from the running program, light and dark."""

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "docs/pictures"
sys.path.insert(0, str(ROOT / "tests"))

FEATURE = 'int(scope.features.filter(scope.features["density"] < 0.01).sort("max", descending=True)["feature"][3])'


def main() -> None:
    """Start JupyterLab, show the panel, and take four pictures."""
    import os
    import shutil

    from playwright.sync_api import sync_playwright

    from e2e.conftest import FLAGS, TOKEN, Lab
    from e2e.notebook import open_notebook, run_cell, set_theme, write

    TARGET.mkdir(parents=True, exist_ok=True)
    lab = Lab(Path(tempfile.mkdtemp()))
    try:
        with sync_playwright() as playwright:
            found = os.environ.get("SAESCOPE_BROWSER") or shutil.which("chromium")
            browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
            page = browser.new_context(viewport={"width": 1400, "height": 880}).new_page()
            cells = ["import saescope\n\nscope = saescope.demo()", f"scope.browse({FEATURE})"]
            write(lab, "browse.ipynb", cells)
            open_notebook(page, lab, "browse.ipynb", TOKEN)
            page.locator("li[data-id='filebrowser']").first.click()
            for n in range(len(cells)):
                run_cell(page, n)
            panel = page.locator(".jp-OutputArea-output .saescope").first
            panel.locator("[data-example]").first.wait_for()
            page.wait_for_timeout(1500)
            for is_dark, name in ((False, "light"), (True, "dark")):
                set_theme(page, is_dark=is_dark)
                panel.locator("[data-example] [data-peak]").nth(1).hover()
                page.wait_for_timeout(800)
                page.screenshot(path=TARGET / f"browser-{name}.png")
            page.locator("li[data-id='saescope-sidebar']").first.click()
            page.wait_for_timeout(2500)
            for is_dark, name in ((False, "light"), (True, "dark")):
                set_theme(page, is_dark=is_dark)
                page.mouse.move(1390, 5)
                page.wait_for_timeout(800)
                page.screenshot(path=TARGET / f"sidebar-{name}.png")
            browser.close()
    finally:
        lab.stop()


if __name__ == "__main__":
    main()
