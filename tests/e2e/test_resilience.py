"""Kernels that die, wires that break, windows that come and go: every request ends, and panels come back."""

import threading

import pytest

from e2e.conftest import TOKEN, open_page
from e2e.notebook import open_notebook, run_cell, write
from e2e.test_browser import PANEL, shoot
from e2e.wire import Wire

BEGUN = "import saescope, time, os\nscope = saescope.demo()\nscope.browse()"
DROP_S = 60
RECONNECT_MS = 180_000
"""JupyterLab tries again after twice as long each time, up to about a minute."""


def begin(page, lab, name, *cells):
    write(lab, name, [BEGUN, *cells])
    open_notebook(page, lab, name, TOKEN)
    run_cell(page, 0)
    page.locator(f"{PANEL}[data-status=ready] [data-example]").first.wait_for()
    return page.locator(PANEL).first


def open_row(panel, n):
    """Click the row of this place, if it is not open; returns the feature."""
    row = panel.locator("[role=row][data-feature]").nth(n)
    feature = row.get_attribute("data-feature")
    row.evaluate("(row) => row.click()")  # also under a dialog that says that the server is gone
    return feature


def wait_opened(panel, feature, timeout_ms=30_000):
    panel.locator(f'[data-page-feature="{feature}"] [data-example]').first.wait_for(timeout=timeout_ms)


def dismiss_dialogs(page):
    """Close what JupyterLab says about kernel or server whenever it is in the way."""
    accept = "() => document.querySelectorAll('.jp-Dialog .jp-mod-accept').forEach((button) => button.click())"
    page.add_locator_handler(page.locator(".jp-Dialog").first, lambda: page.evaluate(accept), no_wait_after=True)


@pytest.fixture(scope="module")
def dropped(browser, lab):
    """A panel whose way to the server is cut for a minute, while other tests go on; what is asked of it then."""
    wire = Wire(lab.port)
    lab.kept.add("dropped.ipynb")
    context, opened = open_page(browser)
    dismiss_dialogs(opened)
    write(lab, "dropped.ipynb", [BEGUN])
    open_notebook(opened, wire, "dropped.ipynb", TOKEN)
    run_cell(opened, 0)
    opened.locator(f"{PANEL}[data-status=ready] [data-example]").first.wait_for()
    panel = opened.locator(PANEL).first
    wait_opened(panel, open_row(panel, 2))
    wire.cut()
    mending = threading.Timer(DROP_S, wire.mend)
    mending.start()
    opened.wait_for_timeout(1000)
    yield panel, open_row(panel, 7), mending
    mending.cancel()
    context.close()
    wire.close()
    lab.kept.remove("dropped.ipynb")
    lab.end_kernels()


def test_a_panel_without_the_server_keeps_what_it_shows(dropped):
    panel, _, mending = dropped
    assert mending.is_alive()
    assert panel.locator("[role=row][data-feature]").count() > 3


def test_a_killed_kernel_is_told_and_its_panel_comes_back(page, lab):
    dismiss_dialogs(page)
    panel = begin(page, lab, "killed.ipynb", "os.kill(os.getpid(), 9)")
    run_cell(page, 1, wait=False)
    page.locator(f"{PANEL}[data-status=closed]").first.wait_for()
    assert "kernel is gone" in panel.inner_text()
    assert panel.locator("[data-example]").count() > 0
    page.wait_for_timeout(2000)
    run_cell(page, 0)
    page.locator(f"{PANEL}[data-status=ready]").first.wait_for()
    wait_opened(panel, open_row(panel, 4))


def test_an_interrupted_kernel_goes_on_answering(page, lab):
    panel = begin(page, lab, "interrupted.ipynb", "time.sleep(600)")
    run_cell(page, 1, wait=False)
    wait_opened(panel, open_row(panel, 3))
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.interrupt()")
    page.locator(".jp-Cell").nth(1).locator(".jp-OutputArea-output", has_text="KeyboardInterrupt").first.wait_for()
    wait_opened(panel, open_row(panel, 5))
    assert panel.get_attribute("data-status") == "ready"


def test_a_page_that_is_loaded_again_while_it_waits_answers(page, lab):
    begin(page, lab, "reloaded.ipynb", "scope.show('steer', 5)")
    run_cell(page, 1)
    steer = page.locator(PANEL).nth(1)
    steer.locator("textarea").first.fill("The king of the islands")
    steer.locator(".ss-steer-run").click()
    page.wait_for_timeout(300)
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_timeout(700)
    page.reload()
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    page.locator(f"{PANEL}[data-status=ready]").first.wait_for()
    panel = page.locator(PANEL).first
    panel.locator("[role=row][data-feature]").nth(6).wait_for()
    wait_opened(panel, open_row(panel, 6))
    panel.focus()
    panel.press("t")
    panel.get_by_role("tabpanel", name="Try it").locator("textarea").fill("The ship sailed from the harbour")
    panel.get_by_role("tabpanel", name="Try it").locator("[data-i]").first.wait_for()


BUSY = "import torch\nend = time.monotonic() + 60\nwhile time.monotonic() < end:\n    torch.rand(300, 300) @ torch.rand(300, 300)"


def test_what_needs_the_model_waits_in_line_under_a_busy_cell_and_can_be_stopped(page, lab):
    """A cell that multiplies for a minute, a panel that measures with the model, and one that is to write with it."""
    begin(page, lab, "line.ipynb", "scope.show('health')", "scope.show('steer', 5)", BUSY)
    for n in (1, 2):
        run_cell(page, n)
    health, steer = page.locator(PANEL).nth(1), page.locator(PANEL).nth(2)
    steer.locator("textarea").first.fill("The king of the islands")
    health.locator("select").last.select_option("8192")
    run_cell(page, 3, wait=False)
    is_busy = page.locator(".jp-Cell").nth(3).get_by_text("[*]:")
    is_busy.wait_for()
    health.get_by_role("button", name="Measure", exact=True).click()
    health.get_by_role("button", name="Stop", exact=True).wait_for()
    steer.locator(".ss-steer-run").click()
    waits = steer.get_by_role("status").filter(has_text="Waits for its turn with the model: 1 before it.")
    waits.wait_for()
    shoot(page, "in-line")
    steer.locator(".ss-header").get_by_role("button", name="stop", exact=True).click()
    waits.wait_for(state="detached")
    steer.get_by_role("button", name="Write").wait_for()
    panel = page.locator(PANEL).first
    panel.scroll_into_view_if_needed()
    wait_opened(panel, open_row(panel, 5))
    assert is_busy.count()


def test_two_windows_on_one_kernel_follow_one_selection(page, browser, lab):
    panel = begin(page, lab, "two.ipynb")
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_timeout(1000)
    context, second = open_page(browser)
    try:
        second.goto(f"{lab.url}/lab/workspaces/second/tree/two.ipynb?token={TOKEN}")
        other = second.locator(PANEL).first
        second.locator(f"{PANEL}[data-status=ready] [data-example]").first.wait_for()
        wait_opened(other, open_row(panel, 4))
        wait_opened(panel, open_row(other, 6))
    finally:
        context.close()
    wait_opened(panel, open_row(panel, 3))


def test_a_minute_without_the_server_loses_nothing_that_was_asked(dropped):
    panel, asked, mending = dropped
    mending.join()
    wait_opened(panel, asked, timeout_ms=RECONNECT_MS)
    wait_opened(panel, open_row(panel, 3))
    assert panel.get_attribute("data-status") == "ready"
