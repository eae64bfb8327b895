"""Write the TypeScript of the protocol from its Python dataclasses.

Run ``python tools/protocol.py`` after a change of ``rpc/messages``; with
``--check`` it only says whether the committed file is up to date.
"""

import dataclasses
import inspect
import sys
import types
import typing
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "js/src/protocol/generated.ts"
SCALARS = {str: "string", int: "number", float: "number", bool: "boolean", type(None): "null", Any: "unknown"}


def type_text(hint: Any) -> str:
    """TypeScript of a Python type hint."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if hint in SCALARS:
        return SCALARS[hint]
    if dataclasses.is_dataclass(hint):
        return typing.cast("type", hint).__name__
    if origin is typing.Literal:
        return " | ".join(f'"{a}"' if isinstance(a, str) else str(a) for a in args)
    if origin in (types.UnionType, typing.Union):
        return " | ".join(type_text(a) for a in args)
    if origin is list:
        inner = type_text(args[0])
        return f"({inner})[]" if "|" in inner else f"{inner}[]"
    if origin is dict:
        return f"Record<string, {type_text(args[1])}>"
    raise TypeError(f"no TypeScript for {hint!r}")


def has_default(f: "dataclasses.Field[Any]") -> bool:
    """Whether a field may be left out."""
    return f.default is not dataclasses.MISSING or f.default_factory is not dataclasses.MISSING


def interface(cls: type, *, is_sent_by_page: bool) -> str:
    """TypeScript interface of one dataclass; what the page sends may leave out defaults."""
    hints = typing.get_type_hints(cls)
    doc = (inspect.getdoc(cls) or "").splitlines()[0]
    fields = list(dataclasses.fields(cls))
    lines = [
        f"  {f.name}{'?' if is_sent_by_page and has_default(f) and f.name != 't' else ''}: {type_text(hints[f.name])};"
        for f in fields
    ]
    body = "\n".join(lines)
    return (
        f"/** {doc} */\nexport interface {cls.__name__} {{\n{body}\n}}\n"
        if lines
        else (f"/** {doc} */\nexport type {cls.__name__} = Record<string, never>;\n")
    )


def generate() -> str:
    """The whole TypeScript file."""
    from saescope.rpc import messages
    from saescope.rpc.messages.frames import PROTOCOL, RequestFrame

    classes, methods = messages.classes(), messages.every_method()
    sent = {params for params, _, _ in methods.values()} | {RequestFrame}
    parts = [interface(c, is_sent_by_page=c in sent) for c in classes]
    rows = [
        f'  "{name}": {{ params: {p.__name__}; result: {r.__name__}; event: {e.__name__ if e else "never"} }};'
        for name, (p, r, e) in methods.items()
    ]
    head = "// Written by tools/protocol.py from rpc/messages. Do not edit.\n\n"
    methods = "/** Each method's parameters, answer, and partial answer. */\nexport interface Methods {\n"
    return (
        head
        + f"export const PROTOCOL = {PROTOCOL};\n\n"
        + "\n".join(parts)
        + "\n"
        + methods
        + "\n".join(rows)
        + "\n}\n"
    )


def main() -> int:
    """Write the file, or compare it."""
    sys.path.insert(0, str(ROOT / "python_pkg"))
    text = generate()
    if "--check" in sys.argv:
        is_same = TARGET.exists() and TARGET.read_text() == text
        sys.stderr.write("" if is_same else "js/src/protocol/generated.ts is stale: run `python tools/protocol.py`\n")
        return 0 if is_same else 1
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
