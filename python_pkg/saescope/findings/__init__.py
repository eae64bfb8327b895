"""Findings written for others: as a notebook that runs again, and as one page.

`Findings` is what the cells of such a notebook call. A writer is a function as those of `saescope.findings.write`;
others add theirs with the entry-point group ``saescope.findings``, and make the document by
`saescope.findings.document.compose`.
"""

from saescope.findings.findings import Comparison, Findings, Shown
from saescope.registries import Registry

REGISTRY = Registry(
    "findings",
    {
        "notebook": "saescope.findings.write:write_notebook",
        "report": "saescope.findings.write:write_report",
    },
)

__all__ = ["REGISTRY", "Comparison", "Findings", "Shown"]
