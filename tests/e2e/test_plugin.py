"""The example plug-in as an outsider has it: built from saescope's npm packages, installed from its wheel, and used."""

import ast
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from e2e.axe import violations
from e2e.conftest import TOKEN, Lab, open_page, watched
from e2e.notebook import open_notebook, run_cell, set_theme, write
from e2e.test_browser import PANEL, shoot

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples/plugin"
MODULES = ROOT / "node_modules"
PACKAGES = {"@saescope/labextension": "extension", "@saescope/panels": "js"}


def run(command, **options):
    done = subprocess.run(
        [str(c) for c in command], capture_output=True, text=True, check=False, timeout=280, **options
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def unpacked(target, folder):
    """The npm package of one of our folders, as `npm pack` publishes it."""
    target.mkdir(parents=True)
    name = run(["npm", "pack", "--silent", "--pack-destination", target], cwd=ROOT / folder).split()[-1]
    with tarfile.open(target / name) as archive:
        archive.extractall(target, filter="data")
    for path in (target / "package").iterdir():
        path.rename(target / path.name)


def link_modules(target):
    """The packages of others, as they are installed here; none of ours."""
    for found in MODULES.iterdir():
        if found.name.startswith("@") and found.name != "@saescope":
            (target / found.name).mkdir(parents=True)
            for inner in found.iterdir():
                (target / found.name / inner.name).symlink_to(inner)
        elif not found.name.startswith("@"):
            target.mkdir(parents=True, exist_ok=True)
            (target / found.name).symlink_to(found)


def make_environment(folder):
    """An environment of its own over the one of the tests, with the plug-in in it; its Python."""
    made = folder / "example"
    shutil.copytree(EXAMPLE, made, ignore=shutil.ignore_patterns("node_modules", "lib", "dist", "__pycache__"))
    modules = made / "labextension/node_modules"
    link_modules(modules)
    for name, source in PACKAGES.items():
        unpacked(modules / name, source)
    builder = Path(importlib.util.find_spec("jupyter_builder").origin).parents[4] / "bin"
    path = {"PATH": os.pathsep.join([str(builder), os.environ["PATH"]])}
    run(["npm", "run", "build"], cwd=made / "labextension", env=os.environ | path)
    isolation = ["--no-build-isolation"] if importlib.util.find_spec("hatchling") else []
    run([sys.executable, "-m", "pip", "wheel", ".", "--no-deps", "-q", "-w", folder, *isolation], cwd=made)
    run([sys.executable, "-m", "venv", "--without-pip", folder / "env"])
    python = folder / "env/bin/python"
    site = run([python, "-c", "import site; print(site.getsitepackages()[0])"]).strip()
    (Path(site) / "base.pth").write_text("".join(f"{p}\n" for p in sys.path if "site-packages" in p))
    (wheel,) = folder.glob("saescope_next-*.whl")
    run([sys.executable, "-m", "pip", "install", "--no-deps", "-q", "--prefix", folder / "env", wheel])
    return python


@pytest.fixture(scope="module")
def plugin_lab(tmp_path_factory):
    python = make_environment(tmp_path_factory.mktemp("plugin"))
    server = Lab(tmp_path_factory.mktemp("plugin-lab"), python=python)
    yield server
    server.stop()


@pytest.fixture
def plugin_page(browser, plugin_lab):
    context, opened = open_page(browser)
    with watched(opened, plugin_lab):
        yield opened
        context.close()
        plugin_lab.end_kernels()


def test_the_example_takes_nothing_from_inside():
    tree = ast.parse((EXAMPLE / "saescope_next/__init__.py").read_text(encoding="utf-8"))
    names = [a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names]
    names += [n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
    assert [n for n in names if n.startswith("saescope")] == ["saescope"]
    source = (EXAMPLE / "labextension/src/index.ts").read_text(encoding="utf-8")
    assert set(re.findall(r'from "(@saescope[^"]*)"', source)) == {"@saescope/labextension"}
    assert "import" not in re.sub(r"/\*.*?\*/", "", (EXAMPLE / "saescope_next/view.js").read_text(encoding="utf-8"))


def test_the_example_plug_in_works_in_jupyterlab(plugin_page, plugin_lab):
    page = plugin_page
    page.set_viewport_size({"width": 2400, "height": 900})
    write(plugin_lab, "plugin.ipynb", ["import saescope\nscope = saescope.demo()", "scope.show('next_tokens', 5)"])
    open_notebook(page, plugin_lab, "plugin.ipynb", TOKEN)
    run_cell(page, 0)
    run_cell(page, 1)
    alone = page.locator(f"{PANEL} .next-tokens")
    alone.get_by_text("examples of feature 5 go on").wait_for()
    assert alone.locator("tbody tr").count() > 3
    page.evaluate("() => void window.jupyterapp.commands.execute('saescope:open')")
    tab = page.locator(".saescope-tab")
    row = tab.locator("[role=row][data-feature]").nth(2)
    row.click()
    feature = row.get_attribute("data-feature")
    tab.locator(f"[data-page-feature='{feature}']").wait_for()
    page.locator(".saescope-next-status", has_text=f"Feature {feature} of").wait_for()
    tab.locator(".ss-rows .ss-extra", has_text="%").first.wait_for()
    tab.locator("[data-action=next-tokens]").click()
    tab.locator(".next-tokens").get_by_text(f"examples of feature {feature} go on").wait_for()
    alone.get_by_text(f"examples of feature {feature} go on").wait_for()
    tab.locator(".next-tokens select").select_option("20")
    tab.get_by_text(re.compile(r"of (\d|1\d|20) examples of feature")).wait_for()
    row.click(button="right")
    page.locator(".lm-Menu-item", has_text=f"What comes next: Feature {feature}").wait_for()
    page.keyboard.press("Escape")
    for is_dark in (False, True):
        set_theme(page, is_dark=is_dark)
        page.wait_for_timeout(500)
        assert violations(page, ".saescope-tab .saescope") == []
        shoot(page, f"plugin-{'dark' if is_dark else 'light'}")
