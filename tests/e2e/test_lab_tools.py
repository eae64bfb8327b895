"""Launcher, menus, settings, drag and drop, and the status bar."""

import json
import re

import nbformat
import pytest

import saescope
from e2e.axe import violations
from e2e.conftest import TOKEN
from e2e.notebook import STARTED, open_notebook, run_cell, set_theme, write
from e2e.test_browser import shoot
from e2e.test_lab_main import DEMO, NOTEBOOK, TAB, WIDE, activate_notebook, reload, run, wait_drawn
from e2e.test_panels import THEMES, choose_theme
from saescope.bundled import DATA

SOURCES = f"() => {NOTEBOOK}.content.widgets.map((cell) => cell.model.sharedModel.source)"
MENU_ITEM = ".lm-Menu-item[data-command='saescope:show-firing']"


@pytest.fixture
def notebook(page, lab):
    """A notebook with a Markdown cell, the demo and an output; nothing of ours is open."""
    page.set_default_timeout(90_000)
    page.set_viewport_size(WIDE)
    named = DEMO.replace("scope =", "mine =")
    write(lab, "tools.ipynb", [named, "print('the king of the islands said so')", "mine.browse()"])
    made = nbformat.read(lab.notebooks / "tools.ipynb", as_version=4)
    made.cells.insert(0, nbformat.v4.new_markdown_cell("It was the *best of times* for the sailors."))
    nbformat.write(made, lab.notebooks / "tools.ipynb")
    open_notebook(page, lab, "tools.ipynb", TOKEN)


def select_text(page, selector):
    page.evaluate(
        """(selector) => {
          const range = document.createRange();
          range.selectNodeContents(document.querySelector(selector));
          const selection = document.getSelection();
          selection.removeAllRanges();
          selection.addRange(range);
        }""",
        selector,
    )


def test_a_launcher_card_makes_a_notebook_in_which_nothing_has_run(page, lab):
    page.goto(f"{lab.url}/lab?reset&token={TOKEN}")
    section = page.locator(".jp-Launcher-section", has_text="saescope")
    section.locator(".jp-LauncherCard").nth(1).wait_for()
    shoot(page, "lab-launcher-light")
    page.wait_for_function(STARTED)
    set_theme(page, is_dark=True)
    shoot(page, "lab-launcher-dark")
    set_theme(page, is_dark=False)
    section.locator(".jp-LauncherCard", has_text="Demo").click()
    page.wait_for_selector(".jp-Notebook .jp-CodeCell")
    assert page.locator(".jp-Dialog").count() == 0
    assert page.locator(".jp-OutputArea-output").count() == 0
    made = nbformat.read(lab.notebooks / "saescope-demo.ipynb", as_version=4)
    nbformat.validate(made)
    assert any("saescope.demo()" in cell.source for cell in made.cells)
    assert all(cell.execution_count is None for cell in made.cells if cell.cell_type == "code")
    page.wait_for_function(f"() => {NOTEBOOK}?.sessionContext?.session?.kernel")
    shoot(page, "lab-starter")


def test_settings_act(page, lab, notebook):
    chosen = {"context": 5, "k": 7, "shading": "purple", "model": 'my "model"', "sae": "some/sae"}
    page.evaluate(
        "(raw) => window.jupyterapp.serviceManager.settings.save('@saescope/labextension:plugin', raw)",
        json.dumps(chosen),
    )
    reload(page, lab)
    page.wait_for_function("() => document.body.dataset.saescopeShading === 'purple'")
    run(page, "saescope:new-model-notebook", cwd="")
    page.wait_for_function("() => document.body.innerText.includes('some/sae')")
    made = nbformat.read(lab.notebooks / "saescope.ipynb", as_version=4)
    code = next(cell.source for cell in made.cells if cell.cell_type == "code")
    assert 'saescope.load("my \\"model\\"", sae="some/sae", device="auto")' in code
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:open', { path: 'tools.ipynb' })")
    page.evaluate(
        """async () => {
          const { sessionContext } = window.jupyterapp.shell.currentWidget;
          await sessionContext.ready;
          await sessionContext.session.kernel.info;
        }"""
    )
    run_cell(page, 1)
    run(page, "saescope:open")
    wait_drawn(page)
    page.wait_for_function(
        "() => document.querySelectorAll('.saescope-tab [data-page-feature] [data-example]').length === 7"
    )
    context = page.locator(f"{TAB} [aria-label='Tokens of context on each side'] [aria-pressed=true]")
    assert context.inner_text() == "5"
    hue = page.evaluate(
        "() => getComputedStyle(document.querySelector('.saescope-tab .saescope')).getPropertyValue('--ss-hue')"
    )
    assert hue.strip() == "rgb(170, 110, 220)"
    shoot(page, "lab-settings-act")
    run(page, "saescope:open-settings")
    page.get_by_text("Shading of tokens").first.wait_for()
    shoot(page, "lab-settings")
    page.locator("input[id$='_k']").first.fill("4")
    page.wait_for_function(
        "() => document.querySelectorAll('.saescope-tab [data-page-feature] [data-example]').length === 4"
    )
    page.evaluate("() => window.jupyterapp.serviceManager.settings.save('@saescope/labextension:plugin', '{}')")


def test_a_selection_is_tried_from_the_context_menu_and_features_are_dragged(page, lab, notebook):
    text = ".jp-MarkdownCell .jp-RenderedMarkdown p"
    select_text(page, text)
    page.locator(text).click(button="right")
    page.locator(MENU_ITEM).wait_for()
    assert "there is no scope" in page.locator(MENU_ITEM).inner_text()
    assert "lm-mod-disabled" in page.locator(MENU_ITEM).get_attribute("class")
    shoot(page, "lab-context-disabled")
    page.keyboard.press("Escape")
    run_cell(page, 1)
    select_text(page, text)
    page.locator(text).click(button="right")
    item = page.locator(f"{MENU_ITEM}:not(.lm-mod-disabled)")
    item.wait_for()
    shoot(page, "lab-context")
    item.click()
    wait_box = page.locator(f"{TAB} .ss-try textarea")
    wait_box.wait_for(state="attached")
    page.wait_for_function(
        "() => document.querySelector('.saescope-tab .ss-try textarea')?.value.includes('best of times')"
    )
    page.locator(f"{TAB} .ss-try .ss-name").first.wait_for()
    shoot(page, "lab-firing")
    assert page.locator(TAB).count() == 1


def test_a_feature_is_dragged_into_the_notebook_and_a_text_into_the_panel(page, lab, notebook):
    text = ".jp-MarkdownCell .jp-RenderedMarkdown p"
    run_cell(page, 1)
    run(page, "saescope:open")
    wait_drawn(page)
    activate_notebook(page)
    run_cell(page, 2)
    output = ".jp-OutputArea-output pre"
    page.locator(output).first.wait_for()
    select_text(page, f".jp-Cell:nth-of-type(3) {output}, .jp-RenderedText:not([data-mime-type*=stderr]) pre")
    page.locator(output, has_text="king of the islands").click(button="right")
    page.locator(f"{MENU_ITEM}:not(.lm-mod-disabled)").click()
    page.wait_for_function(
        "() => document.querySelector('.saescope-tab .ss-try textarea')?.value.includes('king of the islands')"
    )
    assert page.locator(TAB).count() == 1
    # dragged from the table, and from the list of Try it, into the notebook
    row = page.locator(f"{TAB} [role=row][data-feature]").nth(2)
    feature = row.get_attribute("data-feature")
    n_cells = len(page.evaluate(SOURCES))
    row.drag_to(page.locator(".jp-MarkdownCell"), target_position={"x": 60, "y": 2})
    page.wait_for_function(f"() => {NOTEBOOK}.content.widgets.length === {n_cells + 1}")
    assert page.evaluate(SOURCES)[0] == f'mine.show("feature", {feature})'
    name = page.locator(f"{TAB} .ss-try .ss-name").first
    dragged = name.get_attribute("data-drag")
    name.drag_to(page.locator(".jp-MarkdownCell"), target_position={"x": 60, "y": 25})
    page.wait_for_function(f"() => {NOTEBOOK}.content.widgets.length === {n_cells + 2}")
    assert page.evaluate(SOURCES)[2] == f'mine.show("feature", {dragged})'
    shoot(page, "lab-dragged")
    # the same by key, by button, and from the context menu
    page.locator(f"{TAB} .saescope").focus()
    page.keyboard.press("i")
    page.wait_for_function(f"() => {NOTEBOOK}.content.widgets.length === {n_cells + 3}")
    page.locator(f"{TAB} .ss-panel-buttons").get_by_role("button", name="insert cell").first.click()
    page.wait_for_function(f"() => {NOTEBOOK}.content.widgets.length === {n_cells + 4}")
    row.click(button="right")
    page.locator(".lm-Menu-item", has_text=re.compile(f"Shows Feature {feature}")).click()
    page.wait_for_function(f"() => {NOTEBOOK}.content.widgets.length === {n_cells + 5}")
    # a text of the notebook is dropped on Try it
    page.evaluate(f"() => {NOTEBOOK}.content.scrollToItem(0)")
    select_text(page, text)
    page.locator(text).drag_to(page.locator(f"{TAB} .ss-try-left"), target_position={"x": 30, "y": 70})
    page.wait_for_function(
        "() => document.querySelector('.saescope-tab .ss-try textarea')?.value.includes('best of times')"
    )
    ran = page.evaluate(f"() => {NOTEBOOK}.content.widgets.filter((c) => c.model.executionCount).length")
    assert ran == 2


def test_the_status_bar_tells_of_a_build_and_stops_it(page, lab):
    page.set_default_timeout(120_000)
    texts = (
        "line = 'It was the best of times, and the king of the islands said so to the sailors. '\n"
        "texts = [f'In {1500 + n} ' + line * 6 for n in range(4000)]\n"
        "base = saescope.demo()\nscope = saescope.load((base.model, base.tokenizer), sae=base.sae)"
    )
    write(
        lab, "built.ipynb", ["import saescope\n" + texts, "scope.build_index(texts, out='grown-lab', recovery=False)"]
    )
    open_notebook(page, lab, "built.ipynb", TOKEN)
    run_cell(page, 0)
    page.locator("li[data-id='saescope-sidebar'], li[title='saescope']").first.click()
    item = page.locator(".saescope-status")
    assert item.count() == 0 or not item.is_visible()
    run_cell(page, 1, wait=False)
    item.wait_for()
    page.wait_for_function(
        "() => /\\d+.% · [\\d,.]+ tokens\\/s · .* left/.test(document.querySelector('.saescope-status').innerText)"
    )
    shoot(page, "lab-status-light")
    assert violations(page, ".saescope-status") == []
    set_theme(page, is_dark=True)
    shoot(page, "lab-status-dark")
    item.get_by_role("button", name="Stop").click()
    page.locator(".jp-Dialog").get_by_role("button", name="Go on").click()
    assert item.is_visible()
    item.get_by_role("button", name="Stop").click()
    shoot(page, "lab-status-stop")
    page.locator(".jp-Dialog .jp-mod-warn").click()
    item.wait_for(state="hidden")
    page.wait_for_function(f"() => {NOTEBOOK}.content.widgets[1].model.executionCount !== null")


def test_the_side_bar_remembers_and_two_windows_follow_each_other(page, lab, notebook):
    run_cell(page, 1)
    page.locator("li[data-id='saescope-sidebar'], li[title='saescope']").first.click()
    side = page.locator("#saescope-sidebar")
    box = side.locator("[data-box=search]")
    box.fill("king")
    side.locator("[role=row][data-feature]").first.wait_for()
    page.wait_for_timeout(2500)
    # another notebook, without a scope, and back
    write(lab, "other.ipynb", ["1 + 1"])
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:open', { path: 'other.ipynb' })")
    side.get_by_role("button", name="Insert a starter cell").wait_for()
    shoot(page, "lab-side-empty")
    assert violations(page, "#saescope-sidebar") == []
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:open', { path: 'tools.ipynb' })")
    page.wait_for_function("() => document.querySelector('#saescope-sidebar [data-box=search]')?.value === 'king'")
    # a restart, and the scope made again
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    side.get_by_text("The kernel was restarted").wait_for()
    shoot(page, "lab-side-restarted")
    assert violations(page, "#saescope-sidebar .saescope-strip") == []
    run_cell(page, 1)
    side.locator(".saescope[data-status=ready]").wait_for()
    page.wait_for_function(
        "() => document.querySelectorAll('#saescope-sidebar .saescope').length === 1"
        " && document.querySelector('#saescope-sidebar [data-box=search]')?.value === 'king'"
    )
    # a second window on the same kernel follows, and the other way round
    second = page.context.new_page()
    second.set_default_timeout(90_000)
    second.goto(f"{lab.url}/lab/workspaces/second/tree/tools.ipynb?token={TOKEN}")
    second.wait_for_function(STARTED)
    second.wait_for_selector(".jp-Notebook .jp-Cell")
    second.locator("li[data-id='saescope-sidebar'], li[title='saescope']").first.click()
    there = second.locator("#saescope-sidebar")
    row = there.locator("[role=row][data-feature]").nth(1)
    feature = row.get_attribute("data-feature")
    row.click()
    side.locator(f"[data-page-feature='{feature}']").wait_for()
    back = side.locator("[role=row][data-feature]").nth(0)
    feature = back.get_attribute("data-feature")
    back.click()
    there.locator(f"[data-page-feature='{feature}']").wait_for()
    second.close()
    for theme in reversed(THEMES):
        choose_theme(page, theme)
        shoot(page, f"lab-side-{theme}")
        assert violations(page, "#saescope-sidebar") == [], theme


def test_findings_that_are_not_trusted_show_text_and_snapshot_and_run_nothing(page, lab):
    scope = saescope.open_index(DATA / "index")
    attack = "<img src=x onerror='window.__hacked = 1'><script>window.__hacked = 1</script>"
    scope.notes.set(844, label=attack, remark=attack)
    try:
        scope.export_notebook(lab.notebooks / "findings.ipynb", features=[844], question=attack)
    finally:
        scope.notes.undo(844)
    write(lab, "shown.ipynb", ["pass"])
    shown = nbformat.read(lab.notebooks / "shown.ipynb", as_version=4)
    data, _ = scope.browse()._repr_mimebundle_()
    data = {kind: content for kind, content in data.items() if "widget" not in kind}
    shown.cells[0].outputs = [nbformat.v4.new_output("display_data", data=data)]
    nbformat.write(shown, lab.notebooks / "shown.ipynb")
    for name, selector in (("findings.ipynb", ".jp-RenderedHTMLCommon table"), ("shown.ipynb", ".saescope [role=row]")):
        open_notebook(page, lab, name, TOKEN)
        page.locator(f".jp-NotebookPanel:not(.lm-mod-hidden) {selector}").first.wait_for()
        assert not page.evaluate("() => window.jupyterapp.shell.currentWidget.model.trusted ?? false")
        assert page.evaluate("() => window.__hacked") is None
        assert page.locator(".jp-NotebookPanel script, .jp-NotebookPanel img[src='x']").count() == 0
        kernel = "window.jupyterapp.shell.currentWidget.sessionContext.session.kernel"
        assert page.evaluate(f"async () => (await {kernel}.requestCommInfo({{}})).content.comms") == {}
    assert page.locator(".saescope").first.get_attribute("data-status") == "snapshot"
    shoot(page, "lab-untrusted")


def test_a_selection_in_an_editor_and_in_a_markdown_document_can_be_tried(page, lab, notebook):
    (lab.notebooks / "read.md").write_text("# Read me\n\nThe old city and its emperor.\n")
    run_cell(page, 1)
    line = page.locator(".jp-CodeCell").nth(1).locator(".cm-line").first
    line.click(click_count=3)
    line.click(button="right")
    page.locator(f"{MENU_ITEM}:not(.lm-mod-disabled)").click()
    page.wait_for_function("() => document.querySelector('.saescope-tab .ss-try textarea')?.value.includes('print(')")
    page.evaluate(
        "() => window.jupyterapp.commands.execute('docmanager:open', { path: 'read.md', factory: 'Markdown Preview' })"
    )
    text = page.locator(".jp-MarkdownViewer p")
    text.wait_for()
    select_text(page, ".jp-MarkdownViewer p")
    text.click(button="right")
    page.locator(f"{MENU_ITEM}:not(.lm-mod-disabled)").click()
    page.wait_for_function(
        "() => document.querySelector('.saescope-tab .ss-try textarea')?.value.includes('its emperor')"
    )
    assert page.locator(TAB).count() == 1
    shoot(page, "lab-firing-markdown")
    activate_notebook(page)
    n_cells = len(page.evaluate(SOURCES))
    run(page, "saescope:pick", isPalette=True)
    page.wait_for_function(f"() => {NOTEBOOK}.content.widgets.length === {n_cells + 1}")
    assert "import saescope\n\nsaescope.pick()" in page.evaluate(SOURCES)
    page.locator(".jp-OutputArea-output .saescope .ss-picker").first.wait_for()
