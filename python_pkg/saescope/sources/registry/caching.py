"""Which SAEs lie in the local cache of huggingface_hub; no network is asked."""

from pathlib import Path

import polars as pl

from saescope.sources.registry.weights import weight_files


def hub_cache() -> Path:
    """Where huggingface_hub keeps what it fetched."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def repo_folder(repo: str, cache: Path) -> Path:
    """A repository's folder in the cache."""
    return cache / f"models--{repo.replace('/', '--')}"


def cached_repos(name: str, cache: Path) -> list[str]:
    """Repositories in the cache of this id; or, of a name without an owner, those of any owner."""
    if "/" in name:
        return [name] if repo_folder(name, cache).is_dir() else []
    found = [*cache.glob(f"models--{name}"), *cache.glob(f"models--*--{name}")]
    return sorted(path.name.removeprefix("models--").replace("--", "/") for path in found)


def cached_files(repo: str, cache: Path) -> dict[str, Path]:
    """What of a repository is there whole: path in the repository to place on disk."""
    found: dict[str, Path] = {}
    for snapshot in sorted(repo_folder(repo, cache).glob("snapshots/*")):
        for path in snapshot.rglob("*"):
            if path.is_file():
                found[path.relative_to(snapshot).as_posix()] = path
    return found


def with_cached(table: pl.DataFrame, cache: Path | None = None) -> pl.DataFrame:
    """Add ``is_cached``: all weights are in the cache."""
    place = hub_cache() if cache is None else cache
    there = {repo: files for repo in table["repo"].unique() if repo and (files := cached_files(repo, place))}
    if not there:
        return table.with_columns(is_cached=pl.lit(value=False))
    held = table.filter(pl.col("repo").is_in(list(there))).select("repo", "path", "loader").unique()
    whole = [
        (repo, path)
        for repo, path, loader in held.rows()
        if all(file in there[repo] for file in weight_files(loader, path))
    ]
    marks = pl.DataFrame(whole, schema={"repo": pl.String, "path": pl.String}, orient="row").with_columns(
        is_cached=pl.lit(value=True)
    )
    return table.join(marks, on=["repo", "path"], how="left", maintain_order="left").with_columns(
        pl.col("is_cached").fill_null(value=False)
    )
