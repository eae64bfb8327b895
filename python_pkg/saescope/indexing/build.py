"""One pass over a corpus, for all features together.

1. The corpus is read, tokenised and packed; then the plan is written down: which rows
   belong to which shard. From there on the index can be opened, and the build resumed.
2. Contexts run through the model as far as the site and through the SAE's encoder;
   nonzeros alone are kept, in shards of 65,536 rows that know nothing of each other.
3. From the weights come the logit lens and the unit directions, from a few contexts the
   loss recovered.
4. When all shards are there, `indexing.finish` makes tables of them and commits.
"""

from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from safetensors.numpy import save_file

from saescope.corpus import corpus_key, corpus_name, read_documents, token_table
from saescope.engine.directions import has_unit_decoder, unit_rows, weight_facts
from saescope.engine.lens import read_lens
from saescope.engine.outward import rows_of_lens
from saescope.errors import InputError, OtherBuildError
from saescope.index.choice import GROUPS
from saescope.index.features import LENS
from saescope.index.layout import Layout
from saescope.index.manifest import Manifest
from saescope.index.postings import SHARD_ROWS
from saescope.index.rows import rows_name
from saescope.index.store import DIRECTIONS, TOKENS, VOCABULARY
from saescope.index.vocabulary import Vocabulary
from saescope.indexing.finish import EXTRAS, LENS_PART, finish, read_layout
from saescope.indexing.heartbeat import Heartbeat
from saescope.indexing.recovery import measure_recovery, sample_size, sampled_contexts
from saescope.indexing.settings import Settings
from saescope.indexing.shards import save_shard
from saescope.indexing.text import Text, write_text
from saescope.indexing.worker import Worker, reconstructs
from saescope.indexing.workspace import Workspace
from saescope.sources.fingerprint import fingerprint
from saescope.sources.model import LoadedModel
from saescope.sources.sae import LoadedSae
from saescope.types import Progress, Site

MAX_DIRECTIONS_BYTES = 2 << 30
MAX_ROWS = 1 << 32
TEXT_SETTINGS = ("max_tokens", "bos", "is_packed", "context_size")


@dataclass(frozen=True)
class Share:
    """Which part of the shards a build makes: the ``number``-th of ``n``, from 1."""

    number: int
    n: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.n:
            raise InputError(f"a share is i/n with i from 1 to n, and {self.number}/{self.n} came.")

    def has(self, shard: int) -> bool:
        """Whether a shard belongs to it."""
        return shard % self.n == self.number - 1

    @classmethod
    def parse(cls, text: str) -> "Share":
        """Read ``"i/n"``."""
        number, slash, n = text.partition("/")
        if not slash or not number.isdecimal() or not n.isdecimal():
            raise InputError(f"a share is i/n, as in 2/8, and {text!r} came.")
        return cls(int(number), int(n))


class Executor(Protocol):
    """Makes shards, here or elsewhere, and puts them into a folder."""

    def run(self, folder: Path, manifest: Manifest, numbers: list[int], progress: Progress) -> None:
        """Make these shards; returns when all are there.

        Parameters
        ----------
        folder
            Where the index's parts lie; tokens and documents are there.
        manifest
            The plan.
        numbers
            Which shards.
        progress
            Told how many tokens are done.
        """
        ...


class Here:
    """Makes shards one after the other in this process.

    Parameters
    ----------
    model, sae, site
        What is measured, and where.
    """

    def __init__(self, model: LoadedModel, sae: LoadedSae, site: Site) -> None:
        self._parts = model, sae, site

    def run(self, folder: Path, manifest: Manifest, numbers: list[int], progress: Progress) -> None:
        """Make these shards."""
        worker = Worker(*self._parts, manifest, read_layout(folder, manifest))
        for number in numbers:
            save_shard(folder, number, worker.make(number, progress.advance))


class Builder:
    """Builds one index, or a share of one.

    Parameters
    ----------
    model, sae, site
        What is measured, and where.
    settings
        How.
    progress
        Told how it goes; an exception from it stops the build.
    executor
        Makes the shards; by default this process.
    """

    def __init__(
        self,
        model: LoadedModel,
        sae: LoadedSae,
        site: Site,
        settings: Settings,
        progress: Progress,
        executor: Executor | None = None,
    ) -> None:
        self._model = model
        self._sae = sae
        self._site = site
        self._settings = settings
        self._progress = progress
        self._executor = executor or Here(model, sae, site)

    def build(
        self,
        corpus: Any,
        out: Path,
        *,
        overwrite: bool = False,
        share: Share | None = None,
        column: str | None = None,
    ) -> bool:
        """Build, or go on with what an earlier build of the same left.

        Parameters
        ----------
        corpus
            See `read_documents`.
        out
            Folder of the index.
        overwrite
            Replace an index that is there, or an unfinished build of something else.
        share
            Make only these shards, to be merged later.
        column
            Where the text is in Parquet and datasets.

        Returns
        -------
        bool
            Whether the index is complete now.

        Raises
        ------
        CorpusError, OccupiedError, BusyIndexError, OtherBuildError, DiskFullError, SourceError
            As their names say.
        """
        workspace = Workspace(out, overwrite=overwrite)
        try:
            return self._build(corpus, column, workspace, share)
        finally:
            workspace.abandon()

    def _build(self, corpus: Any, column: str | None, workspace: Workspace, share: Share | None) -> bool:
        progress = Heartbeat(self._progress, workspace.path)
        manifest = self._plan(corpus, column, workspace, progress)
        missing = [n for n in workspace.missing_shards(manifest) if share is None or share.has(n)]
        if missing:
            self._make(workspace, manifest, missing, share, progress)
        layout = read_layout(workspace.folder, manifest)
        if share is None or share.number == 1:
            self._write_extras(workspace, layout, progress)
        if workspace.missing_shards(manifest) or not workspace.has(EXTRAS):
            return False
        finish(workspace, manifest, layout, progress)
        return True

    def _make(
        self, workspace: Workspace, manifest: Manifest, missing: list[int], share: Share | None, progress: Progress
    ) -> None:
        mine = [n for n in range(manifest.n_shards) if share is None or share.has(n)]
        total, left = (sum(manifest.shard_rows(n) for n in numbers) for numbers in (mine, missing))
        room = RoomCheck(workspace, manifest, missing, progress)
        progress.start("Running the model", total, "token", total - left)
        self._executor.run(workspace.folder, manifest, missing, room)
        progress.finish()

    def _plan(self, corpus: Any, column: str | None, workspace: Workspace, progress: Progress) -> Manifest:
        """Read the corpus, or see that it is the one that was read before, and write the plan down."""
        table = token_table(self._model.tokenizer)
        found, before = corpus_key(corpus), workspace.unfinished
        key = None if found is None else {**found, "column": column}
        if before is not None and key is not None and before.corpus_key == key and workspace.has(TOKENS):
            text = Text(before.corpus, before.n_rows, before.shard_starts)
            made = self._manifest(text, len(table), workspace, key)
            is_same_text = all(before.settings.get(name) == made.settings[name] for name in TEXT_SETTINGS)
            if is_same_text and not _differences(before, made):
                return self._begin(workspace, made)
        while True:
            before = workspace.unfinished
            with write_text(
                read_documents(corpus, column=column),
                corpus_name(corpus),
                workspace,
                self._model.tokenizer,
                self._settings,
                table,
                progress,
            ) as text:
                if text.n_rows >= MAX_ROWS:
                    raise InputError(
                        f"an index holds at most {MAX_ROWS:,} tokens, and the corpus has {text.n_rows:,}.",
                        hint="Set max_tokens, or split the corpus into several indexes.",
                    )
                made = self._manifest(text, len(table), workspace, key)
                is_same = before is None or _differences(before, made) == []
                if before is not None and not is_same and not workspace.overwrite:
                    raise other_build(workspace.path, before, made)
                if is_same and not workspace.has(VOCABULARY):
                    with workspace.part(VOCABULARY) as path:
                        Vocabulary(table.raws, table.contents, table.is_special).write(path)
                text.is_wanted = is_same
            if is_same:
                return self._begin(workspace, made)
            workspace.start_anew()

    @staticmethod
    def _begin(workspace: Workspace, manifest: Manifest) -> Manifest:
        workspace.begin(manifest)
        return manifest

    def _write_extras(self, workspace: Workspace, layout: Layout, progress: Progress) -> None:
        """Directions, logit lens and loss recovered, but for what an earlier build of the same has left."""
        settings, sae = self._settings, self._sae.sae
        wants_loss = settings.has_recovery and reconstructs(self._sae)
        if not workspace.has(DIRECTIONS):
            rows = unit_rows(sae) if sae.W_dec.numel() * 2 <= MAX_DIRECTIONS_BYTES else {}
            with workspace.part(DIRECTIONS) as path:
                save_file({**rows, **weight_facts(sae)}, path)
        extras = workspace.read_extras(EXTRAS) or {"lens": "none", "loss": None}
        has_all = (extras["lens"] != "none" or not settings.has_lens) and (extras["loss"] or not wants_loss)
        if workspace.has(EXTRAS) and has_all:
            return
        if settings.has_lens and extras["lens"] == "none":
            extras["lens"] = self._write_lens(workspace, layout, progress)
        if wants_loss and not extras["loss"]:
            spans = sampled_contexts(layout, sample_size(layout.n_rows))
            progress.start("Measuring the loss recovered", sum(e - s for s, e in spans), "token")
            extras["loss"] = measure_recovery(self._model, self._sae, self._site, layout, spans, progress.advance)
            progress.finish()
        workspace.write_extras(EXTRAS, extras)

    def _write_lens(self, workspace: Workspace, layout: Layout, progress: Progress) -> str:
        decoder = rows_of_lens(self._model.model, self._site, self._sae.sae)
        if decoder is None:
            return "none"
        progress.start("Reading the unembedding", self._sae.d_sae, "feature")
        lens = read_lens(self._model.model, decoder, layout.vocab_size, progress.advance)
        progress.finish()
        with workspace.part(LENS_PART) as path:
            save_file({name: lens.compact(name) for name in LENS}, path)
        return lens.convention

    def _manifest(
        self, text: Text | None, vocab_size: int, workspace: Workspace, key: dict[str, Any] | None
    ) -> Manifest:
        settings = self._settings
        return Manifest(
            n_rows=text.n_rows if text else 0,
            context_size=settings.context_size,
            is_packed=settings.is_packed,
            d_sae=self._sae.d_sae,
            d_in=self._sae.d_in,
            vocab_size=vocab_size,
            shard_starts=text.shard_starts if text else [],
            rule=settings.rule.as_dict(),
            groups=list(GROUPS),
            corpus=text.facts if text else {},
            settings=asdict(settings),
            folder=workspace.folder.name,
            has_postings=settings.has_postings,
            corpus_key=key,
            **self._provenance,
        )

    @cached_property
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
                "scale": sae.scale() | {"is_decoder_folded": has_unit_decoder(sae.sae)},
                "places": list(sae.places or sae.hook_names),
                "remarks": list(sae.remarks),
            },
            "made_by": f"saescope {version()}",
        }


class RoomCheck:
    """Progress that looks, now and then, whether the disk has room for what is still to come.

    Parameters
    ----------
    workspace, manifest, missing
        The folder, the plan, and the shards that are being made.
    progress
        Who else is told.
    """

    def __init__(self, workspace: Workspace, manifest: Manifest, missing: list[int], progress: Progress) -> None:
        self._workspace = workspace
        self._manifest = manifest
        self._missing = missing
        self._progress = progress
        self._n_seen = -1

    def say(self, text: str) -> None:
        """Passed on."""
        self._progress.say(text)

    def start(self, what: str, total: int, unit: str, done: int = 0) -> None:
        """Passed on."""
        self._progress.start(what, total, unit, done)

    def finish(self) -> None:
        """Passed on."""
        self._progress.finish()

    def advance(self, n: int) -> None:
        """Passed on; when a shard more is there, the room is looked at."""
        self._progress.advance(n)
        left = self._workspace.missing_shards(self._manifest) if self._is_due(n) else None
        if left is None or len(left) == self._n_seen:
            return
        self._n_seen = len(left)
        done = [k for k in self._missing if k not in left]
        if done:
            sizes = [(self._workspace.folder / rows_name(k)).stat().st_size for k in done]
            a_row = sum(sizes) / sum(self._manifest.shard_rows(k) for k in done)
            wanted = sum(self._manifest.shard_rows(k) for k in left)
            self._workspace.check_room(int(4 * a_row * wanted))

    _since = 0

    def _is_due(self, n: int) -> bool:
        self._since += n
        is_due = self._since >= SHARD_ROWS // 4
        self._since = 0 if is_due else self._since
        return is_due


def _differences(a: Manifest, b: Manifest) -> list[str]:
    ours, theirs = a.identity(), b.identity()
    return [name for name in ours if ours[name] != theirs[name]]


def other_build(path: Path, before: Manifest, now: Manifest) -> OtherBuildError:
    """The error for a folder with an unfinished build of something else."""
    differing = _differences(before, now)
    return OtherBuildError(
        f"the folder {path} holds an unfinished index of something else: it differs in {', '.join(differing)}.",
        hint="Give the same model, SAE, corpus and settings to go on with it, choose another `out`, or give "
        "overwrite=True (--overwrite) to begin anew.",
        differs=differing,
    )
