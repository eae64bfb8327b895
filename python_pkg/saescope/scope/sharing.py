"""What can be taken out of a scope, in which forms, and how long that will take."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from saescope.errors import PluginError, UnknownNameError
from saescope.progress import Silent
from saescope.registries import registries
from saescope.scope.describing import About, describe, with_options
from saescope.scope.exporting import Exporting
from saescope.types import Progress

if TYPE_CHECKING:
    from saescope.scope.scope import Scope

FINDINGS = {"notebook": ("Notebook", ".ipynb"), "report": ("Report", ".html")}
NOTES = "notes"
ARGUMENTS = ("features", "overwrite", "progress")
TOLD = {
    "title": "What stands at the top.",
    "question": "What was asked, in Markdown.",
    "conclusion": "What was found, in Markdown.",
}
LONG_TEXTS = ("question", "conclusion")
ORDER = ("title", "question", "include", "conclusion")
QUICK_S, SLOW_S = 0.05, 0.3
FEW, SOME, MANY = 3, 9, 65
EXPORTS_SCHEMA: dict[str, Any] = {
    "kind": pl.String, "title": pl.String, "writes": pl.String, "meaning": pl.String, "options": pl.List(pl.String),
    "package": pl.String,
}  # fmt: skip


@dataclass(frozen=True)
class Form:
    """A way to take features out: what it says of itself, who brought it, and why it cannot be had, if so."""

    about: About
    package: str = "saescope"
    problem: str = ""
    takes_features: bool = True


@dataclass(frozen=True)
class Sample:
    """What some features took to write: the first one, and each after it."""

    n_features: int
    first_s: float
    each_s: float
    first_bytes: int
    each_bytes: float

    def seconds(self, n_features: int) -> float:
        """How long so many features will take."""
        return self.first_s + self.each_s * max(n_features - 1, 0)

    def n_bytes(self, n_features: int) -> int:
        """How large so many features will be."""
        return round(self.first_bytes + self.each_bytes * max(n_features - 1, 0))


class Sharing(Exporting):
    """Everything that a scope can be written as."""

    def exports(self) -> pl.DataFrame:
        """What the features, or what is written of them, can be exported as; those of plug-ins too.

        Returns
        -------
        polars.DataFrame
            One row a kind: ``kind, title, writes`` (``file`` or ``folder``), ``meaning, options, package``.
        """
        rows = [
            (
                form.about.kind,
                form.about.title,
                "folder" if form.about.is_folder else "file",
                form.problem or form.about.meaning,
                [option.name for option in form.about.options] + list(form.about.others),
                form.package,
            )
            for form in forms(self)
        ]
        return pl.DataFrame(rows, schema=EXPORTS_SCHEMA, orient="row")


def forms(scope: Exporting) -> list[Form]:
    """Every way to take something out: findings, tables and files for other tools, and the notes as text."""
    found = [_findings_form(scope, kind) for kind in FINDINGS if hasattr(scope, f"export_{kind}")]
    for entry in registries()["exporters"].entries():
        try:
            about = describe(entry.name, registries()["exporters"].get(entry.name))
            found.append(Form(about, entry.package))
        except (PluginError, TypeError, ValueError) as err:  # a plug-in of another's may be no exporter at all
            problem = f"{err}"[:1].upper() + f"{err}"[1:]
            found.append(Form(About(entry.name, entry.name, "", is_folder=False, suffix=""), entry.package, problem))
    meaning = "Write labels, remarks, tags, lists and marks as sorted lines of text, to put under git and to merge."
    return [*found, Form(About(NOTES, "Text", meaning, is_folder=False, suffix=".jsonl"), takes_features=False)]


def form_of(scope: Exporting, kind: str) -> Form:
    """One of them, by its kind.

    Raises
    ------
    UnknownNameError
        There is none.
    PluginError
        It cannot be had.
    """
    known = {form.about.kind: form for form in forms(scope)}
    if kind not in known:
        raise UnknownNameError(f"nothing can be exported as {kind!r:.80}.", hint=f"Kinds: {', '.join(known)}.")
    if known[kind].problem:
        raise PluginError(known[kind].problem, hint="Update or uninstall the package that brings it.")
    return known[kind]


def _findings_form(scope: Exporting, kind: str) -> Form:
    title, suffix = FINDINGS[kind]
    about = describe(kind, getattr(scope, f"export_{kind}"), leaves_out=ARGUMENTS, also=("include",))
    parts = next(tuple(o.default) for o in about.options if o.name == "include")
    changes: dict[str, dict[str, Any]] = {name: {"meaning": meaning} for name, meaning in TOLD.items()}
    changes |= {name: {"meaning": TOLD[name], "type": "long"} for name in LONG_TEXTS}
    about = with_options(about, **changes, include={"choices": parts})
    options = sorted(about.options, key=lambda o: ORDER.index(o.name) if o.name in ORDER else len(ORDER))
    return Form(About(kind, title, about.meaning, is_folder=False, suffix=suffix, options=tuple(options)))


def write(
    scope: "Scope",
    kind: str,
    path: "str | os.PathLike[str]",
    features: Sequence[int],
    options: Mapping[str, Any],
    *,
    overwrite: bool = False,
    progress: Progress,
) -> Path:
    """Take features out as one of `forms`; what is there appears whole, or not at all."""
    if kind == NOTES:
        progress.start("Writing notes", 0, "note")
        made = scope.notes.export(path, overwrites=overwrite)
        progress.finish()
        return made
    if kind in FINDINGS:
        work = getattr(scope, f"export_{kind}")
        return Path(work(path, features=list(features), overwrite=overwrite, progress=progress, **options))
    return scope.export(kind, path, features, overwrite=overwrite, progress=progress, **options)


def sample(scope: "Scope", about: About, features: Sequence[int], options: Mapping[str, Any], check: Any) -> Sample:
    """Write some of the features where nobody sees it, and measure.

    1. One feature, twice where it is quick: the first time also pays for what is read once.
    2. More of them, evenly from all, the more the quicker one is.
    """
    given = {o.name: "x" for o in about.options if o.is_needed and o.type == "text"} | dict(options)
    folder = Path(tempfile.mkdtemp(prefix="saescope-sample-"))
    try:

        def measured(n: int) -> tuple[float, int]:
            check()
            step = max(len(features) // n, 1)
            target = folder / f"{n}-{time.monotonic_ns()}{about.suffix}"
            begun = time.perf_counter()
            write(scope, about.kind, target, features[::step][:n], given, progress=Checked(check))
            return time.perf_counter() - begun, size_of(target)[1]

        first_s, first_bytes = measured(1)
        if first_s < SLOW_S:
            first_s = min(first_s, measured(1)[0])
        n = min(MANY if first_s < QUICK_S else SOME if first_s < SLOW_S else FEW, len(features))
        if n < 2:
            return Sample(1, first_s, first_s, first_bytes, float(first_bytes))
        more_s, more_bytes = measured(n)
        each_s, each_bytes = (more_s - first_s) / (n - 1), (more_bytes - first_bytes) / (n - 1)
        return Sample(n, first_s, max(each_s, 0.0), first_bytes, max(each_bytes, 0.0))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Checked(Silent):
    """Progress that only asks whether to go on."""

    def __init__(self, check: Callable[[], None]) -> None:
        self._check = check

    def start(self, what: str, total: int, unit: str, done: int = 0) -> None:  # noqa: ARG002
        """Ask."""
        self._check()

    def advance(self, n: int) -> None:  # noqa: ARG002
        """Ask."""
        self._check()


def size_of(path: Path) -> tuple[int, int]:
    """How many files a file or folder is, and how many bytes."""
    files: Iterable[Path] = (p for p in path.rglob("*") if p.is_file()) if path.is_dir() else (path,)
    sizes = [p.stat().st_size for p in files]
    return len(sizes), sum(sizes)
