"""Each panel in a real JupyterLab: alone and together, in three themes, with a selection that all share."""

import gzip
import re

import pytest

from e2e.axe import violations
from e2e.conftest import TOKEN, open_page, watched
from e2e.notebook import open_notebook, run_cell, set_theme, write
from e2e.test_browser import PANEL, shoot
from saescope.panels.core import BUNDLE

ATTACK = '<img src=x onerror="window.__hacked = 1">'
LOAD = (
    "import saescope\nbase = saescope.demo()\n"
    "scope = saescope.load((base.model, base.tokenizer), sae=base.sae)\n"
    "from pathlib import Path\n"
    "rest = dict(recovery=False, attach=True)\n"
    f"attack = {ATTACK!r}\n"
    "lines = ['It was the best of times, and the king of the islands said so to the sailors. ',\n"
    "         f'{attack} The river rose by 12 feet in 1883, and the bridge was lost. ',\n"
    "         'مرحبا بالعالم كله 世界は広い\\n a second line, and more of the same. ']\n"
    "texts = [f'In {1500 + n} ' + lines[n % 3] * 4 for n in range(240)]\n"
    "out = Path('panels-index')\n"
    "scope = saescope.load((base.model, base.tokenizer), sae=base.sae, index=out) if out.exists() else scope\n"
    "index = scope.index or scope.build_index(texts, out=out, recovery=False)\n"
    "said = 'The king said so to the sailors of the islands.'\n"
    "fires = scope.activations(said).filter('is_counted')['feature'].unique().to_list()\n"
    "rows = scope.features.filter(scope.features['feature'].is_in(fires))\n"
    "top = rows.sort('n_fires', descending=True)['feature'].to_list()[10:40]\n"
    "scope.select(top[0], text=said, picked=top[:3])"
)
READY = {
    "browser": "[role=row][data-feature]",
    "features": "[role=row][data-feature]",
    "feature": "[data-example]",
    "neighbors": ".ss-name",
    "try_it": "[data-i]",
    "map": "canvas",
    "compare": ".ss-name, [data-example]",
    "health": "dl, table",
    "effects": ".ss-eff-figures",
    "prompt": ".ss-prompt-row[data-feature]",
    "steer": ".ss-steer-run",
    "circuit": ".ss-circuit-row",
    "share": ".ss-share-form",
}
TABS = {
    "n": "Neighbors", "e": "Effects", "t": "Try it", "p": "Prompt", "w": "Steer", "r": "Circuit", "m": "Map",
    "c": "Compare", "h": "Health", "d": "Share",
}  # fmt: skip
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark", "contrast": "JupyterLab Dark High Contrast"}


@pytest.fixture
def page(kept_page):
    return kept_page


def open_with(page, lab, name, *cells):
    write(lab, name, [LOAD, *cells])
    open_notebook(page, lab, name, TOKEN)
    for n in range(1 + len(cells)):
        run_cell(page, n)
    wait_live(page)
    return page.locator(PANEL)


def wait_live(page):
    """Wait until no panel is a snapshot any more."""
    page.wait_for_function(
        """(selector) => {
          const panels = [...document.querySelectorAll(selector)];
          return panels.length > 0 && panels.every((panel) => panel.dataset.status === 'ready')
            && document.querySelector('.saescope-fresh') === null;
        }""",
        arg=PANEL,
    )


def choose_theme(page, name):
    page.evaluate("(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", THEMES[name])
    page.wait_for_function("(name) => document.body.dataset.jpThemeName === name", arg=THEMES[name])
    page.wait_for_timeout(300)


def shown_feature(panel):
    return panel.locator("[data-page-feature]").first.get_attribute("data-page-feature")


def tops(page):
    """The features that the notebook names ``top``, as its second cell printed them."""
    shown = page.locator(".jp-Cell").nth(1).locator(".jp-OutputArea-output pre").first
    return [int(n) for n in re.findall(r"\d+", shown.inner_text())]


@pytest.fixture(scope="module")
def loaded(browser, lab):
    """A notebook whose scope is loaded once, and a cell in which each panel is shown after the other."""
    lab.kept.add("alone.ipynb")
    context, opened = open_page(browser)
    write(lab, "alone.ipynb", [LOAD, ""])
    open_notebook(opened, lab, "alone.ipynb", TOKEN)
    run_cell(opened, 0)
    yield opened
    context.close()
    lab.kept.remove("alone.ipynb")
    lab.end_kernels()


def show_in(page, code):
    """Run a code in the last cell of the loaded notebook, in place of what was there."""
    page.evaluate(
        """(code) => {
          const cell = window.jupyterapp.shell.currentWidget.content.widgets[1];
          cell.model.clearExecution();
          cell.model.sharedModel.setSource(code);
        }""",
        code,
    )
    run_cell(page, 1)


@pytest.mark.parametrize("name", READY)
def test_a_panel_alone_has_no_fault_in_any_theme(loaded, lab, name):
    with watched(loaded, lab):
        show_in(loaded, f"scope.show({name!r})")
        wait_live(loaded)
        panel = loaded.locator(PANEL).first
        panel.locator(READY[name]).first.wait_for()
        loaded.wait_for_timeout(1000)
        for theme in THEMES:
            choose_theme(loaded, theme)
            shoot(loaded, f"panel-{name}-{theme}")
            assert violations(loaded, PANEL) == [], theme
        assert loaded.evaluate("() => window.__hacked") is None
        assert panel.locator("img, script, iframe").count() == 0


def test_every_tab_of_the_browser_opens_by_its_key_and_has_no_fault(page, lab):
    panel = open_with(page, lab, "tabs.ipynb", "scope.browse()").first
    panel.locator("[data-example]").first.wait_for()
    for key, name in TABS.items():
        panel.press("Escape")
        panel.focus()
        page.keyboard.press(key)
        pane = panel.get_by_role("tabpanel", name=name)
        pane.wait_for()
        page.wait_for_timeout(700)
        shoot(page, f"tab-{name.lower().replace(' ', '-')}")
        assert violations(page, PANEL) == [], name
    panel.press("Escape")
    panel.focus()
    page.keyboard.press("?")
    help_text = panel.get_by_role("dialog").inner_text()
    assert all(word in help_text for word in ("neighbors", "next feature", "back", "search", "label"))


def test_panels_follow_one_selection_and_a_locked_one_stays(page, lab):
    cells = ["print(top)", "scope.show('feature')", "scope.show('feature')", "scope.show('neighbors')"]
    panels = open_with(page, lab, "follow.ipynb", *cells)
    first, second, near = panels.nth(0), panels.nth(1), panels.nth(2)
    one, two = tops(page)[:2]
    for panel in (second, first):
        panel.scroll_into_view_if_needed()
        panel.locator(f"[data-page-feature='{one}'] [data-example]").first.wait_for()
    second.get_by_role("button", name="lock").click()
    near.locator(".ss-name").nth(2).click()
    first.scroll_into_view_if_needed()
    page.wait_for_function(
        "([s, n]) => document.querySelectorAll(s)[0].querySelector('[data-page-feature]').dataset.pageFeature != n",
        arg=[PANEL, str(one)],
    )
    assert shown_feature(second) == str(one)
    page.evaluate(
        "(code) => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.requestExecute({ code }).done",
        f"scope.select({two})",
    )
    first.locator(f"[data-page-feature='{two}'] [data-example]").first.wait_for()
    assert shown_feature(second) == str(one)
    first.focus()
    page.keyboard.press("b")
    page.wait_for_function(
        "([s, n]) => document.querySelectorAll(s)[0].querySelector('[data-page-feature]').dataset.pageFeature != n",
        arg=[PANEL, str(two)],
    )


def test_what_a_person_did_is_there_again_after_a_reload_and_in_python(page, lab):
    panel = open_with(page, lab, "state.ipynb", "panel = scope.browse()\npanel", "1").first
    panel.locator("[data-example]").first.wait_for()
    panel.get_by_role("tab", name="Neighbors").click()
    panel.locator("[role=columnheader]", has_text="density").first.get_by_role("button").first.click()
    panel.locator("[role=columnheader][aria-sort=descending]", has_text="density").wait_for()
    page.wait_for_timeout(1000)
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_timeout(1000)
    page.reload()
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    again = page.locator(PANEL).first
    again.get_by_role("tabpanel", name="Neighbors").wait_for()
    again.locator("[role=columnheader][aria-sort=descending]", has_text="density").wait_for()


def test_a_panel_comes_back_by_itself_when_the_kernel_does(page, lab):
    panel = open_with(page, lab, "again.ipynb", "scope.browse()").first
    panel.locator("[data-example]").first.wait_for()
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    page.locator(f"{PANEL}[data-status=closed]").first.wait_for()
    assert panel.locator("[data-example]").count() > 0
    assert "kernel is gone" in panel.inner_text()
    run_cell(page, 0)
    page.locator(f"{PANEL}[data-status=ready]").first.wait_for()
    page.locator(f"{PANEL} [data-example]").first.wait_for()


def fragment(name):
    """The longest part of a bundle that reads the same inside a JSON string: what tells its messages from others."""
    text = (BUNDLE.parent / f"{name}.js").read_text(encoding="utf-8")
    return max(re.findall(r"[\w .,;:=(){}\[\]!?&|+*-]+", text, re.ASCII), key=len).encode()


def test_the_javascript_travels_once_and_the_map_s_comes_from_the_labextension(own_page, lab):
    page = own_page
    parts, seen = {name: fragment(name) for name in ("core", "map")}, dict.fromkeys(("core", "map"), 0)

    def hear(payload):
        data = payload.encode() if isinstance(payload, str) else payload
        for name, part in parts.items():
            seen[name] += part in data

    page.on("websocket", lambda ws: ws.on("framereceived", hear))
    cells = ["scope.show('health')", "scope.show('feature')", "scope.show('map')", "scope.show('map')"]
    write(lab, "once.ipynb", [LOAD, *cells])
    open_notebook(page, lab, "once.ipynb", TOKEN)
    for n in range(3):
        run_cell(page, n)
    wait_live(page)
    page.locator(f"{PANEL} [data-example]").first.wait_for()
    assert seen == {"core": 1, "map": 0}
    for n in range(3, 5):
        run_cell(page, n)
        wait_live(page)
        page.locator(PANEL).nth(n - 1).locator("canvas").first.wait_for()
    assert seen == {"core": 1, "map": 0}


def test_the_javascript_of_all_panels_is_small():
    assert len(gzip.compress(BUNDLE.read_bytes(), 9)) < 150_000


def test_a_label_is_saved_and_shows_in_every_panel(page, lab):
    panels = open_with(page, lab, "label.ipynb", "print(top)", "scope.browse()", "scope.show('feature')")
    browser = panels.first
    for n in range(2):
        panels.nth(n).locator("[data-example]").first.wait_for()
    browser.focus()
    page.keyboard.press("l")
    page.keyboard.type(f"kings {ATTACK}")
    page.keyboard.press("Shift+Enter")
    for n in range(2):
        page.wait_for_function(
            """([selector, n, label]) => {
              const panel = document.querySelectorAll(selector)[n];
              return [...panel.querySelectorAll('input, textarea')].some((field) => field.value === label);
            }""",
            arg=[PANEL, n, f"kings {ATTACK}"],
            timeout=5000,
        )
    shoot(page, "label")
    assert page.evaluate("() => window.__hacked") is None


def test_three_widths_are_looked_at(page, lab):
    panel = open_with(page, lab, "widths.ipynb", "scope.browse()").first
    panel.locator("[data-example]").first.wait_for()
    for width in (1400, 900, 560):
        page.set_viewport_size({"width": width, "height": 900})
        for is_dark in (False, True):
            set_theme(page, is_dark=is_dark)
            page.wait_for_timeout(500)
            shoot(page, f"browser-{width}-{'dark' if is_dark else 'light'}")
        box = panel.bounding_box()
        inner = panel.evaluate("(node) => node.scrollWidth - node.clientWidth")
        assert inner <= 0, f"the panel is wider than its {box['width']} pixels"
