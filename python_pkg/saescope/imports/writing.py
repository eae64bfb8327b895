"""An index of examples, made of features that come in rising order.

1. Texts become a corpus; examples are windows into it, whole texts.
2. Figures that the source has go into the feature table; the others are NaN, or empty.
3. A number between two features that the source does not hold has a row of NaN.
"""

import datetime as dt
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from safetensors.numpy import save_file

from saescope.errors import ForeignFileError
from saescope.imports.foreign import Feature
from saescope.imports.rows import ExampleRows, FeatureRows
from saescope.imports.texts import Texts
from saescope.index.choice import GROUPS
from saescope.index.examples import BlockWriter, example_writer
from saescope.index.features import feature_writer
from saescope.index.figures import EXAMPLES, FEATURES
from saescope.index.manifest import Manifest
from saescope.index.origin import VERSION, Origin
from saescope.index.rule import EVERYTHING, Rule
from saescope.index.spans import SPANS, SpanCollector
from saescope.index.store import CONTEXTS, DIRECTIONS, DOCS, MAPS, PLACES, TOKENS, VOCABULARY, token_dtype
from saescope.indexing.finish import token_places, write_maps
from saescope.indexing.workspace import Workspace
from saescope.types import Progress

MOST_FEATURES = 1 << 25
LIKELY_FEATURES, LIKELY_WIDTH = 1 << 20, 1 << 22
"""What is beyond these, and a thousand times as many as the source holds, has to be confirmed by the caller."""
MAX_VECTOR_BYTES = 2 << 30
ALWAYS_MISSING = (
    "mean", "std", "quantiles", "top_tokens", "postings", "random", "norms", "special tokens", "documents", "quality",
)  # fmt: skip


@dataclass
class Facts:
    """What a source says of itself.

    Parameters
    ----------
    kind, name
        The importer, and what the source calls itself.
    model, sae
        Names.
    fingerprint
        The same for the same SAE of the same source.
    site
        Where the SAE reads.
    corpus
        The name of the text.
    n_tokens
        Tokens that the figures rest on, if it says so.
    d_sae
        Features of the SAE, if it says so or the caller does.
    is_width_given
        Whether the caller does.
    rule
        What counts.
    lens
        How promoted tokens were read.
    """

    kind: str
    name: str
    model: str
    sae: str
    fingerprint: str
    site: str = "unknown site"
    corpus: str = "unknown"
    n_tokens: int | None = None
    d_sae: int | None = None
    is_width_given: bool = False
    rule: Rule = EVERYTHING
    lens: str = "raw"
    notes: str = ""


class NotRisingError(ForeignFileError):
    """A feature came after one with a higher number; the source has to be read whole, and sorted."""

    code = "not_rising"


def write_examples(workspace: Workspace, features: Iterable[Feature], facts: Facts, progress: Progress) -> None:
    """Make an index of features that come in rising order.

    Raises
    ------
    NotRisingError
        They do not.
    ForeignFileError
        A feature is there twice, has a number out of all proportion, or nothing has an example.
    """
    with ExitStack() as stack:
        temporary = workspace.folder / f"{TOKENS}.tmp-1"
        texts = Texts(stack.enter_context(temporary.open("w+b")))
        stack.callback(temporary.unlink, missing_ok=True)
        made = _Made(workspace, texts, facts)
        made.take(features)
        if not texts.n_rows:
            raise ForeignFileError(f"{facts.name} holds no example on which a feature fires: nothing to browse.")
        _write_texts(workspace, texts)
        made.write_vectors()
        write_maps(workspace, progress)
        workspace.commit(made.manifest())


class _Made:
    """The tables while they are written."""

    def __init__(self, workspace: Workspace, texts: Texts, facts: Facts) -> None:
        self._workspace, self._texts, self._facts = workspace, texts, facts
        self._rows, self._spans = FeatureRows(texts, facts.n_tokens), SpanCollector()
        self._examples = ExampleRows(texts)
        self._vectors: dict[int, NDArray[np.float32]] = {}
        self._d_sae = 0

    def take(self, features: Iterable[Feature]) -> None:
        """Write tables, examples and their spans."""
        workspace = self._workspace
        with (
            workspace.part(EXAMPLES) as examples_path,
            workspace.part(FEATURES) as features_path,
            example_writer(examples_path, sys.maxsize) as examples,
            feature_writer(features_path, sys.maxsize) as table,
        ):
            end, where, vector_bytes = 0, "", 0
            for feature in features:
                self._check(feature, end, where)
                _write(table, self._rows.take(feature))
                _write(examples, self._spanned(self._examples.take(feature)))
                if feature.vector is not None and vector_bytes <= MAX_VECTOR_BYTES:
                    self._vectors[feature.number] = feature.vector
                    vector_bytes += feature.vector.nbytes // 2
                end, where = feature.number + 1, feature.where
            if vector_bytes > MAX_VECTOR_BYTES:
                self._vectors.clear()
            self._d_sae = max(end, self._facts.d_sae or 0)
            self._check_width()
            _write(table, self._rows.rest(self._d_sae))
            _write(examples, self._spanned(self._examples.rest()))
            for writer in (table, examples):
                writer.end(self._d_sae)
        with workspace.part(SPANS) as path:
            self._spans.write(path, self._texts.n_rows)

    def _spanned(self, batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
        for batch in batches:
            self._spans.add(batch)
            yield batch

    def _check_width(self) -> None:
        width, facts = self._d_sae, self._facts
        is_doubtful = width > LIKELY_WIDTH and width > 1000 * (self._rows.n_known + 1) and not facts.is_width_given
        if width > MOST_FEATURES or is_doubtful:
            raise ForeignFileError(
                f"{facts.name} says that its SAE has {width:,} features, and holds {self._rows.n_known:,}.",
                hint=f"Give d_sae=…, how many it has, at most {MOST_FEATURES:,}.",
            )

    def _check(self, feature: Feature, end: int, where: str) -> None:
        number = feature.number
        if number == end - 1 and where:
            raise ForeignFileError(f"feature {number} is there twice: {where}, and {feature.where}.")
        if number < end:
            raise NotRisingError(f"{feature.where}: feature {number} comes after feature {end - 1}.")
        most = self._facts.d_sae or MOST_FEATURES
        if number >= most:
            raise ForeignFileError(
                f"{feature.where}: feature {number:,}, and there are {most:,} at most.", hint="Give another d_sae=…"
            )
        if number >= LIKELY_FEATURES and self._facts.d_sae is None and number > 1000 * (self._rows.n_known + 1):
            raise ForeignFileError(
                f"{feature.where}: feature {number:,}, and the source holds few: is the number right?",
                hint="Give d_sae=…, how many features the SAE has.",
            )

    def write_vectors(self) -> None:
        """Write the decoder's directions, where every feature came with its row, all of one length."""
        lengths = {len(v) for v in self._vectors.values()}
        if len(self._vectors) < self._rows.n_known or len(lengths) != 1:
            self._vectors.clear()
            return
        decoder = np.zeros((self._d_sae, lengths.pop()), dtype=np.float16)
        norms = np.full(self._d_sae, np.nan, dtype=np.float32)
        for number, vector in self._vectors.items():
            norms[number] = norm = np.linalg.norm(vector.astype(np.float64))
            decoder[number] = vector / norm if norm > 0 else 0
        with self._workspace.part(DIRECTIONS) as path:
            save_file({"decoder": decoder, "decoder_norm": norms}, path)

    def manifest(self) -> Manifest:
        """What the index is."""
        from saescope._version import version

        facts, texts, rows, workspace = self._facts, self._texts, self._rows, self._workspace
        has_vectors = bool(self._vectors)
        missing = [name for name in ALWAYS_MISSING if name != "documents" or not texts.has_sources]
        missing += sorted(rows.missing)
        missing += ["tokens"] if facts.n_tokens is None else []
        missing += ["features"] if rows.n_known < self._d_sae else []
        missing += ["directions"] if not has_vectors else []
        names = [VOCABULARY, TOKENS, DOCS, CONTEXTS, PLACES, FEATURES, EXAMPLES, SPANS]
        names += [name for name in (DIRECTIONS, MAPS) if workspace.has(name)]
        left_out = {
            "examples on which their feature does not fire": rows.n_silent,
            "examples whose token is not shown": rows.n_hidden,
        }
        origin = Origin(
            facts.kind,
            facts.name,
            facts.n_tokens,
            rows.n_known,
            tuple(missing),
            tuple(sorted(rows.estimated)),
            {what: n for what, n in left_out.items() if n},
            facts.notes,
        )
        width = len(next(iter(self._vectors.values()))) if has_vectors else 0
        return replace(
            empty_manifest(facts, workspace, origin),
            n_rows=texts.n_rows,
            context_size=texts.longest,
            window_size=texts.longest,
            d_sae=self._d_sae,
            d_in=width,
            vocab_size=texts.vocab_size,
            corpus={"name": facts.corpus, "fingerprint": texts.fingerprint, "n_docs": texts.n_docs},
            made_by=f"saescope {version()}",
            n_counted=facts.n_tokens or 0,
            l0=rows.l0,
            n_alive=rows.n_alive,
            lens="none" if "lens" in rows.missing else facts.lens,
            parts=workspace.parts(names),
            created=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        )


def _write(writer: BlockWriter, batches: Iterable[pa.RecordBatch]) -> None:
    for batch in batches:
        writer.write(batch, batch.column("feature")[-1].as_py())


def empty_manifest(facts: Facts, workspace: Workspace, origin: Origin) -> Manifest:
    """The manifest of an imported index, without its sizes."""
    return Manifest(
        n_rows=0,
        context_size=0,
        is_packed=False,
        d_sae=0,
        d_in=0,
        vocab_size=0,
        shard_starts=[],
        rule=facts.rule.as_dict(),
        groups=list(GROUPS),
        model={"name": facts.model, "architecture": "unknown", "fingerprint": "", "dtype": "unknown", "n_layers": 0},
        sae={
            "name": facts.sae,
            "architecture": "unknown",
            "fingerprint": facts.fingerprint,
            "hook_name": facts.site,
            "site": {},
        },
        corpus={},
        settings={},
        made_by="",
        folder=workspace.folder.name,
        is_complete=True,
        has_postings=False,
        imported=origin.as_dict(),
        version=list(VERSION),
    )


def _write_texts(workspace: Workspace, texts: Texts) -> None:
    for name, write in (
        (TOKENS, texts.write_tokens),
        (DOCS, texts.write_docs),
        (VOCABULARY, texts.write_vocabulary),
    ):
        with workspace.part(name) as path:
            write(path)
    with workspace.part(CONTEXTS) as path:
        save_file({"starts": texts.starts}, path)
    tokens = np.memmap(workspace.folder / TOKENS, dtype=token_dtype(texts.vocab_size), mode="r")
    with workspace.part(PLACES) as path:
        save_file(token_places(tokens, texts.vocab_size), path)
