"""`saescope demo`, as a person begins: the command, the address it prints, and panels that are filled."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from e2e.conftest import free_port, open_page
from e2e.test_browser import PANEL, shoot

N_CELLS = 8
ROOT = Path(__file__).parents[2]
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/lab\S*token=\w+")


@pytest.fixture
def address(tmp_path):
    """The address that the command prints, and the notebook; its server is ended behind the test."""
    env = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    for name in ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR"):
        env[f"JUPYTER_{name}"] = str(tmp_path / name.lower())
    env["SAESCOPE_NOTES_DIR"] = str(tmp_path / "notes")
    command = [
        Path(sys.executable).with_name("saescope"),
        "demo",
        "--folder",
        tmp_path / "demo",
        f"--port={free_port()}",
    ]
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True, start_new_session=True) as server:
        said = []
        for line in server.stderr:
            said.append(line)
            if found := ADDRESS.search(line):
                yield found[0], tmp_path / "demo" / "saescope-demo.ipynb"
                break
        os.killpg(server.pid, signal.SIGKILL)
    assert found, "".join(said)


def counts(notebook):
    """Execution counts of the code cells, as they are saved; none while it is being written."""
    try:
        cells = json.loads(notebook.read_text())["cells"]
    except json.JSONDecodeError:
        return []
    return [cell["execution_count"] for cell in cells if cell["cell_type"] == "code"]


def test_the_demo_s_panels_are_filled_and_there_again_after_a_reload(browser, address):
    context, page = open_page(browser)
    try:
        page.goto(address[0])
        panel = page.locator(f"{PANEL}[data-status=ready]").first
        panel.locator("[data-example]").first.wait_for()
        deadline = time.monotonic() + 150
        while counts(address[1]) != list(range(1, N_CELLS + 1)):
            assert time.monotonic() < deadline, counts(address[1])
            time.sleep(0.2)
        shoot(page, "demo")
        examples = {path.name for path in (ROOT / "examples").glob("*.ipynb")}
        assert {path.name for path in address[1].parent.glob("*.ipynb")} == examples | {address[1].name}
        page.reload()
        panel.locator("[data-example]").first.wait_for()
        page.wait_for_timeout(2000)
        assert page.get_by_text("[2]:").count()
        assert not page.get_by_text("[*]:").count()
    finally:
        context.close()
