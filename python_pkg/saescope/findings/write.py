"""Writing the findings in a scope: what ``scope.export_notebook`` and ``scope.export_report`` call."""

from collections.abc import Sequence
from pathlib import Path

from saescope.findings.document import PARTS, Wanted, check_parts, compose
from saescope.findings.notebook import notebook_text
from saescope.findings.report import report
from saescope.scope import Scope
from saescope.types import Progress


def write_notebook(
    scope: Scope,
    target: Path,
    features: Sequence[int],
    progress: Progress,
    *,
    folder: Path,
    include: Sequence[str] = PARTS,
    title: str = "",
    question: str = "",
    conclusion: str = "",
) -> None:
    """Write a notebook; ``folder`` is where it will lie, from which it opens the index again."""
    document = compose(scope, features, Wanted(include, title, question, conclusion), folder, progress)
    target.write_text(notebook_text(document), encoding="utf-8")


def write_report(
    scope: Scope,
    target: Path,
    features: Sequence[int],
    progress: Progress,
    *,
    folder: Path,
    include: Sequence[str] = PARTS,
    title: str = "",
    question: str = "",
    conclusion: str = "",
) -> None:
    """Write a page of HTML; see `write_notebook`."""
    parts = [part for part in check_parts(include) if part != "panel"]
    document = compose(scope, features, Wanted(parts, title, question, conclusion), folder, progress)
    target.write_text(report(document), encoding="utf-8")
