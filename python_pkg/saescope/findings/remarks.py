"""What people write in Markdown, made harmless: for a notebook as Markdown, for a page as HTML.

Notebooks are shown by programs of which some sanitize and some do not. So nothing is left to them:

1. Code, fenced or within a line, becomes an element whose every sign is spelled out.
2. Outside of code ``<`` and stray backticks are spelled out: there is no HTML, and no code but that of 1.
3. A link stays one if it begins in a way known to be harmless; all others are read as they were written.
4. Images become links, so that nothing is fetched.
"""

import html
import re

from saescope.findings.texts import MATH, in_code, in_html, in_markdown, shown

FENCE = re.compile(r"^( {0,3})(`{3,}|~{3,})[^`\n]*\n(.*?)(?:^ {0,3}\2[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
SAFE = re.compile(r"(?:https?://|mailto:|#|\.{0,2}/|[A-Za-z0-9_-]+(?:[./#)\s]|$))", re.IGNORECASE)
TARGET = re.compile(r"\](\s*)\((?=\s*(\S*))")
DEFINITION = re.compile(r"^([ \t>*+\d.)-]*)\[([^\]\n]*)\]:(?=\s*(\S*))", re.MULTILINE)
HEADING = re.compile(r"^( {0,3})(#{1,6})(?=\s)", re.MULTILINE)
BARE = re.compile(r"(?<![\w/])(https?://[^\s<>()\[\]\"']+[^\s<>()\[\]\"'.,;:!?])")
LINK = re.compile(r"\[([^\[\]]+)\]\(\s*((?:https?://|mailto:|#)[^\s()]*)\s*(?:&quot;.*?&quot;)?\s*\)", re.IGNORECASE)
DEEPEST = 3
"""Headings of a remark stand below those of the document."""


def as_markdown(text: str) -> str:
    """A remark as Markdown that any program may render."""
    made, end = [], 0
    whole = shown(text)
    for found in FENCE.finditer(whole):
        made += [_harmless(whole[end : found.start()]), _block(found[3])]
        end = found.end()
    return "".join([*made, _harmless(whole[end:])]).strip()


def _block(code: str) -> str:
    lines = code.rstrip("\n").split("\n")
    return "<pre>" + "<br>".join(in_markdown(line) or "&#32;" for line in lines) + "</pre>\n"


def _harmless(text: str) -> str:
    made, end = [], 0
    for found in SPAN.finditer(text):
        made += [_plain(text[end : found.start()]), in_code(found[2].strip())]
        end = found.end()
    made.append(_plain(text[end:]))
    whole = "".join(made)
    whole = whole.replace("![", "[")
    whole = TARGET.sub(lambda at: at[0] if SAFE.match(at[2]) else f"]{at[1]}&#40;", whole)
    whole = DEFINITION.sub(lambda at: at[0] if SAFE.match(at[3]) else f"{at[1]}&#91;{at[2]}]:", whole)
    return HEADING.sub(lambda at: at[1] + "#" * min(6, len(at[2]) + DEEPEST), whole)


def _plain(text: str) -> str:
    return text.replace("<", "&lt;").replace("`", "&#96;")


def as_html(text: str) -> str:
    """A remark as HTML: paragraphs, headings, lists, quotes, code, links to the web, strong and emphasised text."""
    made, end = [], 0
    whole = shown(text)
    for found in FENCE.finditer(whole):
        code = "\n".join(in_html(line) for line in found[3].rstrip("\n").split("\n"))
        made += [_blocks(whole[end : found.start()]), f"<pre>{code}</pre>"]
        end = found.end()
    return "".join([*made, _blocks(whole[end:])])


def _blocks(text: str) -> str:
    return "".join(_paragraphs(block.strip("\n")) for block in re.split(r"\n[ \t]*\n", text) if block.strip())


def _paragraphs(block: str) -> str:
    """The paragraphs, lists and headings of lines without an empty one between."""
    made: list[str] = []
    lines: list[tuple[str, str]] = [_kind(line) for line in block.split("\n")]
    while lines:
        kind = lines[0][0]
        if kind.startswith("h"):
            made.append(f"<{kind}>{_inline(lines.pop(0)[1])}</{kind}>")
            continue
        same = []
        while lines and lines[0][0] in ((kind, "p") if same and kind in ("ul", "ol") else (kind,)):
            same.append(lines.pop(0))
        made.append(_grouped(kind, same))
    return "".join(made)


def _grouped(kind: str, lines: list[tuple[str, str]]) -> str:
    whole = "\n".join(text for _, text in lines)
    if kind == "quote":
        return f"<blockquote>{_blocks(whole)}</blockquote>"
    if kind == "p":
        return f"<p>{_inline(whole)}</p>"
    items: list[str] = []
    for name, text in lines:
        if name == kind:
            items.append(text)
        else:
            items[-1] += f"\n{text.strip()}"
    return f"<{kind}>{''.join(f'<li>{_inline(item)}</li>' for item in items)}</{kind}>"


def _kind(line: str) -> tuple[str, str]:
    if found := re.match(r" {0,3}(#{1,6})\s+(.*?)\s*#*\s*$", line):
        return f"h{min(6, len(found[1]) + DEEPEST)}", found[2]
    if found := re.match(r"\s*[-*+]\s+(.*)", line):
        return "ul", found[1]
    if found := re.match(r"\s*\d{1,9}[.)]\s+(.*)", line):
        return "ol", found[1]
    if found := re.match(r" {0,3}> ?(.*)", line):
        return "quote", found[1]
    return "p", line


def _inline(text: str) -> str:
    parts, end = [], 0
    for found in SPAN.finditer(text):
        parts += [_worded(text[end : found.start()]), f"<code>{in_html(found[2].strip())}</code>"]
        end = found.end()
    return "".join([*parts, _worded(text[end:])])


def _worded(text: str) -> str:
    kept: list[str] = []

    def keep(markup: str) -> str:
        kept.append(markup)
        return f"\x00{len(kept) - 1}\x00"

    said = re.sub(r"\\([!-/:-@\[-`{-~])", lambda at: keep(html.escape(at[1])), text.replace("![", "["))
    said = html.escape(said)
    said = LINK.sub(lambda at: f"{keep(_open(at[2]))}{at[1]}{keep('</a>')}", said)
    said = BARE.sub(lambda at: f"{keep(_open(at[1]))}{at[1]}{keep('</a>')}", said)
    said = re.sub(r"\*\*(?=\S)(.+?)(?<=\S)\*\*", r"<strong>\1</strong>", said, flags=re.DOTALL)
    said = re.sub(r"(?<!\w)__(?=\S)(.+?)(?<=\S)__(?!\w)", r"<strong>\1</strong>", said, flags=re.DOTALL)
    said = re.sub(r"\*(?=\S)(.+?)(?<=\S)\*", r"<em>\1</em>", said, flags=re.DOTALL)
    said = re.sub(r"(?<!\w)_(?=\S)(.+?)(?<=\S)_(?!\w)", r"<em>\1</em>", said, flags=re.DOTALL)
    said = re.sub(r" {2,}\n", "<br>", said)
    said = MATH.sub(r"<span>\g<0></span>", said)
    return re.sub("\x00(\\d+)\x00", lambda at: kept[int(at[1])], said)


def _open(target: str) -> str:
    return f'<a href="{target}" rel="noopener noreferrer">'
