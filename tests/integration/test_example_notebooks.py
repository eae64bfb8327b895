"""The example notebooks, run as a reader would, one after the other in one kernel."""

import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = ["1_browse", "2_cause", "3_prompt", "4_your_own", "5_findings"]
FORGET = "%reset -f"


def read(name):
    return nbformat.read(EXAMPLES / f"{name}.ipynb", 4)


@pytest.fixture(scope="module")
def ran(tmp_path_factory, child_env):
    """All of them as one notebook; each begins with no names, and its cells say whose they are."""
    folder = tmp_path_factory.mktemp("examples")
    whole = read(NAMES[0])
    whole.cells = []
    for name in NAMES:
        shutil.copy(EXAMPLES / f"{name}.ipynb", folder)
        cells = [nbformat.v4.new_code_cell(FORGET), *(c for c in read(name).cells if c.cell_type == "code")]
        for n, cell in enumerate(cells):
            cell.id, cell.metadata["of"] = f"{name}-{n}", name
            cell.outputs, cell.execution_count = [], None
        whole.cells += cells
    client = NotebookClient(whole, timeout=280, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
    client.execute(env=child_env | {"SAESCOPE_NOTES_DIR": str(folder / "notes")})
    return whole


def shown(notebook, name, source):
    """The text of what the cell gives that begins so."""
    (cell,) = (c for c in notebook.cells if c.metadata["of"] == name and c.source.startswith(source))
    return "".join(o.data["text/plain"] for o in cell.outputs if o.output_type == "execute_result")


@pytest.mark.parametrize("name", NAMES)
def test_every_cell_runs(ran, name):
    cells = [c for c in ran.cells if c.metadata["of"] == name]
    assert len(cells) > 1
    assert all(c.execution_count for c in cells)


@pytest.mark.parametrize("name", NAMES[:-1])
def test_a_notebook_to_be_run_is_kept_without_outputs(name):
    notebook = read(name)
    nbformat.validate(notebook)
    code = [c for c in notebook.cells if c.cell_type == "code"]
    assert not any(c.outputs or c.execution_count for c in code)
    assert sum(c.cell_type == "markdown" for c in notebook.cells) > len(code) / 2


def test_the_walk_to_neighbors_goes_on(ran):
    assert "shape: (4, 4)" in shown(ran, "1_browse", "path = [feature]")


def test_a_finding_of_one_s_own_comes_out_the_same_again(ran):
    assert shown(ran, "4_your_own", "scope.rerun(kept)") == "True"


def test_the_findings_are_as_they_were_written(ran):
    told = shown(ran, "5_findings", "findings.compare(written)")
    assert "differ" not in told, told
