"""Parts as plain text, for a terminal and for whatever shows nothing else."""

from saescope.findings.markup import MARKS
from saescope.findings.parts import Part, Passage, Passages, Table, Tokens, Value
from saescope.findings.texts import one_line

WIDEST = 60


def to_text(parts: tuple[Part, ...]) -> str:
    """Some parts, under each other."""
    return "\n".join(_part(part) for part in parts)


def _part(part: Part) -> str:
    if isinstance(part, Table):
        return _table(part)
    return _passages(part) if isinstance(part, Passages) else part.text


def _table(part: Table) -> str:
    rows = [[_value(value) for value in row] for row in part.rows]
    head = [[column.name for column in part.columns]] if part.columns else []
    lines = [*head, *rows]
    widths = [max(len(line[n]) for line in lines) for n in range(len(lines[0]))] if lines else []
    is_number = [column.is_number for column in part.columns] or [False] * len(widths)
    laid = [
        "  ".join(
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(line, widths, is_number, strict=True)
        ).rstrip()
        for line in lines
    ]
    return "\n".join([*laid, *([part.note] if part.note else [])])


def _value(value: Value) -> str:
    said = " ".join(f"[{one_line(t)}]" for t in value.texts) if isinstance(value, Tokens) else one_line(value)
    return said if len(said) <= WIDEST else f"{said[: WIDEST - 1]}…"


def _passages(part: Passages) -> str:
    return "\n".join(_passage(row) for row in part.rows)


def _passage(row: Passage) -> str:
    text = "".join(f"[{one_line(t)}]" if n == row.peak else one_line(t) for n, t in enumerate(row.tokens))
    mark = f"  {MARKS.get(row.mark, row.mark)}" if row.mark else ""
    return f"{'  '.join(one_line(v).rjust(8) for v in row.lead)}  {text}{mark}"
