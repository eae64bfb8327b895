"""Labels that a labeler makes."""

from dataclasses import dataclass

from saescope.rpc.messages.importing import LayerList
from saescope.rpc.messages.scopes import ScopeParams
from saescope.rpc.messages.sharing import Progressing, WhichFeatures


@dataclass(frozen=True, kw_only=True)
class LabelerInfo:
    """A labeler; ``problem`` says why it cannot be used, if so."""

    name: str
    meaning: str
    package: str
    problem: str


@dataclass(frozen=True, kw_only=True)
class LabelerList:
    """Answer of ``labels.labelers``."""

    labelers: list[LabelerInfo]


@dataclass(frozen=True, kw_only=True)
class LabelsParams:
    """A labeler, and the features to label."""

    scope: str
    labeler: str
    which: WhichFeatures


@dataclass(frozen=True, kw_only=True)
class MadeLabel:
    """A label with why, and how sure: 0 to 1."""

    feature: int
    label: str
    reason: str
    score: float | None


@dataclass(frozen=True, kw_only=True)
class LabelsMade:
    """Answer of ``labels.make``: the surest labels, how many there are in all, and the layers there are now."""

    layer: str
    n_asked: int
    n_labeled: int
    n_own: int
    rows: list[MadeLabel]
    list: LayerList


METHODS: dict[str, tuple[type, type, type | None]] = {
    "labels.labelers": (ScopeParams, LabelerList, None),
    "labels.make": (LabelsParams, LabelsMade, Progressing),
}
