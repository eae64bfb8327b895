"""Take the README's animation from the running program: find a feature, take it out, label it, hand it on.

``python tools/animation.py`` writes ``docs/pictures/tour-light.webp`` and ``tour-dark.webp``. Needs pillow.
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
TEXT = "The ship was sunk by the"
WORDS = " ship"
WIDTH_PX, HEIGHT_PX = 1240, 760
LONG_MS, SHORT_MS, KEY_MS = 2200, 900, 110


@dataclass
class Film:
    """Frames of one element of a page, and how long each stands."""

    page: Any
    panel: Any
    frames: list[bytes] = field(default_factory=list)
    times_ms: list[int] = field(default_factory=list)

    def shoot(self, stands_ms: int, settles_ms: int = 500) -> None:
        """Take a frame once the panel has settled."""
        self.page.wait_for_timeout(settles_ms)
        self.frames.append(self.panel.screenshot(animations="disabled"))
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
        from PIL import Image  # pyright: ignore[reportMissingImports]

        pictures = [Image.open(io.BytesIO(frame)).convert("RGB") for frame in self.frames]
        pictures[0].save(
            path, save_all=True, append_images=pictures[1:], duration=self.times_ms, loop=0, quality=78, method=6
        )
        print(f"{path.name}: {len(pictures)} frames, {path.stat().st_size / 1e6:.2f} MB")


def play(film: Film) -> None:
    """Do what a person does, from the search to the notebook of findings."""
    page, panel = film.page, film.panel
    film.shoot(SHORT_MS)
    panel.focus()
    page.keyboard.press("/")
    film.type(WORDS)
    panel.locator("[role=row][data-feature]").first.wait_for()
    film.shoot(SHORT_MS, 1500)
    panel.locator("[role=row][data-feature]").first.click()
    panel.locator("[data-example]").nth(3).wait_for()
    film.shoot(LONG_MS, 1500)
    panel.focus()
    page.keyboard.press("e")
    panel.locator(".ss-eff-figures").first.wait_for()
    film.shoot(LONG_MS, 3000)
    panel.focus()
    page.keyboard.press("l")
    film.shoot(SHORT_MS)
    film.type("ships and the navy")
    page.keyboard.press("Enter")
    film.shoot(LONG_MS, 1200)
    panel.focus()
    page.keyboard.press("d")
    film.shoot(LONG_MS, 2500)


def main() -> None:
    """Start JupyterLab, and film in light and in dark."""
    from playwright.sync_api import sync_playwright

    from e2e.conftest import FLAGS, TOKEN, Lab
    from e2e.notebook import open_notebook, run_cell, set_theme, write

    lab = Lab(Path(tempfile.mkdtemp()))
    try:
        with sync_playwright() as playwright:
            found = os.environ.get("SAESCOPE_BROWSER") or shutil.which("chromium")
            browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
            for is_dark, theme in ((False, "light"), (True, "dark")):
                page = browser.new_context(viewport={"width": WIDTH_PX, "height": HEIGHT_PX}).new_page()
                write(lab, f"tour-{theme}.ipynb", CELLS)
                open_notebook(page, lab, f"tour-{theme}.ipynb", TOKEN)
                set_theme(page, is_dark=is_dark)
                for n in range(len(CELLS)):
                    run_cell(page, n)
                panel = page.locator(".jp-OutputArea-output .saescope").first
                page.locator(".jp-OutputArea-output .saescope[data-status=ready] [data-example]").first.wait_for()
                panel.scroll_into_view_if_needed()
                film = Film(page, panel)
                play(film)
                film.save(TARGET / f"tour-{theme}.webp")
                page.context.close()
                lab.end_kernels()
            browser.close()
    finally:
        lab.stop()


if __name__ == "__main__":
    main()
