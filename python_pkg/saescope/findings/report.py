"""Findings as one page of HTML: nothing else is loaded, nothing runs, light or dark as the reader has it."""

import re
from pathlib import Path

from saescope._version import version
from saescope.findings.markup import passages, table
from saescope.findings.parts import Block, Cell, Document, Figure, Line, Part, Section, Table
from saescope.findings.remarks import as_html
from saescope.findings.texts import in_attribute, in_html

CSS = (Path(__file__).parent / "report.css").read_text(encoding="utf-8")
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def report(document: Document) -> str:
    """A document as a page of HTML."""
    sections = [s for s in document.sections if not s.is_run_only]
    body = "".join(_section(section, n) for n, section in enumerate(sections))
    contents = "".join(f'<li><a href="#s{n}">{in_html(s.heading)}</a></li>' for n, s in enumerate(sections))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
        f'<meta name="generator" content="saescope {in_attribute(version())}">\n'
        f"<title>{in_attribute(document.title)}</title>\n<style>\n{CSS}</style>\n</head>\n<body>\n<main>\n"
        f'<header><h1>{in_html(document.title)}</h1>\n<p class="byline">{in_html(document.byline)}</p></header>\n'
        f'<nav aria-label="Contents"><ol>{contents}</ol></nav>\n{body}</main>\n</body>\n</html>\n'
    )


def _section(section: Section, n: int) -> str:
    heading = f"<h{section.level}>{in_html(section.heading)}</h{section.level}>"
    blocks = "\n".join(_block(block) for block in section.blocks)
    return f'<section id="s{n}">\n{heading}\n{blocks}\n</section>\n'


def _block(block: Block) -> str:
    if isinstance(block, Cell):
        return "" if block.is_run_only else _cell(block)
    if isinstance(block, Line):
        return f'<p class="line">{_line(block.markdown)}</p>'
    return f'<div class="prose">{as_html(block.text)}</div>'


def _line(markdown: str) -> str:
    """A line of ours: foreign texts in it are spelled out, so that only our own stars are left."""
    strong = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", markdown)
    return re.sub(r"\*(.+?)\*", r"<em>\1</em>", strong)


def _cell(cell: Cell) -> str:
    shown = "".join(_part(part) for part in cell.parts)
    return f'<figure class="cell"><pre class="call"><code>{_code(cell.code)}</code></pre>{shown}</figure>'


def _code(code: str) -> str:
    return "\n".join(in_html(line) for line in code.split("\n"))


def _part(part: Part) -> str:
    if isinstance(part, Figure):
        return f'<div class="drawing">{part.canvas.svg("currentColor")}</div>'
    made = table(part) if isinstance(part, Table) else passages(part)
    return f'<div class="sheet">{made}</div>'
