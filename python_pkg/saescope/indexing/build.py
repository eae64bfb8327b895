"""One pass over a corpus, for all features together.

1. The corpus is read, tokenised and packed; its tokens are the first part.
2. Contexts run through the model as far as the site and through the SAE's encoder;
   nonzeros alone are kept, in shards of 65,536 rows.
3. From the shards come the feature table and the examples; from the weights the logit
   lens and the unit directions.
4. The manifest is written last. Until then there is no index to open.
"""

import datetime as dt
import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray
from safetensors.numpy import save_file

from saescope.corpus import pack, read_documents, token_table
from saescope.engine.directions import unit_rows
from saescope.engine.encoder import Encoder, Nonzeros
from saescope.engine.reader import SiteReader
from saescope.errors import InputError, SourceError
from saescope.index.layout import Layout
from saescope.index.manifest import Manifest
from saescope.index.shards import SHARD_ROWS, Shards, rows_a_shard, shard_name
from saescope.index.store import DIRECTIONS, DOCS, EXAMPLES, FEATURES, TOKENS, VOCABULARY, token_dtype
from saescope.index.summary import GROUPS
from saescope.index.vocabulary import Vocabulary
from saescope.indexing.lens import read_lens
from saescope.indexing.shard import write_shard
from saescope.indexing.tables import write_examples, write_features
from saescope.indexing.workspace import Workspace
from saescope.sources.fingerprint import fingerprint
from saescope.sources.model import LoadedModel
from saescope.sources.sae import LoadedSae
from saescope.types import Progress, Site

BATCH_TOKENS = 1024
MAX_DIRECTIONS_BYTES = 2 << 30
DEFAULT_CONTEXT = 128


@dataclass(frozen=True)
class Settings:
    """How an index is to be built.

    ``context_size`` tokens a context, beginning with the token ``bos`` if there is one; at
    most ``max_tokens`` in all; ``has_postings`` keeps every nonzero for later queries.
    """

    context_size: int
    bos: int | None
    max_tokens: int | None = None
    has_postings: bool = True


def choose_settings(
    model: LoadedModel, sae: LoadedSae, *, context_size: int | None, max_tokens: int | None, has_postings: bool = True
) -> Settings:
    """Settings by the SAE's metadata, where the caller leaves them open.

    Raises
    ------
    InputError
        The model cannot take contexts of this length.
    SourceError
        The SAE wants BOS and the tokenizer has none.
    """
    size = context_size if context_size is not None else sae.context_size or DEFAULT_CONTEXT
    limit = min(
        getattr(model.model.config.get_text_config(), "max_position_embeddings", None) or SHARD_ROWS, SHARD_ROWS
    )
    if isinstance(size, bool) or not isinstance(size, int) or not 2 <= size <= limit:
        raise InputError(
            f"a context of {size!r} tokens does not fit {model.name}, which takes 2 to {limit}.",
            hint="Set context_size.",
        )
    bos = None
    if sae.has_bos:
        tokenizer = model.tokenizer
        bos = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.eos_token_id
        if bos is None:
            raise SourceError(
                f"the SAE {sae.name} was trained with BOS, and the tokenizer of {model.name} has neither BOS nor EOS.",
                hint="Set tokenizer.bos_token, or sae.cfg.metadata.prepend_bos = False if it was trained without.",
            )
    return Settings(size, bos, max_tokens, has_postings)


class Builder:
    """Builds one index.

    Parameters
    ----------
    model, sae, site
        What is measured, and where.
    settings
        How.
    progress
        Told how it goes; an exception from it stops the build.
    """

    def __init__(self, model: LoadedModel, sae: LoadedSae, site: Site, settings: Settings, progress: Progress) -> None:
        self._model = model
        self._sae = sae
        self._site = site
        self._settings = settings
        self._progress = progress

    def build(self, corpus: Any, out: Path, *, overwrite: bool = False) -> None:
        """Build, or leave nothing behind.

        Parameters
        ----------
        corpus
            See `read_documents`.
        out
            Folder of the index.

        Raises
        ------
        CorpusError, OccupiedError, DiskFullError, SourceError
            As their names say.
        """
        workspace = Workspace(out, overwrite=overwrite)
        try:
            self._build(corpus, workspace)
        except BaseException:
            workspace.abandon()
            raise

    def _build(self, corpus: Any, workspace: Workspace) -> None:
        vocabulary = self._write_vocabulary(workspace)
        facts = self._write_tokens(corpus, workspace, len(vocabulary))
        tokens = np.memmap(workspace.place(TOKENS), dtype=token_dtype(len(vocabulary)), mode="r")
        layout = Layout(tokens, self._settings.context_size, facts.pop("doc_starts"), vocabulary.is_special)
        n_nonzeros = self._write_shards(tokens, workspace)
        n_counted = layout.n_counted()
        n_shards = -(-len(tokens) // rows_a_shard(layout.context_size))
        shards = Shards(workspace.path, n_shards, rows_a_shard(layout.context_size), workspace.place)
        d_sae = self._sae.d_sae
        self._progress.start("Summarising", d_sae, "feature")
        with workspace.part(EXAMPLES) as path:
            summary = write_examples(path, shards, layout, d_sae, n_nonzeros, self._progress.advance)
        self._progress.finish()
        decoder = self._sae.sae.W_dec.detach()
        self._progress.start("Reading the unembedding", d_sae, "feature")
        lens = read_lens(self._model.model, decoder, len(vocabulary), self._progress.advance)
        self._progress.finish()
        with workspace.part(FEATURES) as path:
            write_features(path, summary, lens, n_counted)
        self._write_directions(workspace)
        n_fires = summary.column("n_fires")
        if not self._settings.has_postings:
            workspace.discard(shard_name(n) for n in range(n_shards))
        workspace.commit(
            Manifest(
                n_rows=len(tokens),
                n_counted=n_counted,
                context_size=layout.context_size,
                d_sae=d_sae,
                d_in=self._sae.d_in,
                vocab_size=len(vocabulary),
                shard_rows=rows_a_shard(layout.context_size) if self._settings.has_postings else 0,
                n_shards=n_shards if self._settings.has_postings else 0,
                rule={"skips_first": layout.skips_first, "skips_special": layout.skips_special},
                groups=list(GROUPS),
                l0=float(n_fires.sum() / max(n_counted, 1)),
                n_alive=int((n_fires > 0).sum()),
                lens=lens.convention,
                corpus=facts,
                settings=asdict(self._settings),
                parts=workspace.parts,
                created=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
                **self._provenance(),
            )
        )

    def _write_vocabulary(self, workspace: Workspace) -> Vocabulary:
        table = token_table(self._model.tokenizer)
        vocabulary = Vocabulary(table.raws, table.contents, table.is_special)
        with workspace.part(VOCABULARY) as path:
            vocabulary.write(path)
        return vocabulary

    def _write_tokens(self, corpus: Any, workspace: Workspace, vocab_size: int) -> dict[str, Any]:
        """Tokenise the corpus; returns its facts and the rows where documents begin."""
        settings, digest = self._settings, hashlib.blake2b(digest_size=16)
        docs: list[int] = []
        starts: list[int] = []
        sources: list[str] = []
        self._progress.start("Reading the corpus", settings.max_tokens or 0, "token")
        documents = read_documents(corpus)
        with workspace.part(TOKENS) as path, path.open("wb") as stream:
            for packed in pack(
                documents,
                self._model.tokenizer,
                context_size=settings.context_size,
                bos=settings.bos,
                max_tokens=settings.max_tokens,
            ):
                raw = packed.tokens.astype(token_dtype(vocab_size)).tobytes()
                stream.write(raw)
                digest.update(raw)
                docs += packed.docs
                starts += packed.doc_starts
                sources += packed.sources
                self._progress.advance(len(packed.tokens))
        self._progress.finish()
        with workspace.part(DOCS) as path:
            columns = {"doc": pa.array(docs, pa.uint32()), "start": pa.array(starts, pa.uint64()), "source": sources}
            pq.write_table(pa.table(columns), path, compression="zstd")
        name = Path(corpus).name if isinstance(corpus, str | Path) else "texts in memory"
        return {
            "name": name,
            "fingerprint": digest.hexdigest(),
            "n_docs": len(docs),
            "doc_starts": np.asarray(starts, dtype=np.int64),
        }

    def _write_shards(self, tokens: NDArray[Any], workspace: Workspace) -> int:
        """Run the model and the encoder over all tokens; returns the number of nonzeros."""
        reader, encoder = SiteReader(self._model.model, self._site), Encoder(self._sae.sae)
        size, n_nonzeros = rows_a_shard(self._settings.context_size), 0
        self._progress.start("Running the model", len(tokens), "token")
        for number, start in enumerate(range(0, len(tokens), size)):
            rows = np.asarray(tokens[start : start + size], dtype=np.int64)
            parts = list(self._encode(rows, reader, encoder))
            with workspace.part(shard_name(number)) as path:
                n_nonzeros += write_shard(path, parts, len(rows), self._sae.d_sae)
            written = workspace.parts[-1].n_bytes
            workspace.check_room(int(written / len(rows) * (len(tokens) - start - len(rows))))
        self._progress.finish()
        return n_nonzeros

    def _encode(self, rows: NDArray[np.int64], reader: SiteReader, encoder: Encoder) -> Iterator[Nonzeros]:
        context, device = self._settings.context_size, self._model.device
        batch = max(BATCH_TOKENS // context, 1) * context
        whole = len(rows) // context * context
        spans = [(s, min(s + batch, whole)) for s in range(0, whole, batch)]
        if whole < len(rows):
            spans.append((whole, len(rows)))
        for start, end in spans:
            ids = torch.from_numpy(rows[start:end]).to(device).reshape(-1, min(context, end - start))
            found = encoder.encode(reader.read(ids).reshape(end - start, -1))
            yield Nonzeros(found.rows + start, found.features, found.values)
            self._progress.advance(end - start)

    def _write_directions(self, workspace: Workspace) -> None:
        """Unit decoder and encoder rows in half precision, unless they are too large."""
        sae = self._sae
        if sae.d_sae * sae.d_in * 2 > MAX_DIRECTIONS_BYTES:
            return
        with workspace.part(DIRECTIONS) as path:
            save_file(unit_rows(sae.sae), path)

    def _provenance(self) -> dict[str, Any]:
        from saescope._version import version

        model, sae = self._model, self._sae
        config = model.model.config
        return {
            "model": {
                "name": model.name,
                "architecture": type(model.model).__name__,
                "fingerprint": fingerprint(model.model, type(model.model).__name__),
                "dtype": str(model.model.dtype).removeprefix("torch."),
                "n_layers": int(getattr(config.get_text_config(), "num_hidden_layers", 0)),
            },
            "sae": {
                "name": sae.name,
                "architecture": sae.architecture,
                "fingerprint": sae.fingerprint(),
                "hook_name": sae.hook_name,
                "site": asdict(self._site),
            },
            "made_by": f"saescope {version()}",
        }
