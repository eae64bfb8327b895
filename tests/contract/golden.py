"""Golden frames: an example of every message, made from the dataclasses.

``python tests/contract/golden.py`` writes ``golden_frames.json``, which the tests of
both sides read.
"""

import dataclasses
import json
import sys
import types
import typing
from pathlib import Path

FILE = Path(__file__).parent / "golden_frames.json"


def sample(hint, name):
    """A value of a type, with characters that are easily broken."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if dataclasses.is_dataclass(hint):
        hints = typing.get_type_hints(hint)
        return {f.name: sample(hints[f.name], f.name) for f in dataclasses.fields(hint)}
    if origin is typing.Literal:
        return args[0]
    if origin in (types.UnionType, typing.Union):
        return sample(args[0], name)
    if origin is list:
        return [sample(args[0], name)]
    if origin is dict:
        return {"key": [1, 0.5, None, True, "ü🚢"]}
    return {str: f'{name} <b>"ü🚢‹E2›\n', int: 7, float: 0.5, bool: True}[hint]


def classes():
    """Every message, in the order of the file."""
    from saescope.rpc import messages

    return {c.__name__: c for c in messages.classes()}


def generate():
    """The file's content."""
    from saescope.rpc.messages import every_method
    from saescope.rpc.messages.frames import PROTOCOL

    names = {m: [c.__name__ if c else None for c in row] for m, row in every_method().items()}
    frames = {name: sample(cls, name) for name, cls in classes().items()}
    whole = {
        "protocol": PROTOCOL,
        "messages": frames,
        "methods": {m: dict(zip(("params", "result", "event"), row, strict=True)) for m, row in names.items()},
    }
    return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2] / "python_pkg"))
    FILE.write_text(generate(), encoding="utf-8")
