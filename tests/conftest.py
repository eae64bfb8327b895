"""Fixtures that several test files share: the tiny scope and its index, built once a run."""

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("SAESCOPE_NOTES_DIR", tempfile.mkdtemp(prefix="saescope-notes-"))

if TYPE_CHECKING:
    from saescope import Scope

ROOT = Path(__file__).parent.parent
N_DOCUMENTS = 60


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tiny model, SAE (``tiny-model``, ``tiny-sae``), and an index of both (``index``)."""
    import saescope
    import tiny
    from saescope.progress import Silent

    folder = tmp_path_factory.mktemp("tiny")
    tiny.save(folder)
    scope = saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae())
    scope.build_index(tiny.texts(N_DOCUMENTS), out=folder / "index", progress=Silent())
    return folder


@pytest.fixture(scope="session")
def tiny_scope(tiny_folder: Path) -> "Scope":
    """Model, SAE and index."""
    import saescope
    import tiny

    return saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae(), index=tiny_folder / "index")


@pytest.fixture(scope="session")
def opened(tiny_folder: Path) -> "Scope":
    """The index alone."""
    import saescope

    return saescope.open_index(tiny_folder / "index")


@pytest.fixture(scope="session")
def child_env() -> dict[str, str]:
    """Environment for a Python of its own that imports this copy of saescope."""
    paths = [str(ROOT / "python_pkg"), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")]
    in_source = any(Path(p).resolve() == ROOT / "python_pkg" for p in sys.path if p)
    return dict(os.environ) | (
        {"PYTHONPATH": os.pathsep.join(p for p in paths if p)} if in_source else {"PYTHONPATH": paths[1]}
    )


@pytest.fixture
def silent() -> Any:
    """Progress that says nothing."""
    from saescope.progress import Silent

    return Silent()
