"""The whole way: a real JupyterLab, a real browser, the demo notebook, a click, examples."""

import re
from pathlib import Path

import nbformat
import pytest

import saescope
from e2e.conftest import TOKEN
from e2e.notebook import open_notebook, run_cell, set_theme, write
from saescope.bundled import DATA, NOTEBOOKS

OUTPUT = Path(__file__).parent / "output"
NOTEBOOK = NOTEBOOKS["bundled"]
PANEL = ".jp-OutputArea-output .saescope"


def shoot(page, name):
    OUTPUT.mkdir(exist_ok=True)
    page.screenshot(path=OUTPUT / f"{name}.png")


@pytest.fixture
def page(kept_page):
    return kept_page


@pytest.fixture(scope="module")
def scope():
    return saescope.open_index(DATA / "index")


@pytest.fixture
def panel(page, lab):
    """A notebook whose second cell shows the panel."""
    write(lab, "browse.ipynb", ["import saescope\nscope = saescope.demo()", "scope.browse()"])
    open_notebook(page, lab, "browse.ipynb", TOKEN)
    run_cell(page, 0)
    run_cell(page, 1)
    found = page.locator(PANEL).first
    found.locator("[role=row][data-feature]").first.wait_for()
    return found


def open_feature(panel, feature):
    """Type a feature's number, as with the key g."""
    box = panel.get_by_label("Feature number")
    box.fill(str(feature))
    box.press("Enter")
    panel.locator(f"[data-page-feature='{feature}'] [data-example]").first.wait_for()


def test_the_demo_notebook_runs_and_a_click_on_a_feature_shows_its_examples(page, lab, scope):
    name = NOTEBOOKS["bundled"]
    notebook = nbformat.read(DATA / name, as_version=4)
    nbformat.write(notebook, lab.notebooks / name)
    open_notebook(page, lab, name, TOKEN)
    codes = [n for n, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    for n in codes:
        run_cell(page, n)
    assert (
        page.locator(".jp-OutputArea-output[data-mime-type*=error], .jp-RenderedText[data-mime-type*=stderr]").count()
        == 0
    )
    panel = page.locator(PANEL).first
    selected = panel.locator("[role=row][aria-selected=true]")
    selected.wait_for()
    feature = panel.locator("[role=row][data-feature]").evaluate_all(
        """(rows) => {
          const at = (row) => row.getBoundingClientRect().top;
          const from = at(rows.find((row) => row.ariaSelected === "true"));
          return Number(rows.filter((row) => at(row) > from).sort((a, b) => at(a) - at(b))[0].dataset.feature);
        }"""
    )  # the table shows the one that the notebook opens in its midst
    panel.locator(f"[role=row][data-feature='{feature}']").click()
    example = panel.locator(f"[data-page-feature='{feature}'] [data-example]").first
    example.wait_for()
    assert len(example.locator(".ss-text").inner_text().split()) > 3
    shoot(page, "demo-notebook")


def test_the_top_example_on_the_page_is_the_top_example_of_the_table(panel, scope):
    for feature in scope.table.rows("max")[:3].tolist():
        open_feature(panel, feature)
        shown = panel.locator(f"[data-page-feature='{feature}'] [data-example]").first
        wanted = scope.examples(feature, k=1).row(0, named=True)
        peak = shown.locator("[data-token][data-peak]")
        assert int(peak.get_attribute("data-token")) == wanted["token_ids"][wanted["peak"]]
        assert float(shown.get_attribute("data-activation")) == pytest.approx(wanted["activation"], rel=1e-5)


def test_hovering_a_token_tells_its_activation(page, panel, scope):
    feature = int(scope.table.rows("max")[0])
    open_feature(panel, feature)
    panel.locator(f"[data-page-feature='{feature}'] [data-example] [data-peak]").first.hover()
    tip = page.locator(".saescope [role=tooltip], .saescope-tooltip").first
    tip.wait_for()
    value = scope.examples(feature, k=1)["activation"][0]
    assert re.search(f"{value:.3g}"[:4].replace(".", r"\."), tip.inner_text())


def test_each_token_of_a_run_of_unlit_ones_is_told_when_it_is_pointed_at(page, panel, scope):
    feature = int(scope.table.rows("max")[0])
    open_feature(panel, feature)
    shown = scope.examples(feature, k=20, context=16)
    page.wait_for_function("() => document.querySelector('.saescope-fresh') === null")
    page.locator(f"{PANEL}[data-status=ready]").first.wait_for()
    run = panel.locator("[data-example] .ss-after [data-end]").first
    rank = run.evaluate("(node) => [...node.closest('ol').children].indexOf(node.closest('li'))")
    start, end = (int(run.get_attribute(name)) for name in ("data-i", "data-end"))
    texts, ids = shown["tokens"][rank].to_list(), shown["token_ids"][rank].to_list()
    assert run.text_content() == "".join(texts[start:end])
    tip = page.locator(".saescope-tooltip")
    for i in (start, start + 1):
        at = sum(len(t) for t in texts[start:i])
        x, y = run.evaluate(
            """(node, [low, high]) => {
              const range = document.createRange();
              range.setStart(node.firstChild, low);
              range.setEnd(node.firstChild, high);
              const { left, top, width, height } = range.getBoundingClientRect();
              return [left + 0.8 * width, top + height / 2];
            }""",
            [at, at + len(texts[i])],
        )
        page.mouse.move(x, y)
        tip.filter(has_text=re.compile(rf"activation\s*0\s*token.*{ids[i]:,}", re.DOTALL)).wait_for()


KERNEL = "window.jupyterapp.shell.currentWidget.sessionContext.session.kernel"


def test_a_panel_answers_while_a_cell_runs_and_without_subshells_says_that_it_waits(page, lab, scope):
    write(lab, "busy.ipynb", ["import saescope, time\nscope = saescope.demo()\nscope.browse()", "time.sleep(60)"])
    open_notebook(page, lab, "busy.ipynb", TOKEN)
    run_cell(page, 0)
    panel = page.locator(PANEL).first
    panel.locator("[role=row][data-feature]").first.wait_for()
    run_cell(page, 1, wait=False)
    page.wait_for_timeout(500)
    page.set_default_timeout(8_000)
    open_feature(panel, int(scope.table.rows("max")[5]))
    prompt = page.locator(".jp-Cell").nth(1).locator(".jp-InputPrompt").first
    assert "*" in prompt.inner_text()

    page.evaluate(f"() => void ({KERNEL}.commsOverSubshells = 'disabled')")  # as of a kernel that has none
    feature = int(scope.table.rows("max")[40])
    box = panel.get_by_label("Feature number")
    box.fill(str(feature))
    box.press("Enter")
    panel.get_by_text("The kernel is running a cell;").wait_for()
    shoot(page, "busy-light")
    assert "*" in prompt.inner_text()
    page.evaluate(f"() => void {KERNEL}.interrupt()")
    panel.locator(f"[data-page-feature='{feature}'] [data-example]").first.wait_for(timeout=60_000)
    panel.get_by_text("The kernel is running a cell;").wait_for(state="detached")


def test_the_side_bar_finds_the_scope_of_the_active_notebook(page, lab, panel):
    page.locator("li[data-id='saescope-sidebar'], li[title='saescope']").first.click()
    side = page.locator("#saescope-sidebar")
    side.locator("[role=row][data-feature]").nth(2).click()
    side.locator("[data-page-feature] [data-example]").first.wait_for()
    feature = side.locator("[data-page-feature]").first.get_attribute("data-page-feature")
    panel.locator(f"[data-page-feature='{feature}']").wait_for()
    shoot(page, "sidebar-light")
    set_theme(page, is_dark=True)
    page.wait_for_timeout(500)
    shoot(page, "sidebar-dark")


def test_the_side_bar_without_a_scope_offers_a_starter_cell_and_runs_nothing(page, lab):
    write(lab, "empty.ipynb", ["1 + 1"])
    open_notebook(page, lab, "empty.ipynb", TOKEN)
    page.locator("li[data-id='saescope-sidebar'], li[title='saescope']").first.click()
    side = page.locator("#saescope-sidebar")
    button = side.get_by_role("button", name="Insert a starter cell")
    button.click()
    page.wait_for_function("() => document.body.innerText.includes('saescope.demo()')")
    assert page.locator(".jp-OutputArea-output").count() == 0


def test_corpus_text_with_markup_shows_as_text(page, lab):
    make = (
        "import saescope\nbase = saescope.demo()\n"
        "scope = saescope.load((base.model, base.tokenizer), sae=base.sae)\n"
        "text = 'It was the best of times. <img src=x onerror=\"window.__hacked = 1\"> said the king. ' * 3\n"
        "index = scope.build_index([text] * 40, out='markup-index')\nscope.browse()"
    )
    write(lab, "markup.ipynb", [make])
    open_notebook(page, lab, "markup.ipynb", TOKEN)
    run_cell(page, 0)
    panel = page.locator(PANEL).first
    panel.locator("[data-example]").first.wait_for()
    assert page.evaluate("() => window.__hacked") is None
    assert panel.locator("img").count() == 0


def test_the_panel_works_as_a_plain_widget_without_the_labextension(bare_page, bare_lab, scope):
    write(bare_lab, "bare.ipynb", ["import saescope\nscope = saescope.demo()", "scope.browse()", "scope.browse(7)"])
    open_notebook(bare_page, bare_lab, "bare.ipynb", TOKEN)
    for n in range(3):
        run_cell(bare_page, n)
    assert bare_page.locator("#saescope-sidebar").count() == 0
    panels = bare_page.locator(PANEL)
    panels.nth(1).locator("[data-page-feature='7']").wait_for()
    feature = int(scope.table.rows("max")[4])
    open_feature(panels.first, feature)
    panels.nth(1).scroll_into_view_if_needed()
    panels.nth(1).locator(f"[data-page-feature='{feature}']").wait_for()
    shoot(bare_page, "plain-widget")
    for title in ("Compare", "Circuit", "Prompt", "Steer", "Share", "Map"):  # their bundles come from the kernel
        panels.first.get_by_role("tab", name=title).click()
        panels.first.locator(f".ss-pane > .ss-{title.lower()}").wait_for()
