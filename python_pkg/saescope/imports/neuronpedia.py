"""Neuronpedia's bulk layout: JSON lines of features, activations and explanations, batch by batch.

1. A batch of features and the batch of activations of the same number are read together.
2. Where an activation is of a feature of another batch, or features do not rise from batch to
   batch, all are read, and sorted.
3. Explanations become labels in a layer of their own.
"""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from saescope.errors import ForeignFileError
from saescope.imports.foreign import ExampleReader, Feature, read_figures
from saescope.imports.labels import Label
from saescope.imports.reading import Record, numbered, read_lines
from saescope.imports.saedashboard import facts_of
from saescope.imports.writing import Facts, NotRisingError, write_examples
from saescope.indexing.workspace import Workspace
from saescope.types import Progress

KEYS = ("binMin", "binMax", "qualifyingTokenIndex")
MOST_INDEX = 1 << 32
PATTERN = "batch-*.jsonl*"
OURS = re.compile(r"^saescope: (\{.*\})$", re.MULTILINE)


def read_neuronpedia(
    source: Path,
    workspace: Workspace,
    progress: Progress,
    *,
    d_sae: int | None = None,
    model: str = "",
    sae: str = "",
    site: str = "",
) -> list[Label]:
    """Make an index of a Neuronpedia export.

    Parameters
    ----------
    source
        The folder with ``features/`` and ``activations/``, or one above with a single such folder in it.
    d_sae
        How many features the SAE has; by default one more than the highest number.
    model, sae, site
        Names, where those of the files should not be taken.

    Returns
    -------
    list
        The explanations.

    Raises
    ------
    ForeignFileError
        The folder is no such export, or a line of it cannot be read.
    """
    folder = find_source(source)
    batches = [[file] for file in numbered(folder / "features", PATTERN)]
    if not batches:
        raise ForeignFileError(f"{folder / 'features'} holds no batch-N.jsonl.gz.")
    labels = list(_labels(folder))
    said = _line(folder / "source.jsonl", folder)
    facts = _facts(said, folder, batches[0][0], model, sae, site)
    size, is_ours = said.whole("num_tokens_in_prompt"), bool(_ours(said.text("notes", "")))
    reader = ExampleReader(*KEYS, n_whole=None if is_ours or not size else size - 1)
    if d_sae is not None:
        facts.d_sae, facts.is_width_given = d_sae, True
    try:
        write_examples(workspace, _each(folder, batches, reader, progress), facts, progress)
    except NotRisingError:
        everything = [[file for batch in batches for file in batch]]
        write_examples(workspace, _each(folder, everything, reader, progress), facts, progress)
    return labels


def find_source(folder: Path) -> Path:
    """The folder of a single source in a bulk export.

    Raises
    ------
    ForeignFileError
        There is none, or there are several.
    """
    if not folder.is_dir():
        raise ForeignFileError(f"{folder} is no folder.", hint="Give the folder with features/ and activations/.")
    for depth in ("features", "*/features", "*/*/features", "*/*/*/features"):
        found = sorted(f.parent for f in folder.glob(depth) if f.is_dir())
        if len(found) > 1:
            names = ", ".join(f.relative_to(folder).as_posix() for f in found[:5])
            raise ForeignFileError(f"{folder} holds {len(found)} sources: {names}.", hint="Give the folder of one.")
        if found:
            return found[0]
    raise ForeignFileError(
        f"{folder} is no Neuronpedia export: there is no features/ in it.",
        hint="It should hold features/batch-N.jsonl.gz and activations/batch-N.jsonl.gz.",
    )


def _each(
    folder: Path, batches: Sequence[Sequence[Path]], reader: ExampleReader, progress: Progress
) -> Iterator[Feature]:
    activations = {_stem(f): f for f in numbered(folder / "activations", PATTERN)}
    sizes = {f: f.stat().st_size for f in [*activations.values(), *(f for batch in batches for f in batch)]}
    progress.start("Reading Neuronpedia's files", sum(sizes.values()), "byte")
    for batch in batches:
        is_all = len(batches) == 1
        found: dict[int, Feature] = {}
        for file in batch:
            for record in read_lines(file, folder):
                _take_feature(found, record)
            progress.advance(sizes[file])
        theirs = [activations[_stem(file)] for file in batch if _stem(file) in activations]
        for file in activations.values() if is_all else theirs:
            for record in read_lines(file, folder):
                _take_activation(found, record, reader, is_all=is_all)
            progress.advance(sizes[file])
        yield from (found[number] for number in sorted(found))
    progress.finish()


def _stem(file: Path) -> str:
    return file.name.partition(".")[0]


def _take_feature(found: dict[int, Feature], record: Record) -> None:
    number = _index(record)
    if number in found:
        raise ForeignFileError(f"feature {number} is there twice: {found[number].where}, and {record.where}.")
    feature = read_figures(record, number)
    feature.high = record.number("maxActApprox") or None
    found[number] = feature


def _take_activation(found: dict[int, Feature], record: Record, reader: ExampleReader, *, is_all: bool) -> None:
    number = _index(record)
    feature = found.get(number)
    if feature is None:
        told = f"{record.where}: an activation of feature {number}, which is in no features/batch-N."
        raise ForeignFileError(told) if is_all else NotRisingError(told)
    reader.add(feature, record)


def _index(record: Record) -> int:
    number = record.whole("index")
    if number is None or number >= MOST_INDEX:
        record.fail("a feature's number as 'index'", record.data.get("index"))
    return number


def _labels(folder: Path) -> Iterator[Label]:
    for file in numbered(folder / "explanations", PATTERN):
        for record in read_lines(file, folder):
            author = " · ".join(t for key in ("typeName", "explanationModelName") if (t := record.text(key, "")))
            text = record.text("description")
            if text.strip():
                yield Label(_index(record), text, author, record.number("scoreV2") or record.number("scoreV1") or None)


def _facts(said: Record, folder: Path, first: Path, model: str, sae: str, site: str) -> Facts:
    feature = next(iter(read_lines(first, folder)), None)
    if feature is None:
        raise ForeignFileError(f"{first.relative_to(folder)} is empty.")
    model_id, source_id = feature.text("modelId", folder.parent.name), feature.text("layer", folder.name)
    n_prompts, n_in_prompt = said.whole("num_prompts"), said.whole("num_tokens_in_prompt")
    n_tokens = n_prompts * n_in_prompt if n_prompts and n_in_prompt else None
    notes = said.text("notes", "")
    named = site or feature.text("hookName", "")
    dataset = said.text("dataset", "")
    made = facts_of("neuronpedia", model_id, source_id, _ours(notes), model, sae, named, n_tokens, dataset)
    made.notes = OURS.sub("", notes).strip()
    return made


def _line(file: Path, folder: Path) -> Record:
    found = next(iter(read_lines(file, folder)), None) if file.is_file() else None
    return found or Record({}, file.name)


def _ours(notes: str) -> dict[str, Any]:
    match = OURS.search(notes)
    try:
        found = json.loads(match[1]) if match else {}
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
