"""What findings are made of: sections of prose, and of cells that show tables, passages and figures.

One `Document` is written as a notebook and as a page; what a cell of it shows is the same in both.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from saescope.findings.canvas import Canvas


@dataclass(frozen=True)
class Tokens:
    """Some tokens in a cell of a table."""

    texts: Sequence[str]


Value = str | Tokens


@dataclass(frozen=True)
class Column:
    """A column of a table; numbers stand to the right."""

    name: str
    is_number: bool = False


@dataclass(frozen=True)
class Table:
    """Values as they are read; without columns it is a list of facts, each with its name.

    Parameters
    ----------
    columns
        One for each value of a row; none for facts.
    rows
        Texts, or tokens.
    note
        What to know of it, on a line below.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    note: str = ""


@dataclass(frozen=True)
class Passage:
    """Tokens with a value each.

    Parameters
    ----------
    lead
        What stands before it, as in the table's columns.
    tokens, values
        As many of each.
    peak
        The token that it is about; ``None`` for none.
    mark
        What a person said of it.
    """

    lead: tuple[str, ...]
    tokens: Sequence[str]
    values: Sequence[float]
    peak: int | None = None
    mark: str = ""


@dataclass(frozen=True)
class Passages:
    """Passages under each other, shaded by one scale.

    Parameters
    ----------
    columns
        Of what stands before them.
    top
        The value that is shaded most.
    """

    columns: tuple[Column, ...]
    rows: tuple[Passage, ...]
    top: float
    note: str = ""


@dataclass(frozen=True)
class Figure:
    """A drawing, and what it shows in words."""

    canvas: Canvas
    text: str


Part = Table | Passages | Figure


@dataclass(frozen=True)
class Prose:
    """What a person wrote: Markdown."""

    text: str


@dataclass(frozen=True)
class Line:
    """A line that saescope says, in Markdown whose foreign texts are spelled out."""

    markdown: str


@dataclass(frozen=True)
class Cell:
    """A call, and what it gives.

    Parameters
    ----------
    code
        Python.
    parts
        What it shows, one thing under the other.
    name
        What it is called where it is pinned; empty for none.
    frame
        The table that it gives.
    bundle
        More that a notebook keeps of it, by mime type.
    is_folded
        Whether a notebook hides the code at first.
    is_run_only
        Whether it has a meaning in a notebook only.
    """

    code: str
    parts: tuple[Part, ...] = ()
    name: str = ""
    frame: pl.DataFrame | None = None
    bundle: dict[str, Any] = field(default_factory=dict)
    is_folded: bool = False
    is_run_only: bool = False


Block = Prose | Line | Cell


@dataclass(frozen=True)
class Section:
    """A heading, plain text, and what stands under it."""

    heading: str
    blocks: tuple[Block, ...]
    level: int = 2
    is_run_only: bool = False


@dataclass(frozen=True)
class Document:
    """All of it; ``byline`` says who and when."""

    title: str
    byline: str
    sections: tuple[Section, ...]
