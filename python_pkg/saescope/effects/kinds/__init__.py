"""Kinds of ablation: what a feature's activation is set to.

A kind is a function ``(Subject, **options) -> NDArray``, decorated with `told`: see `Subject` and `About`.
"""

from saescope.effects.kinds.kind import About, Option, Subject, about, choose, told
from saescope.registries import Registry

__all__ = ["REGISTRY", "About", "Option", "Subject", "about", "choose", "told"]

REGISTRY = Registry(
    "ablations",
    {
        "clamp": "saescope.effects.kinds.clamp:clamp",
        "mean": "saescope.effects.kinds.mean:mean",
        "resample": "saescope.effects.kinds.resample:resample",
        "scale": "saescope.effects.kinds.scale:scale",
        "zero": "saescope.effects.kinds.zero:zero",
    },
)
