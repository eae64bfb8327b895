"""A real JupyterLab and a real browser, once a session; kernels that start at once."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
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
KERNEL_DIED = "Canceled future for"
"""In what JupyterLab's own scripts say when a kernel dies before it has answered."""
SIZE = {"width": 1400, "height": 900}
HERE = Path(__file__).parent
PLAIN_KERNEL = ["-m", "ipykernel_launcher", "-f", "{connection_file}"]


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

    def __init__(self, folder, kernel=None, disabled=(), python: str | Path = sys.executable):
        self.folder = folder
        self.notebooks = folder / "notebooks"
        self.notebooks.mkdir(parents=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = (folder / "server.log").open("wb")
        self.kept = set()
        self._pool, self._ends = ThreadPoolExecutor(1), []
        config = folder / "config"
        (config / "labconfig").mkdir(parents=True)
        overrides = {
            "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
            "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
        }
        (config / "labconfig" / "default_setting_overrides.json").write_text(json.dumps(overrides))
        page_config = {"disabledExtensions": dict.fromkeys(disabled, True)}
        (config / "labconfig" / "page_config.json").write_text(json.dumps(page_config))
        spec = folder / "data" / "kernels" / "warm" / "kernel.json"
        spec.parent.mkdir(parents=True)
        spec.write_text(
            json.dumps(
                {
                    "argv": list(kernel or [str(python), *PLAIN_KERNEL]),
                    "display_name": "Python 3 (ipykernel)",
                    "language": "python",
                }
            )
        )
        places = {
            "JUPYTER_CONFIG_DIR": config,
            "JUPYTER_DATA_DIR": folder / "data",
            "JUPYTER_RUNTIME_DIR": folder / "runtime",
            "JUPYTERLAB_SETTINGS_DIR": folder / "settings",
            "JUPYTERLAB_WORKSPACES_DIR": folder / "workspaces",
            "IPYTHONDIR": folder / "ipython",
            "SAESCOPE_NOTES_DIR": folder / "notes",
        }
        environment = os.environ | {k: str(v) for k, v in places.items()} | {"HF_HUB_OFFLINE": "1"}
        if python != sys.executable:  # an environment over this one
            share = Path(sys.prefix) / "share/jupyter"
            environment["JUPYTER_PATH"] = os.pathsep.join([str(share), os.environ.get("JUPYTER_PATH", "")])
            environment.setdefault("JUPYTERLAB_DIR", str(share / "lab"))
        command = [str(python), "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={self.port}"]
        command += ["--KernelRestarter.restart_limit=2", "--KernelRestarter.time_to_dead=1.0"]
        command += ["--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}", "--ServerApp.password="]
        command += [f"--ServerApp.root_dir={self.notebooks}", "--LabApp.expose_app_in_browser=True"]
        self.startup = folder / "ipython" / "profile_default" / "startup"
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
        """Begin to end every kernel that is not kept; a notebook of the same name gets another one at once."""
        for session in json.loads(self._ask("GET", "")):
            if session["path"] not in self.kept:
                number = session["id"]
                self._ask("PATCH", f"/{number}", {"path": f"ended/{number}"})
                self._ends.append(self._pool.submit(self._ask, "DELETE", f"/{number}"))

    def _ask(self, method, path, body=None):
        head = {"Authorization": f"token {TOKEN}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(f"{self.url}/api/sessions{path}", data, head, method=method)
        try:
            with urllib.request.urlopen(asked, timeout=60) as got:
                return got.read()
        except urllib.error.HTTPError as err:
            if err.code == HTTPStatus.NOT_FOUND:
                return b""
            raise

    def stop(self):
        self._pool.shutdown()
        for end in self._ends:
            with contextlib.suppress(OSError):  # the server ends those that would not
                end.result()
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
def warm_kernel(tmp_path_factory):
    """The command of a kernel that has imported what others import for ten seconds; an ordinary one but on Linux."""
    if sys.platform != "linux":
        yield None
        return
    place = str(tmp_path_factory.mktemp("nursery") / "socket")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(place)
        listener.listen(16)
        command = [sys.executable, str(HERE / "nursery.py"), str(listener.fileno())]
        nursery = subprocess.Popen(command, pass_fds=[listener.fileno()], start_new_session=True)
    yield [sys.executable, "-S", "-E", str(HERE / "nursling.py"), place, "-f", "{connection_file}"]
    nursery.terminate()
    nursery.wait(10)


@pytest.fixture(scope="session")
def lab(tmp_path_factory, warm_kernel):
    server = Lab(tmp_path_factory.mktemp("lab"), warm_kernel)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def bare_lab(tmp_path_factory):
    """A JupyterLab without our labextension, as other hosts of widgets are."""
    server = Lab(tmp_path_factory.mktemp("bare-lab"), disabled=["@saescope/labextension"])
    yield server
    server.stop()


@pytest.fixture
def own_page(browser, lab):
    """A page that fails the test when it asks anything of another machine, or logs an error of ours."""
    context, opened = open_page(browser)
    with watched(opened, lab):
        yield opened
        context.close()
        lab.end_kernels()


@pytest.fixture
def page(own_page):
    """A page of the test's own; modules whose tests can do with a kept one say so."""
    return own_page


@pytest.fixture(scope="module")
def kept_window(browser, lab):
    """A page for the tests of a module that need none of their own: JupyterLab is loaded once."""
    context, opened = open_page(browser)
    yield opened
    context.close()


@pytest.fixture
def kept_page(kept_window, lab):
    """The kept page as it began, watched like any other; documents are closed and kernels ended behind it."""
    kept_window.set_default_timeout(60_000)
    kept_window.set_viewport_size(SIZE)
    with watched(kept_window, lab):
        yield kept_window
        clear(kept_window)
        lab.end_kernels()


@pytest.fixture
def bare_page(browser, bare_lab):
    """The same, for the JupyterLab without our labextension."""
    context, opened = open_page(browser)
    with watched(opened, bare_lab):
        yield opened
        context.close()
        bare_lab.end_kernels()


def open_page(browser):
    """A window of its own; to be closed with its context."""
    context = browser.new_context(viewport=SIZE)
    opened = context.new_page()
    opened.set_default_timeout(60_000)
    return context, opened


@contextlib.contextmanager
def watched(opened, lab):
    """Fail at the end when the page has asked another machine, or one of its scripts has failed."""
    strangers, faults = [], []

    def on_request(request):
        if not request.url.startswith((lab.url, lab.url.replace("http", "ws"), "data:", "blob:")):
            strangers.append(request.url)

    def on_fault(err):
        if KERNEL_DIED not in str(err):
            faults.append(str(err))

    opened.on("request", on_request)
    opened.on("pageerror", on_fault)
    yield
    opened.remove_listener("request", on_request)
    opened.remove_listener("pageerror", on_fault)
    assert strangers == []
    assert faults == []


def clear(opened):
    """Close what is open in JupyterLab, saved or not."""
    opened.evaluate(
        """() => {
          const { shell } = window.jupyterapp ?? {};
          for (const widget of [...(shell?.widgets('main') ?? [])]) widget.dispose();
          shell?.collapseLeft();
        }"""
    )
