"""The document of some findings: what was asked, with what, each feature, what was concluded.

Its cells are run here by the same `Findings` that a notebook runs them with, so both show the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from saescope.errors import ComputeError, InputError, NeedsPostingsError, SaescopeError, UnknownNameError
from saescope.findings import sources
from saescope.findings.calls import Call, code_of
from saescope.findings.findings import Findings
from saescope.findings.live import live_cells
from saescope.findings.numbers import number
from saescope.findings.opening import Opening, opening
from saescope.findings.parts import Block, Cell, Document, Line, Prose, Section
from saescope.findings.pinning import to_text
from saescope.findings.texts import in_code, in_markdown
from saescope.findings.views import figure_of
from saescope.notes import Kept, Note
from saescope.scope import Scope
from saescope.scope.keeping import changes_of
from saescope.types import Progress

PARTS = ("statistics", "examples", "neighbors", "map", "kept", "panel")
"""What can be told of features, beside what was written of them."""
N_EXAMPLES, CONTEXT, N_NEIGHBORS = 10, 16, 8


@dataclass(frozen=True)
class Wanted:
    """What is to be told, in the person's words and of which parts."""

    include: Sequence[str] = PARTS
    title: str = ""
    question: str = ""
    conclusion: str = ""


def check_parts(include: Sequence[str]) -> tuple[str, ...]:
    """Parts that are to be told, each once.

    Raises
    ------
    InputError, UnknownNameError
        They are no names, or there is none of a name.
    """
    if isinstance(include, str) or not isinstance(include, Sequence):
        raise InputError(f"include is a list of parts, and {include!r:.80} came.", hint=f"Parts: {', '.join(PARTS)}.")
    unknown = [part for part in include if part not in PARTS]
    if unknown:
        raise UnknownNameError(f"findings have no part {unknown[0]!r:.80}.", hint=f"Parts: {', '.join(PARTS)}.")
    return tuple(dict.fromkeys(include))


def compose(scope: Scope, features: Sequence[int], wanted: Wanted, folder: Path, progress: Progress) -> Document:
    """Make the document.

    Parameters
    ----------
    folder
        Where it will lie.
    """
    include = check_parts(wanted.include)
    findings = Findings(scope)
    again = opening(scope, folder)
    sections = [_opened(findings, again)]
    progress.start("Writing findings", len(features), "feature")
    for feature in features:
        sections.append(Told(findings, again, feature, include).section())
        progress.advance(1)
    progress.finish()
    if wanted.conclusion.strip():
        sections.append(Section("Conclusion", (Prose(wanted.conclusion),)))
    sections.append(_compared(findings))
    if "panel" in include:
        sections.append(Section("Go on from here", live_cells(scope, features), is_run_only=True))
    asked = [Section("What was asked", (Prose(wanted.question),))] if wanted.question.strip() else []
    title = wanted.title.strip() or f"Findings in {scope.model_name}"
    return Document(title, _byline(scope, features), (*asked, *sections))


def _byline(scope: Scope, features: Sequence[int]) -> str:
    notes = [scope.notes.get(f) for f in features]
    authors = list(dict.fromkeys(note.author for note in notes if note.author))
    by = f"Notes by {', '.join(authors)} · " if authors else ""
    n = f"{len(features):,} feature{'s' * (len(features) != 1)} of {scope.n_features:,}"
    return f"{by}{n} · {scope.name} · {sources.day(datetime.now(UTC))}"


def _opened(findings: Findings, again: Opening) -> Section:
    code = f"import saescope\nfrom saescope.findings import Findings\n\n{again.code}\nfindings = Findings(scope)\n"
    lacks = tuple(Line(_spelled(text)) for text in again.lacks)
    pairing = sources.facts(findings.scope)["pairing"]
    fits = (Line(f"When this was exported: {in_markdown(pairing)}"),) if pairing else ()
    made = Cell(f"{code}findings.sources()", findings.sources().parts)
    return Section("What it was made with", (*lacks, made, *fits))


def _spelled(text: str) -> str:
    return "".join(in_code(part) if n % 2 else in_markdown(part) for n, part in enumerate(text.split("`")))


def _compared(findings: Findings) -> Section:
    written = to_text(sources.facts(findings.scope), findings.pinned)
    compared = findings.compare(written)
    said = Line(
        "The numbers above as they were when this was exported are kept in the cell that is folded here. Run all "
        "cells, and the last one says which results are still the same, and what of model, SAE, corpus and index is "
        "another."
    )
    cells = (
        Cell(f"written = r'''{written}'''", is_folded=True),
        Cell("findings.compare(written)", compared.shown.parts),
    )
    return Section("Does it still hold?", (said, *cells), is_run_only=True)


class Told:
    """One feature, told part by part.

    Parameters
    ----------
    findings
        Shows and remembers what its cells give.
    again
        How the scope is opened again.
    feature, include
        Which feature, and which parts of it.
    """

    def __init__(self, findings: Findings, again: Opening, feature: int, include: Sequence[str]) -> None:
        self.findings = findings
        self.scope = findings.scope
        self.again = again
        self.feature = feature
        self.include = include
        self.note: Note = self.scope.notes.get(feature)

    def section(self) -> Section:
        """All of it."""
        heading = f"{self.feature} · {self.note.label}" if self.note.label else f"Feature {self.feature}"
        blocks: list[Block] = [Line(facts)] if (facts := self._facts()) else []
        if self.note.remark.strip():
            blocks.append(Prose(self.note.remark))
        for part in self.include:
            blocks += getattr(self, f"_{part}", list)()
        return Section(heading, tuple(blocks))

    def _facts(self) -> str:
        note = self.note
        said = [f"**{note.status}**"] if note.status else []
        if note.confidence is not None:
            said.append(f"confidence {number(note.confidence)}")
        said += [in_code(tag) for tag in note.tags]
        if note.author:
            when = datetime.fromtimestamp(note.saved_us / 1e6, UTC)
            said.append(f"{in_markdown(note.author)}, {sources.day(when)}")
        return " · ".join(said)

    def _cell(self, verb: str, what: str, call: Call, **options: Any) -> Cell:
        name = f"{self.feature} {what}"
        frame = call.run(self.scope)
        shown = getattr(self.findings, verb)(name, frame, **options)
        return Cell(code_of(verb, name, call.text, **options), shown.parts, name, frame)

    def _statistics(self) -> list[Block]:
        call = Call("feature", (self.feature,))
        made: list[Block] = [self._cell("show", "statistics", call)]
        if figure_of(call.run(self.scope)) is not None:
            made.append(self._cell("draw", "histogram", call))
        return made

    def _examples(self) -> list[Block]:
        call = Call("examples", (self.feature,), {"k": N_EXAMPLES, "context": CONTEXT})
        try:
            cell = self._cell("show", "examples", call)
        except NeedsPostingsError as err:
            return [Line(f"*No examples: {in_markdown(err.message)}*")]
        if cell.frame is None or cell.frame.is_empty():
            return [Line("*It fires nowhere in this corpus.*")]
        return [Line("**Where it fires most**"), cell]

    def _neighbors(self) -> list[Block]:
        try:
            cell = self._cell("show", "neighbors", Call("neighbors", (self.feature,), {"k": N_NEIGHBORS}))
        except (ComputeError, NeedsPostingsError) as err:
            return [Line(f"*No neighbors: {in_markdown(err.message)}*")]
        return [Line("**Nearest by the decoder's direction** (score: cosine)"), cell]

    def _map(self) -> list[Block]:
        try:
            call = Call("map")
            if figure_of(call.run(self.scope), self.feature) is None:
                return []
        except (ComputeError, InputError):
            return []
        return [
            Line("**On the map** (principal components of the decoder)"),
            self._cell("draw", "map", call, feature=self.feature),
        ]

    def _kept(self) -> list[Block]:
        made: list[Block] = []
        for kept in self.scope.kept(self.feature):
            try:
                made += self._result(kept)
            except SaescopeError as err:
                made.append(Line(f"*{in_markdown(kept.title)} cannot be shown: {in_markdown(err.message)}*"))
        return made

    def _result(self, kept: Kept) -> list[Block]:
        who = f"{in_markdown(kept.author)}, " if kept.author else ""
        headline = f": {in_markdown(kept.headline)}" if kept.headline else ""
        cut = f"; of its table {kept.cut} were kept" if kept.cut else ""
        said = f"**{in_markdown(_begun(kept.title))}**{headline} ({who}{sources.day(kept.time)}{cut})"
        made: list[Block] = [Line(said)]
        if changed := changes_of(kept.fingerprints, self.scope.fingerprints):
            made.append(Line(f"*Not of what is open now: {in_markdown('; '.join(changed))}.*"))
        inner = kept.code
        if not self.again.has_model and _needs_model(kept.method):
            made.append(Line(f"As it was kept; with the model loaded it is measured again by {in_code(kept.code)}"))
            inner = f'scope.notes.kept_result("{kept.id}").frame'
        name = f"{self.feature} {kept.method} {kept.id[:6]}"
        shown = self.findings.show(name, kept.frame, n_rows=kept.n_rows if inner == kept.code else None)
        made.append(Cell(code_of("show", name, inner), shown.parts, name, kept.frame))
        return made


def _begun(title: str) -> str:
    return title[:1].upper() + title[1:]


def _needs_model(method: str) -> bool:
    return method not in ("neighbors", "examples", "contrast", "compare", "features_on")
