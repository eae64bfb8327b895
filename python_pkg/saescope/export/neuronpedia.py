"""Neuronpedia's bulk layout: ``{model}/{source}/`` with JSON lines that its importer reads.

1. One line each for release, model, source set and source.
2. Batches of features, their activations, and the explanations that there are, gzipped; every line of a
   file has the same keys, since the importer takes its columns from the first.
3. Identifiers are hashes of what they name: importing twice adds nothing.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from saescope.errors import InputError
from saescope.export.exporter import exporter
from saescope.export.records import Choice, Exported, Records, Units
from saescope.export.rows import Names, activation_rows, explanation_row, feature_row, head_rows
from saescope.export.saedashboard import layer_of, sizes
from saescope.export.told import notes
from saescope.export.writing import dumped, plain_name, slug, write_line, zipped_lines
from saescope.scope import Scope
from saescope.types import Progress

Visibility = Literal["PRIVATE", "UNLISTED", "PUBLIC"]


@exporter(is_folder=True, title="Neuronpedia", needs=("creator_id",))
def write_neuronpedia(
    scope: Scope,
    target: Path,
    features: Sequence[int],
    progress: Progress,
    *,
    creator_id: str = "",
    author_id: str = "",
    creator_name: str = "",
    model_id: str = "",
    source_set: str = "",
    layer: int | None = None,
    suffix: str = "",
    release: str = "",
    url: str = "",
    visibility: Visibility = "PRIVATE",
    type_name: str | None = None,
    explanation_model: str | None = None,
    labels: bool = True,
    rejected: bool = False,
    remarks: bool = False,
    n_a_batch: int = 128,
    units: Units = "sae",
    random: bool = False,
    vectors: bool = False,
) -> None:
    """Write files that Neuronpedia's importer reads: features, activations and explanations.

    Parameters
    ----------
    creator_id
        Id of the Neuronpedia user to whom all belongs; it must exist where the files are imported.
    author_id
        Id of the user who wrote the labels; by default the creator.
    creator_name, release, url
        What the release says.
    model_id, source_set, layer, suffix
        The source is called ``{layer}-{source_set}``, or ``{layer}-{source_set}__{suffix}``; by default from the index.
    visibility
        ``"PRIVATE"``, ``"UNLISTED"`` or ``"PUBLIC"``.
    type_name, explanation_model
        Of the explanations; both must exist where the files are imported.
    labels
        Write the person's labels as explanations.
    rejected
        Those with the status *rejected* too.
    remarks
        Put the longer remark of a note into the explanation's ``notes``.
    n_a_batch
        Features in a file.
    units
        ``"folded"`` multiplies activations by the length of the decoder row, as Neuronpedia has them.
    random
        Random examples too, in the bins they lie in.
    vectors
        Decoder rows too, as ``vector``.

    Raises
    ------
    InputError
        ``creator_id`` lacks, a name is none, or decoder rows are wanted and not known.
    """
    if not creator_id:
        raise InputError(
            "a Neuronpedia export names its owner, and no creator_id was given.",
            hint='Give creator_id="…", the id of a user there.',
        )
    if visibility not in ("PRIVATE", "UNLISTED", "PUBLIC"):
        raise InputError(f"visibility is PRIVATE, UNLISTED or PUBLIC, and {visibility!r} came.")
    if n_a_batch < 1:
        raise InputError(f"n_a_batch is a number of features, at least 1, and {n_a_batch} came.")
    records = Records(scope, Choice(units, has_random=random, has_vectors=vectors))
    names = _names(scope, creator_id, author_id, creator_name, model_id, source_set, layer, suffix, release)
    folder = target / names.model / names.source
    folder.mkdir(parents=True)
    index = scope.require_index()
    dataset = index.manifest.corpus.get("name", "")
    heads = head_rows(names, sizes(scope), dataset, notes(scope, records, units), url, visibility)
    for name, row in heads.items():
        write_line(folder / f"{name}.jsonl", row)
    kept = _written(scope, rejected=rejected) if labels else {}
    explained = {
        f: explanation_row(f, label, names, type_name, explanation_model, remark if remarks else None)
        for f, (label, remark) in kept.items()
    }
    progress.start("Exporting", len(features), "feature")
    _write_batches(folder, records.each(sorted(features)), names, explained, progress, n_a_batch)
    progress.finish()


def _names(
    scope: Scope, creator_id: str, author_id: str, creator_name: str, model_id: str, source_set: str,
    layer: int | None, suffix: str, release: str,
) -> Names:  # fmt: skip
    model = plain_name(model_id or slug(scope.model_name), "model_id")
    group = plain_name(source_set or slug(scope.sae_name), "source_set")
    source = f"{layer_of(scope) if layer is None else layer}-{group}"
    if suffix:
        source += f"__{plain_name(suffix, 'suffix')}"
    return Names(
        model=model,
        source=source,
        source_set=group,
        release=release or f"{model}-{group}",
        creator=creator_id,
        creator_name=creator_name or creator_id,
        author=author_id or creator_id,
        hook=scope.hook_name,
        created=dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    )


def _written(scope: Scope, *, rejected: bool) -> dict[int, tuple[str, str]]:
    """Label and remark of each feature that has a label."""
    table = scope.notes.table()
    rows = table.select("feature", "label", "remark", "status").iter_rows()
    return {f: (label, remark) for f, label, remark, status in rows if label and (rejected or status != "rejected")}


def _write_batches(
    folder: Path,
    features: Iterator[Exported],
    names: Names,
    explained: Mapping[int, dict[str, Any]],
    progress: Progress,
    n_a_batch: int,
) -> None:
    """Write features, activations and explanations, so many features a file."""
    for name in ("features", "activations"):
        (folder / name).mkdir()
    number = 0
    while batch := list(islice(features, n_a_batch)):
        file = f"batch-{number}.jsonl.gz"
        with zipped_lines(folder / "features" / file) as lines, zipped_lines(folder / "activations" / file) as more:
            for feature in batch:
                lines.write(dumped(feature_row(feature, names)) + b"\n")
                for row in activation_rows(feature, names):
                    more.write(dumped(row) + b"\n")
                progress.advance(1)
        rows = [explained[f.feature] for f in batch if f.feature in explained]
        if rows:
            (folder / "explanations").mkdir(exist_ok=True)
            with zipped_lines(folder / "explanations" / file) as lines:
                lines.writelines(dumped(row) + b"\n" for row in rows)
        number += 1
