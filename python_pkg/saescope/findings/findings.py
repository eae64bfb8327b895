"""What the cells of an exported notebook call: tables shown well, remembered, and held against what was written."""

import base64
from dataclasses import dataclass
from typing import Any

import polars as pl

from saescope.errors import InputError
from saescope.findings import sources
from saescope.findings.markup import to_html
from saescope.findings.parts import Column, Figure, Part, Table
from saescope.findings.pinning import ATOL, RTOL, Pinned, Verdict, from_text, hold, pin
from saescope.findings.plain import to_text
from saescope.findings.views import figure_of, parts_of
from saescope.scope import Scope


class Shown:
    """Something shown in a cell: HTML without scripts, and text; a drawing alone as SVG and PNG.

    Parameters
    ----------
    parts
        What it is, one thing under the other.
    frame
        The table behind it.
    """

    def __init__(self, parts: tuple[Part, ...], frame: pl.DataFrame | None = None) -> None:
        self.parts = parts
        self.frame = frame

    def __repr__(self) -> str:
        return to_text(self.parts)

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        (first, *rest) = self.parts
        if isinstance(first, Figure) and not rest:
            size = {"width": first.canvas.width, "height": first.canvas.height}
            png = base64.b64encode(first.canvas.png()).decode()
            drawn = {"image/svg+xml": first.canvas.svg(), "image/png": png, "text/plain": repr(self)}
            return drawn, {"image/png": size}
        return {"text/html": to_html(self.parts), "text/plain": repr(self)}, {}


@dataclass(frozen=True, repr=False)
class Comparison:
    """What became of findings.

    Parameters
    ----------
    changes
        What was opened otherwise, in sentences; empty when it was the same.
    verdicts
        One a result.
    newer
        Packages of another version.
    """

    changes: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    newer: tuple[str, ...]
    tolerance: str

    @property
    def is_same(self) -> bool:
        """Whether the same was opened, and gave the same."""
        return not self.changes and all(v.verdict == "same" for v in self.verdicts)

    @property
    def shown(self) -> Shown:
        """The comparison, to be read."""
        n_same = sum(v.verdict == "same" for v in self.verdicts)
        opened = "the same model, SAE, corpus and index" if not self.changes else "something else, see below"
        facts = [("opened", opened), ("results", f"{n_same} of {len(self.verdicts)} the same")]
        facts += [("changed", text) for text in self.changes]
        if self.newer:
            facts.append(("other versions", ", ".join(self.newer)))
        rows = tuple((v.name, v.verdict, v.told) for v in self.verdicts)
        columns = (Column("result"), Column("verdict"), Column("what"))
        return Shown((Table((), tuple(facts)), Table(columns, rows, self.tolerance)))

    def __repr__(self) -> str:
        return repr(self.shown)

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        return self.shown._repr_mimebundle_()


class Findings:
    """What is found in a scope, cell by cell.

    Parameters
    ----------
    scope
        With an index.

    Examples
    --------
    >>> import saescope
    >>> from saescope.findings import Findings
    >>> scope = saescope.demo()
    >>> findings = Findings(scope)
    >>> print(findings.show("11 neighbors", scope.neighbors(11, k=2)).frame.height)
    2
    """

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.pinned: dict[str, Pinned] = {}
        scope.require_index()

    def sources(self) -> Shown:
        """What was opened: model, SAE, corpus and index, with their fingerprints, and versions."""
        return Shown(sources.tables(sources.facts(self.scope)))

    def show(self, name: str, frame: pl.DataFrame, *, n_rows: int | None = None) -> Shown:
        """Show a table as it is best read: a feature's figures, examples with their shading, or rows.

        Parameters
        ----------
        name
            What it is called when it is compared.
        frame
            What a method of the scope gave.
        n_rows
            How many rows it had before it was cut.
        """
        if not isinstance(frame, pl.DataFrame):
            raise InputError(f"a table is shown, and {type(frame).__name__} came.", hint="As scope.examples(5) gives.")
        self.pinned[name] = pin(frame, n_rows)
        return Shown(parts_of(frame, self._marks(frame)), frame)

    def draw(self, name: str, frame: pl.DataFrame, feature: int | None = None) -> Shown:
        """Draw a table: a feature's histogram, or its place on the map.

        Parameters
        ----------
        name
            What it is called when it is compared.
        frame
            What ``scope.feature`` or ``scope.map`` gave.
        feature
            The one to mark on a map.

        Raises
        ------
        InputError
            There is nothing to draw in it.
        """
        made = figure_of(frame, feature)
        if made is None:
            raise InputError(f"there is nothing to draw in a table of {', '.join(frame.columns):.200}.")
        if feature is not None:
            self.pinned[name] = pin(frame.filter(pl.col("feature") == feature), frame.height)
        else:
            self.pinned[name] = pin(frame.select("histogram"))
        return Shown((made,), frame)

    def compare(self, written: str, *, rtol: float = RTOL, atol: float = ATOL) -> Comparison:
        """Hold what the cells gave in this run against what was written when the notebook was made.

        Parameters
        ----------
        written
            As the notebook holds it.
        rtol, atol
            Numbers are the same within ``atol + rtol * size``; counts and texts are so exactly.
        """
        then, results = from_text(written)
        now = sources.facts(self.scope)
        verdicts = []
        for name, old in results.items():
            new = self.pinned.get(name)
            missing = Verdict(name, "missing", "its cell was not run")
            verdicts.append(missing if new is None else hold(name, old, new, rtol=rtol, atol=atol))
        verdicts += [Verdict(name, "new", "it was not written") for name in self.pinned if name not in results]
        told = f"Counts and texts are compared exactly, other numbers within {atol:g} + {rtol:g} of their size."
        return Comparison(tuple(sources.changes(then, now)), tuple(verdicts), tuple(sources.newer(then, now)), told)

    def _marks(self, frame: pl.DataFrame) -> dict[int, str]:
        """The marks of examples, by row."""
        if not {"feature", "row", "peak"} <= set(frame.columns) or frame.is_empty():
            return {}
        feature, passage_of = int(frame["feature"][0]), self.scope.notes.passage_of
        marked = {m.passage.key: m.mark for m in self.scope.notes.marked(feature)}
        if not marked or passage_of is None:
            return {}
        keys = {row: passage_of(row).key for row in frame["row"].to_list()}
        return {row: marked[key] for row, key in keys.items() if key in marked}
