"""The wheel carries the front end, installs without Node, and JupyterLab finds it."""

import importlib.util
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "python_pkg/saescope"
BUILT = [PACKAGE / "static/core.js", PACKAGE / "labextension/package.json"]

pytestmark = pytest.mark.skipif(
    not all(f.exists() for f in BUILT), reason="the front end is not built: npm run build:prod"
)


def run(command, **options):
    done = subprocess.run(
        [str(c) for c in command], capture_output=True, text=True, check=False, timeout=280, **options
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    needed = ("hatchling", "hatch_jupyter_builder", "jupyter_builder")
    isolation = ["--no-build-isolation"] if all(importlib.util.find_spec(n) for n in needed) else []
    run([sys.executable, "-m", "pip", "wheel", ".", "--no-deps", "-q", "-w", folder, *isolation], cwd=ROOT)
    (found,) = folder.glob("saescope-*.whl")
    return found


def test_the_wheel_holds_the_bundle_and_no_source_map(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        core = archive.read("saescope/static/core.js").decode()
    assert "sourceMappingURL" not in core
    assert [n for n in names if n.endswith(".map")] == []
    assert any(n.endswith("share/jupyter/labextensions/@saescope/labextension/package.json") for n in names)
    assert any(n.endswith("share/jupyter/labextensions/@saescope/labextension/install.json") for n in names)
    assert [n for n in names if "node_modules" in n or n.endswith((".ts", ".tsx", "_NOTE_FROM_LEAD.md"))] == []


def test_installed_without_node_the_labextension_is_ok(wheel, tmp_path):
    prefix, empty = tmp_path / "prefix", tmp_path / "empty"
    empty.mkdir()
    run(
        [sys.executable, "-m", "pip", "install", "--no-deps", "-q", "--prefix", prefix, wheel],
        env=os.environ | {"PATH": str(empty)},
    )
    env = {k: v for k, v in os.environ.items() if not k.startswith("JUPYTER")} | {
        "PATH": str(empty),
        "HOME": str(empty),
        "JUPYTER_PATH": str(prefix / "share/jupyter"),
        "JUPYTER_CONFIG_DIR": str(empty / "config"),
        "JUPYTER_DATA_DIR": str(empty / "data"),
        "JUPYTER_NO_CONFIG": "1",
    }
    shown = run([sys.executable, "-m", "jupyter", "labextension", "list"], env=env)
    lines = [line for line in shown.splitlines() if "@saescope/labextension" in line]
    assert len(lines) == 1
    assert "enabled" in lines[0]
    assert "OK" in lines[0]
