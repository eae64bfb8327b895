"""Share: what was found goes out to files, and comes in from those of others."""

from typing import ClassVar

import polars as pl

from saescope.panels.core import Panel


class Share(Panel):
    """Exports of features and notes; imports of notes and of labels."""

    view: ClassVar[str] = "share"

    def frame(self) -> pl.DataFrame:
        """What can be exported: `Scope.exports`."""
        return self.scope.exports()
