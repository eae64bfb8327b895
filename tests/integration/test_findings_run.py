"""An exported notebook, run again in a fresh kernel: the same tables, or what became other."""

import copy
import shutil

import nbformat
import pytest
from nbclient import NotebookClient

import saescope
import tiny
from saescope.progress import Silent


@pytest.fixture(scope="module")
def folder(tiny_folder, tmp_path_factory):
    """Model, SAE, index with notes and kept results, and the notebook; another SAE with its index."""
    made = tmp_path_factory.mktemp("again")
    for name in ("tiny-model", "tiny-sae", "index"):
        shutil.copytree(tiny_folder / name, made / name, ignore=shutil.ignore_patterns("notes*"))
    scope = saescope.load(made / "tiny-model", sae=made / "tiny-sae", index=made / "index")
    scope.notes.set(8, label="ships <b>", remark="They *sail*.")
    scope.notes.mark(8, scope.examples(8, k=1), "typical")
    scope.keep(8, "ablate", text="the sea ship sailed over Vienna")
    scope.keep(8, "steer", prompt="the sea", max_new_tokens=4)
    scope.export_notebook(made / "findings.ipynb", question="Ships?", conclusion="Ships.", progress=Silent())
    other = tiny.sae()
    other.threshold.data += 0.5
    other.save_model(made / "other-sae")
    changed = saescope.load(made / "tiny-model", sae=made / "other-sae")
    changed.build_index(tiny.texts(60), out=made / "other-index", progress=Silent())
    return made


@pytest.fixture(scope="module")
def exported(folder):
    return nbformat.read(folder / "findings.ipynb", 4)


def run(notebook, folder, env):
    made = copy.deepcopy(notebook)
    for cell in made.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    NotebookClient(made, timeout=280, kernel_name="python3", resources={"metadata": {"path": str(folder)}}).execute(
        env=env
    )
    nbformat.validate(made)
    return made


def data_of(notebook):
    """What each code cell that is no live panel gave, by mime type; bars of progress aside."""
    cells = [c for c in notebook.cells if c.cell_type == "code" and "scope.browse" not in c.source]
    return {
        c.source: [{m: "".join(d) for m, d in o.data.items()} for o in c.outputs if o.output_type == "execute_result"]
        for c in cells
    }


def compared(notebook):
    (cell,) = (c for c in notebook.cells if c.source == "findings.compare(written)")
    return cell.outputs[-1].data["text/plain"]


def test_run_all_gives_the_same_tables_twice(exported, folder, child_env):
    once = run(exported, folder, child_env)
    before, after = data_of(exported), data_of(once)
    assert before.keys() == after.keys()
    for source, old in before.items():
        new = after[source]
        assert len(old) == len(new), source
        for one, other in zip(old, new, strict=True):
            assert {m: one[m].strip() for m in one} == {m: other[m].strip() for m in other}, source
    assert "differs" not in compared(once)
    assert "the same model, SAE, corpus and index" in compared(once)
    n = sum("findings.show" in c.source or "findings.draw" in c.source for c in exported.cells)
    assert f"{n} of {n} the same" in compared(once)
    live = next(c for c in once.cells if c.source.startswith("scope.browse"))
    assert "application/vnd.saescope.v1+json" in live.outputs[-1].data
    again = run(once, folder, child_env)
    assert data_of(again) == data_of(once)


def test_another_sae_and_index_are_told(exported, folder, child_env):
    changed = copy.deepcopy(exported)
    opening = next(c for c in changed.cells if "saescope.load" in c.source)
    opening.source = opening.source.replace('"tiny-sae"', '"other-sae"').replace('"index"', '"other-index"')
    said = compared(run(changed, folder, child_env))
    old = saescope.open_index(folder / "index").fingerprints
    new = saescope.open_index(folder / "other-index").fingerprints
    for what, name in (("SAE", "sae"), ("index", "index")):
        line = next(line for line in said.splitlines() if f"The {what} is another" in line)
        assert old[name][:6] in line or new[name][:6] in line or line.endswith("…")
    assert "The model is another" not in said
    assert "The corpus is another" not in said
    assert "differs" in said
    assert "the same model" not in said
