"""The browser in the main area: opened, restored, with its kernel and without."""

import pytest

from e2e.axe import violations
from e2e.conftest import TOKEN
from e2e.notebook import STARTED, open_notebook, run_cell, write
from e2e.test_browser import shoot
from e2e.test_panels import THEMES, choose_theme
from e2e.test_resilience import dismiss_dialogs

DEMO = "import saescope\nscope = saescope.demo()"
TAB = ".saescope-tab"
TITLES = "() => [...document.querySelectorAll('#jp-main-dock-panel .lm-TabBar-tab')].map((t) => t.innerText)"
NOTEBOOK = "[...window.jupyterapp.shell.widgets('main')].find((w) => w.sessionContext)"
WIDE = {"width": 1900, "height": 900}


def run(page, command, **args):
    """Start a command of JupyterLab once it is there, without waiting for what it may ask."""
    page.wait_for_function("(c) => window.jupyterapp?.commands.hasCommand(c)", arg=command)
    page.evaluate("([c, a]) => void window.jupyterapp.commands.execute(c, a)", [command, args])


def activate_notebook(page):
    page.evaluate(f"() => window.jupyterapp.shell.activateById({NOTEBOOK}.id)")


def reload(page, lab):
    """Load the page again by an address that names no document, which would be opened later than anything done here."""
    page.goto(f"{lab.url}/lab?token={TOKEN}")
    page.wait_for_function(STARTED)


def wait_drawn(page):
    page.locator(f"{TAB} [role=row][data-feature]").first.wait_for()


def page_feature(page):
    return int(page.locator(f"{TAB} [data-page-feature]").first.get_attribute("data-page-feature"))


@pytest.fixture
def opened(page, lab):
    """A notebook with the demo, and the browser beside it on its fourth feature."""
    page.set_default_timeout(90_000)
    page.set_viewport_size(WIDE)
    write(lab, "main.ipynb", [DEMO, "scope.browse()", "saescope.live.tell"])
    open_notebook(page, lab, "main.ipynb", TOKEN)
    run_cell(page, 0)
    run(page, "saescope:open")
    wait_drawn(page)
    row = page.locator(f"{TAB} [role=row][data-feature]").nth(3)
    feature = int(row.get_attribute("data-feature"))
    row.click()
    page.locator(f"{TAB} [data-page-feature='{feature}'] [data-example]").first.wait_for()
    return feature


def test_the_tab_comes_back_after_a_reload_with_its_feature_and_panel(page, lab, opened):
    page.locator(f"{TAB} [role=tab]", has_text="Neighbors").click()
    page.wait_for_function(f"() => ({TITLES})()[1].startsWith('#{opened}')")
    for theme in reversed(THEMES):
        choose_theme(page, theme)
        shoot(page, f"lab-main-{theme}")
        assert violations(page, TAB) == [], theme
    page.wait_for_timeout(2000)
    reload(page, lab)
    page.locator(f"{TAB} [data-page-feature='{opened}'] [data-example]").first.wait_for()
    page.locator(f"{TAB} [role=tab][aria-selected=true]", has_text="Neighbors").wait_for()
    page.wait_for_function(f"() => ({TITLES})()[1].startsWith('#{opened}')")
    assert page.locator(TAB).count() == 1


def test_a_restart_greys_the_tab_and_the_scope_s_cell_brings_it_back(page, lab, opened):
    page.evaluate(f"() => {NOTEBOOK}.sessionContext.session.kernel.restart()")
    strip = page.locator(f"{TAB} .saescope-strip")
    strip.get_by_text("The kernel was restarted").wait_for()
    assert page_feature(page) == opened
    shoot(page, "lab-main-restarted")
    activate_notebook(page)
    run_cell(page, 0)
    strip.wait_for(state="hidden")
    page.locator(f"{TAB} .saescope[data-status=ready]").wait_for()
    page.wait_for_function("() => document.querySelectorAll('.saescope-tab .saescope').length === 1")
    page.locator(f"{TAB} [data-page-feature='{opened}'] [data-example]").first.wait_for()
    row = page.locator(f"{TAB} [role=row][data-feature]").nth(5)
    other = row.get_attribute("data-feature")
    row.click()
    page.locator(f"{TAB} [data-page-feature='{other}'] [data-example]").first.wait_for()


def test_the_tab_lives_on_when_its_notebook_is_closed_and_says_when_the_kernel_goes(page, lab, opened):
    page.evaluate(f"() => {NOTEBOOK}.close()")
    discard = page.locator(".jp-Dialog button", has_text="Discard")
    discard.or_(page.locator("body:not(:has(.jp-NotebookPanel))")).first.wait_for()
    if discard.count():
        discard.click()
    page.wait_for_function("() => document.querySelector('.jp-NotebookPanel') === null")
    page.locator(f"{TAB} .saescope[data-status=ready]").wait_for()
    page.locator(f"{TAB} .saescope-strip").wait_for(state="hidden")
    page.wait_for_function("() => document.querySelectorAll('.saescope-tab .saescope').length === 1")
    row = page.locator(f"{TAB} [role=row][data-feature]").nth(6)
    other = row.get_attribute("data-feature")
    row.click()
    page.locator(f"{TAB} [data-page-feature='{other}'] [data-example]").first.wait_for()
    page.evaluate(
        """async () => {
          const { sessions } = window.jupyterapp.serviceManager;
          for (const model of sessions.running()) await sessions.shutdown(model.id);
        }"""
    )
    page.locator(f"{TAB} .saescope-strip").get_by_text("its kernel does not run").wait_for()
    assert page_feature(page) == int(other)
    shoot(page, "lab-main-closed")
    page.locator(f"{TAB} .saescope-strip button").click()
    page.wait_for_selector(".jp-NotebookPanel .jp-Cell")


def test_a_kernel_that_stays_dead_is_told_and_one_that_is_started_brings_the_tab_back(page, lab, opened):
    dismiss_dialogs(page)
    lab.startup.mkdir(parents=True, exist_ok=True)
    deadly = lab.startup / "00-dead.py"
    deadly.write_text("import os; os._exit(1)")
    try:
        page.evaluate(
            f"() => void {NOTEBOOK}.sessionContext.session.kernel.requestExecute("
            "{ code: 'import os; os.kill(os.getpid(), 9)' }, true)"
        )
        strip = page.locator(f"{TAB} .saescope-strip")
        strip.get_by_text("The kernel is dead").wait_for()
    finally:
        deadly.unlink()
    assert page_feature(page) == opened
    shoot(page, "lab-main-dead")
    assert violations(page, f"{TAB} .saescope-strip") == []
    strip.get_by_role("button", name="Restart the kernel").click()
    page.wait_for_function(f"() => {NOTEBOOK}.sessionContext.session?.kernel?.status === 'idle'")
    activate_notebook(page)
    run_cell(page, 0)
    strip.wait_for(state="hidden")
    page.locator(f"{TAB} .saescope[data-status=ready] [data-page-feature='{opened}'] [data-example]").first.wait_for()


def drag_tab(page, n, target, x, y):
    """Drag the tab of this place to a point of an element, as a hand does."""
    tab = page.locator("#jp-main-dock-panel .lm-TabBar-tab").nth(n).bounding_box()
    to = page.locator(target).first.bounding_box()
    page.mouse.move(tab["x"] + 20, tab["y"] + tab["height"] / 2)
    page.mouse.down()
    page.mouse.move(tab["x"] + 40, tab["y"] + 60, steps=4)
    page.mouse.move(to["x"] + x * to["width"], to["y"] + y * to["height"], steps=8)
    page.mouse.up()


def test_a_tab_that_is_dragged_to_another_place_goes_on(page, lab, opened):
    before = page.locator(TAB).bounding_box()
    drag_tab(page, 1, ".jp-NotebookPanel", 0.5, 0.9)
    page.wait_for_function(
        f"(y) => document.querySelector('{TAB}').getBoundingClientRect().top > y + 100", arg=before["y"]
    )
    row = page.locator(f"{TAB} [role=row][data-feature]").nth(5)
    other = row.get_attribute("data-feature")
    row.click()
    page.locator(f"{TAB} [data-page-feature='{other}'] [data-example]").first.wait_for()
    assert page.locator(f"{TAB} .saescope").count() == 1
    shoot(page, "lab-main-dragged")


def test_of_several_scopes_one_is_asked_for(page, lab, opened):
    page.evaluate(f"() => {NOTEBOOK}.content.widgets[1].model.sharedModel.setSource('other = saescope.demo()')")
    activate_notebook(page)
    run_cell(page, 1)
    run(page, "saescope:open")
    dialog = page.locator(".jp-Dialog")
    dialog.get_by_text("Open which scope?").wait_for()
    shoot(page, "lab-main-which")
    assert dialog.locator("option, datalist option").count() >= 2
    dialog.get_by_role("button", name="Open").click()
    page.wait_for_function("() => document.querySelectorAll('.saescope-tab').length === 2")


def test_a_tab_that_is_closed_closes_its_line(page, lab, opened):
    count = (
        "async () => {"
        f"  const {{ kernel }} = {NOTEBOOK}.sessionContext.session;"
        "  return (await kernel.requestCommInfo({ target_name: 'saescope' })).content.comms;"
        "}"
    )
    n_before = len(page.evaluate(count))
    for _ in range(20):
        page.evaluate(
            """async () => {
              const tab = await window.jupyterapp.commands.execute('saescope:open', { path: 'main.ipynb', key: '' });
              window.__tab = tab;
            }"""
        )
        page.wait_for_function("() => window.__tab.node.querySelector('.saescope') !== null")
        page.evaluate("() => window.__tab.close()")
    page.wait_for_function(
        "() => document.querySelectorAll('.saescope-tab').length === 1",
    )
    page.wait_for_timeout(500)
    assert len(page.evaluate(count)) == n_before
    reload(page, lab)
    wait_drawn(page)
    assert page.locator(TAB).count() == 1
