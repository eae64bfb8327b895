"""Write ``examples/5_findings.ipynb``: what three calls on the bundled demo found, exported.

``python tools/findings_example.py`` after another model, SAE or index is bundled. The feature is
the one on the last token to which the prediction of " States" owes most, of those that fire on
few tokens, so that no number is written here.
"""

import os
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "examples" / "5_findings.ipynb"
TEXT, TARGET_TOKEN = "The President of the United", " States"
MOST_DENSITY = 0.02
QUESTION = """\
After *The President of the United* the model expects *States*. Which feature on *United* does it owe that to most, what \
else does this feature fire on, and is its effect more than that of any disturbance of the same size?"""
CONCLUSION = """\
Read the tables from the top: what the feature fires on; what the prediction loses without it, beside matched controls; \
and the same over its own examples, where the interval of the *difference* says whether the effect is more than \
a disturbance. The sweep says between which activations this was seen. Nothing here says that the feature is the only \
one: the prompt notebook lists the others."""


def main() -> None:
    """Choose the feature, keep three results, and export."""
    os.environ["SAESCOPE_AUTHOR"] = "saescope"
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SAESCOPE_NOTES_DIR"] = folder
        import polars as pl

        import saescope
        from saescope.progress import Silent

        scope = saescope.demo()
        table = scope.attribute(TEXT, TARGET_TOKEN, method="exact", pos=-1).join(scope.features, on="feature")
        found = table.filter(pl.col("density") < MOST_DENSITY).sort("attribution", descending=True).row(0, named=True)
        feature = found["feature"]
        said = ", ".join(f"“{token.strip()}”" for token in found["top_tokens"][:3])
        scope.notes.set(feature, label=f"on {said}", remark="Found from a prediction.", status="proposed")
        scope.keep(feature, "ablate", text=TEXT, target=TARGET_TOKEN)
        scope.keep(feature, "effect_summary", k=10, n_after=4)
        scope.keep(feature, "sweep", text=TEXT, target=TARGET_TOKEN)
        scope.export_notebook(
            TARGET,
            features=[feature],
            title="What carries “the United States”?",
            question=QUESTION,
            conclusion=CONCLUSION,
            overwrite=True,
            progress=Silent(),
        )
        text = TARGET.read_text(encoding="utf-8").replace(str(ROOT / "python_pkg"), "…").replace(folder, "…")
        TARGET.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
