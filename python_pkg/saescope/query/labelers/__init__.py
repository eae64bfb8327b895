"""Labels of features from what they fire on, by a named labeler.

A labeler is a function ``(features, check) -> labels``: see `Labeler`. Those of other packages
come by the entry points ``saescope.labelers``.
"""

from saescope.query.labelers.labeler import Evidence, Label, Labeler, Passage, meaning_of
from saescope.registries import Registry

__all__ = ["REGISTRY", "Evidence", "Label", "Labeler", "Passage", "meaning_of"]

REGISTRY = Registry("labelers", {"context": "saescope.query.labelers.context:context"})
