"""Attribution methods: how much of a prediction each feature that fires gets credit for.

A method is a function ``(Question) -> Iterator[Part]``, decorated with `told`; see `question` and `About`.

Sign: positive means that the feature, as it fires, raises the target. So an exact attribution is minus the
change under zero ablation.
"""

from saescope.registries import Registry

__all__ = ["REGISTRY"]

REGISTRY = Registry(
    "attributions",
    {
        name: f"saescope.effects.attribution.{name}:{name}"
        for name in ("activation", "direct", "gradient", "integrated", "exact")
    },
)
