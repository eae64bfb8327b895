"""The map by principal components: quick, linear, the same every time."""

from saescope.index.plane import principal_plane
from saescope.query.maps.method import Places, Rows
from saescope.types import Progress


def pca(rows: Rows, progress: Progress) -> Places:
    """The two directions in which the decoder's rows vary most."""
    return principal_plane(rows, progress)
