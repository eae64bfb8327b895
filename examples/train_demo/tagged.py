"""Text whose words carry part-of-speech tags, made plain: ``the/DT file/NN`` is ``the file``.

The tags are Penn Treebank's. The corpus cuts long works into pieces, so a piece may begin
or end within a tag.

Source: Marcus, Santorini, Marcinkiewicz (1993), "Building a large annotated corpus of
English: the Penn Treebank", table 2.
"""

from __future__ import annotations

import re

TAGGED_SOURCES = frozenset({"problem_reports"})
_WORD_TAGS = r"CC|CD|DT|EX|FW|IN|JJ[RS]?|LS|MD|NNP?S?|PDT|POS|PRP\$?|RB[RS]?|RP|SYM|TO|UH|VB[DGNPZ]?|WDT|WP\$?|WRB"
_PUNCTUATION_TAGS = r"\$|#|``|''|-LRB-|-RRB-|[,.:()\"]"
_CUT_BEGINNING = re.compile(r"\A[A-Z]{1,4}\$?(?=\s)")
_TAG = re.compile(rf"/(?:{_WORD_TAGS}|{_PUNCTUATION_TAGS})(?=\s|\Z)")
_CUT_END = re.compile(r"(?<=\S)/[A-Z]{0,3}\Z")


def without_tags(text: str) -> str:
    """Return the text with each word's tag taken away."""
    return _CUT_END.sub("", _TAG.sub("", _CUT_BEGINNING.sub("", text))).lstrip()
