"""The README's two commands on a clean clone, with the times that a newcomer waits.

``python tools/first_run.py [REVISION] [--no-test] [--out FILE]`` clones this repository into an empty folder, runs ``make demo`` there,
opens the address that it prints in a headless browser and waits until the first panel has its examples. It does so
twice: first with nothing that pip and npm could have kept, so that downloads are part of the times, then in another
clone with what they kept of the first. There it runs ``make test`` too. It prints a log of steps and seconds.
Needs an environment with playwright: ``.venv/bin/python``.
"""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parent.parent
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/lab\S*token=\w+")
PANEL = ".jp-OutputArea-output .saescope[data-status=ready]"
STAMPS = {
    "Python environment with the builder of labextensions": ".venv/.builder",
    "npm packages": "node_modules/.package-lock.json",
    "front end built": "python_pkg/saescope/static/core.js",
    "torch and all else that saescope needs": ".venv/.needs",
    "saescope": ".venv/.package",
}
DEMO_LIMIT_S, PANEL_LIMIT_S = 1800, 300
HOMES = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "XDG_DATA_HOME", "XDG_CACHE_HOME")
NOT_A_SCREEN = ("DISPLAY", "WAYLAND_DISPLAY")


class Log:
    """Lines with the seconds since the command before them began."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.began = time.time()

    def command(self, words: str) -> None:
        """Begin a command."""
        self.began = time.time()
        self.say(f"$ {words}")

    def step(self, words: str, at: float | None = None) -> None:
        """Tell when something was reached."""
        self.say(f"{(at or time.time()) - self.began:7.1f} s  {words}")

    def say(self, line: str) -> None:
        """Add a line."""
        self.lines.append(line)
        print(line, flush=True)


def demo(clone: Path, log: Log, environment: dict[str, str]) -> bool:
    """Run ``make demo`` until its first panel is filled; tell whether it came to that."""
    log.command("make demo")
    words = ["make", "demo"]
    with subprocess.Popen(
        words, cwd=clone, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    ) as made:  # fmt: skip
        try:
            address, said, limit = None, [], time.time() + DEMO_LIMIT_S
            for line in made.stdout or ():
                said.append(line)
                address = ADDRESS.search(line)
                if address or time.time() > limit:
                    break
            if address is None:
                log.say("".join(said[-40:]))
                return False
            for what, stamp in STAMPS.items():
                log.step(what, (clone / stamp).stat().st_mtime)
            log.step("the server prints its address")
            look(address[0], log)
        finally:
            os.killpg(made.pid, signal.SIGKILL)
    return True


def look(address: str, log: Log) -> None:
    """Open the address and wait until the panel is filled and every cell has run."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = os.environ.get("SAESCOPE_BROWSER") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 880})
        page.goto(address)
        log.step("JupyterLab answers")
        panel = page.locator(PANEL).first
        panel.locator("[data-example]").first.wait_for(timeout=1000 * PANEL_LIMIT_S)
        log.step("the first panel shows a feature and its examples")
        browser.close()


def test(clone: Path, log: Log, environment: dict[str, str]) -> bool:
    """Run ``make test``; tell whether it passed."""
    log.command("make test")
    done = subprocess.run(["make", "test"], check=False, cwd=clone, env=environment, capture_output=True, text=True)
    for line in (done.stdout + done.stderr).splitlines():
        if re.search(
            r"^=+ .*(passed|failed)|^\d+ (passed|failed)|^(FAILED|ERROR) |^\S* *(Tests|# pass|ℹ (pass|fail))\b", line
        ):
            log.say(f"           {line.strip('= ')}")
    log.step(f"exit status {done.returncode}")
    return done.returncode == 0


def clone_at(revision: str, folder: Path) -> Path:
    """Clone this repository into a folder."""
    clone = folder / "saescope"
    subprocess.run(["git", "clone", "-q", ROOT, clone], check=True)
    subprocess.run(["git", "checkout", "-q", revision], cwd=clone, check=True)
    return clone


def main() -> int:
    """Clone, run both commands, write the log."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("revision", nargs="?", default="HEAD")
    parser.add_argument("--no-test", action="store_true", help="only the demo")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the log there too")
    options = parser.parse_args()
    log = Log()
    with tempfile.TemporaryDirectory() as folder:
        environment = {k: v for k, v in os.environ.items() if k not in (*NOT_A_SCREEN, "VIRTUAL_ENV", "PYTHONPATH")}
        environment["PIP_CACHE_DIR"] = environment["npm_config_cache"] = str(Path(folder) / "kept")
        is_right = True
        for words in ("downloads included", "downloads kept from the first time"):
            clone = clone_at(options.revision, Path(folder) / words.replace(" ", "-"))
            environment |= {name: str(clone.parent / name.lower()) for name in HOMES}
            revision = subprocess.check_output(["git", "rev-parse", "--short", "HEAD"], cwd=clone, text=True).strip()
            log.say(f"{revision}, {datetime.now(UTC):%d %B %Y}, {os.cpu_count()} cores, {words}")
            is_right = is_right and demo(clone, log, environment)
        if is_right and not options.no_test:
            is_right = test(clone, log, environment)
    if options.out:
        options.out.write_text("\n".join(log.lines) + "\n", encoding="utf-8")
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
