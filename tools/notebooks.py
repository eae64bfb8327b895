"""Write the demo notebook; kept as a script so that the notebook has no stray output."""

from pathlib import Path

import nbformat

TARGET = Path(__file__).parent.parent / "python_pkg/saescope/demo_data/saescope-demo.ipynb"

CELLS = [
    (
        "markdown",
        "# saescope\n"
        "A small language model, a sparse autoencoder (SAE) trained on its residual stream, and an index of the text on "
        "which each of its features fires. Everything runs in this notebook's kernel; nothing is fetched from a network.\n\n"
        "Run the cells from the top (Shift-Enter).",
    ),
    ("code", "import saescope\n\nscope = saescope.demo()\nscope"),
    (
        "markdown",
        "## Browse\n"
        "Choose a feature from the list, or type its number (`g`). `j` and `k` go to the next and the previous; `?` shows "
        "all keys. Tokens are shaded by activation: hold the mouse over one for its value.",
    ),
    ("code", "scope.browse()"),
    (
        "markdown",
        "## The same from Python\nWhat the panel shows is what these calls return, as polars frames.",
    ),
    ("code", 'scope.features.sort("max", descending=True).head(5)'),
    (
        "code",
        'feature = int(scope.features.sort("density", descending=True)["feature"][100])\nscope.examples(feature, k=5)',
    ),
    ("code", "scope.neighbors(feature, k=5)"),
    (
        "markdown",
        "## Your own text\n`activations` runs the model now, as far as the SAE's site, and tells every feature that fires.",
    ),
    (
        "code",
        'scope.activations("The king of England spoke to his ministers.").sort("activation", descending=True).head(10)',
    ),
    (
        "markdown",
        "## Your own model\n"
        "```python\n"
        'scope = saescope.load("path/or/hub-id", sae="release/sae_id or path")\n'
        'scope.build_index("corpus.jsonl.gz", out="my-index")\n'
        "scope.browse()\n"
        "```",
    ),
]


def main() -> None:
    """Write it."""
    notebook = nbformat.v4.new_notebook()
    for n, (kind, text) in enumerate(CELLS):
        make = nbformat.v4.new_markdown_cell if kind == "markdown" else nbformat.v4.new_code_cell
        cell = make(text)
        cell["id"] = f"cell-{n}"
        notebook.cells.append(cell)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, TARGET)


if __name__ == "__main__":
    main()
