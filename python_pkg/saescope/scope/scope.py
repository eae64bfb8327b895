"""What a person holds: a model with an SAE, an index, or both."""

from typing import TYPE_CHECKING, Any

from saescope.scope.building import Building
from saescope.scope.circuits import Circuits
from saescope.scope.comparing import Comparing
from saescope.scope.exampling import Exampling
from saescope.scope.finding import Finding
from saescope.scope.health import Checking
from saescope.scope.keeping import KeepingResults
from saescope.scope.labeling import Labeling
from saescope.scope.mapping import Mapping
from saescope.scope.noting import Noting
from saescope.scope.paging import Paging
from saescope.scope.pairing import Pairing
from saescope.scope.prompt_table import PromptTable
from saescope.scope.queries import Queries
from saescope.scope.selection import Selecting
from saescope.scope.sharing import Sharing
from saescope.scope.steering import SteeringText
from saescope.scope.sweeping import Sweeping
from saescope.scope.telling import Telling

if TYPE_CHECKING:
    from saescope.panels.browser import Browser
    from saescope.panels.core import Panel


class Scope(
    Sharing,
    Telling,
    Finding,
    KeepingResults,
    Labeling,
    Building,
    Noting,
    Queries,
    Comparing,
    Paging,
    Selecting,
    Exampling,
    Sweeping,
    PromptTable,
    SteeringText,
    Circuits,
    Mapping,
    Pairing,
    Checking,
):
    """A model with an SAE, an index of what its features fire on, or both.

    Made by `saescope.load`, `saescope.open_index` and `saescope.demo`.
    """

    def browse(self, feature: int | None = None, *, state: dict[str, Any] | None = None) -> "Browser":
        """The browser: the feature table, the open feature's page, and all other panels.

        Parameters
        ----------
        feature
            Feature to open; by default the one selected, or the first of the list.
        state
            Where another browser left off: its ``state``.
        """
        from saescope.panels.browser import Browser

        return Browser(self, feature, state=state)

    def show(self, panel: str, feature: int | None = None, **options: Any) -> "Panel":
        """One panel alone.

        Parameters
        ----------
        panel
            Its name; ``saescope.panels.REGISTRY.names()`` lists them, those of plug-ins too.
        feature
            Feature to open; by default the one selected.
        **options
            What the panel takes beside these, such as ``state``.

        Raises
        ------
        UnknownNameError, UnknownFeatureError
            There is no such panel or feature.
        """
        from saescope.panels import REGISTRY

        return REGISTRY.get(panel)(self, feature, **options)
