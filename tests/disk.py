"""A small file system of its own, to fill up."""

import subprocess
from contextlib import contextmanager

import pytest


@contextmanager
def small_disk(path, kilobytes):
    """A disk of its own for a folder, or a skipped test."""
    path.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(path)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)
