"""SAEDashboard's ``batch-N.json``: all features of a batch in one object, each with its examples.

1. Batches are read in the order of their numbers; features are expected to rise.
2. Where they do not, all batches are read, and sorted.

Activations are rounded to three decimals there, and densities to three decimals of a per cent; where
the histogram's bars and the number of tokens are told, the density is their quotient, which is exact.
"""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from saescope.errors import ForeignFileError
from saescope.imports.foreign import ExampleReader, Feature, read_figures
from saescope.imports.labels import Label
from saescope.imports.reading import Record, numbered, parsed, read_object
from saescope.imports.writing import Facts, NotRisingError, write_examples
from saescope.index.rule import Rule
from saescope.indexing.workspace import Workspace
from saescope.types import Progress

KEYS = ("bin_min", "bin_max", "qualifying_token_index")
SETTINGS = "run_settings.json"
OURS = "saescope"


def read_saedashboard(
    source: Path,
    workspace: Workspace,
    progress: Progress,
    *,
    d_sae: int | None = None,
    model: str = "",
    sae: str = "",
    site: str = "",
) -> list[Label]:
    """Make an index of SAEDashboard's files.

    Parameters
    ----------
    source
        A folder with ``batch-N.json`` (also gzipped), or one such file.
    d_sae
        How many features the SAE has; by default one more than the highest number.
    model, sae, site
        Names, where those of the files should not be taken.

    Raises
    ------
    ForeignFileError
        A file is none of SAEDashboard's.
    """
    files = numbered(source, "batch-*.json*") if source.is_dir() else [source]
    if not files:
        raise ForeignFileError(
            f"{source} holds no batch-N.json.", hint="Give the folder that SAEDashboard's runner wrote to."
        )
    settings = _settings(source)
    facts, is_ours = _facts(read_object(files[0]), settings, model, sae, site), isinstance(settings.get(OURS), dict)
    if d_sae is not None:
        facts.d_sae, facts.is_width_given = d_sae, True
    try:
        write_examples(workspace, _each(files, progress, is_ours=is_ours), facts, progress)
    except NotRisingError:
        everything = sorted(_each(files, progress, is_ours=is_ours), key=lambda feature: feature.number)
        write_examples(workspace, everything, facts, progress)
    return []


def _each(files: Sequence[Path], progress: Progress, *, is_ours: bool) -> Iterator[Feature]:
    progress.start("Reading SAEDashboard's files", sum(f.stat().st_size for f in files), "byte")
    for file in files:
        batch = read_object(file)
        found = [_feature(record, is_ours=is_ours) for record in batch.records("features")]
        yield from sorted(found, key=lambda feature: feature.number)
        progress.advance(file.stat().st_size)
    progress.finish()


def _feature(record: Record, *, is_ours: bool) -> Feature:
    number = record.whole("feature_index")
    if number is None:
        record.fail("a number as 'feature_index'", None)
    record.where = f"{record.where} (feature {number})"
    feature = read_figures(record, number)
    size = record.whole("n_tokens_in_prompt")
    reader = ExampleReader(*KEYS, n_whole=None if is_ours or not size else size - 1)
    for each in record.records("activations"):
        reader.add(feature, each)
    return feature


def _settings(source: Path) -> dict[str, Any]:
    file = (source if source.is_dir() else source.parent) / SETTINGS
    if not file.is_file():
        return {}
    found = parsed(file.read_bytes(), SETTINGS)
    return found if isinstance(found, dict) else {}


def _facts(batch: Record, settings: dict[str, Any], model: str, sae: str, site: str) -> Facts:
    name, layer, kept = batch.text("model_id", ""), batch.whole("layer"), settings.get(OURS)
    ours: dict[str, Any] = kept if isinstance(kept, dict) else {}
    suffix = batch.text("sae_id_suffix", "")
    source = f"{layer if layer is not None else '?'}-{batch.text('sae_set', '')}" + (f"__{suffix}" if suffix else "")
    first = next(batch.records("features"), None)
    sizes = [first.whole(key) for key in ("n_prompts_total", "n_tokens_in_prompt")] if first else []
    n_tokens = sizes[0] * sizes[1] if len(sizes) > 1 and sizes[0] and sizes[1] else None
    return facts_of(
        "saedashboard", name, source, ours, model, sae, site, n_tokens, first.text("dataset", "") if first else ""
    )


def facts_of(
    kind: str,
    model_id: str,
    source_id: str,
    ours: dict[str, Any],
    model: str,
    sae: str,
    site: str,
    n_tokens: int | None,
    dataset: str,
) -> Facts:
    """What is said of a source; ``ours`` is what an export of saescope adds to it, and may be anything."""
    told = Record(ours, "what saescope wrote")
    rule = ours.get("rule")
    made = Facts(
        kind=kind,
        name=f"{model_id}/{source_id}",
        model=model or told.text("model", "") or model_id or "unknown model",
        sae=sae or told.text("sae", "") or source_id,
        fingerprint=hashlib.blake2b(f"{kind}\0{model_id}\0{source_id}".encode(), digest_size=16).hexdigest(),
        site=site or told.text("site", "") or "unknown site",
        corpus=dataset or "unknown",
        n_tokens=told.whole("n_counted") or n_tokens,
        d_sae=told.whole("d_sae"),
        lens=lens if (lens := told.text("lens", "raw")) in ("raw", "norm_gain") else "raw",
    )
    if isinstance(rule, dict):
        made.rule = Rule.of(rule)
    return made
