"""Text of models, corpora and people as the text it is: in HTML, in Markdown, and on a terminal.

What would act instead of being read is told by what it is: controls and marks of direction as ``‹U+202E›``.
Dollars and backslashes are kept from a page's own typesetting of formulas by an element of their own each.
"""

import html
import re

HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
MATH = re.compile(r"[$\\]")
PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")
LINES = str.maketrans({"\n": "⏎", "\t": "⇥"})


def shown(text: str) -> str:
    """A text in which nothing is hidden; its lines stay lines."""
    return HIDDEN.sub(lambda found: f"‹U+{ord(found[0]):04X}›", text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """A text on one line, its breaks and tabs as signs."""
    return shown(text).translate(LINES)


def in_html(text: str) -> str:
    """A text on one line, as content of an HTML element."""
    return MATH.sub(r"<span>\g<0></span>", html.escape(one_line(text), quote=False))


def in_attribute(text: str) -> str:
    """A text on one line, as the value of an attribute."""
    return html.escape(one_line(text), quote=True)


def in_markdown(text: str) -> str:
    """A text on one line, that Markdown takes for nothing else."""
    return PUNCTUATION.sub(_spelled, one_line(text))


def _spelled(found: "re.Match[str]") -> str:
    sign = found[0]
    if sign in "$\\":
        return f"<span>&#{ord(sign)};</span>"
    return f"&#{ord(sign)};" if sign not in "\",.'/:;-()?%=" else sign


def in_code(text: str) -> str:
    """A text as one piece of code in Markdown."""
    return f"<code>{in_markdown(text)}</code>"
