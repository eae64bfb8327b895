"""What a person holds: a model with an SAE, an index, or both."""

from typing import TYPE_CHECKING

from saescope.scope.building import Building
from saescope.scope.queries import Queries

if TYPE_CHECKING:
    from saescope.panels.browser import Browser


class Scope(Queries, Building):
    """A model with an SAE, an index of what its features fire on, or both.

    Made by `saescope.load`, `saescope.open_index` and `saescope.demo`.
    """

    def browse(self, feature: int | None = None) -> "Browser":
        """The panel: a feature list, and the open feature's examples.

        Parameters
        ----------
        feature
            Feature to open; by default the first of the list.
        """
        from saescope.panels.browser import Browser

        return Browser(self, feature=feature)
