"""Which files are a corpus, by their names, and those below a folder in an order that is everywhere the same."""

from collections.abc import Iterator
from pathlib import Path

from saescope.errors import CorpusError, CorpusMissingError

JSON_SUFFIXES = (".jsonl", ".ndjson", ".json")
TEXT_SUFFIXES = (".txt", ".text", ".md")
PARQUET_SUFFIXES = (".parquet", ".pq")
PACKED_SUFFIXES = (".gz", ".zst")
FORMATS = "JSON lines (.jsonl) or plain text (.txt), each also as .gz or .zst, or Parquet (.parquet)"


def readable(name: str) -> str:
    """The name with ``?`` for what is no character, as file names may hold."""
    return name.encode("utf-8", "replace").decode()


def corpus_files(folder: Path) -> list[Path]:
    """The files below a folder that are a corpus by their names, by path; hidden ones are left out.

    Links are followed, but for those to a folder that they lie in.

    Raises
    ------
    CorpusError
        A folder cannot be read, or a link leads nowhere.
    """
    return sorted(_walk(folder, ()), key=lambda f: f.relative_to(folder).as_posix())


def _walk(folder: Path, above: tuple[Path, ...]) -> Iterator[Path]:
    here = folder.resolve()
    if here in above:
        return
    try:
        entries = list(folder.iterdir())
    except OSError as err:
        raise CorpusError(
            f"the folder {folder} cannot be read: {err.strerror}.", hint="Check its permissions."
        ) from err
    for path in entries:
        if path.name.startswith("."):
            continue
        if path.is_dir():
            yield from _walk(path, (*above, here))
        elif kind_of(path) is not None:
            if not path.exists():
                raise CorpusMissingError(f"the corpus file {path} is a link that leads nowhere.", hint="Remove it.")
            yield path


def kind_of(path: Path) -> str | None:
    """``"json"``, ``"text"``, ``"parquet"``, or ``None`` for a file that is no corpus."""
    suffix = suffix_of(path)
    if suffix in JSON_SUFFIXES:
        return "json"
    if suffix in TEXT_SUFFIXES:
        return "text"
    return "parquet" if suffix in PARQUET_SUFFIXES else None


def suffix_of(path: Path) -> str:
    """What a name ends in, without ``.gz`` and ``.zst``, in small letters."""
    return (Path(path.stem) if is_archive(path) else path).suffix.lower()


def is_archive(path: Path) -> bool:
    """Whether the name says that the file is compressed."""
    return path.suffix.lower() in PACKED_SUFFIXES
