"""Credit by how strongly a feature fires."""

from collections.abc import Iterator

from saescope.effects.attribution.about import About, told
from saescope.effects.attribution.question import Part, Question


@told(
    About(
        title="activation",
        meaning="How strongly it fires, whatever that does: of a feature or a token the largest, by size.",
        baseline="none",
        unit="activation",
        costs="none",
    )
)
def activation(question: Question) -> Iterator[Part]:
    """Activations."""
    units = question.units
    yield question.whole(units.values[units.peaks])
