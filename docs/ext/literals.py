"""Docstrings as they are read in the source, ``(nats)``, n`` among them, made into what docutils reads as literals."""

from typing import Any


def mended(text: str) -> str:
    """Take commas out of literals that begin with one, and set literals off from what they touch."""
    parts = text.split("``")
    out = parts[0]
    for n, part in enumerate(parts[1:], 1):
        if n % 2:
            literal = part.lstrip(", ;\n")
            between = part[: len(part) - len(literal)]
            if not between and out[-1:].isalnum():
                between = "\\ "
            out += f"{between}``{literal}``"
        else:
            out += ("\\ " if part[:1].isalnum() else "") + part
    return out


def _mend(_app: Any, _what: str, _name: str, _obj: object, _options: object, lines: list[str]) -> None:
    text = "\n".join(lines)
    if text.count("``") % 2 == 0:
        lines[:] = mended(text).split("\n")


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx, before the docstring's sections are read."""
    app.connect("autodoc-process-docstring", _mend, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
