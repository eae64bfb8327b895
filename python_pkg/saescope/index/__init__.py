"""The index on disk, read: no torch, no model."""

from saescope.index.manifest import Manifest
from saescope.index.store import Index, open_index

__all__ = ["Index", "Manifest", "open_index"]
