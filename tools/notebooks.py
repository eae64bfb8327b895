"""Write the demo notebooks; kept as a script so that they have no stray output."""

import json
from pathlib import Path

import nbformat

FOLDER = Path(__file__).parent.parent / "python_pkg/saescope/demo_data"
FIRST = "a small number"


def labelled(beginning: str) -> int:
    """The feature whose bundled label begins so."""
    labels = map(json.loads, (FOLDER / "labels.jsonl").read_text(encoding="utf-8").splitlines())
    return next(at["feature"] for at in labels if at.get("label", "").startswith(beginning))


BUNDLED = [
    (
        "markdown",
        "# saescope\n"
        "A small language model, a sparse autoencoder (SAE) on its residual stream, and the text on which each of its features "
        "fires, all in this notebook's kernel. `saescope demo` has run its cells; elsewhere run them from the top (Shift-Enter).",
    ),
    ("code", f"import saescope\n\nscope = saescope.demo()\nscope.browse({labelled(FIRST)})"),
    (
        "markdown",
        "## Browse\n"
        "The table has all features, the page the open one: how often it fires, how strongly, and on what. Click into the "
        "panel, and:\n\n"
        "| key | |\n"
        "| --- | --- |\n"
        "| `/` | search: a word finds features by label, token and text |\n"
        "| `j` `k` | the next, the previous feature |\n"
        "| `n` | its neighbors, by weights or by firing |\n"
        "| `e` | what the model says without it, beside what controls do |\n"
        "| `w` | what the model writes with it turned up |\n"
        "| `l` | label it |\n"
        "| `d` | hand it on, as a notebook that reads without a kernel and runs again with one |\n"
        "| `?` | all keys |",
    ),
    (
        "markdown",
        "## The same from Python\nWhat the panel shows is what these calls return, as polars frames.",
    ),
    ("code", 'scope.features.sort("max", descending=True).head(5)'),
    (
        "code",
        'feature = int(scope.find_features("question", looks_in="layer")["feature"][0])\nscope.examples(feature, k=5)',
    ),
    ("code", "scope.neighbors(feature, k=5)"),
    (
        "markdown",
        "## Your own text\n`activations` runs the model now, as far as the SAE's site, and tells every feature that fires.",
    ),
    (
        "code",
        'text = "The President of the United"\nscope.activations(text).sort("activation", descending=True).head(10)',
    ),
    (
        "markdown",
        "## Cause\n"
        "Which features does a prediction owe most to? *Exact* rows have been run again without the feature. The first of "
        "them, taken out, beside the same done along other features.",
    ),
    ("code", 'suspects = scope.prompt(text, target=" States", k=5)\nsuspects'),
    ("code", 'feature = int(suspects["feature"][0])\nscope.ablate(text, feature, target=" States")'),
    ("markdown", "And turned up while the model writes, 1 being the most that it fires in the index:"),
    ("code", 'scope.steer("In the year", {feature: 1.0}, max_new_tokens=16).select("condition", "text")'),
    (
        "markdown",
        "## On from here\n"
        "Tutorials lie beside this notebook: [browse](1_browse.ipynb), [cause](2_cause.ipynb), [prompt](3_prompt.ipynb), "
        "[your own model and SAE](4_your_own.ipynb), [findings](5_findings.ipynb). On your own model:\n"
        "```python\n"
        'scope = saescope.load("path/or/hub-id", sae="release/sae_id or path")\n'
        'scope.build_index("corpus.jsonl.gz", out="my-index")\n'
        "scope.browse()\n"
        "```",
    ),
]


SMOLLM2 = [
    (
        "markdown",
        "# saescope on SmolLM2\n"
        "SmolLM2-135M-Instruct (30 layers) with a sparse autoencoder (SAE) of 4,096 features on the output of its eleventh "
        "layer. The first cell indexes 200,000 tokens of the bundled demo's text, which takes a few minutes on two cores; "
        "stopped, it goes on where it was. Later the index is there and the cell takes seconds.",
    ),
    ("code", 'import saescope\n\nscope = saescope.demo("smollm2")\nscope'),
    ("code", "scope.browse()"),
    (
        "markdown",
        "## What does the model expect?\n"
        "And which features does it owe that to? Ranked by an estimate from the gradient; *exact* rows have been run again "
        "without the feature.",
    ),
    ("code", 'text = "The Golden Gate Bridge is in the city of"\nscope.next_tokens(text, k=5)'),
    ("code", 'scope.prompt(text, target=" San", k=10)'),
    (
        "markdown",
        "## What does a feature do?\n"
        "Take the first of them out, and see what the model says then. The controls take out as much along other features.",
    ),
    (
        "code",
        'feature = int(scope.prompt(text, target=" San", k=1)["feature"][0])\n'
        'scope.ablate(text, feature, target=" San")',
    ),
    ("code", 'scope.show("effects", feature)'),
    (
        "markdown",
        "## How good is this SAE?\nMeasured now, on 4,096 tokens of the indexed text, with the model as it was fetched.",
    ),
    ("code", "scope.measure_health()"),
]


def write(name: str, cells: list[tuple[str, str]]) -> None:
    """Write a notebook of the cells ``(kind, text)``."""
    notebook = nbformat.v4.new_notebook()
    for n, (kind, text) in enumerate(cells):
        make = nbformat.v4.new_markdown_cell if kind == "markdown" else nbformat.v4.new_code_cell
        cell = make(text)
        cell["id"] = f"cell-{n}"
        notebook.cells.append(cell)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    nbformat.write(notebook, FOLDER / name)


def main() -> None:
    """Write both."""
    write("saescope-demo.ipynb", BUNDLED)
    write("saescope-smollm2.ipynb", SMOLLM2)


if __name__ == "__main__":
    main()
