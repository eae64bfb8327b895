"""Taking out what was found: what it can be, how much that is, and the writing."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from saescope import live
from saescope.errors import InputError, MismatchError, SaescopeError, UnfinishedIndexError
from saescope.rpc.calls import Answer, Call
from saescope.rpc.handlers import paths
from saescope.rpc.handlers.table import feature_filter
from saescope.rpc.messages.scopes import ScopeParams
from saescope.rpc.messages.sharing import (
    EstimateParams,
    ExportDone,
    ExportEstimate,
    ExportKind,
    ExportKinds,
    ExportOption,
    ExportPlan,
    ExportRun,
    FileContent,
    FileParams,
    FolderEntries,
    FolderEntry,
    FolderParams,
    PlanParams,
    Progressing,
    WhichFeatures,
)
from saescope.scope import Scope
from saescope.scope.sharing import FINDINGS, NOTES, Form, Sample, form_of, forms, sample, size_of, write

TELL_S = 0.1
MAX_DOWNLOAD = 32 << 20
WORTH_SAMPLING = 8
"""So few features of findings are written sooner than measured."""
TABLES = ("csv", "parquet")
NAMES = {"notebook": "findings", "report": "findings", "csv": "features", "parquet": "features"}
TELLING = ("switch", "choice", "parts")
"""Types of options that can change how long an export takes."""

_written: WeakKeyDictionary[Scope, set[Path]] = WeakKeyDictionary()
_samples: WeakKeyDictionary[Scope, dict[Any, Sample]] = WeakKeyDictionary()


def _kinds(_call: Call, params: ScopeParams) -> ExportKinds:
    scope = live.get(params.scope)
    return ExportKinds(kinds=[_kind(form) for form in forms(scope)], folder=paths.told(Path.cwd()))


def _kind(form: Form) -> ExportKind:
    about = form.about
    group = "findings" if about.kind in FINDINGS else "tables" if about.kind in TABLES else "tools"
    return ExportKind(
        kind=about.kind,
        title=about.title,
        meaning=about.meaning,
        group="notes" if about.kind == NOTES else group,
        is_folder=about.is_folder,
        name=NAMES.get(about.kind, about.kind) + about.suffix,
        takes_features=form.takes_features,
        options=[
            ExportOption(name=o.name, meaning=o.meaning, type=o.type, choices=list(o.choices), is_needed=o.is_needed)
            for o in about.options
        ],
        defaults={o.name: list(o.default) if isinstance(o.default, tuple) else o.default for o in about.options},
        others=list(about.others),
        package=form.package,
        problem=form.problem,
    )


def chosen(scope: Scope, which: WhichFeatures) -> list[int]:
    """The numbers of the features that are meant.

    Raises
    ------
    InputError
        There are none.
    """
    index = scope.require_index()
    if which.by == "these":
        found, lack = list(dict.fromkeys(map(index.check_feature, which.features))), "no features are marked"
    elif which.by == "filter":
        rows = scope.table.rows(which.sort, descending=which.descending, where=feature_filter(which.filter))
        found, lack = rows.tolist(), "no feature matches the table's filter"
    elif which.by == "list":
        found, lack = scope.notes.list(which.name), f"the list {which.name!r} is empty"
    elif which.by == "labelled":
        found, lack = sorted(scope.notes.labels()), "no feature has a label yet"
    else:
        found, lack = scope.all_features(), "the index knows no features"
    if not found:
        raise InputError(f"{lack}.", hint="Choose other features.")
    return found


def _plan(_call: Call, params: PlanParams) -> ExportPlan:
    scope = live.get(params.scope)
    form = form_of(scope, params.kind)
    unmet, n_features = "", 0
    try:
        _check_index(scope, form)
        n_features = len(chosen(scope, params.which)) if form.takes_features else 0
    except SaescopeError as err:
        unmet = _sentence(str(err))
    return ExportPlan(
        n_features=n_features, n_labelled=len(scope.notes.labels()), unmet=unmet, **_where(scope, form, params.path)
    )


def _where(scope: Scope, form: Form, typed: str) -> dict[str, Any]:
    """What is known of a path, and why it cannot be written."""
    found: dict[str, Any] = {"there": "nothing", "n_bytes": 0, "changed_ms": 0, "free": "", "problem": "", "hint": ""}
    try:
        path = paths.place(typed)
        found |= _there(scope, form, path) | {"path": str(path), "shown": paths.shown(path)}
    except SaescopeError as err:
        return found | {"path": "", "shown": typed, "problem": _sentence(err.message), "hint": err.hint}
    if path.is_dir() and (path in paths.roots() or not form.about.is_folder):
        return found | {"problem": f"{paths.told(path)} is a folder.", "hint": "Type a name in it."}
    return found | {"problem": paths.why_not(path)}


def _there(scope: Scope, form: Form, path: Path) -> dict[str, Any]:
    """What lies at a path."""
    if not path.exists() or (path.is_dir() and form.about.is_folder and not any(path.iterdir())):
        return {}
    free = paths.shown(paths.free_name(path))
    state = path.stat()
    found: dict[str, Any] = {"free": free, "changed_ms": int(state.st_mtime * 1000), "n_bytes": state.st_size}
    if path.is_dir() or form.about.is_folder:
        return found | {"there": "folder"}
    if form.about.kind != NOTES:
        return found | {"there": "file"}
    try:
        return found | {"there": "foreign" if len(scope.notes.preview(path)) else "own"}
    except (InputError, MismatchError):
        return found | {"there": "file"}


def _check_index(scope: Scope, form: Form) -> None:
    if form.takes_features and not scope.require_index().is_complete:
        raise UnfinishedIndexError("the index is still being built.", hint="Wait for it, and export then.")


def _estimate(call: Call, params: EstimateParams) -> ExportEstimate:
    scope = live.get(params.scope)
    form = form_of(scope, params.kind)
    _check_index(scope, form)
    options = {name: value for name, value in params.options.items() if _is_telling(form, name)}
    numbers = chosen(scope, params.which)
    known, key = _samples.setdefault(scope, {}), _sample_key(params.kind, options)
    found = known.get(key)
    if found is None and params.kind in FINDINGS and len(numbers) < WORTH_SAMPLING:
        return ExportEstimate(n_features=len(numbers), seconds=0.0, n_bytes=0, n_sampled=0, each_ms=0.0)
    if found is None or found.n_features < min(len(numbers), 2):
        lenient = {o.name: "x" for o in form.about.options if o.is_needed}
        given = form.about.checked(lenient | options)
        found = known[key] = sample(scope, form.about, numbers, given, call.check)
    n = len(numbers)
    return ExportEstimate(
        n_features=n,
        seconds=found.seconds(n),
        n_bytes=found.n_bytes(n),
        n_sampled=found.n_features,
        each_ms=1000 * found.each_s,
    )


def _sample_key(kind: str, options: dict[str, Any]) -> Any:
    return kind, repr(sorted(options.items()))


def _is_telling(form: Form, name: str) -> bool:
    return any(o.name == name and o.type in TELLING for o in form.about.options)


class Told:
    """Progress that tells the page, and stops when the page does not want it any more."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._stage, self._unit, self._done, self._total = "Starting", "", 0, 0
        self._begun = self._told_at = time.monotonic()
        self._first = 0

    def say(self, text: str) -> None:  # noqa: ARG002
        """Go on, unless stopped."""
        self._call.check()

    def start(self, what: str, total: int, unit: str, done: int = 0) -> None:
        """A stage begins."""
        self._stage, self._unit, self._done, self._total, self._first = what, unit, done, total, done
        self._begun, self._told_at = time.monotonic(), 0.0
        self._tell()

    def advance(self, n: int) -> None:
        """So many more are done."""
        self._done += n
        self._tell()

    def finish(self) -> None:
        """A stage is over."""
        self._call.check()

    def _tell(self) -> None:
        self._call.check()
        now = time.monotonic()
        if now - self._told_at < TELL_S:
            return
        self._told_at = now
        n, left = self._done - self._first, self._total - self._done
        seconds = (now - self._begun) / n * left if n and self._total else None
        self._call.emit(
            Progressing(stage=self._stage, unit=self._unit, done=self._done, total=self._total, seconds_left=seconds)
        )


def _export(call: Call, params: ExportRun) -> ExportDone:
    scope = live.get(params.scope)
    form = form_of(scope, params.kind)
    path = paths.place(params.path)
    options = form.about.checked(params.options)
    numbers = chosen(scope, params.which) if form.takes_features else []
    begun = time.monotonic()
    made = write(scope, params.kind, path, numbers, options, overwrite=params.overwrite, progress=Told(call))
    _written.setdefault(scope, set()).add(made.resolve())
    n_files, n_bytes = size_of(made)
    seconds, n = time.monotonic() - begun, len(numbers)
    if n > 1:
        telling = {name: value for name, value in params.options.items() if _is_telling(form, name)}
        learnt = Sample(n, seconds / n, seconds / n, n_bytes // n, n_bytes / n)
        _samples.setdefault(scope, {})[_sample_key(params.kind, telling)] = learnt
    return ExportDone(
        path=str(made),
        shown=paths.shown(made),
        is_folder=made.is_dir(),
        n_features=len(numbers),
        n_files=n_files,
        n_bytes=n_bytes,
        seconds=seconds,
    )


def _file(_call: Call, params: FileParams) -> Answer:
    path = Path(params.path)
    if path not in _written.get(live.get(params.scope), ()) or not path.is_file():
        raise InputError(f"{path.name:.200} is no file that was exported here.", hint="Export it again.")
    if path.stat().st_size > MAX_DOWNLOAD:
        raise InputError(f"{path.name} is too large to be sent to the browser.", hint=f"It is in {path.parent}.")
    return Answer(FileContent(name=path.name), [path.read_bytes()])


def _files(call: Call, params: FolderParams) -> FolderEntries:
    call.check()
    folder, found, n_more = paths.entries(params.path, params.endings, wants_files=params.wants_files)
    rows = []
    for path, entry in found:
        try:
            state = entry.stat()
        except OSError:  # gone meanwhile, or a link to nothing
            continue
        rows.append(
            FolderEntry(
                path=path,
                name=entry.name,
                is_folder=entry.is_dir(),
                n_bytes=state.st_size,
                changed_ms=int(state.st_mtime * 1000),
            )
        )
    return FolderEntries(folder=paths.told(folder), entries=rows, n_more=n_more)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


HANDLERS: dict[str, Callable[[Call, Any], Any]] = {
    "share.kinds": _kinds,
    "share.plan": _plan,
    "share.estimate": _estimate,
    "share.export": _export,
    "share.file": _file,
    "share.files": _files,
}
LONG = {"share.export"}
ASIDE = {"share.plan", "share.estimate", "share.file", "share.files"}
