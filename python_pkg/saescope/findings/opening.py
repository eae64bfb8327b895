"""How to open the same scope again, as Python text, from a folder: where a notebook lies."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from saescope.notes.kept_calls import literal
from saescope.scope import Scope

DEMO = Path(__file__).parents[1] / "demo_data"
FARTHEST = 3
"""Folders up to which a path goes by ``..``; what lies farther away is told by its whole path."""


@dataclass(frozen=True)
class Opening:
    """Python that opens a scope, what it lacks, and whether it opens the model too."""

    code: str
    lacks: tuple[str, ...]
    has_model: bool


def opening(scope: Scope, folder: Path) -> Opening:
    """How to open a scope again.

    Parameters
    ----------
    folder
        Where Python will run: paths that are near are told from here.
    """
    index = scope.require_index().path.resolve()
    lacks: list[str] = []
    recipe = scope.recipe
    if scope.model is not None and index == (DEMO / "index").resolve():
        return Opening(f"scope = saescope.demo(){_notes(scope, folder, lacks)}", tuple(lacks), has_model=True)
    if recipe is None:
        if scope.model is not None:
            lacks.append(
                "Model and SAE were given as objects, which cannot be told in a notebook: the index is opened alone. "
                "To run them again, write `saescope.load(model, sae=…, index=…)` instead."
            )
        place = _place(index, folder, "The index", lacks)
        return Opening(
            f"scope = saescope.open_index({place}){_notes(scope, folder, lacks)}", tuple(lacks), has_model=False
        )
    given = [
        _source(recipe.model, folder, "The model", lacks),
        f"sae={_source(recipe.sae, folder, 'The SAE', lacks)}",
        f"index={_place(index, folder, 'The index', lacks)}",
        *([f"dtype={literal(recipe.dtype)}"] if recipe.dtype else []),
        *([f"correct={recipe.correct!r}"] if recipe.correct else []),
    ]
    line = f"scope = saescope.load({', '.join(given)})"
    if len(line) > 88:
        inner = "".join(f"    {part},\n" for part in given)
        line = f"scope = saescope.load(\n{inner})"
    return Opening(f"{line}{_notes(scope, folder, lacks)}", tuple(lacks), has_model=True)


def _notes(scope: Scope, folder: Path, lacks: list[str]) -> str:
    if not scope.has_own_notes:
        return ""
    return f"\nscope.open_notes({_place(scope.notes.path.resolve(), folder, 'The file of notes', lacks)})"


def _source(name: str, folder: Path, what: str, lacks: list[str]) -> str:
    path = Path(name).expanduser()
    return _place(path.resolve(), folder, what, lacks) if path.exists() else literal(name)


def _place(path: Path, folder: Path, what: str, lacks: list[str]) -> str:
    """A path from the folder if it is near, else the whole of it; what is gone tomorrow is said."""
    try:
        near = Path(os.path.relpath(path, folder.resolve()))
    except ValueError:  # another drive
        near = path
    n_up = sum(part == ".." for part in near.parts)
    is_near = not near.is_absolute() and n_up <= FARTHEST and len(folder.resolve().parts) - n_up > 1
    if is_near:
        return literal(near.as_posix())
    if path.is_relative_to(Path(tempfile.gettempdir()).resolve()):
        lacks.append(f"{what} lies in a folder for temporary files, {path}: it may be gone.")
    else:
        lacks.append(f"{what} is opened from {path}, on the machine where this was written.")
    return literal(str(path))
