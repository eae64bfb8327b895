"""Take the README's animation from the running program: find a feature, take it out, label it, hand it on.

``python tools/animation.py`` writes ``docs/pictures/tour-light.webp`` and ``tour-dark.webp``.
"""

import io
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "docs/pictures"
sys.path.insert(0, str(ROOT / "tests"))

CELLS = ("import saescope\n\nscope = saescope.demo()", "scope.browse()")
WORDS = "united"
TEXT, TARGET_TOKEN = "The President of the United", " States"
LABEL = "United, before States"
WIDTH_PX, HEIGHT_PX = 1280, 860
LONG_MS, SHORT_MS, KEY_MS = 2600, 1100, 110
KERNEL_PANELS = ".jp-OutputArea-output .saescope"


@dataclass
class Film:
    """Frames of a page, and how long each stands."""

    page: Any
    frames: list[bytes] = field(default_factory=list)
    times_ms: list[int] = field(default_factory=list)

    def shoot(self, stands_ms: int, settles_ms: int = 500) -> None:
        """Take a frame once the page has settled."""
        self.page.wait_for_timeout(settles_ms)
        self.frames.append(self.page.screenshot(animations="disabled"))
        self.times_ms.append(stands_ms)

    def type(self, words: str, every: int = 3) -> None:
        """Type, with a frame after every few letters."""
        for n, letter in enumerate(words):
            self.page.keyboard.type(letter)
            if n % every == 0:
                self.shoot(KEY_MS * every, 20)
        self.shoot(SHORT_MS)

    def save(self, path: Path) -> None:
        """Write an animated WebP that begins again."""
        from PIL import Image

        pictures = [Image.open(io.BytesIO(frame)).convert("RGB") for frame in self.frames]
        pictures[0].save(
            path, save_all=True, append_images=pictures[1:], duration=self.times_ms, loop=0, quality=82, method=6
        )
        print(f"{path.name}: {len(pictures)} frames, {path.stat().st_size / 1e6:.2f} MB")


def feature_of_text() -> int:
    """The feature to which the film's prediction owes most."""
    import saescope

    found = saescope.demo().attribute(TEXT, TARGET_TOKEN, method="exact", pos=-1)
    return int(found.sort("attribution", descending=True)["feature"][0])


def play(film: Film, feature: int) -> None:
    """Do what a person does, from the search to the notebook of findings."""
    page = film.page
    panel = page.locator(KERNEL_PANELS).first
    row = panel.locator(f"[role=row][data-feature='{feature}']")
    film.shoot(SHORT_MS, 1500)
    panel.focus()
    page.keyboard.press("/")
    film.type(WORDS)
    film.shoot(SHORT_MS, 1500)
    row.click()
    panel.locator("[data-example]").nth(3).wait_for()
    page.mouse.move(5, 5)
    film.shoot(LONG_MS, 1500)
    panel.focus()
    page.keyboard.press("e")
    panel.locator(".ss-eff-figures").first.wait_for()
    film.shoot(SHORT_MS, 2500)
    panel.focus()
    page.keyboard.press("e")
    film.type(TEXT, 6)
    panel.locator(".ss-eff-figures").first.wait_for()
    film.shoot(LONG_MS, 3500)
    panel.focus()
    page.keyboard.press("l")
    page.keyboard.press("ControlOrMeta+A")
    film.type(LABEL)
    page.keyboard.press("Shift+Enter")
    film.shoot(SHORT_MS, 1200)
    panel.focus()
    page.keyboard.press("d")
    panel.locator(".ss-share-main").first.wait_for()
    film.shoot(SHORT_MS, 1500)
    panel.locator(".ss-share-main").first.click()
    opens = panel.locator(".ss-share-written-now").get_by_role("button", name="Open ")
    opens.wait_for()
    film.shoot(SHORT_MS, 600)
    opens.click()
    page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .saescope-finding").first.wait_for()
    page.mouse.move(5, 5)
    film.shoot(LONG_MS, 2500)
    page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-WindowedPanel-outer").hover()
    page.mouse.wheel(0, 700)
    film.shoot(LONG_MS, 1200)


def main() -> None:
    """Start JupyterLab, and film in light and in dark."""
    from playwright.sync_api import sync_playwright

    from e2e.conftest import FLAGS, TOKEN, Lab
    from e2e.notebook import open_notebook, run_cell, set_theme, write

    feature = feature_of_text()
    with sync_playwright() as playwright:
        found = os.environ.get("SAESCOPE_BROWSER") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        for is_dark, theme in ((False, "light"), (True, "dark")):
            lab = Lab(Path(tempfile.mkdtemp()))
            try:
                page = browser.new_context(viewport={"width": WIDTH_PX, "height": HEIGHT_PX}).new_page()
                write(lab, "tour.ipynb", CELLS)
                open_notebook(page, lab, "tour.ipynb", TOKEN)
                set_theme(page, is_dark=is_dark)
                for n in range(len(CELLS)):
                    run_cell(page, n)
                page.locator(f"{KERNEL_PANELS}[data-status=ready] [data-example]").first.wait_for()
                page.locator("li[data-id='filebrowser']").first.click()
                film = Film(page)
                play(film, feature)
                film.save(TARGET / f"tour-{theme}.webp")
                page.context.close()
            finally:
                lab.stop()
        browser.close()


if __name__ == "__main__":
    main()
