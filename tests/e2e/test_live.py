"""Panels on an index that is still being built: they fill in, and stop the build."""

import json
import re

import pytest

from e2e.conftest import TOKEN
from e2e.notebook import open_notebook, run_cell, set_theme, write
from e2e.test_browser import PANEL, shoot

LOAD = (
    "import saescope\nbase = saescope.demo()\n"
    "scope = saescope.load((base.model, base.tokenizer), sae=base.sae)\n"
    "line = 'It was the best of times, and the king of the islands said so to the sailors of the fleet. '\n"
    "texts = [f'In {1500 + n} ' + line * 6 for n in range(1500)]\nscope.browse()"
)
BUILD = "index = scope.build_index(texts, out='grown', recovery=False)"


ENDED = "() => window.jupyterapp.shell.currentWidget.content.widgets[1].model.executionCount !== null"


def n_tokens(text):
    """The tokens that the header tells."""
    found = re.search(r"([\d,]+) tokens", text)
    return int(found[1].replace(",", "")) if found else 0


@pytest.mark.timeout(900)
def test_a_panel_fills_in_while_its_index_is_built_and_stops_it(page, lab):
    write(lab, "live.ipynb", [LOAD, BUILD, BUILD])
    open_notebook(page, lab, "live.ipynb", TOKEN)
    run_cell(page, 0)
    panel = page.locator(PANEL).first
    panel.get_by_text("No index yet").wait_for()
    run_cell(page, 1, wait=False)
    panel.get_by_role("progressbar").wait_for()
    row = panel.locator("[role=row][data-feature]").nth(3)
    row.wait_for(timeout=90_000)
    feature = row.get_attribute("data-feature")
    panel.locator(f"[role=row][data-feature='{feature}']").click()
    panel.locator(f"[data-page-feature='{feature}'] [data-example]").first.wait_for()
    first = n_tokens(panel.locator(".ss-header").inner_text())
    shoot(page, "live-light")
    set_theme(page, is_dark=True)
    shoot(page, "live-dark")
    page.wait_for_function(
        """([selector, before]) => {
          const found = /([\\d,]+) tokens/.exec(document.querySelector(selector + ' .ss-header').innerText);
          return found && parseInt(found[1].replaceAll(',', '')) > before;
        }""",
        arg=[PANEL, first],
        timeout=90_000,
    )
    assert panel.locator("[data-page-feature]").first.get_attribute("data-page-feature") == feature
    panel.get_by_role("button", name="Stop").click()
    panel.get_by_text("The build was stopped").wait_for(timeout=60_000)
    assert (lab.notebooks / "grown" / "building.json").exists()
    done = len(list((lab.notebooks / "grown").rglob("shard-*.safetensors")))
    assert done >= 2
    page.wait_for_function(ENDED)  # a cell that waits while another fails is never run
    run_cell(page, 2, wait=False)
    page.wait_for_timeout(1500)  # the running cell is scrolled to first, which takes the panel off the page
    page.evaluate("() => window.jupyterapp.shell.currentWidget.content.scrollToItem(0, 'start')")
    shoot(page, "live-again")
    panel.get_by_role("progressbar").wait_for()
    panel.get_by_role("progressbar").wait_for(state="detached", timeout=400_000)
    manifest = json.loads((lab.notebooks / "grown" / "manifest-1.json").read_text())
    assert manifest["is_complete"]
    assert manifest["n_rows"] > 180_000
    panel.locator("[data-page-feature] [data-example]").first.wait_for()
    shoot(page, "live-done")


def test_the_side_bar_shows_a_build_of_another_process_and_stops_it(page, lab):
    start = (
        "import subprocess, sys, json, pathlib, saescope, time\nfrom saescope.bundled import DATA, bundled_index\n"
        "line = 'It was the best of times, and the king of the islands said so to the sailors of the fleet. '\n"
        "texts = [f'In {1500 + n} ' + line * 6 for n in range(3000)]\n"
        "pathlib.Path('c.jsonl').write_text(''.join(json.dumps(t) + chr(10) for t in texts))\n"
        "build = subprocess.Popen([sys.executable, '-m', 'saescope', 'index', str(DATA / 'saescope-demo'), "
        "str(DATA / bundled_index().manifest.sae['name']), 'c.jsonl', '--out', 'elsewhere'], stderr=subprocess.DEVNULL)\n"
        "while not list(pathlib.Path('elsewhere').glob('data-1/shard-*')): time.sleep(0.5)"
    )
    write(lab, "other.ipynb", [start, "scope = saescope.open_index('elsewhere'); scope", "build.wait(60)"])
    open_notebook(page, lab, "other.ipynb", TOKEN)
    page.set_default_timeout(120_000)
    run_cell(page, 0)
    run_cell(page, 1)
    page.locator("li[data-id='saescope-sidebar'], li[title='saescope']").first.click()
    side = page.locator("#saescope-sidebar")
    side.get_by_role("progressbar").wait_for()
    side.locator("[role=row][data-feature]").nth(2).click()
    side.locator("[data-page-feature] [data-example]").first.wait_for()
    set_theme(page, is_dark=False)
    shoot(page, "live-sidebar")
    side.get_by_role("button", name="Stop").click()
    side.get_by_text("Unfinished").wait_for()
    run_cell(page, 2)
    shoot(page, "live-sidebar-stopped")
