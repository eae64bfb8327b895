"""The one version number, which package.json holds and the wheel's metadata repeats."""

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed


def version() -> str:
    """Version of the installed package."""
    try:
        return installed("saescope")
    except PackageNotFoundError:
        return "0+unknown"
