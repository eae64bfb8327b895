"""Findings as a notebook, nbformat 4.5: it reads without a kernel, and runs again with one."""

import json
from typing import Any

from saescope._version import version
from saescope.findings.findings import Shown
from saescope.findings.parts import Block, Cell, Document, Line, Section
from saescope.findings.remarks import as_markdown
from saescope.findings.texts import in_markdown, one_line


def notebook_text(document: Document) -> str:
    """A document as the text of a notebook."""
    return json.dumps(notebook(document), ensure_ascii=False, indent=1) + "\n"


def notebook(document: Document) -> dict[str, Any]:
    """A document as a notebook's JSON."""
    cells = [_prose(f"# {in_markdown(document.title)}\n\n{in_markdown(document.byline)}")]
    for section in document.sections:
        cells += _cells(section)
    n_run = 0
    for n, cell in enumerate(cells):
        cell["id"] = f"finding-{n + 1}"
        if cell["cell_type"] == "code":
            n_run += 1
            cell["execution_count"] = n_run
            for output in cell["outputs"]:
                output["execution_count"] = n_run
    return {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            "saescope": {"findings": 1, "made_by": f"saescope {version()}"},
            "title": one_line(document.title),
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _cells(section: Section) -> list[dict[str, Any]]:
    """A section's cells: prose that follows on each other is one cell."""
    made: list[dict[str, Any]] = []
    said = [f"{'#' * section.level} {in_markdown(section.heading)}"]
    for block in section.blocks:
        if isinstance(block, Cell):
            if said:
                made.append(_prose("\n\n".join(said)))
            said = []
            made.append(_code(block))
        else:
            said.append(_said(block))
    return [*made, *([_prose("\n\n".join(said))] if said else [])]


def _said(block: Block) -> str:
    return block.markdown if isinstance(block, Line) else as_markdown(getattr(block, "text", ""))


def _prose(text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": "", "metadata": {}, "source": _lines(text)}


def _code(cell: Cell) -> dict[str, Any]:
    data, about = (
        (cell.bundle, {}) if cell.bundle else Shown(cell.parts)._repr_mimebundle_() if cell.parts else ({}, {})
    )
    outputs = [{"output_type": "execute_result", "data": _data(data), "metadata": about}] if data else []
    folded = {"jupyter": {"source_hidden": True}} if cell.is_folded else {}
    return {
        "cell_type": "code",
        "id": "",
        "execution_count": None,
        "metadata": folded,
        "outputs": outputs,
        "source": _lines(cell.code),
    }


def _data(bundle: dict[str, Any]) -> dict[str, Any]:
    texts = {
        mime: _lines(data) if isinstance(data, str) and mime != "image/png" else data for mime, data in bundle.items()
    }
    return {mime: data for mime, data in texts.items() if data}


def _lines(text: str) -> list[str]:
    """A text as lines with their ends, as notebooks keep it."""
    lines = text.split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
