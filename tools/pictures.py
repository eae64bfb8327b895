"""Take the documentation's pictures from the running program, light and dark.

``python tools/pictures.py`` takes those of the bundled demo; ``python tools/pictures.py MODEL SAE INDEX`` the panels of
cause and effect on what was found in SmolLM2-135M (features of ``blocks.10.hook_resid_post``, 4,096 wide);
``python tools/pictures.py plugin`` the example plug-in.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "docs/pictures"
sys.path.insert(0, str(ROOT / "tests"))

TEXTS = """import saescope

base = saescope.demo()
scope = saescope.load((base.model, base.tokenizer), sae=base.sae)
tokens, texts = base.index.tokens, []
for start in range(0, 600_000, 400):
    texts.append(base.index.vocabulary.decode(tokens[start : start + 400].tolist()))"""
FEATURE = 'int(scope.features.filter(scope.features["density"] < 0.01).sort("max", descending=True)["feature"][3])'


def browser_path() -> str | None:
    """The browser that takes them."""
    return os.environ.get("SAESCOPE_BROWSER") or shutil.which("chromium")


def main() -> None:
    """Start JupyterLab, show each panel, and take its pictures."""
    from playwright.sync_api import sync_playwright

    from e2e.conftest import FLAGS, TOKEN, Lab
    from e2e.notebook import open_notebook, run_cell, set_theme, write

    TARGET.mkdir(parents=True, exist_ok=True)
    if sys.argv[1:] == ["plugin"]:
        plugin()
        return
    real = [str(Path(given).resolve()) for given in sys.argv[1:]]
    lab = Lab(Path(tempfile.mkdtemp()))
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=browser_path(), args=FLAGS)
            if real:
                page = browser.new_context(viewport={"width": 1400, "height": 880}).new_page()
                begun = "import saescope\n\nscope = saescope.load({!r}, sae={!r}, index={!r})".format(*real)
                causes(page, lab, begun, BY_SMOLLM, "smollm2-")
                return
            page = browser.new_context(viewport={"width": 1400, "height": 880}).new_page()
            cells = ["import saescope\n\nscope = saescope.demo()", f"scope.browse({FEATURE})"]
            write(lab, "browse.ipynb", cells)
            open_notebook(page, lab, "browse.ipynb", TOKEN)
            page.locator("li[data-id='filebrowser']").first.click()
            for n in range(len(cells)):
                run_cell(page, n)
            page.locator(".jp-OutputArea-output .saescope[data-status=ready] [data-example]").first.wait_for()
            page.wait_for_timeout(2500)
            panel = page.locator(".jp-OutputArea-output .saescope").first
            for is_dark, name in ((False, "light"), (True, "dark")):
                set_theme(page, is_dark=is_dark)
                panel.locator("[data-example] [data-peak]").nth(1).hover()
                page.wait_for_timeout(800)
                page.screenshot(path=TARGET / f"browser-{name}.png")
            tabs(page, panel)
            page.locator("li[data-id='saescope-sidebar']").first.click()
            page.wait_for_timeout(2500)
            for is_dark, name in ((False, "light"), (True, "dark")):
                set_theme(page, is_dark=is_dark)
                page.mouse.move(1390, 5)
                page.wait_for_timeout(800)
                page.screenshot(path=TARGET / f"sidebar-{name}.png")
            causes(browser.new_context(viewport={"width": 1400, "height": 880}).new_page(), lab, DEMO, BY_DEMO)
            growing(browser.new_context(viewport={"width": 1400, "height": 880}).new_page(), lab)
            browser.close()
    finally:
        lab.stop()


TRIED = "The ship sailed from the harbour of the old city, and the king wrote a letter to his brother in 1742."


def tabs(page: Any, panel: Any) -> None:
    """Each panel of the strip, beside the page."""
    from e2e.notebook import set_theme

    code = f"scope.select(text={TRIED!r}, picked=scope.features.sort('max')['feature'].to_list()[-40:-37])"
    run = "(code) => jupyterapp.shell.currentWidget.sessionContext.session.kernel.requestExecute({ code }).done"
    page.evaluate(run, code)
    page.mouse.move(1390, 5)
    for key, name in {"n": "neighbors", "t": "try-it", "m": "map", "c": "compare", "h": "health"}.items():
        panel.focus()
        page.keyboard.press("Escape")
        page.keyboard.press(key)
        page.wait_for_timeout(2500)
        for is_dark, theme in ((False, "light"), (True, "dark")):
            set_theme(page, is_dark=is_dark)
            page.wait_for_timeout(1000)
            page.screenshot(path=TARGET / f"{name}-{theme}.png")
    panel.get_by_role("button", name="Close").first.click()


DEMO = (
    "import saescope\n\nscope = saescope.demo()\ntext = 'He looked out of the window and said: I do not'\n"
    "top = scope.attribute(text)['feature'].to_list()"
)
FOUR = ("effects", "prompt", "steer", "circuit")
BY_DEMO: dict[str, tuple[str, str]] = dict.fromkeys(FOUR, ("top[0]", "text"))
BY_SMOLLM = {
    "effects": ("1173", "''"),
    "prompt": ("2662", "'In 1867, the war had ended, and in 18'"),
    "steer": ("1189", "'Yesterday I went to the'"),
    "circuit": ("2662", "'In 1867'"),
}
READY = {
    "effects": ".ss-eff-figures",
    "prompt": ".ss-prompt-row",
    "steer": ".ss-steer-run",
    "circuit": ".ss-circuit-middle",
}


def causes(page: Any, lab: Any, begun: str, asked: dict[str, tuple[str, str]], prefix: str = "") -> None:
    """The panels of cause and effect, each alone in its cell, on a feature and a text."""
    from e2e.conftest import TOKEN
    from e2e.notebook import open_notebook, run_cell, set_theme, write

    cells = [begun]
    cells += [f"scope.select(text={text})\nscope.show({name!r}, {feature})" for name, (feature, text) in asked.items()]
    write(lab, "causes.ipynb", cells)
    open_notebook(page, lab, "causes.ipynb", TOKEN)
    run_cell(page, 0)
    for n, name in enumerate(asked):
        run_cell(page, n + 1)
        panel = page.locator(".jp-OutputArea-output .saescope").nth(n)
        panel.locator(READY[name]).first.wait_for()
        if name == "steer":
            panel.locator(READY[name]).click()
            panel.locator(".ss-steer-body").first.wait_for()
            panel.locator(READY[name], has_text="Write").wait_for()
        page.wait_for_timeout(6000)
        for is_dark, theme in ((False, "light"), (True, "dark")):
            set_theme(page, is_dark=is_dark)
            page.mouse.move(1390, 5)
            page.wait_for_timeout(1000)
            panel.screenshot(path=TARGET / f"{prefix}{name}-{theme}.png")


def growing(page: Any, lab: Any) -> None:
    """The panel on an index that is still being built."""
    from e2e.conftest import TOKEN
    from e2e.notebook import open_notebook, run_cell, set_theme, write

    cells = [TEXTS, "scope.browse()", 'index = scope.build_index(texts, out="my-index")']
    write(lab, "build.ipynb", cells)
    open_notebook(page, lab, "build.ipynb", TOKEN)
    run_cell(page, 0)
    page.evaluate("() => window.jupyterapp.shell.currentWidget.content.widgets[0].inputHidden = true")
    run_cell(page, 1)
    run_cell(page, 2, wait=False)
    panel = page.locator(".jp-OutputArea-output .saescope").first
    panel.locator("[role=row][data-feature]").nth(6).click(timeout=120_000)
    panel.locator("[data-example]").nth(3).wait_for()
    page.wait_for_timeout(6000)
    for is_dark, name in ((False, "light"), (True, "dark")):
        set_theme(page, is_dark=is_dark)
        page.wait_for_timeout(800)
        page.screenshot(path=TARGET / f"growing-{name}.png")
    panel.get_by_role("button", name="Stop").click()
    page.wait_for_timeout(2000)


def plugin() -> None:
    """The example plug-in: its panel, its column and its action, in an environment of its own."""
    from playwright.sync_api import sync_playwright

    from e2e.conftest import FLAGS, TOKEN, Lab
    from e2e.notebook import open_notebook, run_cell, set_theme, write
    from e2e.test_plugin import make_environment

    lab = Lab(Path(tempfile.mkdtemp()), python=make_environment(Path(tempfile.mkdtemp())))
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=browser_path(), args=FLAGS)
            page = browser.new_context(viewport={"width": 1400, "height": 880}).new_page()
            page.set_default_timeout(120_000)
            cells = ["import saescope\n\nscope = saescope.demo()", f"scope.browse({FEATURE})"]
            write(lab, "plugin.ipynb", cells)
            open_notebook(page, lab, "plugin.ipynb", TOKEN)
            page.locator("li[data-id='filebrowser']").first.click()
            for n in range(len(cells)):
                run_cell(page, n)
            panel = page.locator(".jp-OutputArea-output .saescope[data-status=ready]").first
            panel.locator("[data-example]").first.wait_for()
            panel.get_by_role("tab", name="Next tokens").click()
            panel.locator(".next-tokens tbody tr").nth(4).wait_for()
            panel.locator(".ss-extra", has_text="%").first.wait_for()
            for is_dark, name in ((False, "light"), (True, "dark")):
                set_theme(page, is_dark=is_dark)
                page.mouse.move(1390, 5)
                panel.evaluate("(node) => node.scrollIntoView({ block: 'end' })")
                page.wait_for_timeout(1500)
                page.screenshot(path=TARGET / f"plugin-{name}.png")
            browser.close()
    finally:
        lab.stop()


if __name__ == "__main__":
    main()
