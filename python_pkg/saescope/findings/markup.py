"""Parts as HTML that survives sanitizing: no scripts, no style sheet, and a meaning without color.

Shading is an inline style. Where styles are dropped, as on GitHub, tokens on which a feature fires are
underlined, the token that an example is about is bold, and strong values stand beside their tokens.
"""

import base64

from saescope.findings.numbers import number
from saescope.findings.parts import Column, Figure, Part, Passage, Passages, Table, Tokens, Value
from saescope.findings.texts import in_attribute, in_html

GREEN, BLUE = "0,176,128", "46,120,210"
MOST = 0.62
STRONG = 0.4
"""From this share of the largest value on, a token's value stands beside it."""
WHOLE = 24
"""Tokens of so many characters are not broken."""
MARKS = {"typical": "✓ typical", "counterexample": "✗ counterexample"}
WRAPS = "font-family:monospace;white-space:pre-wrap;overflow-wrap:break-word;max-width:64em;line-height:1.7"
CELL = "padding:3px 10px 3px 0;vertical-align:top;border-bottom:1px solid rgba(128,128,128,0.25)"
SHADE_OFF = "text-decoration:none"


def to_html(parts: tuple[Part, ...]) -> str:
    """Some parts, under each other."""
    body = "".join(_part(part) for part in parts)
    return f'<div class="tex2jax_ignore mathjax_ignore saescope-finding">{body}</div>'


def _part(part: Part) -> str:
    if isinstance(part, Table):
        return table(part)
    return passages(part) if isinstance(part, Passages) else picture(part)


def picture(figure: Figure) -> str:
    """A drawing as an image within the page."""
    data = base64.b64encode(figure.canvas.svg().encode()).decode()
    alt = in_attribute(figure.text)
    return f'<p><img src="data:image/svg+xml;base64,{data}" alt="{alt}" width="{figure.canvas.width}"></p>'


def table(part: Table) -> str:
    """A table, or a list of facts."""
    if not part.columns:
        left = _cell(is_number=False)
        rows = "".join(
            f'<tr><th scope="row" style="{left};font-weight:normal;opacity:0.75">{in_html(str(name))}</th>'
            f'<td style="{left}">{_value(value)}</td></tr>'
            for name, value in part.rows
        )
        return f'<table style="{_sheet()}"><tbody>{rows}</tbody></table>{_note(part.note)}'
    body = "".join(
        "<tr>"
        + "".join(f'<td style="{_cell(c.is_number)}">{_value(v)}</td>' for c, v in zip(part.columns, row, strict=True))
        + "</tr>"
        for row in part.rows
    )
    return f'<table style="{_sheet()}">{_head(part.columns)}<tbody>{body}</tbody></table>{_note(part.note)}'


def passages(part: Passages) -> str:
    """Passages under each other, their tokens shaded."""
    columns = (*part.columns, Column("text"))
    rows = []
    for row in part.rows:
        lead = "".join(
            f'<td style="{_cell(c.is_number)}">{in_html(v)}</td>' for c, v in zip(part.columns, row.lead, strict=True)
        )
        wraps = f"{_cell(is_number=False)};{WRAPS}"
        rows.append(f'<tr>{lead}<td style="{wraps}">{shaded(row, part.top)}{_mark(row.mark)}</td></tr>')
    return f'<table style="{_sheet()}">{_head(columns)}<tbody>{"".join(rows)}</tbody></table>{_note(part.note)}'


def shaded(row: Passage, top: float) -> str:
    """The tokens of a passage."""
    made = []
    for n, (text, value) in enumerate(zip(row.tokens, row.values, strict=True)):
        said = in_html(text)
        if n == row.peak:
            title = f' title="{number(value)}"' if value else ""
            word = text.lstrip(" ")
            gap = " " * (len(text) - len(word))
            made.append(f'<b style="{_shade(value, top)}"{title}>{gap}<u>{in_html(word)}</u></b>')
        elif value:
            made.append(f'<u style="{_shade(value, top)};{SHADE_OFF}" title="{number(value)}">{said}</u>')
        else:
            made.append(said)
        if value and n != row.peak and abs(value) >= STRONG * top:
            made.append(f'<sub style="font-size:70%;opacity:0.75">{number(value, 2)}</sub>')
    return "".join(made)


def _shade(value: float, top: float) -> str:
    strength = MOST * min(1.0, abs(value) / top) ** 0.5 if top else 0.0
    return f"background-color:rgba({GREEN if value >= 0 else BLUE},{strength:.2f})"


def _mark(mark: str) -> str:
    return f"<br><small><b>{in_html(MARKS.get(mark, mark))}</b></small>" if mark else ""


def _value(value: Value) -> str:
    if isinstance(value, Tokens):
        return " ".join(
            f'<code style="white-space:{"pre" if len(text) <= WHOLE else "pre-wrap"}">{in_html(text)}</code>'
            for text in value.texts
        )
    return in_html(value)


def _head(columns: tuple[Column, ...]) -> str:
    cells = "".join(
        f'<th scope="col" style="{_cell(c.is_number)};opacity:0.75;font-weight:normal">{in_html(c.name)}</th>'
        for c in columns
    )
    return f"<thead><tr>{cells}</tr></thead>"


def _sheet() -> str:
    return "border-collapse:collapse;text-align:left"


def _cell(is_number: bool) -> str:
    return f"{CELL};text-align:{'right' if is_number else 'left'}"


def _note(text: str) -> str:
    return f'<p style="opacity:0.75"><small>{in_html(text)}</small></p>' if text else ""
