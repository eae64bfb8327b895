"""Every error that saescope raises on purpose.

A message says what could not be done, what was wanted and what came; ``hint``
says what to do. Each class also inherits the builtin that a caller would expect.
"""

from typing import Any, ClassVar


class SaescopeError(Exception):
    """Base of all errors of saescope.

    Parameters
    ----------
    message
        What could not be done, what was wanted, what came.
    hint
        What to do about it.
    **data
        JSON-able facts for programs.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, hint: str = "", **data: Any) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.data = data

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class InputError(SaescopeError, ValueError):
    """An argument has the wrong value."""

    code = "input"


class UnknownFeatureError(InputError, LookupError):
    """A feature number lies outside ``[0, d_sae)``."""

    code = "unknown_feature"


class UnknownNameError(InputError, LookupError):
    """A name is not among those there are (a group, a metric, a column, a method)."""

    code = "unknown_name"


class CorpusError(InputError):
    """A corpus cannot be read."""

    code = "corpus"


class CorpusMissingError(CorpusError, FileNotFoundError):
    """A corpus file does not exist."""

    code = "corpus_missing"


class ForeignFileError(InputError):
    """A file that another tool made cannot be read; the message names file and line or place."""

    code = "foreign_file"


class SourceError(SaescopeError, ValueError):
    """A model or an SAE cannot be loaded or used."""

    code = "source"


class ModelSourceError(SourceError):
    """A model cannot be loaded."""

    code = "model_source"


class SaeSourceError(SourceError):
    """An SAE cannot be loaded."""

    code = "sae_source"


class MemoryShortError(SourceError, MemoryError):
    """There is less memory free than the weights take."""

    code = "memory_short"


class SiteError(SourceError):
    """The model has no such site, or saescope cannot read it."""

    code = "site"


class MismatchError(SourceError):
    """Two things do not belong together: an SAE and a site, an index and an SAE."""

    code = "mismatch"


class StoreError(SaescopeError, OSError):
    """An index on disk cannot be read or written."""

    code = "store"

    def __str__(self) -> str:
        return SaescopeError.__str__(self)


class NoIndexError(StoreError, FileNotFoundError):
    """There is no index where one was wanted."""

    code = "no_index"


class UnfinishedIndexError(NoIndexError):
    """A build was begun in this folder and did not finish."""

    code = "unfinished_index"


class DamagedIndexError(StoreError):
    """A part of an index is missing or altered."""

    code = "damaged_index"


class OccupiedError(StoreError, FileExistsError):
    """The folder for a new index holds something else."""

    code = "occupied"


class DiskFullError(StoreError):
    """There is no room left on the disk."""

    code = "disk_full"


class NeedsPostingsError(StoreError):
    """A question needs every activation, and the index was made without postings."""

    code = "needs_postings"


class BusyIndexError(OccupiedError):
    """Another process is building in this folder."""

    code = "busy_index"


class OtherBuildError(OccupiedError):
    """The folder holds an unfinished build of something else."""

    code = "other_build"


class OverlapError(StoreError, ValueError):
    """Two parts of an index hold the same shard."""

    code = "overlap"


class NotesError(StoreError):
    """Notes on disk cannot be read or written."""

    code = "notes"


class ConflictError(SaescopeError, RuntimeError):
    """Another writer came between; ``data`` has both versions."""

    code = "conflict"


class ComputeError(SaescopeError, RuntimeError):
    """A computation failed."""

    code = "compute"


class CancelledError(ComputeError):
    """A computation was stopped on request."""

    code = "cancelled"


class NeedsModelError(ComputeError):
    """A computation wants the model, and the scope was opened without it."""

    code = "needs_model"


class ProtocolError(SaescopeError, ValueError):
    """A frame between kernel and page is malformed."""

    code = "protocol"


class MissingExtraError(SaescopeError, ImportError):
    """An optional package is not installed."""

    code = "missing_extra"


class PluginError(SaescopeError, RuntimeError):
    """A plug-in could not be loaded."""

    code = "plugin"


class BundleMissingError(SaescopeError, FileNotFoundError):
    """The JavaScript was not built."""

    code = "bundle_missing"

    def __str__(self) -> str:
        return SaescopeError.__str__(self)
