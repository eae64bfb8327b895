"""A real JupyterLab and a real browser, once a session."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
TOKEN = "e2e-token"


def pytest_collection_modifyitems(items):
    for item in items:
        if "e2e" in Path(item.fspath).parts:
            item.add_marker(pytest.mark.e2e)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Lab:
    """A JupyterLab server with settings, folders and kernels of its own."""

    def __init__(self, folder, disabled=(), python=sys.executable):
        self.folder = folder
        self.notebooks = folder / "notebooks"
        self.notebooks.mkdir(parents=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = (folder / "server.log").open("wb")
        config = folder / "config"
        (config / "labconfig").mkdir(parents=True)
        overrides = {
            "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
            "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
        }
        (config / "labconfig" / "default_setting_overrides.json").write_text(json.dumps(overrides))
        page_config = {"disabledExtensions": dict.fromkeys(disabled, True)}
        (config / "labconfig" / "page_config.json").write_text(json.dumps(page_config))
        places = {
            "JUPYTER_CONFIG_DIR": config,
            "JUPYTER_RUNTIME_DIR": folder / "runtime",
            "JUPYTERLAB_SETTINGS_DIR": folder / "settings",
            "JUPYTERLAB_WORKSPACES_DIR": folder / "workspaces",
            "IPYTHONDIR": folder / "ipython",
        }
        environment = os.environ | {k: str(v) for k, v in places.items()} | {"HF_HUB_OFFLINE": "1"}
        if python != sys.executable:  # an environment over this one
            share = Path(sys.prefix) / "share/jupyter"
            environment["JUPYTER_PATH"] = os.pathsep.join([str(share), os.environ.get("JUPYTER_PATH", "")])
            environment.setdefault("JUPYTERLAB_DIR", str(share / "lab"))
        command = [str(python), "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={self.port}"]
        command += ["--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}", "--ServerApp.password="]
        command += [f"--ServerApp.root_dir={self.notebooks}", "--LabApp.expose_app_in_browser=True"]
        self.process = subprocess.Popen(
            command, env=environment, stdout=self.log, stderr=subprocess.STDOUT, start_new_session=True
        )
        self._wait()

    def _wait(self):
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self.url}/api/status?token={TOKEN}", timeout=5):
                    return
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.3)
        raise RuntimeError(f"JupyterLab did not start:\n{(self.folder / 'server.log').read_text()[-4000:]}")

    def end_kernels(self):
        """End every kernel: each holds some 650 MB."""
        head = {"Authorization": f"token {TOKEN}"}
        with urllib.request.urlopen(
            urllib.request.Request(f"{self.url}/api/sessions", headers=head), timeout=30
        ) as got:
            sessions = json.load(got)
        for session in sessions:
            asked = urllib.request.Request(f"{self.url}/api/sessions/{session['id']}", headers=head, method="DELETE")
            urllib.request.urlopen(asked, timeout=30).close()

    def stop(self):
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.log.close()


@pytest.fixture(scope="session")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api")
    found = os.environ.get("SAESCOPE_BROWSER") or shutil.which("chromium") or shutil.which("google-chrome")
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found or None, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    server = Lab(tmp_path_factory.mktemp("lab"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def bare_lab(tmp_path_factory):
    """A JupyterLab without our labextension, as other hosts of widgets are."""
    server = Lab(tmp_path_factory.mktemp("bare-lab"), disabled=["@saescope/labextension"])
    yield server
    server.stop()


@pytest.fixture
def page(browser, lab):
    """A page that fails the test when it asks anything of another machine, or logs an error of ours."""
    yield from _page(browser, lab)


@pytest.fixture
def bare_page(browser, bare_lab):
    """The same, for the JupyterLab without our labextension."""
    yield from _page(browser, bare_lab)


def open_page(browser):
    """A window of its own; to be closed with its context."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    opened = context.new_page()
    opened.set_default_timeout(60_000)
    return context, opened


def _page(browser, lab):
    context, opened = open_page(browser)
    opened.strangers = []
    opened.faults = []

    def note(request):
        is_local = request.url.startswith((lab.url, lab.url.replace("http", "ws"), "data:", "blob:"))
        if not is_local:
            opened.strangers.append(request.url)

    opened.on("request", note)
    opened.on("pageerror", lambda err: opened.faults.append(str(err)))
    yield opened
    context.close()
    lab.end_kernels()
    assert opened.strangers == []
    assert opened.faults == []
