"""Take a picture of a page, after some steps, and print what the browser complained of.

``python tools/look.py URL OUT.png [--size 1200x800] [--steps "wait:CSS" "click:CSS" "hover:CSS" "press:KEY"
"type:TEXT" "sleep:MS" "eval:JS"]``.
"""

import argparse
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


def do(page: Any, step: str) -> None:
    """One step."""
    verb, _, rest = step.partition(":")
    if verb == "wait":
        page.wait_for_selector(rest)
    elif verb == "click":
        page.locator(rest).first.click()
    elif verb == "hover":
        page.locator(rest).first.hover()
    elif verb == "press":
        page.keyboard.press(rest)
    elif verb == "type":
        page.keyboard.type(rest)
    elif verb == "sleep":
        page.wait_for_timeout(int(rest))
    elif verb == "eval":
        sys.stdout.write(f"{page.evaluate(rest)}\n")
    else:
        raise SystemExit(f"no step {verb!r}")


def main() -> None:
    """Open, do, shoot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("out", type=Path)
    parser.add_argument("--size", default="1200x800")
    parser.add_argument("--steps", nargs="*", default=["wait:.saescope", "sleep:1500"])
    given = parser.parse_args()
    width, height = map(int, given.size.split("x"))
    with sync_playwright() as playwright:
        found = os.environ.get("SAESCOPE_BROWSER") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        page = browser.new_context(viewport={"width": width, "height": height}).new_page()
        page.set_default_timeout(60_000)
        page.on("console", lambda m: print(m.type, m.text))
        page.on("pageerror", lambda e: print("fault", e))
        page.goto(given.url)
        for step in given.steps:
            do(page, step)
        page.screenshot(path=given.out)
        browser.close()


if __name__ == "__main__":
    main()
