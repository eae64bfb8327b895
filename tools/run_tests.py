"""Run every test: TypeScript's, Python's, and, where a browser is found or can be had, end to end.

A Chromium or Chrome that is there is used. Else Debian's package is installed where one is
root on such a system, else playwright's own download is tried; else the end-to-end tests
are left out, and the last lines say so. They mostly wait, so they run beside the others; what they said
comes after the others' words.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")


def find_browser() -> str | None:
    """Path of a browser on this machine."""
    chosen = os.environ.get("SAESCOPE_BROWSER")
    if chosen:
        return chosen
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    return found or (str(MAC) if MAC.exists() else None)


def install_browser() -> str | None:
    """Install a browser where that can be done without asking."""
    if shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0:
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "-q", "update"], ["apt-get", "-qq", "-y", "install", "chromium"]):
            if subprocess.call(command, env=environment, stdout=subprocess.DEVNULL):
                return None
        return find_browser()
    done = subprocess.call([sys.executable, "-m", "playwright", "install", "chromium"], stdout=subprocess.DEVNULL)
    return "" if done == 0 else None


def main() -> int:
    """Run, and return the worst exit status."""
    browser = find_browser()
    if browser is None:
        print("No Chromium or Chrome found: installing one.", flush=True)
        browser = install_browser()
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    if browser:
        environment["SAESCOPE_BROWSER"] = browser
    pytest = [sys.executable, "-m", "pytest"]
    with tempfile.TemporaryFile("w+", encoding="utf-8") as said:
        end_to_end = None
        if browser is not None:
            command = [*pytest, "tests/e2e", *sys.argv[1:]]
            end_to_end = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=said, stderr=subprocess.STDOUT)
        status = subprocess.call(["npm", "test"], cwd=ROOT, env=environment)
        status = (
            subprocess.call([*pytest, "tests", "--ignore=tests/e2e", *sys.argv[1:]], cwd=ROOT, env=environment)
            or status
        )
        if end_to_end is not None:
            print("The end-to-end tests:", flush=True)
            status = end_to_end.wait() or status
            said.seek(0)
            print(said.read(), flush=True)
    if browser is None:
        print("LEFT OUT: the end-to-end tests, for want of a Chromium or Chrome (set SAESCOPE_BROWSER to one).")
    if status:
        print("FAILED: see above.")
    return status


if __name__ == "__main__":
    sys.exit(main())
