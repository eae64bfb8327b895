"""Links from the pages to files of the repository that are not pages: they become plain words."""

import re
from typing import Any

PAGES = {"TERMS.md": "terms.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changes.md"}


def _relink(_app: Any, _name: str, source: list[str]) -> None:
    def replace(found: re.Match[str]) -> str:
        words, target = found[1], found[2]
        page = PAGES.get(target.removeprefix("../").split("#")[0])
        return f"[{words}]({page})" if page else f"{words} (`{target.removeprefix('../')}`)"

    source[0] = re.sub(r"(?<!!)\[([^\]]+)\]\(((?:\.\./|[A-Z]+\.md)[^)]*)\)", replace, source[0])


def _relink_included(app: Any, _path: object, parent: str, source: list[str]) -> None:
    _relink(app, parent, source)


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("source-read", _relink)
    app.connect("include-read", _relink_included)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
