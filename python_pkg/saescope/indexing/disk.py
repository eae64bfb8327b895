"""Errors of the disk, told as ours."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from saescope.errors import DiskFullError, SaescopeError, StoreError


@contextmanager
def disk_errors(what: str, path: Path) -> Iterator[None]:
    """Turn errors of the disk into ours.

    Parameters
    ----------
    what
        What was being written.
    path
        Folder of the index.

    Raises
    ------
    DiskFullError
        There is no room left.
    StoreError
        Any other error of the disk.
    """
    try:
        yield
    except SaescopeError:
        raise
    except (OSError, SafetensorError) as err:
        if getattr(err, "errno", None) == errno.ENOSPC or "No space left" in str(err):
            raise DiskFullError(
                f"{what} of the index at {path} could not be written: the disk is full.",
                hint="Free some space, and build again with the same `out` to go on.",
            ) from err
        raise StoreError(f"{what} of the index at {path} could not be written: {err}.") from err
