"""The bundled demo: a small model, an SAE on it, and an index, all trained and built by us."""

import shutil
from pathlib import Path

from saescope.errors import NoIndexError
from saescope.scope import Scope, load

DATA = Path(__file__).parent / "demo_data"
NOTEBOOK = "saescope-demo.ipynb"


def demo() -> Scope:
    """Load the bundled model, SAE and index; some seconds, no network.

    Raises
    ------
    NoIndexError
        This copy of saescope carries no demo.
    """
    if not (DATA / "saescope-demo").is_dir():
        raise NoIndexError(
            "this copy of saescope carries no demo.", hint="Install it from a wheel, or train one: examples/train_demo."
        )
    return load(DATA / "saescope-demo", sae=DATA / "saescope-demo-l2", index=DATA / "index", device="cpu")


def copy_notebook(folder: Path) -> Path:
    """Put the demo notebook into a folder, unless one is there already; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / NOTEBOOK
    if not target.exists():
        shutil.copyfile(DATA / NOTEBOOK, target)
    return target
